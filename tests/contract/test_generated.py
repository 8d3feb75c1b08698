"""Generated pages are what their sources say, and the generator does what its pages promise."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tools.generate import markdown, roles
from tools.generate.__main__ import ROOT, generate
from tools.generate.chart import entries

VALUES = """\
# Where the
# controller runs.
controller:
  # Its namespace.
  namespace: jenkins
# Teams.
tenants: []
"""


def test_no_generated_page_is_stale() -> None:
    assert [str(path.relative_to(ROOT)) for path in generate(check=True)] == [], "run: make generate"


def test_prose_outside_the_markers_stays() -> None:
    page = f"# Title\n\nprose\n\n{markdown.BEGIN}\nold\n{markdown.END}\n\nmore\n"
    made = markdown.replace_generated(page, "new")
    assert made == f"# Title\n\nprose\n\n{markdown.BEGIN}\n\nnew\n\n{markdown.END}\n\nmore\n"
    assert markdown.replace_generated(made, "new") == made


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly one line"):
        markdown.replace_generated("# Title\n", "new")


def test_a_cell_stays_one_cell() -> None:
    assert markdown.cell("a |\n b") == "a \\| b"


def test_values_are_listed_with_the_comment_above_them() -> None:
    root = yaml.compose(VALUES, Loader=yaml.SafeLoader)
    assert root is not None
    assert list(entries(root, VALUES.splitlines())) == [
        ("`controller`", "", "Where the controller runs."),
        ("`controller.namespace`", "`jenkins`", "Its namespace."),
        ("`tenants`", "`[]`", "Teams."),
    ]


def test_options_inside_options_are_listed(tmp_path: Path) -> None:
    options = {
        "x_list": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "description": ["One.", "Two."],
            "options": {"name": {"type": "str", "description": "A name."}},
        }
    }
    assert list(roles.rows(options, {})) == [
        ("`x_list`", "list of dict", "required", "One. Two."),
        ("`x_list[].name`", "str", "", "A name."),
    ]
