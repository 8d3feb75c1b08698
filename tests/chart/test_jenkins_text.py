"""What stands in `configScripts` passes the Jenkins chart's `tpl` unchanged, whatever an inventory says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_casc import base, config_scripts, jobs
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

from tests.chart.rendering import template

TEXT = '{{ .Release.Name }}{{{ {{/* {{- }} %} ^${x} \' " \\ {{ fail "no" }}'
SETTINGS = JenkinsSettings(
    url="http://jenkins.example.com/{{x}}/",
    administrators=({"group": "{{ops}}"},),
    folders={"shop": {"description": TEXT, "authors": [{"group": "{{devs}}"}]}},
)


@dataclass(frozen=True)
class Tenant:
    """All that a folder needs of a tenant."""

    name: str


def test_a_chart_that_runs_it_through_tpl_gives_it_back(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: j, version: 0.1.0}")
    # As templates/jcasc-config.yaml of the Jenkins chart 5.9.53 writes each of them.
    lines = ["kind: ConfigMap", "data:", "{{- range $key, $text := .Values.scripts }}", "  {{ $key }}: |-"]
    lines += ["{{ tpl $text $ | indent 4 }}", "{{- end }}"]
    (tmp_path / "templates" / "all.yaml").write_text("\n".join(lines))
    tenants = [Tenant("shop")]
    (made,) = template({"scripts": config_scripts(SETTINGS, tenants)}, chart=tmp_path).objects
    # The chart takes the last line break off.
    found = {key: yaml.safe_load(f"{text}\n") for key, text in made["data"].items()}
    assert found == {"buildkeep-base": base(SETTINGS), "buildkeep-folders": jobs(SETTINGS, tenants)}
