"""Declarative stages: parallel, nested, when, options, post by every result; and how each is refused."""

from __future__ import annotations

import pytest

from testbed.controller.declarative import read_jenkinsfile
from testbed.controller.problems import JenkinsfileError
from tests.unit.pipeline_world import Farm, run, scripts


def stages(text: str, more: str = "", agent: str = "agent any") -> str:
    """A pipeline of these stages."""
    return f"pipeline {{ {agent}\nstages {{\n{text}\n}}\n{more} }}"


def stage(name: str, body: str, more: str = "") -> str:
    """A stage with these steps."""
    return f"stage('{name}') {{ {more}\nsteps {{ {body} }} }}"


def problem(text: str) -> str:
    """The one problem of a Jenkinsfile."""
    with pytest.raises(JenkinsfileError) as caught:
        read_jenkinsfile(text)
    (found,) = caught.value.problems
    return found


def test_parallel_stages_run_at_the_same_time_each_on_its_agent() -> None:
    """Each waits for the other, so that one after the other they would never end."""
    one = stage("one", "sh 'set a'; sh 'wait b'; echo env.NODE_NAME", "agent { label 'x' }")
    two = stage("two", "sh 'set b'; sh 'wait a'", "agent { label 'y' }")
    text = stages(f"stage('both') {{ parallel {{\n{one}\n{two}\n}}\npost {{ always {{ echo 'joined' }} }} }}")
    result, log, farm = run(text.replace("agent any", "agent none"))
    assert result == "SUCCESS", log
    assert farm.returned == len(farm.asked) == 2
    assert sorted(scripts(farm)) == ["set a", "set b", "wait a", "wait b"]
    assert log.index("Branch: one") < log.index("\njoined\n")


def test_a_failed_branch_leaves_the_others_running() -> None:
    """Without failFast all branches come to their end; then the stage has failed, and the next one is skipped."""
    bad, good = stage("bad", "sh 'exit 1'; sh 'never'"), stage("good", "sh 'two'")
    after = stage("after", "sh 'after'")
    result, log, farm = run(stages(f"stage('p') {{ parallel {{\n{bad}\n{good} }} }}\n{after}"))
    assert result == "FAILURE"
    assert sorted(scripts(farm)) == ["exit 1", "two"]
    assert "Failed in branch bad\n" in log
    assert 'Stage "after" skipped due to earlier failure(s)' in log
    assert log.endswith("ERROR: script returned exit code 1\n")


@pytest.mark.parametrize("how", ["failFast true\n", "", "options"])
def test_fail_fast_stops_the_other_branches(how: str) -> None:
    """The first failure is the build's, not the interruption of the others; their post sections run."""
    more = "options { parallelsAlwaysFailFast() }" if how == "options" else ""
    fast = how if how != "options" else ""
    hang = "sh 'wait bad'" if not (fast or more) else "sh 'hang'"
    slow = stage("slow", f"{hang}; sh 'never'", "post { aborted { sh 'told' } }")
    bad = stage("bad", "sh 'set bad'; sh 'exit 3'")
    result, log, farm = run(stages(f"stage('p') {{ {fast} parallel {{\n{slow}\n{bad}\n}} }}", more))
    assert result == "FAILURE"
    assert log.endswith("ERROR: script returned exit code 3\n")
    if fast or more:
        assert scripts(farm)[-1] == "told"
        assert "never" not in scripts(farm)
        assert "Failed in branch slow\n" in log
    else:
        assert "never" in scripts(farm)


def test_an_abort_reaches_all_branches_once() -> None:
    """Every branch is stopped, each post section runs, the pipeline's too; what runs there is not stopped again."""
    post = "post { always { sh 'after %s' } }"
    branches = "\n".join(stage(name, f"sh '{what}'", post % name) for name, what in (("a", "abort"), ("b", "hang")))
    result, log, farm = run(stages(f"stage('p') {{ parallel {{\n{branches}\n}} }}", post % "all"))
    assert result == "ABORTED"
    assert sorted({*scripts(farm)} - {"hang"}) == ["abort", "after a", "after all", "after b"]
    assert log.endswith("[Pipeline] End of Pipeline\nAborted\n")


def test_nested_stages_share_their_agent_and_skip_after_a_failure() -> None:
    inner = "\n".join([stage("i1", "sh 'i1'"), stage("i2", "sh 'exit 2'"), stage("i3", "sh 'i3'")])
    outer = f"stage('outer') {{ agent {{ label 'x' }}\nstages {{\n{inner}\n}}\npost {{ failure {{ sh 'outer' }} }} }}"
    last = stage("last", "sh 'last'")
    result, log, farm = run(stages(f"{outer}\n{last}", agent="agent none"))
    assert result == "FAILURE"
    assert scripts(farm) == ["i1", "exit 2", "outer"]
    assert len(farm.asked) == 1
    assert log.count("skipped due to earlier failure(s)") == 2


@pytest.mark.parametrize(
    ("when", "runs"),
    [
        ("environment name: 'A', value: 'x'", True),
        ("environment name: 'A', value: 'X'", False),
        ("environment name: 'A', value: 'X', ignoreCase: true", True),
        ("environment name: 'NONE', value: ''", False),
        ("expression { env.A == 'x' && 1 < 2 }", True),
        ("expression { return false }", False),
        ("expression { A.startsWith('y') }", False),
        ("equals expected: 'x', actual: env.A", True),
        ("equals expected: 1, actual: true", False),
        ("not { environment name: 'A', value: 'x' }", False),
        ("anyOf { environment name: 'A', value: 'y'; expression { true } }", True),
        ("allOf { environment name: 'A', value: 'x'; not { expression { true } } }", False),
        ("environment name: 'A', value: 'x'\nexpression { false }", False),
        ("beforeAgent true; expression { false }", False),
        ("beforeOptions true; expression { true }", True),
    ],
)
def test_when(when: str, runs: bool) -> None:
    """A stage that is skipped runs neither steps nor post; with beforeAgent it asks for no agent."""
    more = f"when {{ {when} }}\nagent {{ label 'x' }}\npost {{ always {{ sh 'post' }} }}"
    result, log, farm = run(stages(stage("s", "sh 'ran'", more), "environment { A = 'x' }", "agent none"))
    assert result == "SUCCESS"
    assert scripts(farm) == (["ran", "post"] if runs else [])
    assert ('Stage "s" skipped due to when conditional' in log) != runs
    assert len(farm.asked) == (0 if "beforeAgent" in when else 1)


def test_a_stage_that_when_skips_skips_those_inside() -> None:
    inner, after = stage("i", "sh 'i'"), stage("n", "sh 'n'")
    outer = f"stage('o') {{ when {{ expression {{ false }} }}\nstages {{ {inner} }} }}"
    result, log, farm = run(stages(f"{outer}\n{after}"))
    assert (result, scripts(farm)) == ("SUCCESS", ["n"])
    assert log.count("skipped due to when conditional") == 2


def test_options_of_a_stage_and_of_the_pipeline() -> None:
    """Retry runs a stage again; timeout stops it; the build is aborted then, and post says so."""
    retried = stage("r", "sh 'exit 1'", "options { retry(3) }")
    result, log, farm = run(stages(retried))
    assert (result, len(scripts(farm)), log.count("\nRetrying\n")) == ("FAILURE", 3, 2)
    slow = stage("t", "sh 'hang'", "options { timeout(time: 50, unit: 'MILLISECONDS') }")
    result, log, farm = run(stages(slow, "post { aborted { sh 'told' } }"))
    assert (result, scripts(farm)) == ("ABORTED", ["hang", "told"])
    assert "Timeout set to expire in 50 ms\n" in log
    assert "Cancelling nested steps due to timeout\n" in log
    assert log.endswith("Timeout has been exceeded\n")
    result, log, farm = run(stages(stage("s", "sh 'exit 1'"), "options { retry(2) }\npost { always { sh 'p' } }"))
    assert (result, scripts(farm)) == ("FAILURE", ["exit 1", "p", "exit 1", "p"])


def test_the_jobs_files_are_there_unless_checkout_is_left_out() -> None:
    """Once for each agent; skipDefaultCheckout() leaves the step `checkout scm` to the author."""
    assert run(stages(stage("s", "sh 'x'")))[2].checkouts == 1
    left_out = "options { skipDefaultCheckout() }"
    assert run(stages(stage("s", "sh 'x'"), left_out))[2].checkouts == 0
    assert run(stages(stage("s", "checkout scm"), left_out))[2].checkouts == 1
    assert run(stages(stage("s", "sh 'x'"), "options { skipDefaultCheckout(false) }"))[2].checkouts == 1
    assert run(stages(stage("s", "sh 'x'", f"agent any\n{left_out}"), agent="agent none"))[2].checkouts == 0


def test_unstable_skips_later_stages_only_if_asked_to() -> None:
    first = stage("a", "unstable 'hm'; sh 'on'", "post { unstable { sh 'u' } }")
    text = stages(first + "\n" + stage("b", "sh 'b'"))
    result, log, farm = run(text)
    assert (result, scripts(farm)) == ("UNSTABLE", ["on", "u", "b"])
    assert "WARNING: hm\n" in log
    result, log, farm = run(text.replace("stages {\n", "options { skipStagesAfterUnstable() }\nstages {\n", 1))
    assert (result, scripts(farm)) == ("UNSTABLE", ["on", "u"])
    assert 'Stage "b" skipped due to earlier stage(s) marking the build as unstable' in log


@pytest.mark.parametrize(
    ("previous", "script", "ran"),
    [
        (None, "x", ["changed", "success"]),
        ("SUCCESS", "x", ["success"]),
        ("FAILURE", "x", ["changed", "fixed", "success"]),
        ("ABORTED", "x", ["changed", "success"]),
        ("SUCCESS", "exit 1", ["changed", "regression", "unsuccessful"]),
        ("UNSTABLE", "exit 1", ["changed", "regression", "unsuccessful"]),
        ("FAILURE", "exit 1", ["unsuccessful"]),
        ("ABORTED", "exit 1", ["changed", "unsuccessful"]),
    ],
)
def test_post_by_the_build_before(previous: str | None, script: str, ran: list[str]) -> None:
    names = ("unsuccessful", "success", "regression", "fixed", "changed", "notBuilt")
    post = "post {\n" + "\n".join(f"{name} {{ sh '{name}' }}" for name in names) + "\n}"
    _, _, farm = run(stages(stage("s", f"sh '{script}'"), post), previous=previous)
    assert scripts(farm) == [script, *ran]


def test_an_agent_that_is_lost_is_tried_again_as_often_as_retries_say() -> None:
    """`kubernetes { retries 2 }`; a step's own failure is not tried again."""
    agent = "agent { kubernetes { inheritFrom 'x'\nretries 2 } }"
    for script, times in (("gone", 2), ("gone for good", 1), ("exit 1", 1)):
        farm = Farm()
        result, log, _ = run(stages(stage("s", f"sh '{script}'"), agent=agent), farm)
        assert len(farm.asked) == farm.returned == times
        assert result == ("FAILURE" if script == "exit 1" else "ABORTED")
        assert log.endswith("Agent was removed\n") == script.startswith("gone")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "when { branch 'main' }\nsteps { }",
            "condition 'branch' of when is not supported by the stand-in controller: the",
        ),
        (
            "when { sometimes() }\nsteps { }",
            "condition 'sometimes' of when is not supported by the stand-in controller (c",
        ),
        ("when { }\nsteps { }", "when: at least one condition is needed"),
        ("when { not { } }\nsteps { }", "when, not: write not { ... } with one condition"),
        ("when { environment name: 'A' }\nsteps { }", "when, environment: needs its argument 'value'"),
        (
            "when { beforeAgent 'x'; expression { true } }\nsteps { }",
            "when: write beforeAgent true or beforeAgent false",
        ),
        ("steps { }\nstages { stage('y') { steps { } } }", "stage 'x': only one of steps, stages may be in a stage"),
        ("failFast true\nsteps { }", "stage 'x': 'failFast' goes with 'parallel'"),
        ("parallel { }", "parallel: at least one stage is needed"),
        (
            "agent any\nparallel { stage('y') { steps { } } }",
            "stage 'x': a stage with 'parallel' has no agent; give one",
        ),
        (
            "parallel { stage('y') { parallel { stage('z') { steps { } } } } }",
            "stage 'y': 'parallel' is directly inside",
        ),
        ("parallel { stage('x') { steps { } } }", "stage name 'x' is used more than once"),
        (
            "options { buildDiscarder(x) }\nsteps { }",
            "option of stage 'buildDiscarder' is not supported by the stand-in",
        ),
        ("options { timeout() }\nsteps { }", "step 'timeout' needs its argument 'time'"),
        (
            "input { message 'x' }\nsteps { }",
            "directive 'input' is not supported by the stand-in controller: nobody is",
        ),
        (
            "matrix { }\nsteps { }",
            "directive 'matrix' is not supported by the stand-in controller: write the stages out",
        ),
        ("environment { A = credentials(id) }\nsteps { }", "environment: write NAME = credentials('id')"),
        ("steps { }\npost { broken { } }", "directive 'broken' is not supported by the stand-in controller in post ("),
    ],
)
def test_what_is_refused_in_a_stage(body: str, words: str) -> None:
    """Before anything starts, each as one problem."""
    found = problem(stages(f"stage('x') {{ {body} }}"))
    assert found.partition(": ")[2].startswith(words)
