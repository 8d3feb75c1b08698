"""Steps in containers: log and result are files that the container's user writes and the agent reads; artifacts."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import urllib3

from testbed.agent import protocol, work
from testbed.controller.artifacts import LARGEST
from testbed.controller.execution import enter, exports, recorded
from testbed.controller.kube import ApiError
from testbed.controller.server import HEADER_TOKEN
from tests.unit.controller_world import TOKEN, FakeCluster, World, world

Sink = Callable[[bytes], None]
JENKINSFILE = """pipeline {{ agent {{ label 'shop-kaniko' }}
stages {{ stage('s') {{ steps {{
{0}
}} }} }} }}"""
STEP = JENKINSFILE.format("container('kaniko') { sh 'echo done' }")


def test_entering_a_container_quotes_everything(tmp_path: Path) -> None:
    """Values are passed to the shell as they are, by a file: an exec's command is in the API server's audit log."""
    folder, variables = tmp_path / "w x", tmp_path / "it's"
    folder.mkdir()
    variables.write_text(exports({"A": "it's $HOME\nand more", "B": ""}))
    command = enter(str(folder), str(variables), 'echo "$A|$B|$PWD"')
    assert "and more" not in command
    said = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True, text=True).stdout
    assert said == f"it's $HOME\nand more||{folder}\n"


def test_a_recorded_command_leaves_its_log_and_its_result(tmp_path: Path) -> None:
    command = recorded(["sh", "-c", "echo 'a b'; echo wrong >&2; exit 7"], str(tmp_path))
    assert subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True).stdout == b""
    end = time.monotonic() + 10
    while not (tmp_path / protocol.RESULT).exists():  # the shell has ended, its command runs on
        assert time.monotonic() < end
    assert (tmp_path / protocol.LOG).read_text() == "a b\nwrong\n"
    assert (tmp_path / protocol.RESULT).read_text() == "7\n"


def test_a_step_is_followed_while_it_runs(tmp_path: Path) -> None:
    """Its log comes before its end; its folder is gone afterwards."""
    step = tmp_path / "durable-1"
    step.mkdir()
    sent: list[bytes] = []

    async def send(data: bytes) -> None:
        sent.append(data)
        if data == b"one\n":
            (step / protocol.LOG).write_bytes(b"one\ntwo\n")
            (step / protocol.RESULT).write_text("3\n")

    async def follow() -> int:
        (step / protocol.LOG).write_bytes(b"one\n")
        return await asyncio.wait_for(work.follow(step, send, asyncio.Future()), 10)

    assert asyncio.run(follow()) == 3
    assert sent == [b"one\n", b"two\n"]
    assert not step.exists()


@pytest.mark.parametrize(
    ("fail", "words"),
    [
        (ApiError("GET", "https://a/exec", 403, "pods is forbidden", "Forbidden"), "Message: pods is forbidden."),
        (RuntimeError("no sh in $PATH"), "container kaniko of pod {pod}: no sh in $PATH"),
        (None, "container kaniko of pod {pod}: process apparently never started in workspace/shop/hello@tmp/durable-"),
    ],
)
def test_a_step_that_leaves_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail: Exception | None, words: str
) -> None:
    """Fails the build with the API server's words, or those of the shell in the container."""

    def run(self: FakeCluster, ns: str, pod: str, where: str, argv: Sequence[str], sink: Sink, stop: object) -> int:
        if fail:
            raise fail
        sink(b"sh: can't create jenkins-log.txt: Permission denied\n")
        return 1

    monkeypatch.setattr(FakeCluster, "run", run)
    with world(tmp_path) as here:
        log = here.build(STEP)
        (pod,) = here.cluster.deleted
    assert words.format(pod=pod) in log.rpartition("ERROR: ")[2]
    assert ("(exit code 1): sh: can't create jenkins-log.txt: Permission denied\n" in log) == (fail is None)
    assert log.endswith("Finished: FAILURE\n")


def test_a_connection_that_breaks_after_the_step_began_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts are the files."""
    original = FakeCluster.run

    def run(self: FakeCluster, ns: str, pod: str, where: str, argv: Sequence[str], sink: Sink, stop: object) -> int:
        original(self, ns, pod, where, argv, sink, lambda: False)
        raise RuntimeError("the connection to the container ended before the command did")

    monkeypatch.setattr(FakeCluster, "run", run)
    with world(tmp_path) as here:
        log = here.build(STEP)
    assert "\ndone\n" in log
    assert log.endswith("Finished: SUCCESS\n"), log


def test_a_log_that_the_agent_cannot_read_fails_the_step(tmp_path: Path) -> None:
    steps = JENKINSFILE.format(
        "container('kaniko') { sh 'cd ../*@tmp/durable-*; rm jenkins-log.txt; mkdir j*-log.txt; true' }"
    )
    broken = steps.replace("j*-log.txt", protocol.LOG)
    with world(tmp_path) as here:
        log = here.build(broken)
    assert "follow: [Errno 21] Is a directory" in log
    assert log.endswith("Finished: FAILURE\n")


def get(here: World, path: str, token: str = TOKEN) -> tuple[int, bytes]:
    """What the controller has archived."""
    answer = urllib3.request("GET", f"{here.url}/job/shop/hello/1/artifact/{path}", headers={HEADER_TOKEN: token})
    return answer.status, answer.data


def test_what_a_build_archives_can_be_had(tmp_path: Path) -> None:
    steps = "sh 'mkdir out; echo one >out/image.txt; echo two >other'\narchiveArtifacts artifacts: 'out/*.txt, no'"
    with world(tmp_path) as here:
        log = here.build(JENKINSFILE.format(steps))
        assert log.endswith("Finished: SUCCESS\n"), log
        assert get(here, "out/image.txt") == (200, b"one\n")
        assert get(here, "other")[0] == 404
        assert get(here, "out/image.txt", token="wrong")[0] == 403  # noqa: S106


def test_too_much_is_not_archived(tmp_path: Path) -> None:
    steps = f"sh 'head -c {LARGEST + 1} /dev/zero >big'\narchiveArtifacts 'big'"
    with world(tmp_path) as here:
        log = here.build(JENKINSFILE.format(steps))
    assert "ERROR: big: the stand-in controller keeps 1048576 bytes of a build, and no more\n" in log
