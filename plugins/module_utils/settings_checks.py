"""What can be wrong with an inventory. Each check is a function; CHECKS lists them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.controller import CONTROLLER, cluster_problems
from ansible_collections.buildkeep.ci.plugins.module_utils.images import entry_problem
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_checks import jenkins
from ansible_collections.buildkeep.ci.plugins.module_utils.names import CANARY_NAMESPACE, SYSTEM_NAMESPACE
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_ways import way_problems
from ansible_collections.buildkeep.ci.plugins.module_utils.nodes import node_problems
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem, Schema, check, nearest
from ansible_collections.buildkeep.ci.plugins.module_utils.settings_schema import inventory_schema
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import DEFAULT_BUILDERS, DEFAULT_LIMITS
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants_limits import too_small
from ansible_collections.buildkeep.ci.plugins.module_utils.trusted_images import caches, trusted_images

_NAME_LIMIT = 63  # RFC 1123, which Kubernetes holds names of namespaces to
# Admission of a pod has a budget of CEL cost; a pod of 64 containers must be within it with the longest list.
_MOST_ENTRIES, _MOST_TEXT = 300, 30_000
# Ours: where rules are proven, and where what nodes need is put there.
_OWN = {CANARY_NAMESPACE: "the rules are proven", SYSTEM_NAMESPACE: "nodes are looked after"}
_RESERVED_PREFIXES = ("kube-", "openshift-", "default-", *_OWN)


@dataclass(frozen=True)
class Subject:
    """An inventory under examination.

    Attributes:
        values: the variables without their prefix, defaults filled in.
        malformed: paths (`tenants[0].name`) whose value has the wrong form; only what is sound is looked at further.
        table: the profile table, `profiles.yaml`.
    """

    values: Mapping[str, Any]
    malformed: frozenset[str]
    table: Mapping[str, Any]

    @property
    def builders(self) -> list[str]:
        """Names of the builders in the profile table."""
        return list(self.table["builders"])

    def sound(self, path: str) -> bool:
        """Whether a value, with all within it, has the right form."""
        return not any(bad == path or bad.startswith((f"{path}.", f"{path}[")) for bad in self.malformed)

    def get(self, key: str, default: Any) -> Any:
        """Return a variable where it is sound, else the default."""
        return self.values[key] if self.sound(key) else default

    def tenants(self, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield path and entry of each tenant whose `key` is sound."""
        entries = self.values["tenants"]
        for place, entry in enumerate(entries if isinstance(entries, list) else ()):
            path = f"tenants[{place}]"
            if isinstance(entry, Mapping) and self.sound(f"{path}.{key}"):
                yield path, entry

    def texts(self, key: str) -> Iterator[tuple[str, str]]:
        """Yield path and text of each entry of the tenants' lists under `key`, and of the variable of that name."""
        entries = self.values["tenants"]
        lists = [(key, self.values[key])] if key == "images" else []
        for place, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, Mapping) and key in entry:
                lists.append((f"tenants[{place}].{key}", entry[key]))
        for path, value in lists:
            for place, text in enumerate(value if isinstance(value, list) else ()):
                if isinstance(text, str):
                    yield f"{path}[{place}]", text


# Of the cluster itself: the API server, kubeadm and OpenShift put users and nodes into groups of these names, so the
# glass would be broken for everybody, or for whoever can make such a credential.
_CLUSTERS_OWN = ("system:", "kubeadm:")


def faults(values: Mapping[str, Any], schema: Schema, table: Mapping[str, Any]) -> list[Problem]:
    """Find everything that is wrong with the variables of an inventory.

    Args:
        values: the variables without their prefix, defaults filled in.
        schema: the chart's `values.schema.json`.
        table: the profile table, `profiles.yaml`.
    """
    broken = check(values, inventory_schema(schema))
    subject = Subject(values, frozenset(problem.path for problem in broken), table)
    found = [problem for check_of in CHECKS for problem in check_of(subject)]
    explained = {problem.path for problem in found}  # said better than by "is not of the right form"
    return sorted([problem for problem in broken if problem.path not in explained] + found, key=_place)


def _place(problem: Problem) -> tuple[int, int]:
    variable, place = re.match(r"(\w*)(?:\[(\d+)\])?", problem.path).groups()  # type: ignore[union-attr]
    return (variable != "tenants", int(place or 0))


def sentence(problem: Problem, values: Mapping[str, Any]) -> str:
    """Write a problem out: the variable, where there is one the tenant, what is wrong, and the remedy."""
    place = re.match(r"tenants\[(\d+)\]\.?", problem.path)
    if not place:
        return f"buildkeep_{problem}"
    entry = values["tenants"][int(place[1])]
    name = entry.get("name") if isinstance(entry, Mapping) else None
    tenant = f' (tenant "{name}")' if isinstance(name, str) and problem.path != f"{place[0]}name" else ""
    field = problem.path[place.end() :]
    head = f"buildkeep_tenants[{place[1]}]{tenant}"
    return f"{head}: {Problem(field, problem.text, problem.remedy)}"


def _names(subject: Subject) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for path, entry in subject.tenants("name"):
        name = entry["name"]
        if name in first:
            taken = f'"{name}" is the name of buildkeep_{first[name]} as well'
            yield Problem(f"{path}.name", taken, "Give each tenant a name, and so a namespace, of its own.")
        first.setdefault(name, path)


def _namespaces(subject: Subject) -> Iterator[Problem]:
    prefix, controller = subject.get("namespace_prefix", None), {**CONTROLLER, **subject.get("controller", {})}
    for path, entry in subject.tenants("name") if prefix is not None else ():
        name, namespace = entry["name"], prefix + entry["name"]
        if len(namespace) > _NAME_LIMIT:
            text = f'its namespace "{namespace}" is longer than {_NAME_LIMIT} characters'
            yield Problem(f"{path}.name", text, "Shorten the name or buildkeep_namespace_prefix.")
        for own, use in _OWN.items():
            if own in (name, namespace):
                yield Problem(f"{path}.name", f'"{name}" is kept for the namespace {own}, where {use}', "Take another.")
        if namespace == controller["namespace"]:
            text = f'its namespace "{namespace}" is the controller\'s'
            yield Problem(f"{path}.name", text, "Keep the controller in a namespace that is no tenant's.")


def _prefix(subject: Subject) -> Iterator[Problem]:
    prefix = subject.get("namespace_prefix", "")
    for reserved in _RESERVED_PREFIXES if prefix else ():
        if prefix.startswith(reserved) or reserved.startswith(prefix):
            text = f'"{prefix}" also covers namespaces that are not tenants\' ({reserved}...)'
            yield Problem("namespace_prefix", text, "Take a prefix that only tenants use, such as `ci-`.")


def _controller(subject: Subject) -> Iterator[Problem]:
    namespace, prefix = subject.get("controller", {}).get("namespace"), subject.get("namespace_prefix", None)
    if namespace and prefix and namespace.startswith(prefix):
        text = f'"{namespace}" begins with "{prefix}", which only namespaces of tenants may'
        yield Problem("controller.namespace", text, "Move the controller, or change buildkeep_namespace_prefix.")
    if namespace in _OWN:
        yield Problem("controller.namespace", f'"{namespace}" is where {_OWN[namespace]}', "Take another namespace.")
    yield from cluster_problems(subject.get("controller", {}))


def _builders(subject: Subject) -> Iterator[Problem]:
    overrides = subject.get("builders", {})
    for path, builder in subject.texts("builders"):
        if builder not in subject.builders:
            text = f'"{builder}" is no builder{nearest(builder, subject.builders)}'
            yield Problem(path, text, f"Known builders: {', '.join(subject.builders)}.")
        elif not (subject.table["builders"][builder]["image"] or overrides.get(builder, {}).get("image")):
            remedy = f"Build one as images/README.md says, and name it in buildkeep_builders.{builder}.image."
            yield Problem(path, f"nobody publishes an image of {builder}", remedy)


def _limits(subject: Subject) -> Iterator[Problem]:
    for path, entry in subject.tenants("limits"):
        limits, builders = {**DEFAULT_LIMITS, **entry.get("limits", {})}, entry.get("builders", DEFAULT_BUILDERS)
        known = tuple(one for one in builders if one in subject.builders) if isinstance(builders, list | tuple) else ()
        for resource, need in too_small(limits, known, subject.table):
            text = f'"{limits[resource]}" leaves no room for a pod: {need}'
            yield Problem(f"{path}.limits.{resource}", text, "Raise it to that at least, or leave it out.")


def _images(subject: Subject) -> Iterator[Problem]:
    pushes = [(f"{path}.push", entry.get("push")) for path, entry in subject.tenants("name")]
    for path, entry in [*subject.texts("images"), *pushes]:
        fault = entry_problem(entry) if isinstance(entry, str) else None
        if fault:
            yield Problem(path, fault, "")


def _length(subject: Subject) -> Iterator[Problem]:
    shared = subject.get("images", [])
    for path, entry in subject.tenants("images"):
        listed = [*shared, *entry.get("images", ())]
        size = sum(len(one) for one in listed if isinstance(one, str))
        if len(listed) > _MOST_ENTRIES or size > _MOST_TEXT:
            text = f"are {len(listed)} entries of {size} characters together with buildkeep_images"
            most = f"more than the {_MOST_ENTRIES} entries, or {_MOST_TEXT} characters, that can be judged"
            remedy = "List prefixes that end with a slash in place of single repositories."
            yield Problem(f"{path}.images", f"{text}, {most}", remedy)


def _break_glass(subject: Subject) -> Iterator[Problem]:
    group = subject.get("break_glass", "")
    if group.startswith(_CLUSTERS_OWN):
        text = f'"{group}" is a group of the cluster itself, not one that people are put into for an emergency'
        yield Problem("break_glass", text, "Name a group of your own, such as `sre:emergency`.")


def _nodes(subject: Subject) -> Iterator[Problem]:
    yield from node_problems("nodes", subject.values["nodes"], subject.sound)
    entries = subject.values["tenants"]
    for place, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, Mapping):
            yield from node_problems(f"tenants[{place}].nodes", entry.get("nodes"), subject.sound)


def _trusted_ca(subject: Subject) -> Iterator[Problem]:
    text = subject.get("trusted_ca", "")
    if "PRIVATE KEY" in text:  # the value is never shown: it goes to the screen and into logs
        yield Problem(
            "trusted_ca", "holds a private key", "Give only the certificate; replace that key, it may be known."
        )
    elif text.strip() and not re.search(r"-----BEGIN CERTIFICATE-----\s[\s\S]+-----END CERTIFICATE-----", text):
        yield Problem("trusted_ca", "holds no certificate", "Give the certificate itself as PEM text, not a file name.")


CHECKS: tuple[Callable[[Subject], Iterator[Problem]], ...] = (
    _names,
    _namespaces,
    _prefix,
    _controller,
    _builders,
    _limits,
    _images,
    _length,
    caches,
    trusted_images,
    _break_glass,
    _nodes,
    way_problems,
    _trusted_ca,
    jenkins,
)
