"""Jenkins' own configuration as data, for the plugin Configuration as Code; the tenants' clouds are files of their own.

Attributes as core 2.578 and the plugins matrix-auth 3.2.8, script-security and job-dsl 3654.vdf58f53e2d15 have them.
Files are merged key by key and lists are joined, but one scalar in two files is an error: what stands here stands in no
other file. Not here, since core no longer takes them: `agentProtocols`, `crumbIssuer.standard.*`, `remotingSecurity`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import jenkins_credentials, jenkins_folders
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_groovy import keep
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_schema import ADMINISTRATORS, FOLDERS, REALM

SCHEMA_ADMINISTRATORS, SCHEMA_FOLDERS, SCHEMA_REALM = ADMINISTRATORS, FOLDERS, REALM
BASE, JOBS = "buildkeep-base", "buildkeep-folders"
LOCAL = "local"
# Files that the Jenkins chart makes of the administrator's Secret; Configuration as Code puts in what they hold.
_ADMIN, _PASSWORD = "${chart-admin-username}", "${chart-admin-password}"
_PLUGINS = (
    *("cloudbees-folder", "configuration-as-code", "git", "job-dsl", "kubernetes", "matrix-auth"),
    *("pipeline-groovy-lib", "script-security", "workflow-aggregator"),
)


class CascSettings(Protocol):
    """What is read of `jenkins_settings.JenkinsSettings`."""

    @property
    def url(self) -> str:
        """Jenkins' own address."""

    @property
    def agent_port(self) -> int:
        """TCP port for agents; 0: WebSocket."""

    @property
    def realm(self) -> Mapping[str, Any]:
        """JCasC's `securityRealm`, or empty."""

    @property
    def administrators(self) -> Sequence[Mapping[str, str]]:
        """Each `{group: ...}` or `{user: ...}`."""

    @property
    def folders(self) -> Mapping[str, Mapping[str, Any]]:
        """By tenant's name, what its folder holds."""


def base(settings: CascSettings) -> dict[str, Any]:
    """Make the configuration, `${…}` in it meant for Configuration as Code."""
    return {
        "jenkins": {
            # No build runs where Jenkins' own secrets are.
            "mode": "EXCLUSIVE",
            "numExecutors": 0,
            "slaveAgentPort": settings.agent_port or -1,
            # Cloud files add to it; without it the last tenant's cloud could never be taken away.
            "clouds": [],
            # By its name alone: on also where Jenkins home had switched it off.
            "crumbIssuer": "standard",
            "disableRememberMe": False,
            "markupFormatter": "plainText",
            "projectNamingStrategy": "standard",
            "securityRealm": _realm(settings.realm),
            "authorizationStrategy": {"projectMatrix": {"entries": _entries(settings)}},
        },
        "security": {
            "apiToken": {
                "creationOfLegacyTokenEnabled": False,
                "tokenGenerationOnCreationEnabled": False,
                "usageStatisticsEnabled": True,
            },
            # Pipelines run in the sandbox, whoever wrote them; Job DSL of jobs is approved or sandboxed as well.
            "scriptApproval": {"forceSandbox": True},
            "globalJobDslSecurityConfiguration": {"useScriptSecurity": True},
        },
        "unclassified": {
            "location": {"url": keep(settings.url)},
            # These would run outside of the sandbox; folders have libraries of their own, which do not.
            "globalLibraries": {"libraries": []},
        },
    }


def jobs(settings: CascSettings, tenants: Sequence[jenkins_folders.Named]) -> dict[str, Any]:
    """Make the part with the folders of tenants.

    Args:
        settings: for their `folders`.
        tenants: those that are to be there; each gets a folder.

    Raises:
        BuildkeepError: a text holds characters that Groovy or YAML cannot.
    """
    return {"jobs": [{"script": one} for one in jenkins_folders.folder_scripts(tenants, settings.folders)]}


def config_scripts(settings: CascSettings, tenants: Sequence[jenkins_folders.Named]) -> dict[str, str]:
    """Write both as the value `controller.JCasC.configScripts` of the Jenkins chart, whose `tpl` leaves them as is."""
    return {BASE: for_chart(text_of(base(settings))), JOBS: for_chart(text_of(jobs(settings, tenants)))}


def text_of(document: Mapping[str, Any]) -> str:
    """Write a document as YAML, scripts as blocks."""
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)


def for_chart(text: str) -> str:
    """Keep text from the chart's `tpl`, which would take what stands in double braces for its own."""
    return text.replace("{{", '{{ "{{" }}')


def additional_secrets(folders: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """List the keys of Secrets to mount, as the chart's value `controller.additionalExistingSecrets` has them."""
    return jenkins_credentials.mounted(folders)


def required_plugins(settings: CascSettings) -> tuple[str, ...]:
    """Name the plugins without which Jenkins would refuse this configuration, sorted."""
    return tuple(sorted({*_PLUGINS, *jenkins_folders.plugins(settings.folders)}))


def _realm(given: Mapping[str, Any]) -> dict[str, Any]:
    if given and LOCAL not in given:
        return dict(given)
    local = given.get(LOCAL, {})
    admin = {"id": _ADMIN, "name": "Administrator", "password": _PASSWORD}
    return {LOCAL: {**local, "allowsSignup": False, "users": [admin, *local.get("users", ())]}}


def _entries(settings: CascSettings) -> list[dict[str, Any]]:
    """Who may do what everywhere; in another realm our administrator's name may be anybody's, so it gets nothing."""
    own = [{"user": _ADMIN}] if not settings.realm or LOCAL in settings.realm else []
    others = [{kind: keep(name) for kind, name in one.items()} for one in settings.administrators]
    permitted = [(one, "Overall/Administer") for one in (*own, *others)]
    permitted.append(({"group": "authenticated"}, "Overall/Read"))
    return [
        {kind: {"name": name, "permissions": [permission]}}
        for one, permission in permitted
        for kind, name in one.items()
    ]


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and no aliases, of which Configuration as Code takes few."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
