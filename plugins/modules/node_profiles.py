#!/usr/bin/python
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_profiles
short_description: Wait until nodes have the builders' seccomp profiles, or have them no more
version_added: "0.3.0"
description:
  - Waits until the DaemonSet C(node-profiles) is ready on every node that agents can land on. Its pods are ready where
    the files are there with the right content and a container runs under each of them.
  - Changes nothing. In check mode, and where there is no such DaemonSet, nothing is waited for.
options:
  settings:
    description: The variables of the inventory without their prefix, with the cluster's backend.
    type: dict
    default: {}
  state:
    description:
      - V(present) fails and names each node where a profile is missing, with the kubelet's words.
      - V(absent) waits until the files are gone from O(nodes), and warns of nodes where they stay.
    type: str
    choices: [present, absent]
    default: present
  nodes:
    description: Names of the nodes from which the files are taken.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait.
    type: float
    default: 180
extends_documentation_fragment:
  - buildkeep.ci.connection
author:
  - Buildkeep
"""

EXAMPLES = r"""
- name: Wait until each node has the profiles
  buildkeep.ci.node_profiles:
    settings:
      tenants: "{{ buildkeep_tenants }}"
      node_profiles: daemonset
"""

RETURN = r"""
nodes:
  description: Names of the nodes that have them, or that have them no more.
  returned: success
  type: list
  elements: str
msg:
  description: The same in words.
  returned: success
  type: str
"""
