"""Which clouds a folder may use, read from the Job DSL that Jenkins would run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

from testbed.controller.folders import Offers, permitted_clouds, read_folders
from tests.unit.controller_world import jcasc

CLOUDS = [jcasc(name, "http://j:8080", Path("/home/jenkins/agent")) for name in ("blog", "shop")]
SCRIPT = """
// folder('not') { permittedClouds(['shop']) }
folder('shop') {
    description('Builds of \\'shop\\': permittedClouds')
    properties {
        kubernetes {
            permittedClouds(['shop', "blog"])
        }
    }
}
folder("blog")
def folder = Jenkins.get().getItemByFullName(name, Folder)
folder.save()
folder('shop/inner') { properties { kubernetes { permittedClouds([]) } } }
folder 'web', { properties { kubernetes { permittedClouds 'web' } } }
"""


def configmap(*scripts: str, **more: Any) -> dict[str, Any]:
    """A file of Job DSL as the side-car has it."""
    text = yaml.safe_dump({"jobs": [{"script": script} for script in scripts], **more})
    return {"metadata": {"name": "f"}, "data": {"buildkeep-folders.yaml": text}}


def allowed(offers: Offers) -> dict[str, list[str]]:
    """The clouds of some folders."""
    folders = ("shop", "shop/inner", "blog", "web", "nobody")
    return {one: [cloud.name for cloud in offers.clouds.values() if offers.permitted(cloud, one)] for one in folders}


def test_without_job_dsl_each_folder_has_the_cloud_of_its_name() -> None:
    assert allowed(read_folders(CLOUDS)) == {"shop": ["shop"], "shop/inner": [], "blog": ["blog"], "web": [],
                                             "nobody": []}  # fmt: skip


def test_job_dsl_says_all() -> None:
    """A folder has what it permits and what those around it permit; one that is not there has nothing."""
    found = allowed(read_folders([*CLOUDS, configmap(SCRIPT, "println 'x'")]))
    assert found == {"shop": ["blog", "shop"], "shop/inner": ["blog", "shop"], "blog": [], "web": [], "nobody": []}


def test_what_is_read_of_a_script() -> None:
    assert permitted_clouds(SCRIPT) == {"shop": {"shop", "blog"}, "blog": set(), "shop/inner": set(), "web": {"web"}}


def test_a_cloud_without_restriction_is_everybodys() -> None:
    text = CLOUDS[1]["data"]["cloud-shop.yaml"].replace("usageRestricted: true", "usageRestricted: false")
    offers = read_folders([{"metadata": {"name": "x"}, "data": {"cloud-shop.yaml": text}}, configmap("")])
    assert allowed(offers)["nobody"] == ["shop"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("folder(name) { }", "folder name … : its name is no plain string"),
        ('folder("${x}") { }', "its name is no plain string"),
        ("folder('a') { permittedClouds(names) }", "permittedClouds … names: write a list of plain strings"),
    ],
)
def test_what_cannot_be_told(script: str, words: str) -> None:
    """Is an error: a folder must not get, or lose, a cloud by being misread."""
    with pytest.raises(BuildkeepError, match=words):
        read_folders([configmap(script)])


def test_jobs_stand_in_a_file_of_their_own() -> None:
    with pytest.raises(BuildkeepError, match="jobs stands beside jenkins"):
        read_folders([configmap("", jenkins={"clouds": []})])
