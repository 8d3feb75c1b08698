"""The executor: order of steps and post sections, results, variables, containers, what the log says."""

from __future__ import annotations

import pytest

from testbed.controller.buildlog import BuildLog
from testbed.controller.model import LabelAgent
from tests.unit.pipeline_world import Farm, run, scripts

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
        ("exit 3", "FAILURE", ["always", "unsuccessful", "failure", "cleanup"]),
        ("lost", "FAILURE", ["always", "unsuccessful", "failure", "cleanup"]),
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
    assert "Error when executing failure post condition:\nERROR: script returned exit code 2\n" in log
    assert log.endswith("[Pipeline] End of Pipeline\nERROR: script returned exit code 7\n")


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
    (env,) = [command.env for command in farm.commands]
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
    """No stage runs; of the pipeline's post what needs no agent, as in Jenkins."""
    result, log, farm = run(
        "pipeline { agent any\nstages { stage('s') { steps { sh 'x' } } }\npost { always { echo 'told'; sh 'y' } } }",
        Farm(refuse="Failed to launch p"),
    )
    assert (result, farm.ran) == ("FAILURE", [])
    assert "\ntold\n" in log
    assert log.endswith("[Pipeline] End of Pipeline\nERROR: Failed to launch p\n")


def test_an_abort_while_an_agent_is_waited_for() -> None:
    """What runs after it is not stopped once more."""
    stage = "stage('s') { agent { label 'abort' }\nsteps { sh 'x' } }"
    post = "post { aborted { echo 'one'; echo 'two' } }"
    result, log, farm = run(f"pipeline {{ agent none\nstages {{ {stage} }}\n{post} }}")
    assert (result, farm.ran) == ("ABORTED", [])
    assert "\none\n" in log
    assert "\ntwo\n" in log
    result, log, _ = run("try { node('abort') { sh 'x' } } finally { echo 'one'; parallel a: { echo 'two' } }")
    assert result == "ABORTED"
    assert "\ntwo\n" in log


def test_log_is_masked_and_in_whole_lines() -> None:
    """A secret that comes in two pieces is masked as well; the lines of two commands at a time do not mix."""
    lines: list[bytes] = []
    log = BuildLog(lines.append)
    log.mask("geheim\nzweite zeile\n}")
    log.mask("geheimnis")
    with log.stream() as one, log.stream() as other:
        one(b"a=geh")
        other(b"zwischen\n")
        one(b"eim\nrest geheimnis")
        log.line("next {}\nlast zweite zeile")
    assert lines == [b"zwischen\n", b"a=****\n", b"next {}\n", b"last ****\n", b"rest ****\n"]
