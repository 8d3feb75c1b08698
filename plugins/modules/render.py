#!/usr/bin/python
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: render
short_description: Write everything that site.yml applies into files for GitOps
version_added: "0.1.0"
description:
  - Writes the objects of an inventory into a folder, one object a file, in numbered waves, with an index for
    C(kustomize) in each and one for all. No cluster is asked.
  - The same inventory gives the same bytes on any machine.
  - A file of an earlier run that is no longer wanted is removed. Files without the mark in their first line are
    somebody else's; where one is in the way, the task fails before it changes anything.
  - No Secret is ever written.
  - Runs in the Ansible controller's process. The host of the play and its connection do not matter.
options:
  settings:
    description:
      - Variables of the inventory without their prefix C(buildkeep_), such as C(tenants), and those about rendering,
        C(render_directory), C(render_version), C(render_engine), C(render_priority_class), C(render_static) and
        C(render_jcasc). They are described in C(docs/gitops.md).
    type: dict
    required: true
  problems:
    description: Problems found before. With any, nothing is written, and all are told together.
    type: list
    elements: str
    default: []
  helm:
    description: Name or path of the helm command, version 4 or 3.
    type: str
    default: helm
  deadline:
    description: Seconds after which Kubernetes ends a builder's pod.
    type: int
    default: 14400
author:
  - Buildkeep
"""

EXAMPLES = r"""
- name: Write the files
  buildkeep.ci.render:
    settings:
      render_directory: /srv/gitops/ci
      tenants:
        - name: shop
"""

RETURN = r"""
directory:
  description: The folder.
  returned: success
  type: str
files:
  description: Paths in it of all files of ours.
  returned: success
  type: list
  elements: str
msg:
  description: How many files were created, changed, removed, and how many were as they should be.
  returned: success
  type: str
  sample: 2 created, 54 unchanged
"""
