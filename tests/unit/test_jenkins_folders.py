"""Tenants' folders as Job DSL: what is in them, and what an inventory may say of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tree_sitter_groovy
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_credentials import FOLDER, mounted
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders import folder_scripts, plugins
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_jobs import HOSTS
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from tree_sitter import Language, Parser

SEED = Path(__file__).resolve().parents[2] / "examples" / "seed-job"
GIT = {"url": "https://git.example.com/shop.git"}
GITHUB = {"owner": "acme", "repository": "shop"}
GITLAB = {"server": "acme", "project": "acme/tools/shop"}
REGISTRY = {"id": "registry", "kind": "usernamePassword", "secret": "shop-registry"}


@dataclass(frozen=True)
class Tenant:
    """All that a folder needs of a tenant."""

    name: str


def scripts(**folders: Any) -> list[str]:
    return folder_scripts([Tenant(name) for name in sorted({"blog", "shop", *folders})], folders)


def problems(**folders: Any) -> list[str]:
    tenants = [{"name": name} for name in sorted({"blog", "shop"})]
    with pytest.raises(BuildkeepError) as caught:
        read_settings({"tenants": tenants, "jenkins": {"folders": folders}, "jenkins_install": True})
    return list(caught.value.problems)


def test_each_tenant_has_a_folder_that_may_use_its_own_cloud_and_no_other() -> None:
    _, folders, credentials = scripts()
    for name in ("blog", "shop"):
        assert f"folder('{name}') {{" in folders
        assert f"permittedClouds(['{name}'])" in folders
    assert folders.count("permittedClouds") == 2
    assert "['blog', 'shop'].each { give(it, { [] }) }" in credentials


def test_folders_that_are_there_are_loaded_before_job_dsl_could_make_them_anew() -> None:
    loading = scripts()[0]
    assert "['blog', 'shop'].each { name ->" in loading
    assert "Items.load(jenkins, place)" in loading
    assert "onLoaded()" in loading, "new ones are forgotten at the end of a start"
    assert "$" not in loading


def test_authors_may_build_but_neither_configure_nor_create() -> None:
    text = scripts(shop={"authors": [{"group": "shop-devs"}, {"user": "o'neil"}]})[1]
    assert text.count("permissions(['Job/Build', 'Job/Cancel', 'Job/Read'])") == 2
    assert "Configure" not in text
    assert "Create" not in text
    assert "user {\n                    name('o\\'neil')" in text


def test_a_secret_is_named_by_its_file_and_never_written() -> None:
    app = {"id": "app", "kind": "gitHubApp", "secret": "shop-app", "app": "1234"}
    key = {"id": "key", "kind": "sshKey", "secret": "shop-ssh", "keys": {"privateKey": "id_ed25519"}}
    file = {"id": "docker", "kind": "secretFile", "secret": "shop-docker", "description": "for ${registry}"}
    text = {"id": "text", "kind": "secretText", "secret": "shop-text"}
    given = {"shop": {"credentials": [REGISTRY, app, key, file, text]}}
    script = scripts(**given)[2]
    files = [f"{one['name']}-{one['keyName']}" for one in mounted(given)]
    assert files == [
        *("shop-registry-username", "shop-registry-password", "shop-app-privateKey", "shop-ssh-id_ed25519"),
        *("shop-docker-.dockerconfigjson", "shop-text-text"),
    ]
    assert [script.count(f"'${{readFileBase64:{FOLDER}/{name}}}'") for name in files] == [1] * 6
    # Nothing else is put in by Configuration as Code.
    assert script.count("${") - script.count("^${") == 6
    assert "'for ^${registry}'" in script
    assert "import org.jenkinsci.plugins.github_branch_source.GitHubAppCredentials\n" in script


def test_classes_of_plugins_that_nothing_needs_are_not_imported() -> None:
    assert "github_branch_source" not in scripts(shop={"credentials": [REGISTRY]})[2]


def test_a_job_builds_branches_and_forks_only_as_it_is_told() -> None:
    jobs = [{"name": "plain", "github": GITHUB}, {"name": "lab", "gitlab": GITLAB, "forks": "contributors"}]
    text = scripts(shop={"jobs": jobs, "credentials": [REGISTRY]})[3]
    plain, lab = text.split("multibranchPipelineJob('shop/lab')")
    assert "gitHubPullRequestDiscovery" in plain
    assert "Fork" not in plain
    assert "ForkMergeRequestDiscoveryTrait$TrustMembers'" in lab
    assert "projectOwner('acme/tools')" in lab
    assert "projectPath('acme/tools/shop')" in lab


def test_nobody_can_ask_to_trust_everyone() -> None:
    words = {word for host in HOSTS.values() for word in (host.trust or {}).values()}
    assert words == {"TrustNobody", "TrustContributors", "TrustMembers", "TrustPermission"}
    (problem,) = problems(shop={"jobs": [{"name": "web", "github": GITHUB, "forks": "everyone"}]})
    assert problem.startswith('buildkeep_jenkins.folders.shop.jobs[0].forks: "everyone" is not one of: none, nobody')


def test_libraries_are_the_folders_so_that_they_run_in_the_sandbox() -> None:
    library = {"name": "steps", "version": "v1", "git": GIT}
    text = scripts(shop={"libraries": [library]})[1]
    assert "folderLibraries {" in text
    assert "implicit(false)" in text
    assert "remote('https://git.example.com/shop.git')" in text


def test_many_tenants_are_several_scripts_since_java_limits_one() -> None:
    made = scripts(**{f"t{number:03d}": {} for number in range(250)})
    assert [one.count("permittedClouds") for one in made[3:6]] == [100, 100, 52]
    assert sum("give(it" in one for one in made) == 3


def test_only_plugins_that_are_needed_are_asked_for() -> None:
    jobs = [{"name": "a", "github": GITHUB}, {"name": "b", "gitlab": GITLAB}]
    assert plugins({"shop": {}}) == []
    key = {"id": "key", "kind": "sshKey", "secret": "s"}
    assert plugins({"shop": {"jobs": jobs, "credentials": [key]}}) == [
        *("github-branch-source", "gitlab-branch-source", "ssh-credentials"),
    ]


def test_what_cannot_work_is_told_at_once_with_its_remedy() -> None:
    found = problems(
        shop={
            "authors": [{"group": "anonymous"}],
            "description": "two\nlines",
            "credentials": [
                {"id": "a", "kind": "gitHubApp", "secret": "jenkins-admin", "user": "x"},
                {"id": "a", "kind": "secretText", "secret": "jenkins-casc-reload", "keys": {"txet": "x"}},
                {"id": "b", "kind": "secretText", "secret": "chart", "keys": {"text": "admin-password"}},
            ],
            "jobs": [{"name": "x"}, {"name": "x", "git": GIT, "github": GITHUB, "credentials": "aa"}],
            "libraries": [{"name": "l", "version": "v", "git": GIT, "credentials": "b"}],
        },
        blog={"jobs": [{"name": "x", "git": GIT, "forks": "nobody"}]},
    )
    place = "buildkeep_jenkins.folders.shop"
    assert sorted(problem.partition(": ")[0] for problem in found) == sorted([
        f"{place}.authors[0].group",
        f"{place}.description",
        f"{place}.credentials[0].secret",
        f"{place}.credentials[0].user",
        f"{place}.credentials[0].app",
        f"{place}.credentials[1].secret",
        f"{place}.credentials[1].keys.txet",
        f"{place}.credentials[1].id",
        "buildkeep_jenkins.folders",
        f"{place}.jobs[0]",
        f"{place}.jobs[1]",
        f"{place}.jobs[1].name",
        f"{place}.jobs[1].credentials",
        "buildkeep_jenkins.folders.blog.jobs[0].forks",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("jobs", {"name": "../x", "git": GIT}),
        ("jobs", {"name": "x", "git": {"url": "https://user:pass@git.example.com/x"}}),
        ("jobs", {"name": "x", "git": {"url": "http://git.example.com/x"}}),
        ("jobs", {"name": "x", "git": {"url": "https://git.example.com/${x}"}}),
        ("jobs", {"name": "x", "git": GIT, "jenkinsfile": "a/../../b"}),
        ("jobs", {"name": "x", "git": GIT, "script": "println()"}),
        ("jobs", {"name": "x", "github": {"owner": "a/b", "repository": "c"}}),
        ("jobs", {"name": "x", "git": GIT, "every": "5s"}),
        ("credentials", {**REGISTRY, "password": "hunter2"}),
        ("credentials", {**REGISTRY, "secret": "Shop"}),
        ("credentials", {**REGISTRY, "kind": "certificate"}),
        ("authors", {"group": "a", "user": "b"}),
        ("authors", {"group": "a b"}),
        ("authors", {"group": "${x}"}),
    ],
)
def test_the_schema_refuses(key: str, entry: Any) -> None:
    (problem,) = problems(shop={key: [entry]})
    assert problem.startswith(f"buildkeep_jenkins.folders.shop.{key}[0]")
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    "url", ["git@git.example.com:acme/shop.git", "ssh://git@git.example.com:2222/acme/shop", "https://h:8443/a/b.git"]
)
def test_usual_urls_are_taken(url: str) -> None:
    folders = {"shop": {"jobs": [{"name": "x", "git": {"url": url}}]}}
    assert read_settings({"tenants": [{"name": "shop"}], "jenkins": {"folders": folders}}).jenkins.folders == folders


@pytest.mark.parametrize("path", sorted(SEED.rglob("*.groovy")), ids=lambda path: path.name)
def test_the_seed_jobs_scripts_are_groovy(path: Path) -> None:
    assert not Parser(Language(tree_sitter_groovy.language())).parse(path.read_bytes()).root_node.has_error


def test_the_seed_job_is_made_where_its_cloud_is() -> None:
    inventory = yaml.safe_load((SEED / "inventory.yml").read_text())
    settings = read_settings({key.removeprefix("buildkeep_"): value for key, value in inventory.items()})
    jobs = folder_scripts(settings.present, settings.jenkins.folders)[3]
    assert "multibranchPipelineJob('platform/seed')" in jobs
    assert "scriptPath('seed.groovy')" in jobs
    assert "cloud 'platform'" in (SEED / "seed.groovy").read_text()
