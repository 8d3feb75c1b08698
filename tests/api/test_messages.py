"""What the author of a Jenkinsfile reads, word for word, in a namespace where Pod Security does not answer first."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import rules

from testbed.apiserver import ApiServer
from tests.api import messages
from tests.api.api import Api

# One broken rule: its id, who broke it, the field, the value, and what may stand there.
SENTENCE = re.compile(r'\[[a-z-]+\] ((container|volume) [a-z0-9-]+, )?field [^"]+: ".*" is not allowed; allowed: .+')


@pytest.fixture(scope="module")
def written() -> Any:
    """The file: what the messages are meant to be."""
    return yaml.safe_load(messages.FILE.read_text(encoding="utf-8"))


def test_every_message_about_pods_word_for_word(admin: Api, shop: str, written: Any) -> None:
    assert messages.of_pods(admin, shop) == written["pods"]


def test_every_message_of_the_guards_word_for_word(api_server: ApiServer, admin: Api, shop: str, written: Any) -> None:
    assert messages.of_guards(api_server, admin) == written["guards"]


def test_each_message_says_what_is_wrong_and_what_to_write(written: Any) -> None:
    """The same form for all, so that a script can read them too; and no rule without one."""
    texts = {name: text for name, text in written["pods"].items() if name != "many rules at once"}
    assert [text for text in texts.values() if not SENTENCE.fullmatch(text) or "; [" in text] == []
    told = {re.sub(r" \d+$", "", name) for name in texts}
    assert told == {rule.key for rule in rules.load() if rule.scope}


def test_all_that_is_broken_is_said_at_once(written: Any) -> None:
    """Every sentence stands for itself, of every scope, in one line of at most 5 KiB."""
    text = written["pods"]["many rules at once"]
    sentences = re.split(r"; (?=\[)", text)
    assert all(SENTENCE.fullmatch(sentence) for sentence in sentences), sentences
    told = {sentence.partition("]")[0][1:] for sentence in sentences}
    assert told == {
        *("annotations", "container", "image-reference", "images", "placement", "pod", "restricted"),
        *("service-account", "tenant-label", "volumes"),
    }
    assert len(text.encode()) < 5 * 1024 and "\n" not in text
