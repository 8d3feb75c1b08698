"""The table of pods that the Kubernetes plugin makes: what is asked for, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import (
    DECLARATIVE,
    STEP,
    AgentInfo,
    Cloud,
    Plan,
    PodRequest,
    clouds,
    dynamic_plan,
    pod_request,
    static_plan,
)

JSON = dict[str, Any]
TABLE = yaml.safe_load((Path(__file__).parent / "plugin_pods.yaml").read_text())
AGENT = AgentInfo("agent-1", "s3cr3t", 0, {"http_proxy": "http://proxy:3128"}, ("jenkins.example:50000", "identity"))
LABEL, RUN_URL = "shop_1-x7k2p", "job/shop/1/"
ABSENT = "absent"


def the_clouds() -> dict[str, Cloud]:
    """The table's cloud, and one of another tenant without templates."""
    both = [
        {**TABLE["cloud"], "templates": TABLE["templates"]},
        {**TABLE["cloud"], "name": "blog", "namespace": "ci-blog"},
    ]
    text = yaml.safe_dump({"jenkins": {"clouds": [{"kubernetes": one} for one in both]}})
    return clouds([{"data": {"clouds.yaml": text}}])


CLOUDS = the_clouds()


def asked(attributes: JSON, form: str = STEP) -> PodRequest:
    """What one step says."""
    return pod_request({key: value for key, value in attributes.items() if key != "cloud"}, LABEL, RUN_URL, form)


def plan_of(case: JSON) -> Plan:
    """What the plugin plans for a case."""
    shop = CLOUDS["shop"]
    cloud = Cloud("shop", {**shop.attributes, **case.get("cloud", {})}, shop.templates)
    if "label" in case:
        return static_plan(cloud, case["label"], AGENT)
    around = [(cloud if "cloud" not in one else CLOUDS[one["cloud"]], asked(one)) for one in case.get("around", ())]
    request = asked(case["step"]) if "step" in case else asked(case["declarative"], DECLARATIVE)
    return dynamic_plan(cloud, request, AGENT, around)


def at(value: Any, path: str) -> Any:
    """What stands at a path; keys may have dots."""
    if not path:
        return value
    if isinstance(value, list):
        value = {item.get("mountPath", item.get("name")): item for item in value}
    for key in sorted(value or (), key=len, reverse=True):
        if path == key or path.startswith(f"{key}."):
            return at(value[key], path[len(key) + 1 :])
    return ABSENT


@pytest.mark.parametrize("case", [one for one in TABLE["cases"] if "error" not in one], ids=lambda case: case["name"])
def test_a_pod(case: JSON) -> None:
    plan = plan_of(case)
    assert {path: at(plan.pod, path) for path in case.get("pod", {})} == case.get("pod", {})
    assert {name: getattr(plan, name) for name in case.get("plan", {})} == case.get("plan", {})
    created = {"metadata": {**plan.pod["metadata"], "uid": "u"}}
    claims = plan.claims(created)
    assert [{"name": one["metadata"]["name"], **one["spec"]} for one in claims] == case.get("claims", [])
    for claim in claims:
        assert claim["metadata"]["labels"] == plan.pod["metadata"]["labels"]
        assert claim["metadata"]["namespace"] == plan.pod["metadata"]["namespace"]
        (owner,) = claim["metadata"]["ownerReferences"]
        assert owner == {"apiVersion": "v1", "kind": "Pod", "controller": True, "name": "agent-1", "uid": "u"}


@pytest.mark.parametrize("case", [one for one in TABLE["cases"] if "error" in one], ids=lambda case: case["name"])
def test_no_pod(case: JSON) -> None:
    with pytest.raises(BuildkeepError) as caught:
        plan_of(case)
    assert case["error"] in str(caught.value)


def test_each_case_has_its_own_name_and_says_something() -> None:
    names = [case["name"] for case in TABLE["cases"]]
    assert len(names) == len(set(names))
    assert all({"pod", "plan", "claims", "error"} & set(case) for case in TABLE["cases"])
