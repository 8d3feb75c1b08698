"""The pod policy: every rule of the table compiled into one validation and one message.

The API server evaluates a messageExpression for admitted pods too, and variables once for the validation and once more
for the message (apiserver, plugin/policy/validating/validator.go). So both first ask the cheap `variables.broken`; the
texts are made for refused pods only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import Template

from ansible_collections.buildkeep.ci.plugins.module_utils import cel, images, names
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule

# Scope of a rule -> the variables that list what it looks at. A container is in exactly one of `others` and `builders`.
_LISTS = {
    "others": ("c", "container", ("container", "other")),
    "builders": ("c", "container", ("container", "builder")),
    "volumes": ("v", "volume", ("volume",)),
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
    scoped = {
        scope: [_compile(rule, constants) for rule in rules if rule.scope == scope]
        for scope in ("pod", "label", "container", "other", "builder", "volume")
    }
    verdicts, spec_texts = {}, [cel.texts((one.broken, one.text("")) for one in scoped["pod"])]
    for name, (item, noun, scopes) in _LISTS.items():
        mine = [one for scope in scopes for one in scoped[scope]]
        subject = f"{cel.literal(noun + ' ')} + {item}.name + ', ' + "
        verdicts[f"bad{name}"] = f"variables.{name}.filter({item}, {cel.any_of(one.broken for one in mine)})"
        lines = cel.texts((one.broken, one.text(subject)) for one in mine)
        spec_texts.append(f"variables.bad{name}.map({item}, {lines}.join('; '))")
    sizes = [f"size(variables.bad{name}) > 0" for name in _LISTS]
    bad_spec = cel.any_of([*(one.broken for one in scoped["pod"]), *sizes])
    bad_labels = cel.any_of(one.broken for one in scoped["label"])
    verdicts["broken"] = f"(variables.specchanged && ({bad_spec})) || (variables.labelschanged && ({bad_labels}))"
    verdicts["problems"] = (
        f"(variables.specchanged ? {' + '.join(spec_texts)} : []) + (variables.labelschanged "
        f"? {cel.texts((one.broken, one.text('')) for one in scoped['label'])} : [])"
    )
    verdicts["text"] = "variables.problems.join('; ')"
    return verdicts


class _Compiled:
    """A rule as CEL: `broken` is its condition, `text(subject)` what it says about a subject expression."""

    def __init__(self, rule: Rule, constants: dict[str, str]) -> None:
        def fill(text: str) -> str:
            return " ".join(Template(text).substitute(constants).split())

        self.broken = f"size({fill(rule.bad)}) > 0" if rule.bad else fill(rule.broken)
        value = f"({fill(rule.bad)}).join(', ')" if rule.bad else f"({fill(rule.value)})"
        allowed = f" + ({fill(rule.allowed_cel)})" if rule.allowed_cel else ""
        self._head = cel.literal(f"[{rule.id}] ")
        self._field = cel.literal(f'field {rule.field}: "')
        self._value = value
        self._allowed = cel.literal(f'" is not allowed; allowed: {rule.allowed}') + allowed

    def text(self, subject: str) -> str:
        return f"{self._head} + {subject}{self._field} + {self._value} + {self._allowed}"


def _compile(rule: Rule, constants: dict[str, str]) -> _Compiled:
    return _Compiled(rule, constants)
