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
# a message. The scopes `pod`, `label` and `annotation` look at the whole pod.
_LISTS = {
    "container": ("everyone", "c", "container "),
    "other": ("others", "c", "container "),
    "builder": ("builders", "c", "container "),
    "volume": ("volumes", "v", "volume "),
}
_CREATED = "request.operation == 'CREATE'"
_SPEC_CHANGED = f"{_CREATED} || object.spec != oldObject.spec"
_LABELS, _OLD_LABELS = (f"{pod}.metadata.?labels.orValue({{}})" for pod in ("object", "oldObject"))
_ANNOTATIONS, _OLD_ANNOTATIONS = (f"{pod}.metadata.?annotations.orValue({{}})" for pod in ("object", "oldObject"))
# Whoever may write the status of pods works for the nodes, and no tenant may: CNI plugins say there what they did.
_OF_STATUS = "request.?subResource.orValue('') == 'status'"
# Labels of others are no concern of any rule, and pods from before a namespace was a tenant's have them changed.
_OURS = cel.literal(f"{names.DOMAIN}/")
_OUR_LABELS_CHANGED = (
    f"{_CREATED} || variables.labels.exists(k, k.startsWith({_OURS}) && (!(k in variables.oldlabels) || "
    "variables.labels[k] != variables.oldlabels[k])) || "
    f"variables.oldlabels.exists(k, k.startsWith({_OURS}) && !(k in variables.labels))"
)
# Components of the cluster annotate running pods; whoever may change those of kube-system owns the cluster anyway.
_OF_CLUSTER = (
    "request.operation == 'UPDATE' && authorizer.group('').resource('pods').namespace('kube-system').check('patch')"
    ".allowed()"
)
_WHOLE = ("pod", "label", "annotation")
# Used by the API server where the messageExpression fails.
MESSAGE = (
    "[pod] this pod breaks rules of its tenant that could not all be listed; see the documentation of buildkeep-pods, "
    "or start from the tenant's agent template"
)
# Not part of `broken`, for a messageExpression has no authorizer.
EXPRESSION = "!variables.broken || (!variables.firm && variables.ofcluster)"
MESSAGE_EXPRESSION = f"variables.broken ? {cel.one_line('variables.text')} : ''"


def match_conditions() -> list[dict[str, str]]:
    """Give the policy's matchConditions: updates that touch none of spec, labels, annotations are no rule's concern.

    Without this, narrowing an allowlist would make every update of a running pod fail, the removal of a finalizer
    included.
    """
    labels, annotations = f"{_LABELS} != {_OLD_LABELS}", f"!({_OF_STATUS}) && {_ANNOTATIONS} != {_OLD_ANNOTATIONS}"
    return [{"name": "something-changed", "expression": f"{_SPEC_CHANGED} || {labels} || ({annotations})"}]


def variables(
    rules: Sequence[Rule], profiles: Profiles, cluster_images: Iterable[str], priority_class: str = ""
) -> list[dict[str, str]]:
    """Give the policy's variables, in the order in which they use each other.

    Args:
        rules: rules of buildkeep-pods.
        profiles: the profile table.
        cluster_images: allowlist entries that hold for every tenant.
        priority_class: name of the cluster's globalDefault PriorityClass, which the API server fills in; '' for none.
    """
    marked = "variables.profile.marks.exists(m, c.?image.orValue('').startsWith(m))"
    expressions = {
        "profiles": cel.literal({name: _profile(one) for name, one in profiles.builders.items()}),
        "psc": "object.spec.?securityContext.orValue({})",
        "account": "object.spec.?serviceAccountName.orValue('')",
        "granted": _annotation(names.ANNOTATION_BUILDERS) + _LIST + ".filter(b, b in variables.profiles)",
        "builder": (
            f"variables.account.startsWith({cel.literal(names.SA_BUILDER_PREFIX)}) && variables.granted.exists(b, "
            f"{cel.literal(names.SA_BUILDER_PREFIX)} + b == variables.account) "
            f"? variables.account.substring({len(names.SA_BUILDER_PREFIX)}) : ''"
        ),
        "profile": f"variables.builder == '' ? {cel.literal(_NO_PROFILE)} : variables.profiles[variables.builder]",
        # An entry without '/' would, as an exact name, let in host:5000/anything; '' is what an empty list splits into.
        "allowed": (
            f"{cel.literal([one for one in cluster_images if '/' in one])} + {_annotation(names.ANNOTATION_IMAGES)}"
            f"{_LIST}.filter(e, e.contains('/'))"
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
        "labels": _LABELS,
        "oldlabels": f"{_CREATED} ? {{}} : {_OLD_LABELS}",
        "labelschanged": _OUR_LABELS_CHANGED,
        "annotations": _ANNOTATIONS,
        "oldannotations": f"{_CREATED} ? {{}} : {_OLD_ANNOTATIONS}",
        "newannotations": (
            f"{_OF_STATUS} ? [] : variables.annotations.filter(k, !(k in variables.oldannotations) || "
            "variables.annotations[k] != variables.oldannotations[k])"
        ),
        "ofcluster": _OF_CLUSTER,
    }
    verdicts = _verdicts(rules, _constants(profiles, priority_class))
    return [{"name": name, "expression": text} for name, text in {**expressions, **verdicts}.items()]


_LIST = ".split(',').map(e, e.trim())"
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
    return f"namespaceObject.metadata.?annotations[{cel.literal(key)}].orValue('')"


def _named(key: str) -> str:
    return f"{_annotation(key)}{_LIST}.filter(e, e != '')"


def _constants(profiles: Profiles, priority_class: str) -> dict[str, str]:
    builder_images = [images.repository(one.image) for one in profiles.builders.values()]
    return {
        "canonical": cel.literal(images.CANONICAL),
        "builder_repositories": cel.literal(builder_images),
        "secrets": f"([{cel.literal(names.SECRET_REGISTRY)}] + {_named(names.ANNOTATION_SECRETS)})",
        "claims": _named(names.ANNOTATION_CLAIMS),
        "csi_drivers": _named(names.ANNOTATION_CSI_DRIVERS),
        "priority_class": cel.literal(priority_class),
        "node_selector": f"{_annotation(names.ANNOTATION_NODE_SELECTOR)}{_LIST}",
        # CEL reads no JSON: each piece holds the fields of one toleration.
        "tolerations": f"{_annotation(names.ANNOTATION_TOLERATIONS)}.replace(' ', '').split('}}')",
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


def _verdicts(rules: Sequence[Rule], constants: dict[str, str]) -> dict[str, str]:
    scoped: dict[str, list[_Row]] = {scope: [] for scope in (*_WHOLE, *_LISTS)}
    for rule in rules:
        scoped[rule.scope].append(_row(rule, constants))
    # One variable for each scope: the type checker's time grows with the square of an expression's size.
    verdicts = {f"{scope}texts": _texts(scoped[scope]) for scope in _WHOLE}
    for scope, (items, item, noun) in _LISTS.items():
        verdicts[f"bad{scope}"] = f"variables.{items}.filter({item}, {cel.any_of(row.broken for row in scoped[scope])})"
        lines = _texts(scoped[scope], f"{cel.literal(noun)} + {item}.name + ', ' + ")
        verdicts[f"{scope}texts"] = f"variables.bad{scope}.map({item}, {lines}.join('; '))"
    sizes = [f"size(variables.bad{scope}) > 0" for scope in _LISTS]
    bad_spec = cel.any_of([*(row.broken for row in scoped["pod"]), *sizes])
    bad_labels, bad_annotations = (cel.any_of(row.broken for row in scoped[scope]) for scope in ("label", "annotation"))
    spec_texts = " + ".join(f"variables.{scope}texts" for scope in ("pod", *_LISTS))
    verdicts["firm"] = f"(variables.specchanged && ({bad_spec})) || (variables.labelschanged && ({bad_labels}))"
    verdicts["broken"] = f"variables.firm || {bad_annotations}"
    verdicts["problems"] = (
        f"(variables.specchanged ? {spec_texts} : []) + (variables.labelschanged ? variables.labeltexts : []) + "
        "variables.annotationtexts"
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
    value = f"({fill(rule.bad)}).join(', ')" if rule.bad else f"string({fill(rule.value)})"
    allowed = fill(rule.allowed_cel) if rule.allowed_cel else cel.literal(rule.allowed)
    return _Row(broken, f"[{cel.literal(rule.id)}, {cel.literal(rule.field)}, {value}, {allowed}]")


def _texts(rows: Sequence[_Row], subject: str = "") -> str:
    if not rows:
        return "[''].filter(m, m != '')"  # a bare [] would have no type
    kept = ", ".join(f"({row.broken}) ? {row.texts} : []" for row in rows)
    sentence = f"'[' + r[0] + '] ' + {subject}'field ' + r[1] + ': \"' + r[2] + '\" is not allowed; allowed: ' + r[3]"
    return f"[{kept}].filter(r, size(r) > 0).map(r, {sentence})"
