"""Clouds and folders as plain files, for a Jenkins that is configured by files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import render_plugin
from ansible_collections.buildkeep.ci.plugins.module_utils.agent_templates import helm_template
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests_plugin import Mode
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import clouds
from ansible_collections.buildkeep.ci.plugins.module_utils.render_files import MARK

from testbed.tools import tool

TENANTS = [{"name": "shop"}, {"name": "blog"}, {"name": "gone", "state": "absent"}]


def run(folder: Path, **variables: Any) -> None:
    settings = {"tenants": TENANTS, "render_directory": str(folder), **variables}
    render_plugin.render(
        {"settings": settings, "problems": [], "helm": str(tool("helm")), "deadline": 60}, Mode(check=False, diff=False)
    )


def test_each_tenant_has_a_file_that_jenkins_takes_and_they_go_again(tmp_path: Path) -> None:
    run(tmp_path, render_jcasc=True)
    files = {path.name: path.read_text() for path in (tmp_path / "jcasc" / "clouds").iterdir()}
    assert sorted(files) == ["cloud-blog.yaml", "cloud-shop.yaml"]
    assert all(text.startswith(MARK) for text in files.values())
    assert list(clouds([{"data": files}])) == ["blog", "shop"]
    scripts = yaml.safe_load((tmp_path / "jcasc/folders/buildkeep-folders.yaml").read_text())["jobs"]
    assert "".join(one["script"] for one in scripts).count("permittedClouds") == 2
    assert "jcasc" not in (tmp_path / "kustomization.yaml").read_text()
    run(tmp_path)
    assert not (tmp_path / "jcasc").exists()


def test_a_cloud_that_jenkins_would_refuse_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> str:
        return helm_template(*arguments).replace("usageRestricted:", "usageRestrictd:")

    monkeypatch.setattr(render_plugin, "helm_template", broken)
    with pytest.raises(BuildkeepError, match=r'usageRestrictd: unknown key \(did you mean "usageRestricted"\?\)'):
        run(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_word_than_true_or_false_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildkeepError, match="buildkeep_render_jcasc: write true or false"):
        run(tmp_path, render_jcasc="yes")
