"""The table of what builders cannot do, and the Jenkinsfiles that hold it to be true."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testbed.controller.declarative import read_jenkinsfile
from testbed.controller.syntax import Call
from testbed.controller.texts import plain
from tests.cluster.builders import jenkinsfile, limits, workspace
from tests.cluster.builders.cases import BY_NAME, CASES, Case
from tests.cluster.builders.limits import BUILDERS

HELLO = Case("hello")


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_case_is_a_stage_in_the_builders_container(builder: str) -> None:
    first, *stages = read_jenkinsfile(jenkinsfile.jenkinsfile("works", builder)).stages
    assert isinstance(first.steps[0], Call)
    assert first.steps[0].name == "sh"
    suited = [case for case in CASES if case.suits(builder)]
    assert [stage.name for stage in stages] == [case.name for case in suited]
    for case, stage in zip(suited, stages, strict=True):
        (container,) = stage.steps
        assert isinstance(container, Call)
        assert (container.name, plain(container.args[0])) == ("container", builder)
        (step,) = container.body or ()
        assert isinstance(step, Call)
        assert step.name == "sh"
        # What the shell gets is what was meant: nothing is lost in Groovy's string.
        assert plain(step.args[0]) == jenkinsfile.script(case, builder)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("echo it is 100% broken >&2; false", 0),
        ("echo something else; false", 1),
        ("echo it is 100% broken", 1),
    ],
)
def test_a_limit_holds_only_if_the_build_fails_with_its_words(
    command: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jenkinsfile, "COMMANDS", {"kaniko": lambda case: f"true {case.name}\n{{ {command}; }}"})
    script = jenkinsfile.failing(HELLO, "kaniko", "100% broken", fixed=True)
    assert subprocess.run(["/bin/sh", "-ec", script], cwd=tmp_path, check=False).returncode == code


def test_a_case_that_fails_where_it_should_not_ends_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jenkinsfile, "COMMANDS", {"buildkit": lambda case: "false"})
    script = jenkinsfile.script(HELLO, "buildkit")
    assert subprocess.run(["/bin/sh", "-ec", script], cwd=tmp_path, check=False).returncode == 1


def test_every_row_is_of_a_case_that_its_builder_has() -> None:
    for row in limits.load():
        for name in filter(None, (*row.cases, row.by)):
            assert BY_NAME[name].suits(row.builder), row
        # An alternative that no limit proposes would be a build for nothing.
    proposed = {(row.builder, row.by) for row in limits.load()}
    assert all((builder, case.name) in proposed for case in CASES for builder in case.only)


def test_a_wrong_table_is_refused_with_all_that_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("- {builder: docker, cannot: fly, instead: walk, by: none}\n")
    monkeypatch.setattr(limits, "FILE", file)
    limits.load.cache_clear()
    try:
        with pytest.raises(ValueError, match="docker cannot fly") as error:
            limits.load()
    finally:
        limits.load.cache_clear()
    assert [line.partition("fly: ")[2] for line in str(error.value).splitlines()] == [
        "builder is none of kaniko, buildkit, buildah, img",
        "there is no case none",
        "write fails or differs, with a case that shows it",
    ]


def test_a_workspace_holds_the_context_of_every_case(tmp_path: Path) -> None:
    workspace.assemble(tmp_path, "img", "s3cret")
    for case in CASES:
        assert (tmp_path / case.folder / case.dockerfile).is_file(), case
    assert (tmp_path / "secret/token").read_text() == "s3cret\n"
    assert (tmp_path / "everything/words/two").stat().st_mode & 0o111 == 0o111
