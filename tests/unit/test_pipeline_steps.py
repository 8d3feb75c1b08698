"""The table of steps, one by one, as a Jenkinsfile uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.controller.pipeline.catalogue import INSTEAD, STEPS
from tests.unit.pipeline_world import Farm, run, scripts, staged
from tools.generate import steps


def test_the_page_of_steps_has_each_of_them_and_nothing_is_both_here_and_not() -> None:
    rows = [line for line in steps.page().partition("## Words")[0].splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == sorted(STEPS)
    (shell,) = [row for row in rows if row.startswith("| `sh` |")]
    assert "`script` (the one without a name), `label`?, `returnStdout`? = false" in shell
    assert not set(STEPS) & set(INSTEAD)


def test_sh_gives_output_or_exit_code() -> None:
    """Output with its line end, as in Jenkins; an exit code fails nothing."""
    text = staged("script { echo '<' + sh(script: 'print out', returnStdout: true) + '>'\n"
                  "echo \"${sh(script: 'exit 4', returnStatus: true) + 1}\" }")  # fmt: skip
    result, log, farm = run(text)
    assert result == "SUCCESS"
    assert "\n<out\n>\n" in log
    assert "\n5\n" in log
    assert [command.capture for command in farm.commands] == [True, False]
    both = staged("sh script: 'x', returnStdout: true, returnStatus: true")
    assert "java.lang.IllegalArgumentException: give returnStdout or returnStatus, not both" in run(both)[1]


def test_timeout_stops_what_is_inside_and_only_that() -> None:
    """The error can be caught outside; for `retry` around it is an error as any other."""
    inner = "timeout(time: 30, unit: 'MILLISECONDS') { sh 'hang' }"
    result, log, farm = run(
        staged(f"script {{ try {{ {inner} }} catch (e) {{ echo \"caught ${{e.message}}\" }} }}\nsh 'on'")
    )
    assert (result, scripts(farm)) == ("SUCCESS", ["hang", "on"])
    assert "\ncaught Timeout has been exceeded\n" in log
    result, log, farm = run(staged(f"retry(2) {{ {inner} }}"))
    assert (result, scripts(farm)) == ("ABORTED", ["hang", "hang"])
    assert "Timeout has been exceeded\nRetrying\n" in log
    result, _, farm = run(staged("timeout(5) { sh 'quick' }\nsh 'on'"))
    assert (result, scripts(farm)) == ("SUCCESS", ["quick", "on"])


def test_an_abort_is_not_retried() -> None:
    result, _, farm = run(staged("retry(3) { sh 'abort' }\nsh 'never'"))
    assert (result, scripts(farm)) == ("ABORTED", ["abort"])


@pytest.mark.parametrize(
    ("script", "conditions", "times"),
    [
        ("gone", "", 3),
        ("gone queue", "", 1),
        ("gone", "conditions: [kubernetesAgent(), nonresumable()]", 3),
        ("gone for good", "conditions: [agent()]", 1),
        ("exit 1", "conditions: [kubernetesAgent()]", 1),
        ("exit 1", "conditions: []", 3),
    ],
)
def test_retry_by_its_conditions(script: str, conditions: str, times: int) -> None:
    given = f"count: 3, {conditions}" if conditions else "3"
    _, log, farm = run(staged(f"retry({given}) {{ sh '{script}' }}"))
    assert len(scripts(farm)) == times
    assert log.count("\nRetrying\n") == times - 1


def test_what_failed_may_be_passed_over_with_a_result() -> None:
    """CatchError and warnError go on; post of the stage goes by the stage's result, the build keeps the worst."""
    steps = ("catchError(buildResult: 'SUCCESS', stageResult: 'UNSTABLE', message: 'so what') { sh 'exit 1' }\n"
             "sh 'on'")  # fmt: skip
    result, log, farm = run(staged(steps).replace("} }", "}\npost { unstable { sh 'u' }\nsuccess { sh 's' } } }", 1))
    assert (result, scripts(farm)) == ("SUCCESS", ["exit 1", "on", "u"])
    assert "ERROR: so what\nERROR: script returned exit code 1\n" in log
    result, log, farm = run(staged("catchError { error 'no' }\nsh 'on'"))
    assert (result, scripts(farm)) == ("FAILURE", ["on"])
    assert "ERROR: no\nSetting overall build result to FAILURE\n" in log
    assert run(staged("warnError('hm') { error 'no' }"))[0] == "UNSTABLE"
    aborted, _, farm = run(staged("catchError(catchInterruptions: false) { sh 'abort' }\nsh 'never'"))
    assert (aborted, scripts(farm)) == ("ABORTED", ["abort"])


def test_with_env_replaces_expands_and_puts_before() -> None:
    steps = "withEnv(['A=1', 'B=$A-${A}-$NONE', 'PATH+X=/x', \"C=${env.D}\"]) { sh 'in' }\nsh 'out'"
    _, _, farm = run(staged(steps), env={"PATH": "/bin", "D": "d", "A": "0"})
    inside, outside = (command.env for command in farm.commands)
    wanted = {"A": "1", "B": "1-1-$NONE", "PATH": "/x:/bin", "C": "d"}
    assert {name: inside[name] for name in wanted} == wanted
    assert (outside["A"], outside["PATH"]) == ("0", "/bin")
    assert "write 'NAME=value', not 'A'" in run(staged("withEnv(['A']) { }"))[1]


def test_folders_and_files() -> None:
    """Dir is below the workspace and holds for its block; deleteDir empties the current one."""
    steps = """script {
        dir('sub') { writeFile file: 'a.txt', text: 'hello'; dir('deep') { sh 'in' }; echo pwd() }
        echo readFile('sub/a.txt') + ' ' + fileExists('sub/a.txt') + ' ' + fileExists('none')
        dir('sub') { deleteDir() }
        echo "${fileExists('sub/a.txt')} ${isUnix()}"
        readFile 'none' }"""
    result, log, farm = run(staged(steps))
    assert "\n/w/sub\n" in log
    assert "\nhello true false\n" in log
    assert "\nfalse true\n" in log
    assert [command.folder for command in farm.commands] == ["sub/deep"]
    assert farm.removed == ["sub"]
    assert result == "FAILURE"
    assert log.endswith("ERROR: java.nio.file.NoSuchFileException: none\n")


def test_a_stash_goes_from_one_agent_to_another() -> None:
    """By Ant's patterns, relative to the current folder."""
    put = ("dir('out') { writeFile file: 'a/b.txt', text: 'B'; writeFile file: 'a/c.log', text: 'C'\n"
           "stash name: 'things', includes: '**/*.txt, a/*.log', excludes: '*/c*' }")  # fmt: skip
    first = f"stage('a') {{ agent any; steps {{ {put} }} }}"
    second = "stage('b') { agent any; steps { dir('in') { unstash 'things' }\necho readFile('in/a/b.txt') } }"
    result, log, farm = run(f"pipeline {{ agent none; stages {{\n{first}\n{second}\n}} }}")
    assert result == "SUCCESS", log
    assert "\nStashed 1 file(s)\n" in log
    assert "\nB\n" in log
    assert "in/a/c.log" not in farm.nodes[1].kept
    assert "No such saved stash 'x'" in run(staged("unstash 'x'"))[1]
    assert "No files included in stash 'x'" in run(staged("stash name: 'x', includes: 'none'"))[1]
    assert run(staged("stash name: 'x', includes: 'none', allowEmpty: true"))[0] == "SUCCESS"


def test_archiving() -> None:
    """Patterns are told apart by commas; what matches nothing fails the build, as in Jenkins, unless it may."""
    steps = "writeFile file: 'a', text: '1'\nwriteFile file: 'd/b', text: '2'\narchiveArtifacts artifacts: 'a, d/'"
    result, log, farm = run(staged(steps))
    assert (result, farm.archived) == ("SUCCESS", {"a": b"1", "d/b": b"2"})
    result, log, farm = run(staged("archiveArtifacts 'none'\nsh 'never'"))
    assert (result, farm.ran) == ("FAILURE", [])
    assert 'ERROR: No artifacts found that match the file pattern "none". Configuration error?' in log
    assert run(staged("archiveArtifacts artifacts: 'none', allowEmptyArchive: true"))[0] == "SUCCESS"
    skipped = run(staged("unstable 'x'\narchiveArtifacts artifacts: 'none', onlyIfSuccessful: true"))
    assert "Skipping archiving" in skipped[1]


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """Two folders' credentials, as a volume of Secrets has them."""
    for path, text in {
        "shop/token/text": "s3cret-token", "shop/registry/username": "robot", "shop/registry/password": "pa55word",
        "shop/key/filename": "id.pem", "shop/key/data": "line one\nline two\n", "blog/token/text": "other",
        "blog/hidden/text": "other",
    }.items():  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_credentials_are_variables_of_their_block_and_masked(credentials: Path) -> None:
    """A secret file is on the agent for as long as the block runs."""
    login = "usernamePassword(credentialsId: 'registry', usernameVariable: 'U', passwordVariable: 'P')"
    others = "string(credentialsId: 'token', variable: 'T'), file(credentialsId: 'key', variable: 'F')"
    bindings = f"[{others}, {login}]"
    steps = f'withCredentials({bindings}) {{ sh "in"; echo "$T $U $P $F"; echo readFile(F) }}\nsh "out"'
    result, log, farm = run(staged(steps), credentials=credentials)
    assert result == "SUCCESS", log
    inside, outside = (command.env for command in farm.commands)
    assert (inside["T"], inside["U"], inside["P"]) == ("s3cret-token", "robot", "pa55word")
    assert not {"T", "U", "P", "F"} & set(outside)
    assert inside["F"].startswith("/w@tmp/secretFiles/")
    assert inside["F"].endswith("/id.pem")
    assert farm.removed == [inside["F"].rpartition("/")[0]]
    assert "\n**** **** **** ****\n" in log
    assert "Masking supported pattern matches of $T, $F, $U, $P" in log
    assert not [secret for secret in ("s3cret", "pa55", "robot", "id.pem") if secret in log]
    assert "\nline one\n" in log  # as in Jenkins: a file's content is its reader's business


@pytest.mark.parametrize(
    ("binding", "words"),
    [
        ("string(credentialsId: 'none', variable: 'T')", "Could not find credentials entry with ID 'none'"),
        ("string(credentialsId: 'hidden', variable: 'T')", "Could not find credentials entry with ID 'hidden'"),
        ("string(credentialsId: '../blog/hidden', variable: 'T')", "Could not find credentials entry with ID '../blog"),
        (
            "string(credentialsId: 'registry', variable: 'T')",
            "Credentials 'registry' is of type 'usernamePassword' where",
        ),
        ("merge()", "withCredentials: write string(...), file(...) or usernamePassword(...)"),
    ],
)
def test_credentials_of_other_folders_and_kinds(binding: str, words: str, credentials: Path) -> None:
    result, log, farm = run(staged(f"withCredentials([{binding}]) {{ sh 'x' }}"), credentials=credentials)
    assert (result, farm.ran) == ("FAILURE", [])
    assert words in log


def test_credentials_in_environment(credentials: Path) -> None:
    section = "environment { T = credentials('token')\nR = credentials('registry')\nX = 'x' }"
    _, log, farm = run(
        staged("sh 'in'; echo \"$R\"").replace("stages", f"{section}\nstages", 1), credentials=credentials
    )
    env = farm.commands[0].env
    assert (env["T"], env["R"], env["R_USR"], env["R_PSW"]) == ("s3cret-token", "robot:pa55word", "robot", "pa55word")
    assert env["X"] == "x"
    assert "\n****:****\n" in log


def test_without_an_agent_what_needs_one_says_so() -> None:
    for step in ("sh 'x'", "readFile 'x'", "dir('x') { }", "container('x') { }", "stash 'x'", "deleteDir()"):
        result, log, _ = run(staged(step, agent="agent none"))
        assert result == "FAILURE"
        assert f"line 2: step '{step.partition(' ')[0].partition('(')[0]}' needs an agent, and there is none" in log


def test_sleep_ends_by_itself_or_by_a_timeout() -> None:
    assert run(staged("sleep time: 10, unit: 'MILLISECONDS'"), Farm())[0] == "SUCCESS"
    assert run(staged("timeout(time: 20, unit: 'MILLISECONDS') { sleep 100 }"), Farm())[0] == "ABORTED"
