"""Waiting for an API server that went away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import client_waiting
from ansible_collections.buildkeep.ci.plugins.module_utils.canaries import Canary, Case
from ansible_collections.buildkeep.ci.plugins.module_utils.client import Client
from ansible_collections.buildkeep.ci.plugins.module_utils.client_answers import Answer
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError, Lost, Unreachable
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.client_waiting import patiently
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

REFUSAL = (
    "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'buildkeep-pods' with binding 'b' denied request: [pod] no"
)
CASES = [Case(name, "n", {"spec": {}}, "refused", "buildkeep-pods", "pod") for name in "ab"]


class Server:
    """Gives its replies one after the other: an error is raised."""

    def __init__(self, *replies: Exception | None) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []

    def request(self, method: str, path: str, *_: Any, **__: Any) -> Answer:
        if path == "/api/v1":
            kind = {"kind": "Pod", "name": "pods", "namespaced": True, "verbs": []}
            return Answer(200, {"resources": [kind]})
        self.asked.append(f"{method} {path}")
        if (reply := self.replies.pop(0) if self.replies else None) is not None:
            raise reply
        return Answer(200, {})


def cluster(server: Server) -> Cluster:
    return Cluster(cast("Client", server))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_waiting, "PAUSE_SECONDS", 0.0)


def gives(*results: Exception | str) -> Callable[[], str]:
    left = list(results)

    def work() -> str:
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    return work


def test_work_is_done_anew_once_the_server_knows_our_rights_again() -> None:
    server = Server(Lost(["away"]), ApiError("list", 403, {}), None, None)
    work = gives(Lost(["away"]), Lost(["away"]), "done")
    assert patiently(cluster(server), work, time.monotonic() + 60) == "done"
    assert server.asked == ["GET /api/v1/namespaces"] * 4


def test_one_that_stays_away_is_an_error() -> None:
    with pytest.raises(Lost):
        patiently(cluster(Server(Lost(["away"]))), gives(Lost(["away"])), time.monotonic())


@pytest.mark.parametrize("error", [ApiError("ask", 500, {}), Unreachable(["a wrong certificate"])])
def test_what_waiting_does_not_mend_is_not_waited_for(error: BuildkeepError) -> None:
    server = Server()
    with pytest.raises(type(error)):
        patiently(cluster(server), gives(error), time.monotonic() + 60)
    assert server.asked == []


def test_a_lost_server_is_told_from_other_problems_of_many_requests() -> None:
    errors = [Lost(["away"]), ApiError("ask", 500, {})]
    for lost, kind in ((errors, Lost), (errors[1:], BuildkeepError)):
        with pytest.raises(kind) as caught:
            parallel(lambda work: work(), [gives(error) for error in lost])
        assert isinstance(caught.value, Lost) is (kind is Lost)


def test_a_canary_whose_server_went_away_has_not_passed_yet() -> None:
    refused = ApiError("canary", 403, {"message": REFUSAL})
    server = Server(Lost(["away"]), Lost(["away"]), None, refused, refused)
    assert Canary(cluster(server), "", ()).run(CASES, 60, check=False) == ([], [])
    with pytest.raises(Lost):
        Canary(cluster(Server(*[Lost(["away"])] * 9)), "", ()).run(CASES, 0, check=False)
