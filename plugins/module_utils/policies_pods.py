"""The pod policy: every rule of the table compiled into one validation and one message.

The API server evaluates a messageExpression for admitted pods too, and variables once for the validation and once more
for the message (apiserver, plugin/policy/validating/validator.go). So both first ask the cheap `variables.broken`; the
texts are made for refused pods only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import Template
from typing import NamedTuple

from ansible_collections.buildkeep.ci.plugins.module_utils import cel, images, names
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule

# Scope of a rule -> the variable that lists what it looks at, the name of an item in the rule's CEL, and the subject in
# a message. The scopes `pod` and `label` look at the whole pod.
_LISTS = {
    "container": ("everyone", "c", "container "),
    "other": ("others", "c", "container "),
    "builder": ("builders", "c", "container "),
    "volume": ("volumes", "v", "volume "),
}
_SPEC_CHANGED = "request.operation == 'CREATE' || object.spec != oldObject.spec"
_LABELS_CHANGED = (
    "request.operation == 'CREATE' || object.metadata.?labels.orValue({}) != oldObject.metadata.?labels.orValue({})"
)
# Used by the API server where the messageExpression fails.
MESSAGE = (
    "[pod] this pod breaks rules of its tenant that could not all be listed; see the documentation of buildkeep-pods, "
    "or start from the tenant's agent template"
)
MESSAGE_EXPRESSION = f"variables.broken ? {cel.one_line('variables.text')} : ''"


def match_conditions() -> list[dict[str, str]]:
    """Give the policy's matchConditions: updates that touch neither spec nor labels are no concern of any rule.

    Without this, narrowing an allowlist would make every update of a running pod fail, the removal of a finalizer
    included.
    """
    return [{"name": "spec-or-labels-changed", "expression": f"{_SPEC_CHANGED} || {_LABELS_CHANGED}"}]


def variables(rules: Sequence[Rule], profiles: Profiles, cluster_images: Iterable[str]) -> list[dict[str, str]]:
    """Give the policy's variables, in the order in which they use each other.

    Args:
        rules: rules of buildkeep-pods.
        profiles: the profile table.
        cluster_images: allowlist entries that hold for every tenant.
    """
    marked = "variables.profile.marks.exists(m, c.?image.orValue('').startsWith(m))"
    expressions = {
        "profiles": cel.literal({name: _profile(one) for name, one in profiles.builders.items()}),
        "psc": "object.spec.?securityContext.orValue({})",
        "account": "object.spec.?serviceAccountName.orValue('')",
        "granted": _annotation(names.ANNOTATION_BUILDERS) + ".filter(b, b in variables.profiles)",
        "builder": (
            f"variables.account.startsWith({cel.literal(names.SA_BUILDER_PREFIX)}) && variables.granted.exists(b, "
            f"{cel.literal(names.SA_BUILDER_PREFIX)} + b == variables.account) "
            f"? variables.account.substring({len(names.SA_BUILDER_PREFIX)}) : ''"
        ),
        "profile": f"variables.builder == '' ? {cel.literal(_NO_PROFILE)} : variables.profiles[variables.builder]",
        # An entry without '/' would, as an exact name, let in host:5000/anything; '' is what an empty list splits into.
        "allowed": (
            f"{cel.literal([one for one in cluster_images if '/' in one])} + {_annotation(names.ANNOTATION_IMAGES)}"
            ".filter(e, e.contains('/'))"
        ),
        # Cut, so that one image's sentence leaves room for those of others.
        "allowlist": cel.cut("variables.allowed.join(', ')", 1000),
        "volumes": "object.spec.?volumes.orValue([])",
        "builders": f"object.spec.containers.filter(c, {marked})",
        "others": (
            f"object.spec.containers.filter(c, !{marked}) + object.spec.?initContainers.orValue([]) "
            "+ object.spec.?ephemeralContainers.orValue([])"
        ),
        "everyone": "variables.builders + variables.others",
        "specchanged": _SPEC_CHANGED,
        "labelschanged": _LABELS_CHANGED,
    }
    return [{"name": name, "expression": text} for name, text in {**expressions, **_verdicts(rules, profiles)}.items()]


_NO_PROFILE: dict[str, list[str]] = {key: [] for key in ("marks", "user", "escalation", "capabilities", "seccomp")}


def _profile(profile: Profile) -> dict[str, list[str]]:
    repository = images.repository(profile.image)
    return {
        "marks": [f"{repository}:", f"{repository}@"],
        "user": [str(profile.run_as_user)],
        "escalation": ["true", "false"] if profile.allow_privilege_escalation else ["false"],
        "capabilities": list(profile.capabilities_add),
        "seccomp": [profile.seccomp],
    }


def _annotation(key: str) -> str:
    return f"namespaceObject.metadata.?annotations[{cel.literal(key)}].orValue('').split(',').map(e, e.trim())"


def _constants(profiles: Profiles) -> dict[str, str]:
    builder_images = [images.repository(one.image) for one in profiles.builders.values()]
    return {
        "canonical": cel.literal(images.CANONICAL),
        "builder_repositories": cel.literal(builder_images),
        "secret": cel.literal(names.SECRET_REGISTRY),
        # A namespace that lost its label between the match and the rule must not agree with a pod that has none.
        "tenant": f"namespaceObject.metadata.?labels[{cel.literal(names.LABEL_TENANT)}].orValue('none')",
        "user": (
            "c.?securityContext.?runAsUser.optMap(u, string(u))"
            ".orValue(variables.psc.?runAsUser.optMap(u, string(u)).orValue('unset'))"
        ),
        "seccomp": (
            "(c.?securityContext.?seccompProfile.?type.orValue(variables.psc.?seccompProfile.?type.orValue('unset')) "
            "+ c.?securityContext.?seccompProfile.?localhostProfile.optMap(l, '/' + l).orValue(''))"
        ),
    }


def _verdicts(rules: Sequence[Rule], profiles: Profiles) -> dict[str, str]:
    constants = _constants(profiles)
    scoped: dict[str, list[_Row]] = {scope: [] for scope in ("pod", "label", *_LISTS)}
    for rule in rules:
        scoped[rule.scope].append(_row(rule, constants))
    # One variable for each scope: the type checker's time grows with the square of an expression's size.
    verdicts = {f"{scope}texts": _texts(scoped[scope]) for scope in ("pod", "label")}
    for scope, (items, item, noun) in _LISTS.items():
        verdicts[f"bad{scope}"] = f"variables.{items}.filter({item}, {cel.any_of(row.broken for row in scoped[scope])})"
        lines = _texts(scoped[scope], f"{cel.literal(noun)} + {item}.name + ', ' + ")
        verdicts[f"{scope}texts"] = f"variables.bad{scope}.map({item}, {lines}.join('; '))"
    sizes = [f"size(variables.bad{scope}) > 0" for scope in _LISTS]
    bad_spec = cel.any_of([*(row.broken for row in scoped["pod"]), *sizes])
    bad_labels = cel.any_of(row.broken for row in scoped["label"])
    spec_texts = " + ".join(f"variables.{scope}texts" for scope in ("pod", *_LISTS))
    verdicts["broken"] = f"(variables.specchanged && ({bad_spec})) || (variables.labelschanged && ({bad_labels}))"
    verdicts["problems"] = (
        f"(variables.specchanged ? {spec_texts} : []) + (variables.labelschanged ? variables.labeltexts : [])"
    )
    verdicts["text"] = "variables.problems.join('; ')"
    return verdicts


class _Row(NamedTuple):
    """A rule as CEL: its condition, and the four texts of its part of the message."""

    broken: str
    texts: str


def _row(rule: Rule, constants: dict[str, str]) -> _Row:
    def fill(text: str) -> str:
        return " ".join(Template(text).substitute(constants).split())

    broken = f"size({fill(rule.bad)}) > 0" if rule.bad else fill(rule.broken)
    # A field of the pod has no type in CEL, and a list literal has one type only.
    value = f"{fill(rule.bad)}.join(', ')" if rule.bad else f"string({fill(rule.value)})"
    allowed = fill(rule.allowed_cel) if rule.allowed_cel else cel.literal(rule.allowed)
    return _Row(broken, f"[{cel.literal(rule.id)}, {cel.literal(rule.field)}, {value}, {allowed}]")


def _texts(rows: Sequence[_Row], subject: str = "") -> str:
    if not rows:
        return "[''].filter(m, m != '')"  # a bare [] would have no type
    kept = ", ".join(f"({row.broken}) ? {row.texts} : []" for row in rows)
    sentence = f"'[' + r[0] + '] ' + {subject}'field ' + r[1] + ': \"' + r[2] + '\" is not allowed; allowed: ' + r[3]"
    return f"[{kept}].filter(r, size(r) > 0).map(r, {sentence})"
