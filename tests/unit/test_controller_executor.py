"""The executor: order of steps and post sections, results, variables, containers, what the log says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from testbed.controller.buildlog import BuildLog
from testbed.controller.declarative import read_jenkinsfile
from testbed.controller.executor import Executor
from testbed.controller.failures import AbortedError, BuildError
from testbed.controller.model import Agent, LabelAgent


@dataclass
class FakeNode:
    """Answers scripts by their text: `exit N`, `abort`, `lost`; anything else is 0."""

    ran: list[tuple[str, str, str]]
    environment: Mapping[str, str]
    default_container: str = ""
    seen: list[Mapping[str, str]] = field(default_factory=list)

    def run(self, script: str, env: Mapping[str, str], container: str = "", shell: str = "") -> int:
        """Notes what is asked for."""
        self.ran.append((script, container, shell))
        self.seen.append(env)
        if script == "abort":
            raise AbortedError
        if script == "lost":
            raise BuildError("agent went offline")
        return int(script.split()[1]) if script.startswith("exit") else 0

    def archive(self, patterns: Sequence[str]) -> Sequence[str]:
        """Nothing matches `none`."""
        return [each for each in patterns if each != "none"]


class Farm:
    """Gives nodes, and remembers which were asked for and given back."""

    def __init__(self, default_container: str = "", refuse: str = "") -> None:
        """`refuse`: no node is ever given, for this reason."""
        self.asked: list[Agent] = []
        self.returned = 0
        self.ran: list[tuple[str, str, str]] = []
        self.node_ = FakeNode(self.ran, {"NODE_NAME": "n1", "WORKSPACE": "/w"}, default_container)
        self.refuse = refuse

    @contextmanager
    def node(self, agent: Agent, env: Mapping[str, str]) -> Iterator[FakeNode]:
        """One node, always the same."""
        self.asked.append(agent)
        if self.refuse:
            raise BuildError(self.refuse)
        try:
            yield self.node_
        finally:
            self.returned += 1


def run(source: str, farm: Farm | None = None, env: Mapping[str, str] | None = None) -> tuple[str, str, Farm]:
    """(result, log, farm) of a Jenkinsfile."""
    farm = farm or Farm()
    log: list[bytes] = []
    result = Executor(farm.node, BuildLog(log.append)).run(read_jenkinsfile(source), env or {})
    return result, b"".join(log).decode(), farm


def scripts(farm: Farm) -> list[str]:
    """The scripts that ran."""
    return [script for script, _, _ in farm.ran]


POST = """post {
  cleanup { sh 'cleanup' }
  success { sh 'success' }
  failure { sh 'failure' }
  unsuccessful { sh 'unsuccessful' }
  aborted { sh 'aborted' }
  always { sh 'always' }
}"""


@pytest.mark.parametrize(
    ("script", "result", "after"),
    [
        ("fine", "SUCCESS", ["always", "success", "cleanup"]),
        ("exit 3", "FAILURE", ["always", "failure", "unsuccessful", "cleanup"]),
        ("lost", "FAILURE", ["always", "failure", "unsuccessful", "cleanup"]),
        ("abort", "ABORTED", ["always", "aborted", "unsuccessful", "cleanup"]),
    ],
)
def test_post_sections_run_by_result_and_in_order(script: str, result: str, after: list[str]) -> None:
    """Whatever the order in the file, post sections run in Jenkins' order, and those only that fit the result."""
    stages = f"stages {{ stage('a') {{ steps {{ sh '{script}' }} }}\nstage('b') {{ steps {{ sh 'b' }} }} }}"
    got, log, farm = run(f"pipeline {{ agent any\n{stages}\n{POST} }}")
    ran = scripts(farm)
    assert got == result
    assert ran[0] == script
    assert ran[1:] == ([*(["b"] if result == "SUCCESS" else []), *after])
    assert ('Stage "b" skipped' in log) == (result != "SUCCESS")
    assert farm.returned == 1


def test_a_failed_step_stops_its_stage_and_is_told_at_the_end() -> None:
    """Steps after it do not run; the stage's own post does, before the pipeline's."""
    result, log, farm = run("""pipeline { agent any
        stages { stage('a') {
            steps { sh 'one'; sh 'exit 7'; sh 'never' }
            post { failure { sh 'stage' } }
        } }
        post { failure { sh 'exit 2' }
               cleanup { sh 'last' } } }""")
    assert result == "FAILURE"
    assert scripts(farm) == ["one", "exit 7", "stage", "exit 2", "last"]
    assert log.endswith("ERROR: script returned exit code 7\nERROR: script returned exit code 2\n")


def test_environment_and_interpolation() -> None:
    """Variables of pipeline, stage and node, each from those before it; env.X without a value is null."""
    result, log, farm = run(
        """pipeline { agent any
        environment { A = "1-${env.JOB_NAME}"
                      B = "$A/${env.NODE_NAME}" }
        stages { stage('s') { environment { B = "${env.B}!" }
            steps { echo "$B in ${env.STAGE_NAME}, ${env.NONE}"
                    sh "$A" } } } }""",
        env={"JOB_NAME": "f/j"},
    )
    assert result == "SUCCESS"
    assert "1-f/j/n1! in s, null\n" in log
    (env,) = farm.node_.seen
    assert {name: env[name] for name in ("A", "B", "JOB_NAME", "WORKSPACE", "STAGE_NAME")} == {
        "A": "1-f/j", "B": "1-f/j/n1!", "JOB_NAME": "f/j", "WORKSPACE": "/w", "STAGE_NAME": "s",
    }  # fmt: skip


def test_unknown_bare_variable_fails_the_build() -> None:
    """As Groovy's MissingPropertyException does."""
    result, log, _ = run("pipeline { agent any; stages { stage('s') { steps { echo \"$NOPE\" } } } }")
    assert result == "FAILURE"
    assert "ERROR: groovy.lang.MissingPropertyException: line 1: No such property: NOPE" in log


def test_containers() -> None:
    """container() holds for its block, with its shell; outside it the agent's defaultContainer."""
    _, _, farm = run(
        """pipeline { agent any; stages { stage('s') { steps {
        sh 'a'
        container('x') { sh 'b'
            container(name: 'y', shell: '/sh') { sh 'c' }
            sh 'd' }
        sh 'e' } } } }""",
        Farm(default_container="kaniko"),
    )
    assert farm.ran == [("a", "kaniko", ""), ("b", "x", ""), ("c", "y", "/sh"), ("d", "x", ""), ("e", "kaniko", "")]


def test_archiving() -> None:
    """Patterns are told apart by commas; what matches nothing fails the build, as in Jenkins."""
    steps = "archiveArtifacts artifacts: 'a, b', fingerprint: true\narchiveArtifacts 'none'\nsh 'never'"
    result, log, farm = run(f"pipeline {{ agent any; stages {{ stage('s') {{ steps {{\n{steps}\n}} }} }} }}")
    assert result == "FAILURE"
    assert log.count("Archiving artifacts\n") == 2
    assert 'ERROR: No artifacts found that match the file pattern "none". Configuration error?' in log
    assert farm.ran == []


def test_agents_of_stages() -> None:
    """A stage's own agent is asked for in its turn and given back; `agent none` leaves steps without one."""
    result, log, farm = run("""pipeline { agent none
        stages { stage('a') { agent { label 'one' }
                              steps { sh 'a' } }
                 stage('b') { steps { echo 'no agent needed' } }
                 stage('c') { steps { sh 'c' } } } }""")
    assert [type(agent) for agent in farm.asked] == [LabelAgent]
    assert farm.returned == 1
    assert scripts(farm) == ["a"]
    assert result == "FAILURE"
    assert "no agent needed" in log
    assert "ERROR: line 5: step 'sh' needs an agent" in log


def test_an_agent_that_does_not_come_fails_the_build_before_any_step() -> None:
    """Neither stages nor post run, as in Jenkins, where both are inside the agent's block."""
    result, log, farm = run(
        "pipeline { agent any\nstages { stage('s') { steps { sh 'x' } } }\npost { always { sh 'y' } } }",
        Farm(refuse="Failed to launch p"),
    )
    assert (result, farm.ran) == ("FAILURE", [])
    assert log.endswith("[Pipeline] End of Pipeline\nERROR: Failed to launch p\n")


def test_log_is_masked_and_in_whole_lines() -> None:
    """A secret that comes in two pieces is masked as well; a line is never mixed with another."""
    lines: list[bytes] = []
    log = BuildLog(lines.append)
    log.mask("geheim")
    log.write(b"a=geh")
    log.write(b"eim\nrest geheim")
    log.line("next\nlast geheim")
    assert lines == [b"a=****\n", b"rest ****\n", b"next\n", b"last ****\n"]
