"""site.yml and remove.yml where OpenShift's types are served: what a run makes, and that it takes it away again.

OpenShift's admission plugin is not there. With admission policies a run is proven by them; what the plugin would do to
a pod before, these tests write into the pods themselves.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.canary_pods import agent_pod, builder_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.scc import POD_ANNOTATIONS
from ansible_collections.buildkeep.ci.plugins.module_utils.scc_bindings import OPENSHIFT, OPENSHIFT_CREATOR

from testbed import openshift
from testbed.apiserver import ApiServer
from tests.play.playbook import Cluster, Run, lived_in
from tests.scc.published import publish
from tests.servers import controllers

TENANTS: dict[str, Any] = {"buildkeep_tenants": [{"name": "shop"}, {"name": "look", "mode": "audit"}]}
CONTROLLER = "system:serviceaccount:jenkins:jenkins"
RANGE = 1000650000
RBAC = "rbac.authorization.k8s.io"
# OpenShift's controller and somebody else, who may write RoleBindings and namespaces.
WRITERS: list[dict[str, Any]] = [
    {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "writers"},
        "rules": [
            {"apiGroups": [RBAC], "resources": ["rolebindings"], "verbs": ["create"]},
            {"apiGroups": [RBAC], "resources": ["clusterroles"], "verbs": ["bind"]},
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "patch", "update"]},
        ],
    },
    {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "writers"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "writers"},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": user} for user in (OPENSHIFT_CREATOR, "dev")],
    },
    # As OpenShift comes.
    {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "self-provisioners"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "self-provisioner"},
        "subjects": [{"kind": "Group", "apiGroup": RBAC, "name": "system:authenticated:oauth"}],
    },
]
RANGES = (f"openshift.io/sa.scc.uid-range={RANGE}/10000", "openshift.io/sa.scc.mcs=s0:c26,c0")
PULL_SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "agent-dockercfg-x",
        "annotations": {"openshift.io/internal-registry-auth-token.service-account": "agent"},
    },
}


@dataclass
class Story:
    """The cluster between the second run and the removal."""

    cluster: Cluster
    first: Run
    second: Run
    made: dict[str, Any]
    found: dict[str, Any]


def create_binding(cluster: Cluster, name: str, user: str, **changes: Any) -> str:
    """Create a RoleBinding in ci-shop as OpenShift's controller does, with changes; what the API server says."""
    role, kind, subject = OPENSHIFT[name]
    who = {"kind": kind, "name": subject.format(namespace="ci-shop")}
    who |= {"namespace": "ci-shop"} if kind == "ServiceAccount" else {"apiGroup": RBAC}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "annotations": {"openshift.io/description": "It is auto-managed by a controller."}},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [who],
        **changes,
    }
    done = cluster.kubectl("create", "-n", "ci-shop", f"--as={user}", "-f", "-", stdin=json.dumps(binding))
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Run site.yml twice; between the runs OpenShift's controllers do what they do in every namespace."""
    folder = tmp_path_factory.mktemp("openshift")
    with ApiServer() as server, controllers(server, folder / "log"):
        cluster = lived_in(server, folder)
        publish(server, openshift.NEW)
        for item in WRITERS:
            assert cluster.kubectl("create", "-f", "-", stdin=json.dumps(item)).returncode == 0
        found = cluster.everything()
        first = cluster.run("site.yml", TENANTS).ok()
        for name in OPENSHIFT:
            assert "created" in create_binding(cluster, name, OPENSHIFT_CREATOR)
        for account in ("builder", "deployer"):
            assert cluster.kubectl("-n", "ci-shop", "create", "serviceaccount", account).returncode == 0
        for space in ("ci-shop", "buildkeep-canary"):
            assert cluster.kubectl("-n", space, "create", "-f", "-", stdin=json.dumps(PULL_SECRET)).returncode == 0
            named = json.dumps({"imagePullSecrets": [{"name": PULL_SECRET["metadata"]["name"]}]})
            assert cluster.kubectl("-n", space, "patch", "serviceaccount", "agent", "-p", named).returncode == 0
            assert cluster.kubectl("annotate", "namespace", space, "--as=dev", *RANGES).returncode == 0
        second = cluster.run("site.yml", TENANTS).ok()
        yield Story(cluster, first, second, cluster.everything(), found)


def test_a_run_makes_constraints_and_policies_and_the_second_changes_nothing(story: Story) -> None:
    assert story.first.changed > 0 and story.second.changed == 0
    assert story.made["SecurityContextConstraints /buildkeep-kaniko"]["userNamespaceLevel"] == "AllowHostLevel"
    for name in (
        "SecurityContextConstraints /buildkeep-agent",
        "ClusterRole /buildkeep:scc:kaniko",
        "RoleBinding ci-shop/buildkeep-scc-kaniko",
        "RoleBinding ci-look/buildkeep-scc-agent",
        "RoleBinding buildkeep-canary/buildkeep-scc-canary",
        "ValidatingAdmissionPolicy /buildkeep-pods",
    ):
        assert name in story.made
    assert "RoleBinding ci-shop/buildkeep-scc-canary" not in story.made


def test_whoever_makes_projects_is_named_in_a_warning(story: Story) -> None:
    """Their requests come as OpenShift's own, which manages tenants; no guard of ours can tell."""
    named = "ClusterRoleBinding self-provisioners lets Group system:authenticated:oauth make projects"
    assert "[WARNING]: cluster: the " in story.first.text and named in " ".join(story.first.text.split())


def test_openshift_is_kept_from_labelling_tenants_and_from_placing_their_pods(story: Story) -> None:
    for name in ("ci-shop", "ci-look", "buildkeep-canary"):
        metadata = story.made[f"Namespace /{name}"]["metadata"]
        assert metadata["labels"]["security.openshift.io/scc.podSecurityLabelSync"] == "false"
        assert metadata["annotations"]["openshift.io/node-selector"] == ""


def given(pod: dict[str, Any], constraints: str) -> dict[str, Any]:
    """The pod as OpenShift's plugin hands it on (sccmatching/provider.go): ids and level are the namespace's."""
    changed = copy.deepcopy(pod)
    level = {"level": "s0:c26,c0"}
    changed["metadata"]["annotations"] = {
        **changed["metadata"].get("annotations", {}),
        "openshift.io/scc": constraints,
        "security.openshift.io/validated-scc-subject-type": "serviceaccount",
        "seccomp.security.alpha.kubernetes.io/pod": "runtime/default",
    }
    assert set(POD_ANNOTATIONS) <= set(changed["metadata"]["annotations"])
    changed["spec"]["securityContext"] = {
        **changed["spec"].get("securityContext", {}),
        "fsGroup": RANGE, "seLinuxOptions": level, "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    for container in changed["spec"]["containers"]:
        container["securityContext"] = {"seLinuxOptions": level, **container["securityContext"]}
    return changed


def test_pods_as_openshift_hands_them_on_are_let_in(story: Story) -> None:
    profiles = load_profiles()
    agent, builder = agent_pod(profiles, "shop"), builder_pod(profiles, "shop", profiles.builders["kaniko"])
    for pod, constraints in ((agent, "buildkeep-agent"), (builder, "buildkeep-kaniko")):
        done = story.cluster.create_pod("ci-shop", given(pod, constraints), CONTROLLER)
        assert done.returncode == 0, done.stderr
    bad = given(agent, "buildkeep-agent")
    # Who writes this asks for other constraints; OpenShift's own annotations are all that was let in.
    bad["metadata"]["annotations"]["openshift.io/required-scc"] = "anyuid"
    done = story.cluster.create_pod("ci-shop", bad, CONTROLLER)
    assert "[annotations]" in done.stderr and "openshift.io/required-scc" in done.stderr


@pytest.mark.parametrize("name", list(OPENSHIFT))
def test_openshifts_own_bindings_are_let_in_to_the_letter(story: Story, name: str) -> None:
    """They come with every namespace; from anybody else, or with anything else in them, they are refused."""
    assert f"RoleBinding ci-shop/{name}" in story.made
    assert "[rolebindings]" in create_binding(story.cluster, name, "dev")
    other = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "dev"}]
    assert "[rolebindings]" in create_binding(story.cluster, name, OPENSHIFT_CREATOR, subjects=other)
    admin = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
    assert "[rolebindings]" in create_binding(story.cluster, name, OPENSHIFT_CREATOR, roleRef=admin)


def test_what_openshift_writes_on_namespaces_is_let_in(story: Story) -> None:
    """Without the ranges its plugin refuses every pod of the namespace. The second run left them as they were."""
    annotations = story.made["Namespace /ci-shop"]["metadata"]["annotations"]
    assert annotations["openshift.io/sa.scc.uid-range"] == f"{RANGE}/10000"
    words = ("annotate", "namespace", "ci-shop", "--dry-run=server", "--overwrite", "--as=dev")
    assert "[namespaces]" in story.cluster.kubectl(*words, "buildkeep.dev/images=docker.io/evil/").stderr


def test_what_openshift_puts_into_a_namespace_is_no_reason_to_warn(story: Story) -> None:
    """Nor to change anything: the second run found it all there."""
    assert "ServiceAccount ci-shop/builder" in story.made and "Secret ci-shop/agent-dockercfg-x" in story.made
    assert story.made["ServiceAccount ci-shop/agent"]["imagePullSecrets"] == [{"name": "agent-dockercfg-x"}]
    assert "rights that the policies would not let in" not in story.second.text


def test_removal_leaves_nothing(story: Story) -> None:
    """Not even a namespace that holds nothing but what OpenShift put into it."""
    assert story.cluster.run("buildkeep.ci.remove", TENANTS).ok().changed > 0
    assert story.cluster.everything() == story.found
