"""Names that the Kubernetes plugin makes."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import agent_name, sanitize_label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("a", "a"),
        ("-a b-", "xa_bx"),
        ("http://jenkins:8080/", "http___jenkins_8080x"),
        ("a" * 60 + "b", "a" * 56 + "b"),
    ],
)
def test_labels_are_made_of_any_text(text: str, label: str) -> None:
    assert sanitize_label(text) == label


def test_names_of_agents_fit() -> None:
    assert agent_name("Shop_hello 3-x", "ab1cd") == "shop-hello-3-x-ab1cd"
    assert len(agent_name("a" * 80, "ab1cd")) == 63
