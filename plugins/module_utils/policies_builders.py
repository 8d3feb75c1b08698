"""Builders as the pod policies know them: who may run as one, and what the rules about its container compare with."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils import cel, images, names
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, Profiles

_RESTRICTED = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
# What the chart gives the agent, as the plugin completes it, and what the plugin gives a container that says nothing.
USUAL = "[" + ", ".join(
    cel.mixed(one)
    for one in ({**_RESTRICTED, "runAsUser": 1000, "runAsGroup": 1000, "privileged": False}, _RESTRICTED)
) + "]"  # fmt: skip
USUAL_POD = cel.mixed({"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}})
_KEYS = ("marks", "user", "escalation", "capabilities", "seccomp", "apparmor", "unconfined")


def variables(profiles: Profiles, annotation: str) -> dict[str, str]:
    """Give the variables about builders, in the order in which they use each other.

    Args:
        profiles: the profile table.
        annotation: CEL of the namespace's annotation with the builders of its tenant.
    """
    name = f"variables.account.substring({len(names.SA_BUILDER_PREFIX)})"
    table = cel.literal({one.name: _profile(one) for one in profiles.relaxed.values()})
    return {
        "account": "object.spec.?serviceAccountName.orValue('')",
        "granted": f"{annotation}.split(',').map(e, e.trim()).filter(b, b in {cel.literal(list(profiles.builders))})",
        # Our own annotations have no blanks in them, so that most often a look at the text is enough.
        "runsas": (
            f"variables.account in {accounts(profiles)} && ((',' + {annotation} + ',').contains(',' + {name} + ',') "
            f"|| variables.granted.exists(b, b == {name})) ? {name} : ''"
        ),
        # To the rules a builder without rights of its own is a container like any other.
        "builder": f"variables.runsas in {cel.literal(list(profiles.relaxed))} ? variables.runsas : ''",
        "profile": f"variables.builder == '' ? {cel.literal({key: [] for key in _KEYS})} : {table}[variables.builder]",
    }


def accounts(profiles: Profiles) -> str:
    """Write the list of the ServiceAccounts of builders."""
    return cel.literal([names.SA_BUILDER_PREFIX + one for one in profiles.builders])


def app_armor_annotations(profiles: Profiles) -> list[str]:
    """List the values of container.apparmor.security.beta.kubernetes.io that stand for profiles of the table."""
    found = {one.app_armor.replace("Localhost/", "localhost/") for one in profiles.relaxed.values()}
    return ["runtime/default", *sorted(found - {"RuntimeDefault"})]


def contexts(profiles: Profiles) -> str:
    """Write a constant map: by ServiceAccount, the securityContexts that our templates give the builder's container."""
    texts = {one.service_account: ", ".join(_contexts(one)) for one in profiles.relaxed.values()}
    return "{" + ", ".join(f"{cel.literal(account)}: [{text}]" for account, text in texts.items()) + "}"


def _profile(profile: Profile) -> dict[str, list[str]]:
    repository = images.repository(profile.image)
    return {
        "marks": [f"{repository}:", f"{repository}@"],
        "user": [str(profile.run_as_user)],
        "escalation": ["true", "false"] if profile.allow_privilege_escalation else ["false"],
        "capabilities": list(profile.capabilities_add),
        "seccomp": [profile.seccomp],
        "apparmor": list(dict.fromkeys(["RuntimeDefault", profile.app_armor])),
        # What it may have of both in a tenant whose nodes have no profiles.
        "unconfined": ["Unconfined"] if profile.seccomp.startswith("Localhost/") else [],
    }


def _contexts(profile: Profile) -> list[str]:
    """Without a profile of AppArmor, and with one."""
    added = {"add": list(profile.capabilities_add)} if profile.capabilities_add else {}
    plain = {
        "runAsUser": profile.run_as_user,
        "runAsGroup": profile.run_as_group,
        "runAsNonRoot": profile.run_as_user != 0,
        "allowPrivilegeEscalation": profile.allow_privilege_escalation,
        "capabilities": {"drop": ["ALL"], **added},
        "seccompProfile": _on_nodes(profile.seccomp),
    }
    more = [] if profile.app_armor == "RuntimeDefault" else [{**plain, "appArmorProfile": _on_nodes(profile.app_armor)}]
    return [cel.mixed(one) for one in (plain, *more)]


def _on_nodes(profile: str) -> dict[str, str]:
    kind, _, file = profile.partition("/")
    return {"type": kind, **({"localhostProfile": file} if file else {})}
