"""The pod policy: every rule of the table compiled into one validation and one message.

The API server evaluates a messageExpression for admitted pods too, and variables once for the validation and once more
for the message (apiserver, plugin/policy/validating/validator.go). So both first ask the cheap `variables.broken`; the
texts are made for refused pods only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils import (
    cel,
    images,
    names,
    policies_builders,
    policies_templates,
    policies_verdicts,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.rules import Rule

_CREATED = "request.operation == 'CREATE'"
_SPEC_CHANGED = f"{_CREATED} || object.spec != oldObject.spec"
_LABELS, _OLD_LABELS = (f"{pod}.metadata.?labels.orValue({{}})" for pod in ("object", "oldObject"))
_ANNOTATIONS, _OLD_ANNOTATIONS = (f"{pod}.metadata.?annotations.orValue({{}})" for pod in ("object", "oldObject"))
# Whoever may write the status of pods works for the nodes, and no tenant may: CNI plugins say there what they did.
_OF_STATUS = "request.?subResource.orValue('') == 'status'"
# Labels of others are no concern of any rule, and pods from before a namespace was a tenant's have them changed.
_OURS = cel.literal(f"{names.DOMAIN}/")
# Gives a running pod an identity of the cloud, too (Azure/aad-pod-identity, AzureIdentityBinding).
_GIVING = cel.literal("aadpodidbinding")
_OUR_LABELS_CHANGED = (
    f"{_CREATED} || variables.labels.exists(k, (k.startsWith({_OURS}) || k == {_GIVING}) && (!(k in {_OLD_LABELS}) || "
    f"variables.labels[k] != {_OLD_LABELS}[k])) || "
    f"{_OLD_LABELS}.exists(k, k.startsWith({_OURS}) && !(k in variables.labels))"
)
# Components of the cluster annotate running pods; whoever may change those of kube-system owns the cluster anyway.
_OF_CLUSTER = (
    "request.operation == 'UPDATE' && authorizer.group('').resource('pods').namespace('kube-system').check('patch')"
    ".allowed()"
)
# Used by the API server where the messageExpression fails.
MESSAGE = (
    "[pod] this pod breaks rules of its tenant that could not all be listed; see the documentation of buildkeep-pods, "
    "or start from the tenant's agent template"
)
# Not part of `broken`, for a messageExpression has no authorizer.
_PASSED = "(!variables.firm && variables.ofcluster)"
MESSAGE_EXPRESSION = f"variables.broken ? {cel.one_line('variables.text')} : ''"


def expression(break_glass: str = "") -> str:
    """Give the validation.

    Args:
        break_glass: group whose members it lets through, or empty. By name, for an authorizer check would let through
            whoever may do everything, and inside the rule, for a matchCondition that skips it leaves no audit trail.
    """
    return f"!variables.broken || {_PASSED}" + (f" || {policies_verdicts.in_group(break_glass)}" if break_glass else "")


def audit_annotations(break_glass: str = "", broken: str = "variables.broken") -> list[dict[str, str]]:
    """Give a pod policy's auditAnnotations: who got past which rules by the break-glass group."""
    if not break_glass:
        return []
    told = f"request.userInfo.username + ' as ' + {cel.literal(break_glass)} + ': ' + {cel.one_line('variables.text')}"
    value = f"{policies_verdicts.in_group(break_glass)} && {broken} ? {told} : ''"
    return [{"key": "break-glass", "valueExpression": value}]


def match_conditions(ordinary: str) -> list[dict[str, str]]:
    """Give the policy's matchConditions: updates that touch none of spec, labels, annotations are no rule's concern.

    Without this, narrowing an allowlist would make every update of a running pod fail, the removal of a finalizer
    included.

    Args:
        ordinary: condition of new pods that need no further look (policies_ordinary).
    """
    labels, annotations = f"{_LABELS} != {_OLD_LABELS}", f"!({_OF_STATUS}) && {_ANNOTATIONS} != {_OLD_ANNOTATIONS}"
    return [
        {"name": "something-changed", "expression": f"{_SPEC_CHANGED} || {labels} || ({annotations})"},
        {"name": "not-ordinary", "expression": f"!({ordinary})"},
    ]


def variables(
    rules: Sequence[Rule],
    profiles: Profiles,
    cluster_images: Iterable[str],
    priority_class: str = "",
    annotations: Sequence[str] = (),
    schedulers: Sequence[str] = (),
) -> list[dict[str, str]]:
    """Give the policy's variables, in the order in which they use each other.

    Args:
        rules: rules of buildkeep-pods.
        profiles: the profile table.
        cluster_images: allowlist entries that hold for every tenant.
        priority_class: name of the cluster's globalDefault PriorityClass, which the API server fills in; '' for none.
        annotations: keys, or prefixes ending in `/`, of annotations that pods may carry beyond the usual ones.
        schedulers: that pods may name beside the default one.
    """
    image = "c.?image.orValue('').startsWith"
    marked = f"({image}(variables.profile.marks[0]) || {image}(variables.profile.marks[1]))"
    expressions = {
        "psc": "object.spec.?securityContext.orValue({})",
        **policies_builders.variables(profiles, _annotation(names.ANNOTATION_BUILDERS)),
        "entries": f"{_annotation(names.ANNOTATION_IMAGES)}.split(',')",
        # An entry without '/' would, as an exact name, let in host:5000/anything; '' is what an empty list splits into.
        "allowed": (
            f"{cel.literal([one for one in cluster_images if '/' in one])} "
            "+ variables.entries.map(e, e.trim()).filter(e, e.contains('/'))"
        ),
        "prefixes": "variables.allowed.filter(e, e.endsWith('/'))",
        # Cut, so that one image's sentence leaves room for those of others.
        "allowlist": cel.cut("variables.allowed.join(', ')", 1000),
        "volumes": "object.spec.?volumes.orValue([])",
        "everyone": f"{_ONE_KIND} ? object.spec.containers : object.spec.containers + {_OTHER_KINDS}",
        "builders": f"variables.builder == '' ? [] : object.spec.containers.filter(c, {marked})",
        # Of a pod that runs as no builder, and has containers of one kind only, nothing needs to be listed anew.
        "others": (
            "variables.builder == '' ? variables.everyone : "
            f"object.spec.containers.filter(c, !{marked}) + {_OTHER_KINDS}"
        ),
        "labels": _LABELS,
        "annotations": _ANNOTATIONS,
        "ofcluster": _OF_CLUSTER,
    }
    named = constants(profiles, cluster_images, priority_class, annotations, schedulers)
    made = policies_verdicts.verdicts(rules, named, _WHEN)
    return [{"name": name, "expression": text} for name, text in {**expressions, **made}.items()]


_WHEN = {"spec": _SPEC_CHANGED, "label": _OUR_LABELS_CHANGED, "annotation": f"{_CREATED} || !({_OF_STATUS})"}
_ONE_KIND = "!has(object.spec.initContainers) && !has(object.spec.ephemeralContainers)"
_OTHER_KINDS = "object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([])"
# As the API server fills it in.
_SCHEDULER = "default-scheduler"
_LIST = ".split(',').map(e, e.trim())"


def _listed(image: str) -> str:
    """Ask whether an allowlist lets an image in, in few steps for each entry: there may be hundreds, of as many images.

    The repository ends before a `@`, or else before a `:` that is not a port's; so it does in `images.repository`.
    """
    cut = "r.lastIndexOf(':') > r.lastIndexOf('/') ? r.substring(0, r.lastIndexOf(':')) : r"
    return (
        f"([{image}.split('@')[0]].exists(r, ({cut}) in variables.allowed) "
        f"|| variables.prefixes.exists(p, {image}.startsWith(p)))"
    )


def _annotation(key: str) -> str:
    return f"namespaceObject.metadata.?annotations[{cel.literal(key)}].orValue('')"


def _named(key: str) -> str:
    return f"{_annotation(key)}{_LIST}.filter(e, e != '')"


def constants(
    profiles: Profiles,
    cluster_images: Iterable[str],
    priority_class: str,
    annotations: Sequence[str],
    schedulers: Sequence[str],
) -> dict[str, str]:
    """Give what `${name}` in a rule stands for; the arguments are those of variables()."""
    builder_images = [images.repository(one.image) for one in profiles.relaxed.values()]
    exact = [one for one in cluster_images if "/" in one and not one.endswith("/")]
    return {
        **_annotation_constants(annotations),
        "schedulers": cel.literal(list(dict.fromkeys([_SCHEDULER, *schedulers]))),
        "canonical": cel.literal(images.CANONICAL),
        "builder_repositories": cel.literal(builder_images),
        "builder_pattern": cel.literal("|".join(f"^{re.escape(one)}" for one in builder_images) or "^$"),
        "only_templates": f"{_annotation(names.ANNOTATION_TEMPLATES)} == 'static'",
        "template_container": policies_templates.container(profiles),
        "template_volume": policies_templates.volume(profiles),
        "accounts": policies_builders.accounts(profiles),
        "builders": _annotation(names.ANNOTATION_BUILDERS),
        "contexts": policies_builders.contexts(profiles),
        "usual": policies_builders.USUAL,
        "usual_pod": policies_builders.USUAL_POD,
        "image_listed": _listed("c.?image.orValue('')"),
        "reference_listed": _listed("v.image.?reference.orValue('')"),
        "exact_images": cel.literal(exact),
        "secret": cel.literal(names.SECRET_REGISTRY),
        "secrets": f"([{cel.literal(names.SECRET_REGISTRY)}] + {_named(names.ANNOTATION_SECRETS)})",
        "claims": _named(names.ANNOTATION_CLAIMS),
        "csi_drivers": _named(names.ANNOTATION_CSI_DRIVERS),
        "priority_class": cel.literal(priority_class),
        "node_selector": f"{_annotation(names.ANNOTATION_NODE_SELECTOR)}{_LIST}",
        # CEL reads no JSON: each piece holds the fields of one toleration.
        "tolerations": f"{_annotation(names.ANNOTATION_TOLERATIONS)}.replace(' ', '').split('}}')",
        # A namespace that lost its label between the match and the rule must not agree with a pod that has none.
        "giving_label": _GIVING,
        "tenant": f"namespaceObject.metadata.?labels[{cel.literal(names.LABEL_TENANT)}].orValue('none')",
        "user": (
            "c.?securityContext.?runAsUser.optMap(u, string(u))"
            ".orValue(variables.psc.?runAsUser.optMap(u, string(u)).orValue('unset'))"
        ),
        "unconfined": f"{_annotation(names.ANNOTATION_SECCOMP)} == 'unconfined'",
        # What Kubernetes 1.30 writes of the field, which is what the rules about containers judge.
        "app_armor_annotations": cel.literal(policies_builders.app_armor_annotations(profiles)),
        "app_armor": (
            "(c.?securityContext.?appArmorProfile.?type.orValue('RuntimeDefault') "
            "+ c.?securityContext.?appArmorProfile.?localhostProfile.optMap(l, '/' + l).orValue(''))"
        ),
        "seccomp": (
            "(c.?securityContext.?seccompProfile.?type.orValue(variables.psc.?seccompProfile.?type.orValue('unset')) "
            "+ c.?securityContext.?seccompProfile.?localhostProfile.optMap(l, '/' + l).orValue(''))"
        ),
    }


def _annotation_constants(more: Sequence[str]) -> dict[str, str]:
    keys, prefixes = ([one for one in more if one.endswith("/") is prefix] for prefix in (False, True))
    allowed = [f"k in {cel.literal(keys)}"] if keys else []
    allowed += [f"k.startsWith({cel.literal(prefix)})" for prefix in prefixes]
    old = _OLD_ANNOTATIONS
    return {
        "more_annotations": f"({cel.any_of(allowed)})",
        "is_new": f"({_CREATED} || !(k in {old}) || variables.annotations[k] != {old}[k])",
    }
