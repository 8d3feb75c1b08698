#!/usr/bin/python
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Look at the cluster before anything is changed
version_added: "0.1.0"
description:
  - Reaches the API server, reads its version, and asks it for each right that a run needs.
  - Fails once, with all problems, each with its remedy. Changes nothing.
options:
  problems:
    description: Problems found elsewhere, such as in the settings, to be shown in the same message.
    type: list
    elements: str
    default: []
  user:
    description: Whom canaries impersonate; the right to do so is asked for.
    type: str
    default: ""
  groups:
    description: The groups that canaries impersonate.
    type: list
    elements: str
    default: []
  namespaces:
    description: Namespaces that must exist.
    type: list
    elements: str
    default: []
  access:
    description:
      - What to judge rights by that are there already. Without it none are looked at.
      - Rights of the controller on the cluster and in namespaces that are no tenants, and Roles and RoleBindings in
        tenants' namespaces that the policies would not let in now. Where a tenant is in mode enforce they are problems,
        else warnings. Who may make projects on OpenShift is named in a warning.
    type: dict
    suboptions:
      user:
        description: The controller's user name, C(system:serviceaccount:NAMESPACE:NAME).
        type: str
        required: true
      elsewhere:
        description: Whether rights of the controller outside of tenants are a problem or a warning.
        type: str
        required: true
        choices: [refuse, warn]
      prefix:
        description: What the namespace of a tenant begins with.
        type: str
        required: true
      tenants:
        description: The mode of each tenant, by its namespace.
        type: dict
        required: true
      verbs:
        description: What the controller may hold in a tenant, lists of verbs by resource.
        type: dict
        required: true
  backend:
    description: The wanted policy backend, or C(auto) for the strongest that the cluster serves.
    type: str
    default: auto
  unenforced:
    description:
      - What becomes of a run where the backend leaves something unenforced, a problem with C(refuse) or a warning with
        C(accept). Where it is empty nothing is said about it.
    type: str
    choices: ["", refuse, accept]
    default: ""
  pod_defaults:
    description: Whether a MutatingAdmissionPolicy is wanted, which the API server must serve then.
    type: bool
    default: false
  impossible:
    description: Problems that the settings have only where one backend is the cluster's, lists of them by backend.
    type: dict
    default: {}
  conditions:
    description:
      - Problems that the settings have only in some clusters, each with its C(text) and the clusters' C(backends),
        whether C(policies) are used there, the version C(before) which it is one, and C(user_namespaces).
    type: list
    elements: dict
    default: []
  warned:
    description: Warnings found elsewhere, such as about builders that nobody maintains, to be shown with the others.
    type: list
    elements: str
    default: []
  jenkins:
    description: Namespace in which Jenkins is installed, with the rights that this takes; empty where it is not.
    type: str
    default: ""
  outside:
    description: Namespace of what a Jenkins outside of the cluster logs in with, with the rights that this takes.
    type: str
    default: ""
extends_documentation_fragment:
  - buildkeep.ci.connection
author:
  - Buildkeep
"""

EXAMPLES = r"""
- name: Look at the cluster
  buildkeep.ci.preflight:
    user: system:serviceaccount:jenkins:jenkins
    groups: [system:authenticated, "buildkeep:canary"]
"""

RETURN = r"""
version:
  description: The cluster's version.
  returned: success
  type: str
  sample: v1.37.1
url:
  description: The API server's address.
  returned: success
  type: str
backend:
  description: What enforces pod security, with C(name), C(policies), C(pod_security) and C(images).
  returned: success
  type: dict
msg:
  description: All of them, as a sentence.
  returned: success
  type: str
"""
