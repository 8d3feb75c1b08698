"""A Jenkinsfile as an attacker writes one: the pod under `yaml`, and a step that shows whether it ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

# The shell works the number out, so that this text stands in a log only where the step really ran.
STEP, PROOF = "echo this ran: $((6 * 7))", "this ran: 42"

TEXT = """\
pipeline {{
  agent {{
    kubernetes {{
      cloud '{tenant}'
{settings}      yaml '''
{pod}'''
    }}
  }}
  stages {{
    stage('attack') {{
      steps {{
        container('{container}') {{
          sh '{step}'
        }}
      }}
    }}
  }}
}}
"""


def pod_text(part: Mapping[str, Any]) -> str:
    """The pod of a table entry as the author writes it under `yaml`.

    Raises:
        ValueError: it holds what would end or change a Groovy string.
    """
    pod = yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", **part["pod"]}, sort_keys=False)
    if "'''" in pod or "\\" in pod:
        raise ValueError("the pod holds ''' or a backslash, which a Groovy string cannot carry as it is")
    return pod


def jenkinsfile(part: Mapping[str, Any], step: str = STEP, tenant: str = "shop") -> str:
    """The declarative Jenkinsfile of a table entry.

    Args:
        part: `pod`, as the author writes it, and optionally `agent`, further settings of the `kubernetes` block.
        step: the command that its first container runs.
        tenant: whose cloud it asks for.

    Raises:
        ValueError: see `pod_text`.
    """
    settings = "".join(f"      {key} '{value}'\n" for key, value in part.get("agent", {}).items())
    container = part["pod"]["spec"]["containers"][0]["name"]
    return TEXT.format(tenant=tenant, settings=settings, pod=pod_text(part), container=container, step=step)
