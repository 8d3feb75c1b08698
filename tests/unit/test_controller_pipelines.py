"""Whole builds with real agents as processes: what steps do to files, to processes, and from several threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from testbed.controller.connections import Connection
from tests.unit.controller_world import FakeCluster, world

CREDENTIALS = {"shop/token/text": "s3cret-token", "shop/key/filename": "id.pem", "shop/key/data": "private\n"}


def declarative(stages: str) -> str:
    """A pipeline of these stages on one agent."""
    return f"pipeline {{ agent {{ label 'shop-kaniko' }}\nstages {{\n{stages}\n}} }}"


def steps(text: str) -> str:
    """A pipeline of one stage."""
    return declarative(f"stage('s') {{ steps {{\n{text}\n}} }}")


def test_files_folders_output_and_stash_on_a_real_agent(tmp_path: Path) -> None:
    """From the agent and from another container of its pod; a file keeps what is in it, with all its bytes."""
    text = """
        dir('a b') {
            writeFile file: 'x/one.txt', text: "it's \\$HOME\\n"
            container('kaniko') { sh 'pwd; cat x/one.txt >two.log; chmod 750 two.log' }
        }
        stash name: 'all', includes: '**/*.txt, **/*.log', excludes: '**/none'
        dir('a b') { deleteDir() }
        script {
            echo "there: ${fileExists('a b')}"
            dir('back') { unstash 'all' }
            def out = sh(script: 'echo seen; printf "%s" "$PWD"; echo logged >&2', returnStdout: true)
            def code = 0
            container('kaniko') {
                out += sh(script: 'cat "back/a b/two.log"; stat -c %a back/a*/two.log', returnStdout: true)
                code = sh(script: 'exit 42', returnStatus: true)
            }
            echo "<${out}> ${code} ${readFile('back/a b/x/one.txt').trim()}"
        }
        archiveArtifacts artifacts: 'back/**/*.log', excludes: 'back/none'
    """
    with world(tmp_path) as here:
        log = here.build(steps(text))
    assert log.endswith("Finished: SUCCESS\n"), log
    workspace = f"{tmp_path}/workspace/shop/hello"
    assert f"+ pwd\n{workspace}/a b\n" in log
    assert "there: false\n" in log
    assert f"<seen\n{workspace}it's $HOME\n750\n> 42 it's $HOME\n" in log
    assert "\nlogged\n" in log
    assert "\nseen\n" not in log.partition("<seen")[0]
    assert not list((tmp_path / "workspace/shop/hello@tmp").glob("*.out"))


def test_parallel_branches_share_an_agent_or_have_their_own(tmp_path: Path) -> None:
    """Two at a time wait for each other, on agents of their own and in containers of one agent; no line is lost."""
    begin = "sh 'touch ../{0}; for i in 1 2 3; do echo {0}-$i; done; "
    meet = begin + "until [ -e ../{1} ]; do sleep 0.05; done; sleep 1; echo {0}-4'"
    own = [f"{a}: {{ node('shop-kaniko') {{ {meet.format(a, b)} }} }}" for a, b in (("p", "q"), ("q", "p"))]
    shared = [f"{a}: {{ container('kaniko') {{ {meet.format(a, b)} }} }}" for a, b in (("r", "s"), ("s", "r"))]
    text = f"parallel {', '.join(own)}\nnode('shop-kaniko') {{ parallel {', '.join(shared)}, t: {{ sh 'echo t-4' }} }}"
    with world(tmp_path) as here:
        log = here.build(text)
        created = [pod["metadata"]["name"] for pod in here.cluster.created]
        assert sorted(here.cluster.deleted) == sorted(created)
    assert log.endswith("Finished: SUCCESS\n"), log
    assert len(created) == 3
    lines = log.splitlines()
    for branch in "pqrs":
        assert [line for line in lines if line.startswith(f"{branch}-")] == [f"{branch}-{i}" for i in (1, 2, 3, 4)]
    assert lines.count("t-4") == 1


@pytest.mark.parametrize("where", ["", "container('kaniko') "])
def test_a_step_whose_time_is_over_is_killed(tmp_path: Path, where: str) -> None:
    """With all that it started; the agent goes on with what comes next."""
    slow = "sh 'echo $$ >pid; sleep 1000 & wait'"
    inside = f"{where}{{ {slow} }}" if where else slow
    text = f"""catchError(buildResult: 'UNSTABLE') {{ timeout(time: 2) {{ {inside} }} }}
        sh 'cat pid'"""
    with world(tmp_path) as here:
        log = here.build(steps(text.replace("time: 2", "time: 1500, unit: 'MILLISECONDS'")))
    pid = int((tmp_path / "workspace/shop/hello/pid").read_text())
    assert f"\n{pid}\n" in log
    assert log.endswith("Finished: ABORTED\n"), log
    end = time.monotonic() + 10
    while (Path("/proc") / str(pid)).exists():
        assert time.monotonic() < end, "the step still runs"


def test_credentials_from_the_controllers_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value reaches the step and not the log, where the shell shows it either; a secret file goes with its block."""
    text = """withCredentials([string(credentialsId: 'token', variable: 'T'),
                               file(credentialsId: 'key', variable: 'F')]) {
            sh 'echo "has $T"; cp "$F" kept; echo "$F" >where; test "$T" = s3cret-token'
            container('kaniko') { sh 'echo "${T#s3}" ${T}' }
        }
        sh 'cat kept; test ! -e "$(cat where)"; echo "after: $T."'
    """
    for path, value in CREDENTIALS.items():
        (tmp_path / "credentials" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "credentials" / path).write_text(value)
    commands: list[Sequence[str]] = []
    original = FakeCluster.run

    def run(self: FakeCluster, ns: str, pod: str, where: str, argv: Sequence[str], *more: Any) -> int:
        commands.append(argv)
        return original(self, ns, pod, where, argv, *more)

    monkeypatch.setattr(FakeCluster, "run", run)
    with world(tmp_path / "agent") as here:
        here.server.controller.credentials = tmp_path / "credentials"
        log = here.build(steps(text))
    assert log.endswith("Finished: SUCCESS\n"), log
    assert "\nhas ****\n" in log
    assert "s3cret-token" not in log
    assert not [argv for argv in commands if "s3cret-token" in str(argv)]  # nor is it in an exec's URL
    assert len(commands) == 1
    assert "\nafter: .\n" in log


def test_what_the_result_was_before(tmp_path: Path) -> None:
    """Post knows the job's last build."""
    post = "post { fixed { echo 'now fixed' }\nregression { echo 'now worse' } }"
    text = "pipeline { agent none\nstages { stage('s') { steps { %s } } }\n%s }"
    with world(tmp_path) as here:
        logs = [here.build(text % (step, post)) for step in ("echo '1'", "error 'x'", "echo '2'")]
        assert "now fixed" not in here.build(text % ("echo '3'", post), job="shop/other")
    assert [("now worse" in log, "now fixed" in log) for log in logs] == [(False, False), (True, False), (False, True)]


def test_a_step_that_ends_as_it_is_left_has_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another branch wants the agent, the agent's last answer may be the step's end, not that it is left."""
    original = Connection.follow

    def follow(self: Connection, path: str, sink: Callable[[bytes], None], interrupted: Callable[[], bool]) -> int:
        raise InterruptedError(original(self, path, sink, interrupted))

    monkeypatch.setattr(Connection, "follow", follow)
    with world(tmp_path) as here:
        log = here.build(steps("container('kaniko') { sh 'exit 5' }"))
    assert log.endswith("ERROR: script returned exit code 5\nFinished: FAILURE\n"), log


def test_pod_templates_give_pods(tmp_path: Path) -> None:
    """The step's description, worked out by the plugin's rules, is the pod that is created; the inner one inherits."""
    text = """podTemplate(containers: [
            containerTemplate(name: 'jnlp', image: 'agent', workingDir: '%s', resourceLimitCpu: '1',
                              ports: [portMapping(name: 'web', containerPort: 80)]),
            containerTemplate(name: 'tool', image: 'tool:1', workingDir: '%s',
                              envVars: [envVar(key: 'K', value: 'v')])],
            volumes: [emptyDirVolume(mountPath: '/cache', memory: true)]) {
        podTemplate(yaml: 'spec: {automountServiceAccountToken: false}', nodeSelector: 'a=b') {
            node(POD_LABEL) {
                sh 'test -z "$(ls -A)"'  // nothing is checked out
                container('tool') { sh 'echo "in $WHERE"' }
            }
        }
    }"""
    with world(tmp_path) as here:
        log = here.build(text % (tmp_path, tmp_path))
    assert log.endswith("Finished: SUCCESS\n"), log
    (pod,) = here.cluster.created
    tool = next(each for each in pod["spec"]["containers"] if each["name"] == "tool")
    assert tool["image"] == "tool:1"
    assert {"name": "K", "value": "v"} in tool["env"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["nodeSelector"]["a"] == "b"
    assert {"medium": "Memory"} in [each.get("emptyDir") for each in pod["spec"]["volumes"]]
    assert "runUrl" in pod["metadata"]["annotations"]
    assert "\nin tool\n" in log
    assert here.cluster.deleted == [pod["metadata"]["name"]]
