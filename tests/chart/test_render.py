"""The files of a rendered inventory: their places, their bytes, and what becomes of those of before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.render_files import MARK
from ansible_collections.buildkeep.ci.plugins.module_utils.render_plugin import render

from testbed.tools import tool

ROOT = Path(__file__).resolve().parents[2]
TENANTS: list[dict[str, Any]] = [{"name": "shop", "images": ["ghcr.io/acme/base/"]}, {"name": "blog"}]
INDEX = "kustomization.yaml"


def run(folder: Path, *, check: bool = False, diff: bool = False, **variables: Any) -> dict[str, Any]:
    settings = {"tenants": TENANTS, "render_directory": str(folder), **variables}
    arguments = {"settings": settings, "problems": [], "helm": str(tool("helm")), "deadline": 14400}
    return render(arguments, Mode(check=check, diff=diff))


def texts(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of two tenants; nobody changes them."""
    made = tmp_path_factory.mktemp("rendered")
    run(made)
    return made


def test_each_wave_has_its_folder_and_the_rights_are_last(folder: Path) -> None:
    waves = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert waves == ["00-policies", "10-canary", "20-tenants", "30-agent-templates", "90-rbac"]
    index = yaml.safe_load((folder / INDEX).read_text())
    assert (index["resources"], index["sortOptions"]) == (waves, {"order": "fifo"})
    rights = {path.name for path in (folder / "90-rbac").rglob("*.yaml")}
    assert rights == {"role-buildkeep-controller.yaml", "rolebinding-buildkeep-controller.yaml", INDEX}


def test_each_file_holds_one_object_under_its_own_name(folder: Path) -> None:
    for path in folder.rglob("*.yaml"):
        (item,) = yaml.safe_load_all(path.read_text())
        assert path.read_text().startswith(MARK)
        if path.name != INDEX:
            assert path.stem == f"{item['kind'].lower()}-{item['metadata']['name']}"
            space = item["metadata"]["name"] if item["kind"] == "Namespace" else item["metadata"].get("namespace")
            assert path.parent.name == space or (not space and path.parent.parent == folder)


def test_each_index_lists_every_file_of_its_wave_and_namespaces_first(folder: Path) -> None:
    for wave in (path for path in folder.iterdir() if path.is_dir()):
        listed = yaml.safe_load((wave / INDEX).read_text())["resources"]
        assert sorted(listed) == sorted(name for name in texts(wave) if name != INDEX)
        spaces = ["namespace-" in name for name in listed]
        assert spaces == sorted(spaces, reverse=True)


def test_kustomize_keeps_the_order_of_the_waves(folder: Path) -> None:
    done = subprocess.run([str(tool("kubectl")), "kustomize", str(folder)], capture_output=True, text=True, check=True)
    built = list(yaml.safe_load_all(done.stdout))
    waves = [int(item["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]) for item in built]
    assert waves == sorted(waves)
    assert len(built) == len([name for name in texts(folder) if not name.endswith(INDEX)])


def test_the_bytes_depend_on_the_inventory_alone(folder: Path, tmp_path: Path) -> None:
    """Another process with another hash seed, time zone and locale, in another folder, with tenants' keys turned."""
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path\n"
        "from tests.chart import test_render as it\n"
        "it.TENANTS[:] = [dict(reversed(one.items())) for one in it.TENANTS]\n"
        "it.run(Path(sys.argv[3]))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", script, str(ROOT / "collections"), str(ROOT), str(tmp_path)]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True)
    assert texts(tmp_path) == texts(folder)


def test_a_tenant_that_leaves_takes_its_files_along(tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / "20-tenants" / "ci-blog" / "theirs.yaml").write_text("theirs")
    shop = [TENANTS[0], {"name": "blog", "state": "absent"}]
    announced = run(tmp_path, check=True, diff=True, tenants=shop)
    assert any(entry["before"] and not entry["after"] for entry in announced["diff"])
    assert (tmp_path / "90-rbac" / "ci-blog").is_dir()
    found = run(tmp_path, tenants=shop)
    assert {key: announced[key] for key in ("changed", "msg")} == {key: found[key] for key in ("changed", "msg")}
    assert [name for name in texts(tmp_path) if "blog" in name] == ["20-tenants/ci-blog/theirs.yaml"]
    assert not run(tmp_path, tenants=shop)["changed"]


def test_static_manifests_are_written_where_asked_and_taken_away_again(tmp_path: Path) -> None:
    run(tmp_path, render_static=True)
    static = {name for name in texts(tmp_path) if name.startswith("static/")}
    assert "static/admission-configuration.yaml" in static
    assert "static/policies/validatingadmissionpolicy-buildkeep-policies.static.k8s.io.yaml" in static
    assert INDEX not in {Path(name).name for name in static}
    run(tmp_path)
    assert not (tmp_path / "static").exists()


@pytest.mark.parametrize(
    ("variables", "kinds", "waves"),
    [
        ({"render_version": "1.24", "render_engine": "kyverno"}, {"PodSecurityPolicy"}, ["02-images"]),
        ({"render_version": "1.24", "render_engine": "gatekeeper"}, {"PodSecurityPolicy"}, ["02-images", "04-images"]),
        ({"render_version": "1.29"}, set(), []),
        ({"render_version": "1.35", "pod_defaults": False}, {"ValidatingAdmissionPolicy"}, []),
        ({"pod_defaults": True}, {"ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"}, []),
        ({"backend": "scc"}, {"ValidatingAdmissionPolicy", "SecurityContextConstraints"}, []),
    ],
)
def test_the_version_and_the_backend_say_what_enforces(
    tmp_path: Path, variables: dict[str, Any], kinds: set[str], waves: list[str]
) -> None:
    run(tmp_path, unenforced="accept", **variables)
    first = tmp_path / "00-policies"
    found = {yaml.safe_load(path.read_text())["kind"] for path in first.rglob("*.yaml")} if first.is_dir() else set()
    assert {kind for kind in found if not kind.endswith("Binding")} == kinds | ({"Kustomization"} if kinds else set())
    assert sorted(path.name for path in tmp_path.glob("*-images")) == waves


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"render_directory": "", "render_version": 1.3},
            ["buildkeep_render_directory: ", "buildkeep_render_version: "],
        ),
        ({"render_version": "1.36", "render_static": True}, ["buildkeep_render_static: needs Kubernetes 1.37"]),
        ({"render_version": "1.35", "pod_defaults": True}, ["buildkeep_pod_defaults: "]),
        ({"render_version": "1.29"}, ["not enforced: ", "buildkeep_unenforced: accept"]),
        ({"backend": "psp"}, ["buildkeep_backend: psp"]),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(
    tmp_path: Path, variables: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(BuildkeepError) as error:
        run(tmp_path, **variables)
    assert [text for text in words if text not in str(error.value)] == []
    assert list(tmp_path.iterdir()) == []


def test_what_a_backend_cannot_give_is_refused(tmp_path: Path) -> None:
    tenants = [{"name": "shop", "volumes": {"claims": ["cache"]}}]
    given: dict[str, Any] = {"tenants": tenants, "backend": "psp", "render_version": "1.24", "unenforced": "accept"}
    with pytest.raises(BuildkeepError, match="claims"):
        run(tmp_path, **given)
    assert not list(tmp_path.iterdir())
