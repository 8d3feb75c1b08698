#!/usr/bin/python
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: jenkins
short_description: Install, upgrade or remove Jenkins by its upstream chart
version_added: "0.1.0"
description:
  - Renders the chart with hardened values, the user's laid over them, and judges every object of it. What would undo
    the hardening is refused by the name of the value. Asks the API server by dry runs what an upgrade would change, and
    tries every pod in the namespace; only then is the release installed or upgraded.
  - Jenkins home is kept when the release goes. Secrets are made once and never shown.
  - Runs in the Ansible controller's process. The host of the play and its connection do not matter.
options:
  settings:
    description:
      - Variables of the inventory without their prefix C(buildkeep_), such as C(jenkins), C(controller) and C(tenants).
    type: dict
    required: true
  state:
    description:
      - V(planned) says what stands in the way, and changes nothing. V(present) installs or upgrades. V(ready) waits
        until the controller is ready. V(absent) takes the release away.
      - V(adopted) looks at a Jenkins of others, and changes nothing.
    type: str
    choices: [planned, present, ready, absent, adopted]
    default: present
  helm:
    description: Name or path of the helm command, version 4 or 3.
    type: str
    default: helm
extends_documentation_fragment: [buildkeep.ci.connection]
author:
  - Buildkeep
"""

EXAMPLES = r"""
- name: Install Jenkins
  buildkeep.ci.jenkins:
    settings:
      tenants: [{name: shop}]
      jenkins: {version: 5.9.53}
      jenkins_install: true

- name: Wait until it is ready
  buildkeep.ci.jenkins:
    settings:
      jenkins: {timeout: 900}
    state: ready
"""

RETURN = r"""
changed:
  description: Whether something was changed, or would be in check mode.
  returned: success
  type: bool
msg:
  description: What was done, in a sentence.
  returned: when there is something to say
  type: str
diff:
  description: A diff for each object of the release, without values of Secrets.
  returned: in diff mode
  type: list
  elements: dict
"""
