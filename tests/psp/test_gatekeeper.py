"""The allowlist as Gatekeeper's own code judges it, by its command `gator`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.allowlist_other import GATEKEEPER, allowlist_stages

from testbed.tools import tool
from tests.psp.engines import (
    EVIL,
    OWN,
    PLACES,
    Object,
    inventory,
    judged_as_policies_judge,
    namespaces,
    pod,
    policies,
    with_images,
    write,
)


def violations(folder: Path, items: list[Object], own: tuple[str, ...] = OWN) -> dict[str, list[str]]:
    """Ask for the verdict on pods: by name, what is said of each that is refused."""
    rules, given = (
        policies(folder, GATEKEEPER, own),
        write(folder, "given", [*namespaces(inventory(GATEKEEPER)), *items]),
    )
    command = [str(tool("gator")), "test", "-o", "json", "-f", str(rules), "-f", str(given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in {0, 1} and not done.stderr, done.stderr
    found: dict[str, list[str]] = {}
    for one in json.loads(done.stdout or "[]") or []:
        name = one["violatingObject"]["metadata"]["name"]
        found.setdefault(name, []).append(f"{one['enforcementAction']}: {one['msg']}")
    return found


def test_every_reference_is_judged_as_policies_judge_it(tmp_path: Path) -> None:
    """Tricks, and random references, against the same matcher as everywhere."""
    judged_as_policies_judge(lambda items: violations(tmp_path, items), 2000)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_of_an_image_is_looked_at(tmp_path: Path, place: str) -> None:
    (said,) = violations(tmp_path, [pod("one", **PLACES[place])])["one"]
    assert said.startswith(f"deny: [images] {EVIL} is not written in full or not on the list; allowed: ")
    assert "ghcr.io/acme/base/" in said


@pytest.mark.parametrize("own", [("",), ("/",), ("*",), ("g",), ("gcr.io", "quay.io"), ("*/",)])
def test_entries_that_open_nothing(tmp_path: Path, own: tuple[str, ...]) -> None:
    images = ["gcr.io:5000/x:1", "gcr.io/x:1", "quay.io/x:1", "docker.io/jenkins/inbound-agent:1"]
    assert set(violations(tmp_path, with_images(images), own)) == {"p0", "p1", "p2"}


def test_a_tenant_has_its_own_list_and_mode(tmp_path: Path) -> None:
    """And what is no tenant's namespace has neither."""
    own = {"containers": [{"name": "a", "image": "gcr.io/team:1"}]}
    items = [pod(space, space, **own) for space in ("ci-shop", "ci-trial", "ci-none", "other")]
    found = violations(tmp_path, items)
    assert {name: said[0].partition(":")[0] for name, said in found.items()} == {"ci-trial": "warn", "ci-none": "deny"}


UPDATES: dict[str, tuple[Object, str]] = {
    "labels": ({"metadata": {"labels": {"a": "b"}}}, "no"),
    "image": ({"spec": {"containers": [{"name": "a", "image": "gcr.io/other:1"}]}}, "yes"),
    "debugging": ({"spec": {"ephemeralContainers": [{"name": "d", "image": EVIL}]}}, "yes"),
}


@pytest.mark.parametrize("update", UPDATES)
def test_a_running_pod_that_no_longer_complies_can_go(tmp_path: Path, update: str) -> None:
    """Its labels and finalizers may change; what it runs may not."""
    change, violated = UPDATES[update]
    old = pod("one", containers=[{"name": "a", "image": EVIL}])
    new = {**old, **{field: {**old[field], **value} for field, value in change.items()}}
    request = {
        "uid": "u",
        "operation": "UPDATE",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "name": "one",
        "namespace": "ci-shop",
        "object": new,
        "oldObject": old,
    }
    write(tmp_path, "review", [{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}])
    (template,), (constraint, _) = allowlist_stages(inventory(GATEKEEPER))
    # This command matches no namespaces to reviews; which are selected is shown above.
    del constraint["spec"]["match"]["namespaceSelector"]
    write(tmp_path, "template", [template])
    write(tmp_path, "constraint", [constraint])
    case = {"name": update, "object": "review.yaml", "assertions": [{"violations": violated}]}
    tests = [{"name": "update", "template": "template.yaml", "constraint": "constraint.yaml", "cases": [case]}]
    suite = {"kind": "Suite", "apiVersion": "test.gatekeeper.sh/v1alpha1", "metadata": {"name": "s"}, "tests": tests}
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite), encoding="utf-8")
    command = [str(tool("gator")), "verify", str(tmp_path / "suite.yaml"), "-v"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and f"--- PASS: {update}" in done.stdout, done.stdout + done.stderr
