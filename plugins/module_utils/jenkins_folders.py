"""The folder of each tenant, as Job DSL: which cloud it may use, who may build there, its credentials, libraries, jobs.

A cloud of ours may be used only where a folder says so (`usageRestricted`), and folders are no part of what
Configuration as Code itself can write; its root `jobs` runs Job DSL (job-dsl-plugin 3654.vdf58f53e2d15,
SeedJobConfigurator). One script after the other: folders, what they keep secret, then the jobs that use it.

Before them comes one that loads the folders that are there. At its start Jenkins runs all this before it has loaded its
items (configuration-as-code-plugin, ConfigurationAsCode.init; core 2.578, Jenkins.loadTasks): Job DSL would make such a
folder anew, without what was added by hand, and core deletes the whole folder, builds included, where that fails
(ItemGroupMixIn.createProjectFromXML). And what is new then, core forgets until it is loaded again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_credentials import KINDS, credentials_script
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_groovy import (
    Call,
    block,
    call,
    literal,
    script,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_jobs import (
    HOSTS,
    host_of,
    library,
    multibranch,
)

Folder = Mapping[str, Any]
# See, start and stop builds. Neither Configure nor Create: with either a folder's cloud could be written by hand.
AUTHORS = ("Job/Build", "Job/Cancel", "Job/Read")
# Java holds a method, here a script's top level, to 64 KiB.
_MOST = 100
_LOADING = """\
import hudson.init.InitMilestone
import hudson.model.Items
import hudson.model.listeners.ItemListener
import jenkins.model.Jenkins

def jenkins = Jenkins.get()
def load = {
    %s.each { name ->
        def place = new File(jenkins.getRootDir(), 'jobs/' + name)
        if (jenkins.getItem(name) == null && new File(place, 'config.xml').isFile()) {
            jenkins.add(Items.load(jenkins, place), name)
        }
    }
}
load.call()
if (jenkins.getInitLevel().ordinal() < InitMilestone.JOB_LOADED.ordinal()) {
    ItemListener.all().add(new ItemListener() {
        @Override
        void onLoaded() {
            load.call()
        }
    })
}
"""


class Named(Protocol):
    """A tenant, as far as its folder is concerned."""

    @property
    def name(self) -> str:
        """Its name, which its folder and cloud have too."""


def folder_scripts(tenants: Sequence[Named], folders: Mapping[str, Folder]) -> list[str]:
    """Write the scripts for all tenants, in the order in which they must run.

    Args:
        tenants: those that are to be there; each gets a folder.
        folders: by tenant's name what is in it, of the form that the inventory's schema demands.

    Raises:
        BuildkeepError: a text holds characters that Groovy or YAML cannot.
    """
    names = sorted(tenant.name for tenant in tenants)
    given = {name: folders.get(name, {}) for name in names}
    secret = {name: one.get("credentials", ()) for name, one in given.items()}
    jobs = [multibranch(name, job) for name, one in given.items() for job in one.get("jobs", ())]
    return [
        *(_LOADING % literal(part) for part in _parts(names)),
        *(script([folder(name, given[name]) for name in part]) for part in _parts(names)),
        *(credentials_script({name: secret[name] for name in part}) for part in _parts(names)),
        *(script(part) for part in _parts(jobs)),
    ]


def folder(name: str, given: Folder) -> Call:
    """Make one tenant's folder.

    Args:
        name: of the tenant.
        given: what is in it.
    """
    properties = [block("kubernetes", call("permittedClouds", [name]))]
    if given.get("authors"):
        entries = [block(*_entry(one)) for one in given["authors"]]
        inherit = block("inheritanceStrategy", call("inheriting"))
        properties.append(block("authorizationMatrix", block("entries", *entries), inherit))
    if given.get("libraries"):
        libraries = [library(name, one) for one in given["libraries"]]
        properties.append(block("folderLibraries", block("libraries", *libraries)))
    description = given.get("description", f"Builds of {name}")
    return block("folder", call("description", description), block("properties", *properties), of=(name,))


def plugins(folders: Mapping[str, Folder]) -> list[str]:
    """List the plugins that what is in the folders needs, sorted."""
    found: set[str] = set()
    for one in folders.values():
        for credential in one.get("credentials", ()):
            found.update(KINDS[credential["kind"]].plugins)
        found.update(HOSTS[host_of(entry)].plugin for entry in (*one.get("jobs", ()), *one.get("libraries", ())))
    return sorted(found)


def _entry(author: Mapping[str, str]) -> tuple[str, Call, Call]:
    kind = "user" if "user" in author else "group"
    return kind, call("name", author[kind]), call("permissions", list(AUTHORS))


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + _MOST] for start in range(0, len(items), _MOST))
