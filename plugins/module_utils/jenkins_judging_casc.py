"""Whether the configuration that Jenkins will load keeps our promises: all files of the release taken together.

How files are put together: jenkinsci/configuration-as-code-plugin 2115, ErrorOnConflictMergeStrategy: maps are merged,
lists appended, and a scalar that stands in two files stops Jenkins, also where both say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem

Object = Mapping[str, Any]
_SCRIPTS = "controller.JCasC.configScripts"
# Files that the chart makes of values of their own.
_CHARTS: Mapping[str, str] = {
    "jcasc-default-config": "controller.JCasC.defaultConfig",
    "securityrealm": "controller.JCasC.securityRealm",
    "authorizationstrategy": "controller.JCasC.authorizationStrategy",
}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MISSING = object()
# Who may do everything by it, or is nobody in particular.
_OPEN_STRATEGIES = frozenset(("unsecured", "loggedInUsersCanDoAnything", "legacy"))
_EVERYBODY = frozenset(("anonymous", "authenticated"))
# Keys under which JCasC takes something that nobody may read, in lower case.
_SECRET = frozenset(
    (
        *("password", "secret", "token", "passphrase", "clientsecret", "secretkey", "privatekey"),
        *("apitoken", "accesstoken", "managerpassword", "managerpasswordsecret", "bindpassword"),
    )
)


def configuration(objects: Sequence[Object], settings: JenkinsSettings) -> Iterator[Problem]:
    """Find what of the configuration is not as promised."""
    files: dict[str, Object] = {}
    for item in objects:
        if item["kind"] != "ConfigMap" or settings.config_label not in (item["metadata"].get("labels") or {}):
            continue
        yield from _steered(item)
        for name, text in (item.get("data") or {}).items():
            try:
                content = yaml.load(text, Loader=_LOADER) or {}  # noqa: S506 (a safe loader)
            except yaml.YAMLError as error:
                yield Problem(_of(name), f"is no YAML: {' '.join(str(error).split())}", "Correct the text.")
                continue
            if isinstance(content, Mapping):
                files[name] = content
            else:
                yield Problem(_of(name), "is no mapping", "Write JCasC, such as `unclassified: {...}`.")
    yield from _conflicts(files)
    for name, content in files.items():
        yield from _clouds(name, content)
        yield from _secrets(_of(name), content)
    yield from _whole(_merge([{}, *files.values()]), settings)


def _of(name: str) -> str:
    stem = name.rpartition(".")[0]
    return _CHARTS.get(stem, f"{_SCRIPTS}.{stem}")


def _steered(item: Object) -> Iterator[Problem]:
    """What makes the side-car write elsewhere, or fetch something (kiwigrid/k8s-sidecar 2.10)."""
    if "k8s-sidecar-target-directory" in (item["metadata"].get("annotations") or {}):
        text = "k8s-sidecar-target-directory lets the side-car write anywhere in Jenkins home"
        yield Problem("controller.JCasC.configMapAnnotations", text, "Leave it out.")
    for name in item.get("data") or {}:
        if name.endswith(".url"):
            text = f"{name} makes the side-car fetch what nobody can judge here"
            yield Problem(_of(name), text, "Write the configuration itself.")


def _scalars(content: Any, path: str = "") -> Iterator[str]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _scalars(value, f"{path}.{key}" if path else str(key))
    elif not isinstance(content, list):
        yield path


def _conflicts(files: Mapping[str, Object]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, content in files.items():
        for path in _scalars(content):
            if path in first:
                text = f"{path} stands in {first[path]} as well, and Jenkins would not start"
                yield Problem(_of(name), text, "Say it in one of the two.")
            first.setdefault(path, name)


def _clouds(name: str, content: Object) -> Iterator[Problem]:
    clouds = (content.get("jenkins") or {}).get("clouds")
    if clouds:
        named = [str((next(iter(one.values()), None) or {}).get("name", "?")) for one in clouds if one]
        text = f"adds the cloud {', '.join(named)}, whose pods no tenant's walls hold"
        yield Problem(_of(name), text, "Make it a tenant: only tenants have clouds.")


def _secrets(path: str, content: Any) -> Iterator[Problem]:
    items = content.items() if isinstance(content, Mapping) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        here = f"{path}.{key}" if isinstance(key, str) else f"{path}[{key}]"
        if isinstance(value, str) and str(key).lower() in _SECRET and value and "${" not in value:
            remedy = "Write ${name-key} and list that Secret in controller.additionalExistingSecrets."
            yield Problem(here, "holds a secret in the open", remedy)
        yield from _secrets(here, value)


def _merge(contents: Sequence[Any]) -> Any:
    maps = [one for one in contents if isinstance(one, Mapping)]
    if not maps:
        return [item for one in contents for item in one] if isinstance(contents[0], list) else contents[0]
    keys = dict.fromkeys(key for one in maps for key in one)
    return {key: _merge([one[key] for one in maps if key in one]) for key in keys}


def _at(content: Any, path: str) -> Any:
    for step in path.split("."):
        if not isinstance(content, Mapping) or step not in content:
            return _MISSING
        content = content[step]
    return content


def _whole(content: Any, settings: JenkinsSettings) -> Iterator[Problem]:
    wanted = {
        "jenkins.numExecutors": (0, "builds would run on the controller"),
        "jenkins.slaveAgentPort": (settings.agent_port or -1, "agents' port is buildkeep_controller.agentPort"),
        "security.scriptApproval.forceSandbox": (True, "a script could leave the sandbox"),
    }
    for path, (value, why) in wanted.items():
        if _at(content, path) != value or isinstance(_at(content, path), bool) != isinstance(value, bool):
            yield Problem(_SCRIPTS, f"{path} is not {str(value).lower()}: {why}", "Leave that to buildkeep-base.")
    if _at(content, "jenkins.clouds") is _MISSING:
        text = "jenkins.clouds is missing, so that the last cloud could never be taken away"
        yield Problem(f"{_SCRIPTS}.buildkeep-base", text, "Leave buildkeep-base as it is.")
    dsl = _at(content, "security.globalJobDslSecurityConfiguration.useScriptSecurity")
    if dsl is False:
        text = "security.globalJobDslSecurityConfiguration.useScriptSecurity is false: seed jobs would run anything"
        yield Problem(_SCRIPTS, text, "Leave it out.")
    if _at(content, "jenkins.crumbIssuer") is None or _at(content, "jenkins.crumbIssuer") == "none":
        yield Problem(_SCRIPTS, "jenkins.crumbIssuer is empty: no protection from forged requests", "Leave it out.")
    yield from _people(_at(content, "jenkins"))


def _people(content: Any) -> Iterator[Problem]:
    strategy, realm = _at(content, "authorizationStrategy"), _at(content, "securityRealm")
    named = {strategy} if isinstance(strategy, str) else set(strategy) if isinstance(strategy, Mapping) else set()
    if not named or named & _OPEN_STRATEGIES:
        text = f"jenkins.authorizationStrategy is {', '.join(sorted(named)) or 'missing'}: everybody may do everything"
        yield Problem(_SCRIPTS, text, "Leave that to buildkeep-base and buildkeep_jenkins.administrators.")
    for kind in named & {"globalMatrix", "projectMatrix"} if isinstance(strategy, Mapping) else ():
        for entry in _at(strategy, f"{kind}.entries") or ():
            who = next(iter(entry.values()), None) or {}
            if who.get("name") in _EVERYBODY and "Overall/Administer" in (who.get("permissions") or ()):
                text = f"jenkins.authorizationStrategy makes {who['name']} an administrator"
                yield Problem(_SCRIPTS, text, "Name groups or users in buildkeep_jenkins.administrators.")
    if realm in (_MISSING, None, "none"):
        yield Problem(_SCRIPTS, "jenkins.securityRealm is missing: nobody would have to log in", "Use `realm`.")
    if _at(realm, "local.allowsSignup") not in (False, _MISSING):
        text = "jenkins.securityRealm.local.allowsSignup is not false: everybody could make an account"
        yield Problem(_SCRIPTS, text, "Write false.")
