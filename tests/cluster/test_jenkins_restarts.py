"""Builds outlive the API server's end; the agents of a controller that ends are taken away by the next one.

Both are killed as in a crash, one after the other, while builds run. Nothing else of the cluster's tests runs then.
"""

from __future__ import annotations

import pytest

from testbed import builds
from testbed.attacks.api import Api
from testbed.attacks.waiting import wait
from tests.cluster import crash, jenkins

# Tells of the API server's end and return as whoever is inside the agent's pod sees it.
WITNESS = """python3 - <<'EOF'
import socket, time
def serves():
    try:
        socket.create_connection(("kubernetes.default.svc", 443), 1).close()
    except OSError:
        return False
    return True
print("witness", 6 * 7, flush=True)
while serves(): time.sleep(0.1)
print("it is", "gone", flush=True)
while not serves(): time.sleep(0.1)
print("it is", "back", flush=True)
EOF
"""
SEEN = ["witness 42", "it is gone", "it is back"]
STEP = f"sh '''{WITNESS}'''"

QUEUED = 12  # more than the quota of blog lets run
WAITS = "sh 'echo up $((6 * 7)); until [ -e /tmp/never ]; do sleep 0.2; done'"
# What an API server answers before its admission is ready: a 403, which the plugin takes at its word.
NOT_READY = "is forbidden: not yet ready to handle request"
REFRESHED = "kubernetes.jenkins.io/last-refresh"
LONG_AGO = "1000"  # in milliseconds since 1970


@pytest.fixture(scope="module")
def survivors(admin: Api) -> dict[str, builds.BuildResult]:
    """What became of builds that ran, came up or waited when the API server was killed."""
    tool = jenkins.container("tool")
    running = {
        "in the agent": ("shop/in-agent", jenkins.pipeline(jenkins.agent("shop"), STEP)),
        "in a container": (
            "shop/in-container",
            jenkins.pipeline(jenkins.agent("shop", tool), f"container('tool') {{ {STEP} }}"),
        ),
    }
    started = {name: jenkins.begun(job, text, SEEN[0]) for name, (job, text) in running.items()}
    short = jenkins.pipeline(jenkins.agent("blog"), "sh 'echo up $((6 * 7)); sleep 2'")
    started |= {f"queued {number}": jenkins.start(f"blog/queued-{number}", short) for number in range(QUEUED)}
    crash.restart_api_server(admin)
    return {name: each.wait() for name, each in started.items()}


@pytest.fixture(scope="module")
def inherited(admin: Api, survivors: dict[str, builds.BuildResult]) -> dict[str, builds.BuildResult]:
    """What became of a build that ran and of others that waited when the controller was killed."""
    started = {"ran": jenkins.begun("shop/ran", jenkins.pipeline(jenkins.agent("shop"), WAITS), "up 42")}
    short = jenkins.pipeline(jenkins.agent("blog"), "sh 'echo up $((6 * 7)); sleep 2'")
    started |= {f"queued {number}": jenkins.start(f"blog/inherited-{number}", short) for number in range(QUEUED)}
    crash.kill(*crash.CONTROLLER)
    return {name: each.wait() for name, each in started.items()}


@pytest.fixture(scope="module")
def left_behind(admin: Api, inherited: dict[str, builds.BuildResult]) -> str:
    """The path of a pod that is still there when the next controller serves, which knows nothing of it."""
    text = jenkins.pipeline(jenkins.agent("shop", jenkins.container("tool")), f"container('tool') {{ {WAITS} }}")
    path = jenkins.begun("shop/left-behind", text, "up 42").pod()
    crash.forgetful_controller(admin)
    wait(jenkins.serves, crash.BACK_SECONDS, "the controller to be back")
    return path


@pytest.mark.parametrize("where", ["in the agent", "in a container"])
def test_a_step_goes_on_while_the_api_server_is_away(where: str, survivors: dict[str, builds.BuildResult]) -> None:
    result = survivors[where]
    assert result.ok, result.log
    assert [line for line in result.log.splitlines() if line in SEEN] == SEEN


def test_no_build_is_lost_that_waited_or_came_up_then(survivors: dict[str, builds.BuildResult]) -> None:
    """One that asks in the second in which the new server refuses all pods is ended, as the plugin ends it."""
    queued = [result for name, result in survivors.items() if name.startswith("queued")]
    lost = [result.log for result in queued if not result.ok and NOT_READY not in result.log]
    assert not lost, "\n".join(lost)
    assert len(queued) == QUEUED
    assert any(result.ok for result in queued)


@pytest.mark.parametrize("namespace", ["ci-shop", "ci-blog"])
def test_the_api_server_s_end_leaves_no_agent(
    namespace: str, survivors: dict[str, builds.BuildResult], admin: Api
) -> None:
    jenkins.all_gone(admin, namespace)


def test_a_build_ends_whose_controller_was_killed(inherited: dict[str, builds.BuildResult]) -> None:
    assert inherited["ran"].result == "ABORTED"
    assert "up 42" in inherited["ran"].log
    assert "The controller ended while this build was running" in inherited["ran"].log


def test_no_build_of_a_killed_controller_is_forgotten(inherited: dict[str, builds.BuildResult]) -> None:
    """Also those that waited for an agent have an end, and the next controller goes on with others."""
    queued = [result for name, result in inherited.items() if name.startswith("queued")]
    ended = [result for result in queued if result.ok or "The controller ended while" in result.log]
    assert len(ended) == QUEUED, "\n".join(result.log for result in queued if result not in ended)
    after = jenkins.run("blog/after", jenkins.pipeline(jenkins.agent("blog"), "sh 'echo up $((6 * 7))'"))
    assert after.ok, after.log


@pytest.mark.parametrize("namespace", ["ci-shop", "ci-blog"])
def test_the_next_controller_takes_the_agents_away(
    namespace: str, inherited: dict[str, builds.BuildResult], admin: Api
) -> None:
    jenkins.all_gone(admin, namespace)


def test_agents_that_nobody_knows_are_left_for_garbage_collection(admin: Api, left_behind: str) -> None:
    """Both agents have given no sign of life for long. That of a build that runs does so before it is collected."""
    running = jenkins.begun("shop/alive", jenkins.pipeline(jenkins.agent("shop"), WAITS), "up 42")
    alive = running.pod()
    assert admin.ask("GET", left_behind).ok  # not taken away by the restart itself
    for path in (alive, left_behind):
        admin.must("PATCH", path, {"metadata": {"annotations": {REFRESHED: LONG_AGO}}})
    wait(lambda: admin.call("GET", left_behind)[0] == 404, crash.BACK_SECONDS, f"{left_behind} to be collected")
    refreshed = admin.must("GET", alive)["metadata"]
    assert "deletionTimestamp" not in refreshed
    assert int(refreshed["annotations"][REFRESHED]) > int(LONG_AGO)
    running.stop()
    assert running.wait().result == "ABORTED"
    jenkins.all_gone(admin, "ci-shop")
