"""Which new pods cannot break any rule about pods but those that differ from tenant to tenant, at a glance.

Nearly every pod is ordinary. The API server evaluates a policy's matchConditions once, but its validation and message
with all variables for each; so the condition that keeps ordinary pods from the rules is a matchCondition of
buildkeep-pods. There no namespaceObject and no variables are to be had, so what a namespace says of its tenant is held
against ordinary pods by a second policy, buildkeep-pods-tenant.

The proofs are the `unless` of the rules (files/ordinary.yaml), so that every rule must have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Template

from ansible_collections.buildkeep.ci.plugins.module_utils import cel, images, names
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule, proofs

_WHOLE = ("pod", "label", "annotation")
# Of a container: what holds for each, for the builder and for any other. A builder as profiled is `confined` too, and
# of the builder's own name, which no second container of the pod can have.
_EACH = ("fields", "env", "mounts", "resources", "canonical")
_BUILDER, _OTHER = ("as-profiled",), ("confined", "restricted")
_NO_BUILDER = "no-builder"
_BY_SCOPE = {"container": {*_EACH, "confined"}, "builder": {*_BUILDER}, "other": {*_OTHER, _NO_BUILDER}}
_IMPLIED = "one-builder"


def condition(table: Sequence[Rule], constants: Mapping[str, str], profiles: Profiles) -> str:
    """Write the condition that a request creates an ordinary pod.

    Args:
        table: rules of buildkeep-pods.
        constants: what `${name}` in a rule stands for.
        profiles: the profile table.

    Raises:
        ValueError: a rule that is no tenant's has no proof, or one that a matchCondition cannot use.
    """

    def fill(text: str) -> str:
        return Template(" ".join(text.split())).substitute(constants)

    def proven(scope: str) -> list[str]:
        return list(dict.fromkeys(fill(rule.unless) for rule in held if rule.scope == scope))

    held = [rule for rule in table if not (rule.tenant or rule.id == _IMPLIED)]
    if bare := [rule.key for rule in held if not rule.unless]:
        raise ValueError(f"without a proof among `ordinary`: {', '.join(bare)}")
    named = {name: fill(text) for name, text in proofs().items()}
    for scope, known in _BY_SCOPE.items():
        if unknown := {rule.proof for rule in held if rule.scope == scope} - known:
            raise ValueError(f"policies_ordinary.py does not know of {scope}: {', '.join(sorted(unknown))}")
    builder = " && ".join([_marked(profiles), *(f"({named[name]})" for name in _BUILDER)])
    plain = " && ".join(f"({named[name]})" for name in _OTHER)
    other = f"({named[_NO_BUILDER]}) && (({named['usual']}) || {plain})"
    container = " && ".join([*(f"({named[name]})" for name in _EACH), f"(({builder}) || ({other}))"])
    volume = " && ".join(f"({text})" for text in proven("volume")) or "true"
    parts = [
        "request.operation == 'CREATE'",
        # First, for the rest looks at containers of one kind only.
        named["few"],
        *(text for scope in _WHOLE for text in proven(scope) if text != named["few"]),
        f"object.spec.containers.all(c, {container})",
        f"!has(object.spec.volumes) || object.spec.volumes.all(v, {volume})",
    ]
    made = " && ".join(f"({part})" for part in parts)
    if "variables." in made or "namespaceObject" in made:
        raise ValueError("a proof in files/ordinary.yaml asks for what a matchCondition does not have")
    return made


def _marked(profiles: Profiles) -> str:
    """Ask whether a container, as `c`, has the image and the name of the builder that its pod runs as."""
    table = cel.literal({one.name: images.repository(one.image) for one in profiles.relaxed.values()})
    prefix = cel.literal(names.SA_BUILDER_PREFIX)
    image = f"c.image.startsWith({table}[c.name] + "
    return (
        f"has(object.spec.serviceAccountName) && {prefix} + c.name == object.spec.serviceAccountName "
        f"&& c.name in {table} && ({image}':') || {image}'@'))"
    )
