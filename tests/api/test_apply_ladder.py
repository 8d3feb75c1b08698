"""The ladder: create, modify and delete, each four times: checked, done, checked again, done again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from testbed.apiserver import ApiServer
from tests.api.api import Api
from tests.conftest import ROOT

TEMPLATES = {
    "namespace": """
apiVersion: v1
kind: Namespace
metadata:
  name: {{ space | to_json }}
  labels: {"buildkeep.dev/tenant": ladder}
""",
    "configmap": """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ name | to_json }}
  namespace: {{ space | to_json }}
data:
  text: {{ text | to_json }}
""",
}
STEPS = [
    ("create", True, True),
    ("create", False, True),
    ("create", True, False),
    ("create", False, False),
    ("modify", True, True),
    ("modify", False, True),
    ("modify", True, False),
    ("modify", False, False),
    ("delete", True, True),
    ("delete", False, True),
    ("delete", True, False),
    ("delete", False, False),
]
SPACE = "apply-ladder"


def task(folder: Path, number: int, kubeconfig: Path) -> dict[str, Any]:
    step, check, _ = STEPS[number]
    arguments: dict[str, Any] = {
        "owner": "ladder",
        "kubeconfig": str(kubeconfig),
        "templates": [str(folder / "configmap.j2")]
        if step == "delete"
        else [str(folder / f"{n}.j2") for n in TEMPLATES],
        # From a variable of the play, so that values reach the plugin with Ansible's tags on them.
        "each": "{{ items }}",
        "vars": {"space": SPACE, "text": "one: 'ü' #\n" if step == "create" else "two {{ '{{' }}"},
        "prune": ["v1/ConfigMap"],
        "state": "absent" if step == "delete" else "present",
    }
    return {"name": f"{number} {step}", "buildkeep.ci.apply": arguments, "check_mode": check, "register": f"r{number}"}


@pytest.fixture(scope="module")
def results(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The results of the twelve tasks of one play."""
    folder = tmp_path_factory.mktemp("ladder")
    for name, text in TEMPLATES.items():
        (folder / f"{name}.j2").write_text(text, encoding="utf-8")
    tasks = [task(folder, number, api_server.kubeconfig()) for number in range(len(STEPS))]
    found = folder / "results.json"
    tasks.append(
        {
            "name": "Keep the results",
            "ansible.builtin.copy": {
                "dest": str(found),
                "content": "{{ [" + ", ".join(f"r{number}" for number in range(len(STEPS))) + "] | to_json }}",
            },
        }
    )
    play = [{
        "hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks,
        "vars": {"items": [{"name": "a"}], "ansible_python_interpreter": "{{ ansible_playbook_python }}"},
    }]  # fmt: skip
    (folder / "play.json").write_text(json.dumps(play), encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "--diff", str(folder / "play.json")],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(found.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_step(results: list[dict[str, Any]], number: int) -> None:
    assert results[number]["changed"] is STEPS[number][2], results[number]


def test_only_the_changed_object_is_in_the_diff(results: list[dict[str, Any]]) -> None:
    for number in (4, 5):
        (entry,) = results[number]["diff"]
        assert entry["before_header"] == f"ConfigMap {SPACE}/a"
        assert "one: 'ü' #" in entry["before"]
        assert "two {{" in entry["after"]
        assert "managedFields" not in entry["before"] + entry["after"]


def test_what_is_deleted_is_gone_and_the_rest_stays(results: list[dict[str, Any]], admin: Api) -> None:
    assert [each["action"] for each in results[9]["objects"]] == ["deleted"]
    assert admin.request("GET", f"/api/v1/namespaces/{SPACE}/configmaps/a").status == 404
    assert admin.request("GET", f"/api/v1/namespaces/{SPACE}").status == 200
