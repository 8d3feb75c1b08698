"""Whole builds against a cluster that only remembers pods, with real agents on loopback."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from testbed.controller import creation
from testbed.controller.kube import ApiError
from tests.unit.controller_world import jcasc, world

LABEL = "agent { label 'shop-kaniko' }"


def jenkinsfile(steps: str, agent: str = LABEL, post: str = "") -> str:
    """A Jenkinsfile of one stage."""
    return f"pipeline {{ {agent}\nstages {{ stage('s') {{ steps {{\n{steps}\n}} }} }}\n{post} }}"


def test_a_build_on_a_real_agent(tmp_path: Path) -> None:
    """The workspace arrives, steps run where they should, the secret stays hidden, pod and agent are gone after it."""
    steps = """
        sh 'cat greeting; env | sort; pwd; echo "$JENKINS_SECRET."; cat /proc/$PPID/environ | tr "\\\\0" "\\\\n"'
        container('kaniko') { sh 'echo "in $WHERE on $NODE_NAME"; pwd; cat greeting >copy; echo oops >&2' }
        sh '#!/bin/cat\\nas it is'
        sh 'cat copy'
    """
    with world(tmp_path) as here:
        log = here.build(jenkinsfile(steps), files={"greeting": "hello there\n"})
    assert log.endswith("Finished: SUCCESS\n"), log
    (pod,) = here.cluster.created
    name = pod["metadata"]["name"]
    workspace = f"{tmp_path}/workspace/shop/hello"
    assert f"Created Pod: shop ci-shop/{name}\n" in log
    assert "+ cat greeting\nhello there\n" in log
    assert f"\n{workspace}\n" in log
    assert "JOB_NAME=shop/hello\n" in log
    assert "\n.\n" in log  # steps of the agent do not have its secret
    assert f"in kaniko on {name}\n" in log
    assert f"+ pwd\n{workspace}\n" in log
    assert "+ echo oops\noops\n" in log
    assert "#!/bin/cat\nas it is" in log
    assert "+ cat copy\nhello there\n" in log
    (secret,) = [each["value"] for container in pod["spec"]["containers"] for each in container.get("env", ())
                 if each["name"] == "JENKINS_SECRET"]  # fmt: skip
    assert len(secret) == 64
    assert secret not in log
    assert "JENKINS_SECRET=****" in log  # the agent's own environment, which a step can read
    assert here.cluster.deleted == [name]
    assert here.cluster.processes[name].returncode == 0


def test_a_build_has_a_number_before_it_has_an_agent(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        log = here.build(jenkinsfile('echo "number ${env.BUILD_NUMBER} of ${env.JOB_NAME}"', agent="agent none"))
    assert "\nnumber 1 of shop/hello\n" in log


def test_the_api_servers_refusal_is_in_the_log(tmp_path: Path) -> None:
    """As the plugin prints it; nothing is left to delete."""
    words = ("pods \"x\" is forbidden: ValidatingAdmissionPolicy 'buildkeep-pods' with binding"
             " 'buildkeep-pods-enforce' denied request: [images] container x")  # fmt: skip
    error = ApiError("POST", "https://10.96.0.1:443/api/v1/namespaces/ci-shop/pods", 403, words, "Forbidden")
    with world(tmp_path, refusals=[error]) as here:
        log = here.build(jenkinsfile("sh 'x'", post="post { always { echo 'told' } }"))
    (name,) = [line.split("/")[-1].rstrip(".") for line in log.splitlines() if "Unable to create pod" in line]
    assert f"ERROR: Unable to create pod shop ci-shop/{name}.\nFailure executing: POST at: https://10.96" in log
    assert f"Message: {words}. Received status: Status(apiVersion=v1, code=403," in log
    assert f"\nERROR: Failed to launch {name}\n" in log
    assert log.endswith("Finished: FAILURE\n")
    assert here.cluster.deleted == []
    assert "\ntold\n" in log  # what of `post` needs no agent


def test_a_used_up_quota_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pod is tried again until it is admitted."""
    monkeypatch.setattr(creation, "QUOTA_PAUSE", 0.01)
    full = ApiError("POST", "u", 403, 'pods "x" is forbidden: exceeded quota: tenant', "Forbidden")
    with world(tmp_path, refusals=[full, full]) as here:
        log = here.build(jenkinsfile("echo 'in'"))
    assert log.count("because kubernetes resource quota exceeded") == 1
    assert log.endswith("Finished: SUCCESS\n")


def test_an_agent_that_never_connects(tmp_path: Path) -> None:
    """A running pod is not enough."""
    with world(tmp_path, seconds=0.1, agents=False) as here:
        log = here.build(jenkinsfile("echo 'x'"))
    assert "Agent is not connected after 0 seconds, status: Running\nFinished: FAILURE\n" in log
    assert len(here.cluster.deleted) == 1


def test_a_client_that_goes_away_aborts_the_build(tmp_path: Path) -> None:
    """The step is stopped with all that it started, post sections run, the pod is deleted."""
    steps = jenkinsfile("sh 'echo begun; sleep 1000'", post="post { aborted { sh 'echo $BUILD_NUMBER >aborted' } }")
    with world(tmp_path) as here:
        response = here.post("shop/hello", {"Jenkinsfile": steps})
        seen = b""
        for chunk in response.stream():
            seen += chunk
            if b"\nbegun\n" in seen:
                break
        (record,) = here.server.builds.running()
        response.close()
        assert record.done.wait(20)
        assert len(here.cluster.deleted) == 1
        assert (tmp_path / "workspace/shop/hello/aborted").read_text() == "1\n"


def test_the_clouds_cap_is_kept(tmp_path: Path) -> None:
    """With room for one agent, a second build waits for the first."""
    logs: list[str] = []
    with world(tmp_path) as here:
        here.cluster.clouds[:] = [jcasc("shop", here.url, tmp_path, cap=1)]
        build = jenkinsfile("sh 'until [ -e ../go ]; do sleep 0.05; done'")
        threads = [threading.Thread(target=lambda i=i: logs.append(here.build(build, f"shop/j{i}"))) for i in (1, 2)]
        for thread in threads:
            thread.start()
        waiting = threading.Event()
        while not waiting.wait(0.05) and len(here.cluster.created) < 1:
            continue
        assert len(here.cluster.created) == 1
        (tmp_path / "workspace/shop").mkdir(parents=True, exist_ok=True)
        (tmp_path / "workspace/shop/go").touch()
        for thread in threads:
            thread.join(30)
    assert [log.count("Finished: SUCCESS") for log in logs] == [1, 1]
    assert sum("Maximum number of concurrently running agents of cloud shop reached" in log for log in logs) == 1


def test_what_the_server_does_not_let_in(tmp_path: Path) -> None:
    """Builds without the token, job names that are none, agents that nobody expects."""
    with world(tmp_path) as here:
        assert here.post("shop/hello", {}, token="wrong").status == 403  # noqa: S106
        assert here.post("Shop/hello", {}).status == 400
        assert "ERROR: there is no Jenkinsfile in the workspace\n" in here.post("shop/hello", {"a": "b"}).data.decode()
