"""What a container and a volume of our own templates look like, for tenants that may use templates only.

From the profile table, as the chart writes its pods (templates/_pod.tpl, _builder.tpl) and the Kubernetes plugin
completes them (module_utils/plugin_pod*.py): it adds variables to the agent container, and a workspace to every
container.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils import cel, names
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, Profiles

_AGENT = "jnlp"
_WORKSPACE = ("workspace-volume", "/home/jenkins/agent")
_CA = names.CONFIGMAP_CA
# Of one tenant, so that their values are known to its templates only; they tell a build where to, and hold no right.
_OF_TENANT = ("BUILDKEEP_PUSH", "BUILDKEEP_CACHE")
# A builder's own volume, or in its place a claim, of which the rule about claims judges.
_OWN = "builder-"
_CACHE = (f"{_OWN}cache", "/cache")
# Neither probes nor hooks, which run commands; nothing that changes where a command runs or what it reads.
_FIELDS = (
    *("name", "image", "env", "resources", "volumeMounts", "securityContext", "imagePullPolicy"),
    *("terminationMessagePath", "terminationMessagePolicy"),
)


def volume(profiles: Profiles) -> str:
    """Write the condition that a volume, as `v`, is one of a template."""
    own = {f"{_OWN}{name}" for one in profiles.builders.values() for name in one.volumes}
    claims = sorted({*own, _CACHE[0]})
    return cel.any_of(
        [
            f"v.name in {cel.literal([_WORKSPACE[0], *sorted(own)])} && has(v.emptyDir)",
            # What is taken over from it unasked, no build may write.
            f"v.name in {cel.literal(claims)} && has(v.persistentVolumeClaim) "
            f"&& (v.name != {cel.literal(_CACHE[0])} || v.persistentVolumeClaim.?readOnly.orValue(false))",
            f"v.name == {cel.literal(names.SECRET_REGISTRY)} && has(v.secret) "
            f"&& v.secret.?secretName.orValue('') == {cel.literal(names.SECRET_REGISTRY)}",
            f"v.name == {cel.literal(_CA)} && has(v.configMap) && v.configMap.?name.orValue('') == {cel.literal(_CA)}",
        ]
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
    own = [(f"{_OWN}{name}", one.path) for name, one in profile.volumes.items()]
    return _all(
        f"variables.runsas == {cel.literal(profile.name)}",
        f"c.name == {cel.literal(profile.name)}",
        f"c.?image.orValue('') == {cel.literal(profile.image)}",
        f"c.?command.orValue([]) == {cel.literal(list(profile.command))}",
        f"c.?args.orValue([]) == {cel.literal(list(profile.args))}",
        _only((*_FIELDS, "command", "args", "workingDir")),
        # Another would choose what a relative path means.
        f"(!has(c.workingDir) || c.workingDir == {cel.literal(_WORKSPACE[1])})",
        _env(profile),
        _mounts(_WORKSPACE, (names.SECRET_REGISTRY, profile.credentials), _CACHE, *own, *ca),
    )


def _env(profile: Profile) -> str:
    trusted = profile.trusted_ca
    known = [f"{name}={value}" for name, value in profile.env.items()]
    known += [] if trusted is None else [f"{trusted.variable}={trusted.value}"]
    return (
        f"c.?env.orValue([]).all(e, !has(e.valueFrom) && (e.name in {cel.literal(list(_OF_TENANT))} "
        f"|| (e.name + '=' + e.?value.orValue('')) in {cel.literal(known)}))"
    )


def _only(fields: Sequence[str]) -> str:
    return f"dyn(c).all(k, k in {cel.literal(list(fields))})"


def _mounts(*allowed: tuple[str, str]) -> str:
    pairs = cel.literal([f"{volume} {path}" for volume, path in allowed])
    plain = "(size(m) == 2 || (size(m) == 3 && has(m.readOnly)))"
    read_only = f"(m.name != {cel.literal(_CACHE[0])} || m.?readOnly.orValue(false))"
    return f"c.?volumeMounts.orValue([]).all(m, m.name + ' ' + m.mountPath in {pairs} && {plain} && {read_only})"


def _all(*conditions: str) -> str:
    return " && ".join(conditions)
