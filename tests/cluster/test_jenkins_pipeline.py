"""What a Jenkinsfile may ask of Jenkins, in one build on real agents: tests/cluster/pipeline/Jenkinsfile."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from testbed import builds
from testbed.attacks.api import Api
from testbed.attacks.stage import namespace_path
from tests.cluster import jenkins

JENKINSFILE = Path(__file__).parent / "pipeline" / "Jenkinsfile"
FOREIGN = "withCredentials([string(credentialsId: 'registry', variable: 'TOKEN')]) { sh 'echo got $((6 * 7))' }"


@pytest.fixture(scope="module")
def ended() -> builds.BuildResult:
    """The build, whose last stage takes longer than it may."""
    text = JENKINSFILE.read_text(encoding="utf-8").replace("AGENT_IMAGE", jenkins.AGENT_IMAGE)
    return jenkins.run("shop/whole-pipeline", text)


@pytest.fixture(scope="module")
def secrets(admin: Api) -> Mapping[str, str]:
    """The credentials that the controller was given, by folder, id and part."""
    data = admin.must("GET", f"{namespace_path('jenkins')}/secrets/jenkins-credentials")["data"]
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


def said(result: builds.BuildResult, line: str) -> bool:
    """Whether a step printed this line, after the name of its branch where it has one."""
    return bool(re.search(rf"^(\[[^\]]*\] )?{re.escape(line)}$", result.log, re.MULTILINE))


def test_branches_run_at_the_same_time(ended: builds.BuildResult) -> None:
    """Each of them waits for what the other does."""
    assert said(ended, "branch one saw branch two"), ended.log
    assert said(ended, "branch two saw branch one")
    assert said(ended, "after branch two: given")


def test_steps_run_in_the_container_that_they_name(ended: builds.BuildResult) -> None:
    assert said(ended, "was in two"), ended.log


def test_a_stash_goes_to_another_agent(ended: builds.BuildResult) -> None:
    """What was made in the container `one`, in the folder `made`, is read where that folder was not."""
    assert len(set(jenkins.RUNNING_ON.findall(ended.log))) == 2, ended.log
    assert said(ended, "made in one")


def test_a_stage_is_left_out_whose_condition_does_not_hold(ended: builds.BuildResult) -> None:
    assert "{ (never)" in ended.log
    assert "not 42 this" not in ended.log


def test_what_fails_is_tried_again(ended: builds.BuildResult) -> None:
    tries = [number for number in range(5) if said(ended, f"try {number}")]
    assert tries == [1, 2, 3], ended.log


def test_a_variable_is_another_inside_withenv_only(ended: builds.BuildResult) -> None:
    assert said(ended, f"word is changed by {ended.number}"), ended.log
    assert said(ended, "word is given again")


def test_credentials_reach_the_steps_inside_and_never_the_log(
    ended: builds.BuildResult, secrets: Mapping[str, str]
) -> None:
    password, token = secrets["shop.registry.password"], secrets["shop.token.text"]
    assert len(password) >= 32 and len(token) >= 32
    both, one = (hashlib.sha256(text.encode()).hexdigest() for text in (f"{password}:{token}", token))
    assert said(ended, f"{both}  -"), ended.log
    assert said(ended, f"{one}  -")
    assert said(ended, "****: ****, ****") or said(ended, "robot: ****, ****")
    assert password not in ended.log and token not in ended.log
    assert said(ended, "left: nothing")


def test_a_timeout_aborts_the_build_and_post_runs_after_it(ended: builds.BuildResult) -> None:
    assert said(ended, "begun 42"), ended.log
    assert "ended 42" not in ended.log
    assert "never 42 reached" not in ended.log
    assert ended.result == "ABORTED"
    assert said(ended, "at the end: given, made in one")
    assert said(ended, "told: aborted")
    assert not said(ended, "told: success")


def test_another_folder_s_credentials_are_not_found() -> None:
    result = jenkins.run("blog/foreign-credentials", jenkins.pipeline(jenkins.agent("blog"), FOREIGN))
    assert not result.ok
    assert "got 42" not in result.log
    assert re.search("credentials.*registry", result.log), result.log


def test_no_agent_of_it_is_left_over(ended: builds.BuildResult, admin: Api) -> None:
    jenkins.all_gone(admin, "ci-shop")
