#!/usr/bin/python
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: user_namespaces
short_description: Ask nodes whether they give pods user namespaces
version_added: "0.3.0"
description:
  - Runs a pod with C(hostUsers) false on one node of each kind (kernel, runtime, kubelet, image) that builders of the
    tenants can land on, reads how its users are mapped, and deletes it.
  - What was found is kept in the ConfigMap C(user-namespaces) of the namespace C(buildkeep-system), which must be
    there. A kind of node that was found able to is not asked again.
  - A node that cannot do it is no failure but a warning, with the reason; builders then run without a user namespace.
  - In check mode no pod is made; what is not known counts as no.
options:
  settings:
    description: The variables of the inventory without their prefix, with the cluster's backend.
    type: dict
    required: true
  timeout:
    description: Seconds for a pod to end, images and scheduling included.
    type: float
    default: 60
extends_documentation_fragment:
  - buildkeep.ci.connection
author:
  - Buildkeep
"""

EXAMPLES = r"""
- name: Ask the nodes for user namespaces
  buildkeep.ci.user_namespaces:
    settings:
      tenants: "{{ buildkeep_tenants }}"
"""

RETURN = r"""
supported:
  description: Whether every kind of node gives pods user namespaces.
  returned: success
  type: bool
reason:
  description: In a sentence why, naming builders and nodes.
  returned: success
  type: str
builders:
  description: Builders of the tenants that can live in a user namespace.
  returned: success
  type: list
  elements: str
possible:
  description: Whether it is for the nodes to say, and not out of the question.
  returned: success
  type: bool
unproven:
  description: Nodes that nobody has asked.
  returned: success
  type: list
  elements: str
msg:
  description: The reason, and in check mode what is assumed.
  returned: success
  type: str
"""
