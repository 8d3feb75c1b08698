"""Pods that mount claims, Secrets and volumes of CSI drivers."""

from __future__ import annotations

import pytest

from tests.api import pods
from tests.api.api import Answer, Api, Object, until
from tests.api.conftest import tenant_namespace
from tests.api.guarded import sentence

SPACE = "ci-mounts"
SIZE = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.fixture(scope="module")
def space(admin: Api, shop: str) -> str:
    """A tenant's namespace, with what it was given taken away at the end of these tests."""
    tenant_namespace(admin, SPACE)
    return SPACE


DEVICE = [{"name": "extra", "devicePath": "/dev/extra"}]
BAD_VOLUMES: list[tuple[Object, str]] = [
    (
        {"persistentVolumeClaim": {"claimName": "theirs"}},
        "[claims] volume extra, field persistentVolumeClaim.claimName",
    ),
    ({"persistentVolumeClaim": {"claimName": ""}}, ""),
    (
        {"ephemeral": {"volumeClaimTemplate": {"spec": SIZE}}},
        '[volumes] volume extra, field type: "ephemeral"',
    ),
    ({"csi": {"driver": "hostpath.csi.k8s.io"}}, "[csi-drivers] volume extra, field csi.driver"),
    ({"nfs": {"server": "s", "path": "/"}}, '[volumes] volume extra, field type: "nfs"'),
    ({"image": {"reference": "docker.io/library/evil:1"}}, "[images] volume extra, field image.reference"),
]


@pytest.mark.parametrize(("source", "expected"), BAD_VOLUMES, ids=[str(source) for source, _ in BAD_VOLUMES])
def test_a_pod_mounts_what_its_tenant_was_given(admin: Api, space: str, source: Object, expected: str) -> None:
    answer = admin.pod(SPACE, pods.put(pods.dynamic_agent(), "spec/volumes/+", {"name": "extra", **source}))
    assert not answer.ok
    if expected:
        assert expected in sentence(answer, "pods"), answer.message


@pytest.mark.parametrize("sources", [{}, {"sources": None}, {"sources": []}], ids=["none", "null", "empty"])
def test_a_projected_volume_without_sources_is_an_empty_folder(admin: Api, shop: str, sources: Object) -> None:
    """No rule stumbles over it, be the pod honest or not."""
    pod = pods.put(pods.dynamic_agent(), "spec/volumes/+", {"name": "extra", "projected": sources})
    answer = admin.pod(shop, pod)
    assert answer.ok, answer.message
    refused = sentence(admin.pod(shop, pods.put(pod, "spec/hostPID", True)), "pods")
    assert refused == '[pod] field spec.hostPID: "true" is not allowed; allowed: false'


def test_a_tenant_that_was_given_nothing_mounts_nothing(admin: Api, space: str) -> None:
    bare = {f"buildkeep.dev/{key}": "" for key in ("claims", "secrets", "csi-drivers")}
    for keys, known in ((bare, "empty"), (dict.fromkeys(bare), "missing")):
        admin.patch(f"/api/v1/namespaces/{SPACE}", {"metadata": {"annotations": keys}}).done()
        for source, told in (
            ({"persistentVolumeClaim": {"claimName": "maven-cache"}}, '"maven-cache" is not allowed; allowed: none'),
            ({"csi": {"driver": "secrets-store.csi.k8s.io"}}, "is not allowed; allowed: none"),
            ({"secret": {"secretName": "signing-key"}}, "is not allowed; allowed: registry-credentials"),
        ):
            pod = pods.put(pods.dynamic_agent(), "spec/volumes/+", {"name": "extra", **source})

            def ask(pod: Object = pod) -> Answer:
                return admin.pod(SPACE, pod)

            # The change of the namespace reaches the rules some milliseconds after its own answer.
            answer = until(ask, lambda answer: not answer.ok)
            assert sentence(answer, "pods").endswith(told), (known, answer.message)
        mounted = {"name": "extra", "secret": {"secretName": "registry-credentials"}}
        assert admin.pod(SPACE, pods.put(pods.dynamic_agent(), "spec/volumes/+", mounted)).ok


@pytest.mark.parametrize("place", ["containers", "initContainers", "sidecar", "ephemeralContainers"])
def test_no_container_gets_a_raw_device(admin: Api, shop: str, place: str) -> None:
    claimed = {"name": "extra", "persistentVolumeClaim": {"claimName": "maven-cache"}}
    raw = {**pods.tool("raw"), "volumeDevices": DEVICE}
    if place == "ephemeralContainers":
        pod = pods.put(pods.put(pods.dynamic_agent(), "spec/volumes/+", claimed), "metadata/name", "with-claim")
        admin.pod(shop, pod, dry=False).done()
        raw.pop("volumeMounts")
        kind = "application/strategic-merge-patch+json"
        path = f"/api/v1/namespaces/{shop}/pods/with-claim"
        body = {"spec": {"ephemeralContainers": [raw]}}
        answer = admin.request("PATCH", f"{path}/ephemeralcontainers?dryRun=All", body, kind)
        admin.request("DELETE", f"{path}?gracePeriodSeconds=0").done()
    else:
        if place == "sidecar":
            raw["restartPolicy"], place = "Always", "initContainers"
        pod = pods.put(pods.dynamic_agent(), "spec/volumes/+", claimed)
        answer = admin.pod(shop, pods.put(pod, f"spec/{place}/+", raw))
    assert '[volumes] container raw, field volumeDevices: "extra" is not allowed; allowed: none' in sentence(
        answer, "pods"
    )
