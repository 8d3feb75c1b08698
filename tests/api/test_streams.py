"""Changes in place: while lists, policies, annotations and modes change, no bad pod gets in, no honest one is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import (
    applying,
    manifests,
    names,
    policies,
    rules,
    tenant_objects,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.client_answers import Answer as Put
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, Resource
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Key
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from testbed.apiserver import ApiServer
from tests.api import pods
from tests.api.api import Answer, Api, Object
from tests.api.apply_support import Engine
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER, OPTIONS, tenant_namespace
from tests.api.streams import Stream, creates, seen, streaming

LEAST = 40
POLICY = "buildkeep-pods"
SPACE = "ci-stream"
WIDE = "quay.io/wide/"
# Never allowed, whatever is changed below; and always. Pod Security, which answers first, lets all of them pass.
BAD: dict[str, Object] = {
    "foreign image": pods.put(pods.dynamic_agent(), "spec/containers/0/image", "docker.io/evil/x:1"),
    "token": pods.put(pods.dynamic_agent(), "spec/automountServiceAccountToken", True),
}
HONEST: dict[str, Object] = {"static": pods.static_agent(), "dynamic": pods.dynamic_agent()}
PROBE = pods.put(pods.dynamic_agent(), "spec/containers/0/image", f"{WIDE}x:1")
DATED = pods.put(pods.dynamic_agent(), "spec/activeDeadlineSeconds", 4242)
# A rule that only the later release has.
RULE = rules.Rule(
    "deadline",
    "spec.activeDeadlineSeconds",
    "Write another.",
    "For this test.",
    scope="pod",
    broken="object.spec.?activeDeadlineSeconds.orValue(0) == 4242",
    unless="!has(object.spec.activeDeadlineSeconds) || object.spec.activeDeadlineSeconds != 4242",
    proof="deadline",
    value="'4242'",
    allowed="others",
)


class World:
    """The policies as our own engine puts them there, in several versions, and one tenant's namespace."""

    def __init__(self, server: ApiServer, profiles: Profiles) -> None:
        self.api = Api(server)
        self._profiles = profiles
        self._policies = Engine(server, owner="pod_security")
        self._tenants = Engine(server, owner="tenants")

    def allow(self, *images: str) -> None:
        """Apply the policy about pods with these images, as the role registry_allowlist does."""
        built = policies.build_policies(self._profiles, (*CLUSTER_IMAGES, *images), CONTROLLER, options=OPTIONS)
        made = self._policies.run(*(one for one in built if one["metadata"]["name"] in names.POLICIES_PODS))
        assert set(made.actions.values()) == {"changed"}, made.actions

    def put(self, table: Sequence[rules.Rule] | None = None, actions: Sequence[str] = ("Deny",)) -> None:
        """Apply all policies and bindings, as the role pod_security does."""
        built = policies.build_policies(self._profiles, CLUSTER_IMAGES, CONTROLLER, table=table, options=OPTIONS)
        for one in built:
            if one["spec"].get("validationActions") == ["Deny"]:
                one["spec"]["validationActions"] = list(actions)
        made = self._policies.run(*built)
        assert set(made.actions.values()) <= {"changed", "adopted", "unchanged"}, made.actions

    def tenant(self, *images: str, mode: str = "enforce") -> None:
        """Apply the tenant's Namespace, as the role does: the template with what settings derive."""
        entry = {"name": pods.TENANT, "builders": ["kaniko"], "images": [f"{pods.BASE}/", *images], "mode": mode}
        (variables,) = tenant_objects.tenant_objects(read_settings({"tenants": [entry]}))
        template = str(policies.TEMPLATES.parents[1] / "tenants/templates/namespace.yaml.j2")
        (item,) = manifests.render([template], {**variables, "namespace": SPACE}, None)
        item["metadata"]["name"] = SPACE
        assert self._tenants.run(item).actions[f"Namespace {SPACE}"] in ("changed", "adopted")

    def see(self, pod: Object, words: str = "") -> None:
        """Wait until a pod is admitted, or refused with these words."""
        seen(lambda: self.api.pod(SPACE, pod), lambda answer: answer.ok != bool(words) and words in answer.message)


@pytest.fixture(scope="module")
def world(api_server: ApiServer, admin: Api, shop: str, profiles: Profiles) -> Iterator[World]:
    """Give the world; in the end every policy is as it was."""
    tenant_namespace(admin, SPACE)
    made = World(api_server, profiles)
    made.tenant()
    made.put()
    made.see(BAD["token"], "[token]")
    made.see(pods.dynamic_agent())
    yield made
    made.put()
    made.see(PROBE, "[images]")
    made.see(DATED)


def widen_and_narrow(world: World) -> None:
    """Change the cluster-wide list, there and back."""
    world.allow(WIDE)
    world.see(PROBE)
    world.allow()
    world.see(PROBE, "[images]")


def upgrade_and_back(world: World) -> None:
    """Put a release with one rule more, one less and other bindings in place of this one, and take it back."""
    table = [*(rule for rule in rules.load() if rule.id != "probes"), RULE]
    world.put(table=table, actions=("Deny", "Audit"))
    world.see(DATED, "[deadline]")
    world.put()
    world.see(DATED)


def annotate(world: World) -> None:
    """Change the tenant's own list, several times."""
    for _ in range(3):
        world.tenant(WIDE)
        world.see(PROBE)
        world.tenant()
        world.see(PROBE, "[images]")


@pytest.mark.parametrize("change", [widen_and_narrow, upgrade_and_back, annotate])
def test_nothing_slips_in_or_is_lost(api_server: ApiServer, world: World, change: Any) -> None:
    with streaming(api_server, creates(SPACE, BAD), creates(SPACE, HONEST)) as stream:
        stream.during(lambda: change(world), LEAST)
    stream.check(POLICY, LEAST)


def delete_and_create(
    cluster: Cluster, resource: Resource, key: Key, live: Object, wanted: Object, check: bool
) -> tuple[Object, Put] | None:
    """What the engine must not do: the API server reads policies once a second, and sees that there is none."""
    path = resource.path(key.namespace, key.name)
    if key.name != POLICY:
        return live, cluster.client.request("GET", path)
    cluster.client.request("DELETE", path)
    bad = {**BAD["token"], "metadata": {**BAD["token"]["metadata"], "namespace": SPACE}}
    pods_path, dry = f"/api/v1/namespaces/{SPACE}/pods", {"dryRun": "All"}
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            cluster.client.request("POST", pods_path, bad, query=dry)
        except ApiError:
            continue
        break
    return live, cluster.client.request("POST", resource.path(), wanted)


def test_the_check_sees_a_policy_that_is_deleted_and_made_anew(
    api_server: ApiServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test of the test: with another engine, the same stream finds pods that slipped in."""
    monkeypatch.setattr(applying, "put", delete_and_create)
    with streaming(api_server, creates(SPACE, BAD), creates(SPACE, HONEST)) as stream:
        with pytest.raises(AssertionError, match="created"):  # which is neither changed nor unchanged
            stream.during(lambda: world.allow(WIDE), LEAST)
        stream.during(lambda: world.see(BAD["token"], "[token]"), LEAST)
    with pytest.raises(AssertionError, match="bad ones admitted"):
        stream.check(POLICY, LEAST)


def strict(stream: Stream, begin: float, end: float) -> Stream:
    """The part of a stream that was sent and answered between two moments."""
    return replace(stream, sent=[one for one in stream.sent if begin <= one.begin and one.end <= end])


def test_the_mode_of_a_tenant_goes_there_and_back(api_server: ApiServer, world: World) -> None:
    """Honest pods never notice. Bad ones get in with a warning while it is audit, and none of them once it is not."""

    def warned(answer: Answer) -> bool:
        return answer.ok and any("'buildkeep-pods" in text for text in answer.warnings)

    def loosen() -> None:
        world.tenant(mode="audit")
        seen(lambda: world.api.pod(SPACE, BAD["foreign image"]), warned)

    def tighten() -> None:
        world.tenant()
        world.see(BAD["token"], "[token]")

    with streaming(api_server, creates(SPACE, BAD), creates(SPACE, HONEST)) as stream:
        stream.during(lambda: None, LEAST)
        leaving = time.monotonic()
        stream.during(loosen, LEAST)
        audited = time.monotonic()
        stream.during(lambda: None, LEAST)
        returning = time.monotonic()
        stream.during(tighten, LEAST)
        enforced = time.monotonic()
        stream.during(lambda: None, LEAST)
    assert all(one.answer.ok for one in stream.of(stream.honest))
    for begin, end in ((0.0, leaving), (enforced, time.monotonic())):
        part = strict(stream, begin, end)
        part.changes = part.changes[:1] if not begin else part.changes[-1:]
        part.check(POLICY, LEAST)
    silent = [one for one in strict(stream, audited, returning).of(stream.bad) if not warned(one.answer)]
    assert not silent, silent[0]
