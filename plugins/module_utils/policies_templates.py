"""What a container and a volume of our own templates look like, for tenants that may use templates only.

From the profile table, as the chart writes its pods (templates/_pod.tpl) and the Kubernetes plugin completes them
(module_utils/plugin_pod*.py): it adds variables to the agent container, and a workspace to every container.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils import cel, names
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, Profiles

_AGENT = "jnlp"
_WORKSPACE = ("workspace-volume", "/home/jenkins/agent")
_CA = names.CONFIGMAP_CA
# Neither probes nor hooks, which run commands; nothing that changes where a command runs or what it reads.
_FIELDS = (
    *("name", "image", "env", "resources", "volumeMounts", "securityContext", "imagePullPolicy"),
    *("terminationMessagePath", "terminationMessagePolicy"),
)
VOLUME = (
    f"(v.name == {cel.literal(_WORKSPACE[0])} && has(v.emptyDir)) "
    f"|| (v.name == {cel.literal(names.SECRET_REGISTRY)} && has(v.secret) "
    f"&& v.secret.?secretName.orValue('') == {cel.literal(names.SECRET_REGISTRY)}) "
    f"|| (v.name == {cel.literal(_CA)} && has(v.configMap) && v.configMap.?name.orValue('') == {cel.literal(_CA)})"
)


def container(profiles: Profiles) -> str:
    """Write the condition that a container, as `c`, is the agent or the builder of a template."""
    return cel.any_of([_agent(profiles.agent_image), *(_builder(one) for one in profiles.builders.values())])


def _agent(image: str) -> str:
    return _all(
        f"c.name == {cel.literal(_AGENT)}",
        f"c.?image.orValue('') == {cel.literal(image)}",
        _only(_FIELDS),
        # What the plugin sets has no source but itself.
        "c.?env.orValue([]).all(e, !has(e.valueFrom))",
        _mounts(_WORKSPACE),
    )


def _builder(profile: Profile) -> str:
    ca = [] if profile.trusted_ca is None else [(_CA, profile.trusted_ca.path)]
    variables = [] if profile.trusted_ca is None else [
        {"name": profile.trusted_ca.variable, "value": profile.trusted_ca.value}
    ]  # fmt: skip
    return _all(
        f"variables.builder == {cel.literal(profile.name)}",
        f"c.name == {cel.literal(profile.name)}",
        f"c.?image.orValue('') == {cel.literal(profile.image)}",
        f"c.?command.orValue([]) == {cel.literal(list(profile.command))}",
        f"c.?args.orValue([]) == {cel.literal(list(profile.args))}",
        _only((*_FIELDS, "command", "args")),
        f"(!has(c.env) || c.env == {cel.literal(variables)})",
        _mounts(_WORKSPACE, (names.SECRET_REGISTRY, profile.credentials), *ca),
    )


def _only(fields: Sequence[str]) -> str:
    return f"dyn(c).all(k, k in {cel.literal(list(fields))})"


def _mounts(*allowed: tuple[str, str]) -> str:
    pairs = cel.literal([f"{volume} {path}" for volume, path in allowed])
    plain = "(size(m) == 2 || (size(m) == 3 && has(m.readOnly)))"
    return f"c.?volumeMounts.orValue([]).all(m, m.name + ' ' + m.mountPath in {pairs} && {plain})"


def _all(*conditions: str) -> str:
    return " && ".join(conditions)
