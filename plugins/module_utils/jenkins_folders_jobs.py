"""Source hosts, and the multibranch jobs and shared libraries that come from them, as Job DSL.

Names of the dynamic DSL are symbols and class names of github-branch-source-plugin 57edfa33, git-plugin 5.10.1,
gitlab-branch-source-plugin 04f287f, pipeline-groovy-lib-plugin 5cc6888 and branch-api; job-dsl-plugin
3654.vdf58f53e2d15 finds them by the rules of DescribableHelper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_groovy import Call, block, call

NO_FORKS = "none"
_GITHUB = "org.jenkinsci.plugins.github_branch_source.ForkPullRequestDiscoveryTrait"
_GITLAB = "io.jenkins.plugins.gitlabbranchsource.ForkMergeRequestDiscoveryTrait"


@dataclass(frozen=True)
class Host:
    """A kind of source host.

    Attributes:
        plugin: that has its branch source.
        branches: traits that find branches of the repository itself, and requests to merge them.
        fork_trait: class of the trait that finds requests from forks; empty: the host has none.
        trust: for each word of the inventory, the nested class that says whose Jenkinsfile counts.
    """

    plugin: str
    branches: tuple[Call, ...]
    fork_trait: str = ""
    trust: Mapping[str, str] | None = None


_STRATEGY = call("strategyId", 1)
# What is trusted is that a request's own Jenkinsfile runs; else the one of the branch that it is to go into. There is
# no word for everyone, who are all that can have an account at the host.
HOSTS: Mapping[str, Host] = {
    "github": Host(
        "github-branch-source",
        (block("gitHubBranchDiscovery", _STRATEGY), block("gitHubPullRequestDiscovery", _STRATEGY)),
        _GITHUB,
        {"nobody": "TrustNobody", "contributors": "TrustContributors", "writers": "TrustPermission"},
    ),
    "gitlab": Host(
        "gitlab-branch-source",
        (block("gitLabBranchDiscovery", _STRATEGY), block("gitLabOriginDiscovery", _STRATEGY)),
        _GITLAB,
        {"nobody": "TrustNobody", "contributors": "TrustMembers", "writers": "TrustPermission"},
    ),
    "git": Host("git", (call("gitBranchDiscovery"),)),
}
TRUST = ("nobody", "contributors", "writers")


def host_of(entry: Mapping[str, Any]) -> str:
    """Name the kind of source host of a job or library."""
    return next(host for host in HOSTS if host in entry)


def source(entry: Mapping[str, Any], identity: str) -> Call:
    """Make the source of a job or library.

    Args:
        entry: with one of `github`, `gitlab` and `git`, and perhaps `credentials`.
        identity: by which Jenkins finds it again; must stay.
    """
    host = host_of(entry)
    given = entry[host]
    calls = [call("id", identity)]
    if host == "github":
        calls += [call("repoOwner", given["owner"]), call("repository", given["repository"])]
        calls += [call("repositoryUrl", ""), call("configuredByUrl", False)]
        calls += [call("apiUri", given["api"])] if given.get("api") else []
    elif host == "gitlab":
        calls += [call("serverName", given["server"]), call("projectOwner", given["project"].rpartition("/")[0])]
        calls.append(call("projectPath", given["project"]))
    else:
        calls.append(call("remote", given["url"]))
    if entry.get("credentials"):
        calls.append(call("credentialsId", entry["credentials"]))
    return block(host, *calls, block("traits", *HOSTS[host].branches))


def multibranch(folder: str, job: Mapping[str, Any]) -> Call:
    """Make a job that builds each branch by its own Jenkinsfile.

    Args:
        folder: of the tenant.
        job: of the form that the inventory's schema demands.
    """
    path = f"{folder}/{job['name']}"
    return block(
        "multibranchPipelineJob",
        call("description", job.get("description", "")),
        block("branchSources", block("branchSource", block("source", source(job, f"buildkeep/{path}")))),
        block(
            "factory", block("workflowBranchProjectFactory", call("scriptPath", job.get("jenkinsfile", "Jenkinsfile")))
        ),
        block("orphanedItemStrategy", block("discardOldItems", call("daysToKeep", job.get("keepDays", 14)))),
        block("triggers", block("periodicFolderTrigger", call("interval", job.get("every", "1d")))),
        *_forks(job),
        of=(path,),
    )


def library(folder: str, entry: Mapping[str, Any]) -> Call:
    """Make a shared library of a folder; what comes from one runs in the sandbox, as a Jenkinsfile does.

    Args:
        folder: of the tenant.
        entry: of the form that the inventory's schema demands.
    """
    return block(
        "libraryConfiguration",
        call("name", entry["name"]),
        call("defaultVersion", entry["version"]),
        call("implicit", entry.get("implicit", False)),
        block(
            "retriever",
            block("scmSourceRetriever", block("scm", source(entry, f"buildkeep/{folder}/library/{entry['name']}"))),
        ),
    )


def _forks(job: Mapping[str, Any]) -> tuple[Call, ...]:
    """Write the trait as XML: job-dsl cannot make it of symbols with every release of these plugins (JENKINS-45504)."""
    host = HOSTS[host_of(job)]
    word = job.get("forks", NO_FORKS)
    if word == NO_FORKS or host.trust is None:
        return ()
    element = host.fork_trait.replace("_", "__")  # as XStream writes an underscore
    return (
        block(
            "configure",
            "def traits = it / 'sources' / 'data' / 'jenkins.branch.BranchSource' / 'source' / 'traits'",
            f"traits << '{element}' {{",
            "    strategyId(1)",
            f"    trust(class: '{host.fork_trait}${host.trust[word]}')",
            "}",
        ),
    )
