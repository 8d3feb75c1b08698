"""The allowlist as Kyverno's own code judges it, by its command: KYVERNO=path turns these tests on.

The command takes too long to compile for every run (three minutes on two cores). They passed with kubectl-kyverno of
1.13.6, made of github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno with its go.mod's replacement of
k8s.io/pod-security-admission.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.allowlist_other import KYVERNO, allowlist_objects

from tests.psp.engines import (
    OWN,
    PLACES,
    Object,
    inventory,
    judged_as_policies_judge,
    pod,
    with_images,
    write,
)

COMMAND = os.environ["KYVERNO"]
POLICIES = ("buildkeep-images-enforce", "buildkeep-images-audit")


def refused(folder: Path, items: list[Object], own: str = ",".join(OWN), **context: Any) -> dict[str, str]:
    """Ask for the verdict on pods: by name, the policy and what it says of each that is refused.

    Args:
        folder: for files.
        items: the pods.
        own: the namespace's annotation, for which Kyverno would ask the API server.
        context: what it knows of the request.
    """
    settings = inventory(KYVERNO)
    rules = write(folder, "policies", allowlist_objects(settings))
    spaces = [{"name": one.namespace, "labels": one.labels} for one in settings.present] + [
        {"name": "other", "labels": {}}
    ]
    rows = [{"name": name, "rules": [{"name": "images", "values": {"own": own}}]} for name in POLICIES]
    values = {
        "apiVersion": "cli.kyverno.io/v1alpha1",
        "kind": "Values",
        "metadata": {"name": "values"},
        "globalValues": {"request.operation": "CREATE", **context},
        "namespaceSelector": spaces,
        "policies": rows,
    }
    given, known = write(folder, "pods", items), write(folder, "values", [values])
    command = [COMMAND, "apply", str(rules), "--resource", str(given), "-f", str(known), "--policy-report"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    text = done.stdout[done.stdout.index("apiVersion:") :]
    found = {}
    for report in yaml.safe_load_all(text):
        for one in (report or {}).get("results") or []:
            assert one["result"] in {"pass", "fail", "skip"}, one
            if one["result"] == "fail":
                found[one["resources"][0]["name"]] = f"{one['policy']} {one['result']}: {one['message']}"
    return found


def test_every_reference_is_judged_as_policies_judge_it(tmp_path: Path) -> None:
    """Tricks, and random references, against the same matcher as everywhere."""
    judged_as_policies_judge(lambda items: refused(tmp_path, items), 1000)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_of_an_image_is_looked_at(tmp_path: Path, place: str) -> None:
    said = refused(tmp_path, [pod("one", **PLACES[place])])["one"]
    assert said.startswith("buildkeep-images-enforce fail: ") and "[images] every image must be written in full" in said
    assert "ghcr.io/acme/base/" in said


@pytest.mark.parametrize(
    "own", ["", ",", " ", "/", "*", "g", "gcr.io", "gcr.io,quay.io", ".*/", "*/", "(/", "[/", "a{2}/"]
)
def test_entries_that_open_nothing(tmp_path: Path, own: str) -> None:
    """Whatever stands in the annotation, nothing of it is an expression."""
    images = ["gcr.io:5000/x:1", "gcr.io/x:1", "quay.io/x:1"]
    assert set(refused(tmp_path, with_images([*images, "docker.io/jenkins/inbound-agent:1"]), own)) == {
        "p0",
        "p1",
        "p2",
    }


def test_a_tenant_has_its_own_mode(tmp_path: Path) -> None:
    """And what is no tenant's namespace is left alone."""
    items = [pod(space, space, **PLACES["containers"]) for space in ("ci-shop", "ci-trial", "other")]
    found = refused(tmp_path, items)
    assert {name: said.partition(" ")[0] for name, said in found.items()} == {
        "ci-shop": "buildkeep-images-enforce",
        "ci-trial": "buildkeep-images-audit",
    }


def test_other_operations_are_none_of_its_business(tmp_path: Path) -> None:
    assert refused(tmp_path, [pod("one", **PLACES["containers"])], **{"request.operation": "DELETE"}) == {}
