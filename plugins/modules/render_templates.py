#!/usr/bin/python
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: render_templates
short_description: Render the chart agent-templates for all tenants
version_added: "0.1.0"
description:
  - Runs C(helm template) of the collection's own chart once, with the values of an inventory, and without the
    ServiceAccounts and the controller's rights, which other roles make. Changes nothing.
  - Runs in the Ansible controller's process. The host of the play and its connection do not matter.
options:
  settings:
    description:
      - Variables of the inventory without their prefix C(buildkeep_), such as C(tenants) and C(builders).
    type: dict
    required: true
  helm:
    description: Name or path of the helm command, version 4 or 3.
    type: str
    default: helm
  deadline:
    description: Seconds after which Kubernetes ends a builder's pod.
    type: int
    default: 14400
  user_namespaces:
    description: Whether the nodes give pods user namespaces, for the builders that can live in one.
    type: bool
    default: false
author:
  - Buildkeep
"""

EXAMPLES = r"""
- name: Render the clouds
  buildkeep.ci.render_templates:
    settings:
      tenants:
        - name: shop
  register: rendered

- name: Apply them
  buildkeep.ci.apply:
    owner: agent_templates
    manifests: "{{ rendered['manifests'] }}"
    prune: [v1/ConfigMap]
"""

RETURN = r"""
manifests:
  description: The chart's objects, as YAML text.
  returned: success
  type: str
canaries:
  description:
    - Cases for M(buildkeep.ci.canary). The pod that the Kubernetes plugin makes of each template must be admitted, and
      for each builder the same pod with one capability too many must be refused.
  returned: success
  type: list
  elements: dict
"""
