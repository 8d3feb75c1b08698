"""What the typed check of Kubernetes finds in the policies, against the fields of 1.30: nothing.

The server itself compiles every expression when a policy is made, without types. A controller checks it with them
later and writes down in the policy's status what it found, for whoever looks there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import policies
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles import system_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

from tests.api.api import ADMISSION, Answer, Api, Object, until
from tests.api.conftest import CLUSTER_IMAGES, CONTROLLER

# Every option that adds something to an expression.
OPTIONS = policies.Options(
    break_glass="emergency", pod_annotations=("autopilot.gke.io/", "openshift.io/scc"), storage_classes=("standard",)
)
NODES = {"node_profiles": "daemonset", "backend": "admission"}
# One policy after the other, and the largest take many seconds.
CHECKED_SECONDS = 120.0
PATH = f"{ADMISSION}/validatingadmissionpolicies"


def everything(profiles: Profiles) -> list[Object]:
    """All policies with all options, under names of their own and without a binding, so that they refuse nothing."""
    made = policies.build_policies(profiles, CLUSTER_IMAGES, CONTROLLER, priority_class="ordinary", options=OPTIONS)
    made += system_objects(read_settings({"tenants": [{"name": "shop", "builders": ["buildkit"]}], **NODES}))
    found = [item for item in made if item["kind"] == "ValidatingAdmissionPolicy"]
    return [{**item, "metadata": {"name": f"full-{item['metadata']['name']}"}} for item in found]


def checked(admin: Api, items: Sequence[Object]) -> dict[str, Any]:
    """Make policies and wait for the typed check of each; returns what it found, by name."""
    for item in items:
        admin.create(PATH, item).done()

    def status(name: str) -> Any:
        def seen(answer: Answer) -> bool:
            return bool(answer.body.get("status", {}).get("observedGeneration"))

        return until(lambda: admin.request("GET", f"{PATH}/{name}"), seen, CHECKED_SECONDS).body["status"]

    names = [item["metadata"]["name"] for item in items]
    return {name: status(name).get("typeChecking", {}).get("expressionWarnings", []) for name in names}


def test_no_policy_has_a_warning_of_types(admin: Api, shop: str, profiles: Profiles) -> None:
    found = checked(admin, everything(profiles))
    assert {"full-buildkeep-pods", "full-buildkeep-system", "full-buildkeep-system-pods"} <= set(found)
    assert {name: warnings for name, warnings in found.items() if warnings} == {}


def test_a_field_that_is_not_there_is_warned_of(admin: Api, shop: str, profiles: Profiles) -> None:
    (pods,) = [item for item in everything(profiles) if item["metadata"]["name"] == "full-buildkeep-pods"]
    wrong = {"expression": "object.spec.noSuchField == ''"}
    spec = {**pods["spec"], "validations": [*pods["spec"]["validations"], wrong]}
    (warnings,) = checked(admin, [{**pods, "metadata": {"name": "wrong"}, "spec": spec}]).values()
    assert "noSuchField" in str(warnings)
