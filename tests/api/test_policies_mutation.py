"""No rule is there in vain: without any one rule, condition, resource or operation a request fares otherwise.

The mutants stand on an API server of their own, each in a namespace of its own, where no other policy answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies, rules
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles

from testbed.apiserver import ApiServer
from tests.api import mutants, mutation_world, pods, probes, probes_guards
from tests.api.api import RBAC, Answer, Api, Object, until
from tests.api.cases import CASES
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER, FLAGS, create, tenant_namespace

TABLE = [rule for rule in rules.load() if rule.scope]
ROWS = {rule.key: f"row-{number}" for number, rule in enumerate(TABLE)}
PROBES = {**probes.PROBES, **probes_guards.PROBES}
STANDING = {**probes.STANDING, **probes_guards.STANDING}
# Shown by a container that is added to a running pod; all others have cases.
BY_UPDATE = "pod/pod/spec.ephemeralContainers"
# Holds where only templates may be used: an honest agent of a Jenkinsfile breaks it there.
OF_TEMPLATES = "templates/pod/spec"
# The rules about pods that the probes break.
PROBED = ("pod/pod/spec.hostPID", "images/container/image", "reserved-labels/label/metadata.labels", BY_UPDATE)
# What they keep from being judged, the rules would let be as well: they spare the API server work.
ONLY_COST = {
    "buildkeep-pods": {"condition something-changed", "condition not-ordinary"},
    "buildkeep-claims": {"condition something-changed"},
}


def built(profiles: Profiles, table: list[rules.Rule]) -> dict[str, Object]:
    """The policies by name."""
    options = policies.Options(storage_classes=("fast",))
    made = policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER, table=table, options=options)
    return {item["metadata"]["name"]: item for item in made if item["kind"] == "ValidatingAdmissionPolicy"}


@pytest.fixture(scope="module")
def server() -> Iterator[Api]:
    """An administrator of an API server without policies."""
    with ApiServer(flags=FLAGS) as running:
        admin = Api(running)
        mutation_world.furnish(admin)
        yield admin


@pytest.fixture(scope="module")
def rows(server: Api, profiles: Profiles) -> None:
    """A namespace for each rule about pods, in which it is out, and `row-none` with all of them; one policy for all."""
    policy = built(profiles, mutants.switched(rules.load()))["buildkeep-pods"]
    static = {"buildkeep.dev/templates": "static"}
    for name in ("row-none", "row-static", *ROWS.values()):
        annotations = static if name in ("row-static", ROWS[OF_TEMPLATES]) else {}
        tenant_namespace(server, name, labels={mutants.LABEL: name, "switched": "yes"}, annotations=annotations)
    for name in ("row-none", ROWS[BY_UPDATE]):
        server.pod(name, pods.put(pods.dynamic_agent(), "metadata/name", "old"), dry=False).done()
    # It holds every rule; those of ordinary pods are the other policy's only for what it costs.
    policy["spec"]["matchConditions"] = [
        one for one in policy["spec"]["matchConditions"] if one["name"] != "not-ordinary"
    ]
    policy, binding = mutants.bound(policy, "switched")
    binding["spec"]["matchResources"] = {"namespaceSelector": {"matchLabels": {"switched": "yes"}}}
    for item in (policy, binding):
        create(server, item)
    bad = pods.put(pods.dynamic_agent(), "spec/hostPID", True)
    until(lambda: server.pod("row-none", bad), lambda answer: "'switched'" in answer.message)


@pytest.mark.parametrize("rule", ROWS)
def test_without_one_rule_its_cases_are_admitted(server: Api, rows: None, rule: str) -> None:
    debugger = {"spec": {"ephemeralContainers": [pods.tool("debugger")]}}
    broken = [case.pods()[0] for case in CASES if case.rule == rule]
    broken += [pods.dynamic_agent()] if rule == OF_TEMPLATES else []
    whole = "row-static" if rule == OF_TEMPLATES else "row-none"
    answers: dict[str, list[Answer]] = {}
    for name in (whole, ROWS[rule]):
        answers[name] = [server.pod(name, pod) for pod in broken]
        if rule == BY_UPDATE:
            path = f"/api/v1/namespaces/{name}/pods/old/ephemeralcontainers?dryRun=All"
            answers[name].append(server.request("PATCH", path, debugger, probes.STRATEGIC))
    assert answers[ROWS[rule]] and [answer.message for answer in answers[ROWS[rule]] if not answer.ok] == []
    assert all("ValidatingAdmissionPolicy 'switched'" in answer.message for answer in answers[whole])


@pytest.fixture(scope="module")
def users(server: Api) -> Mapping[str, Api]:
    """Who sends the probes."""
    return mutation_world.users(server)


@pytest.fixture(scope="module")
def whole(profiles: Profiles) -> dict[str, Object]:
    """Every policy, with the few rules about pods that the probes break: to compile all of them takes long."""
    every = rules.load()
    made = built(profiles, [rule for rule in every if rule.key in PROBED or not rule.scope])
    for name, item in built(profiles, list(every)).items():
        for field in ("matchConstraints", "validations"):
            assert made[name]["spec"].get(field) == item["spec"].get(field)
        # One of them is made of the rules' proofs.
        assert _conditions(made[name]) == _conditions(item)
    return made


def _conditions(policy: Object) -> list[str]:
    return [one["name"] for one in policy["spec"].get("matchConditions", ())]


@pytest.fixture(scope="module")
def changed(server: Api, whole: dict[str, Object]) -> dict[str, tuple[str, str]]:
    """Policy and part by the namespace of the mutant; the part of the whole one is ''."""
    found = [
        (policy, part, mutant)
        for policy, item in whole.items()
        for part, mutant in [("", item), *mutants.parts(item), *mutants.cuts(item)]
    ]
    made = {f"m{number}": (policy, part) for number, (policy, part, _) in enumerate(found)}
    for name, (policy, _) in made.items():
        tenant_namespace(server, name, labels={mutants.LABEL: name}, accounts=("agent", "pusher"))
        server.create(f"{RBAC}/namespaces/{name}/rolebindings", mutation_world.EVERYBODY).done()
        for path, body in STANDING.get(policy, ()):
            server.create(path.replace("$ns", name), probes.filled(body, name)).done()
    for name, mutant in [*zip(made, (mutant for *_, mutant in found), strict=True), ("end", mutation_world.END)]:
        for one in mutants.bound(mutant, name):
            create(server, one)
    # Made last, and the server reads all of them at once.
    end = {"metadata": {"name": "end", "labels": {mutants.LABEL: "end"}}}
    until(lambda: server.create("/api/v1/namespaces", end, dry=True), lambda answer: not answer.ok)
    return made


def test_every_policy_has_probes(whole: dict[str, Object]) -> None:
    assert set(PROBES) == set(whole)


def outcomes(users: Mapping[str, Api], policy: str, name: str) -> list[str]:
    """What the mutant in this namespace says to each of a policy's probes; '' where it lets it be."""
    said = []
    for probe in PROBES[policy]:
        head, found, text = probe.send(users, name).message.partition(" denied request: ")
        said.append(text.replace(name, "$ns") if found and f"ValidatingAdmissionPolicy '{name}'" in head else "")
    return said


@pytest.fixture(scope="module")
def unchanged(users: Mapping[str, Api], changed: dict[str, tuple[str, str]]) -> dict[str, list[str]]:
    """What each whole policy says to its probes."""
    return {policy: outcomes(users, policy, name) for name, (policy, part) in changed.items() if part == ""}


@pytest.mark.parametrize("policy", PROBES)
def test_a_whole_policy_answers_as_its_probes_say(unchanged: dict[str, list[str]], policy: str) -> None:
    assert [text != "" for text in unchanged[policy]] == [probe.refused for probe in PROBES[policy]]


@pytest.mark.parametrize("policy", PROBES)
def test_without_any_one_part_a_probe_fares_otherwise(
    users: Mapping[str, Api], changed: dict[str, tuple[str, str]], unchanged: dict[str, list[str]], policy: str
) -> None:
    parts = {name: part for name, (of, part) in changed.items() if of == policy and part}
    unseen = {part for name, part in parts.items() if outcomes(users, policy, name) == unchanged[policy]}
    assert unseen == ONLY_COST.get(policy, set())
