#!/usr/bin/python
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apply
short_description: Make Kubernetes objects be as their manifests say
version_added: "0.1.0"
description:
  - Applies the objects of one role by server-side apply with the field manager C(buildkeep), many at a time,
    and removes what the role made earlier and wants no more.
  - Runs in the Ansible controller's process. The host of the play and its connection do not matter.
  - "Order: namespaces, cluster-wide objects, objects in namespaces; bindings after what they bind. Removal goes in
    reverse."
  - Of a Namespace that somebody else made the labels and annotations that change are kept in its annotation
    C(buildkeep.dev/before), and put back when it is removed. That annotation is believed only beside the label
    C(buildkeep.dev/tenant), which only managers of tenants may set.
  - Another object that somebody else made is taken over, marked by the annotation C(buildkeep.dev/adopted), with a
    warning for each field that another manager had set. When it is removed it stays, without the fields that we set.
  - Roles and RoleBindings of somebody else are never taken over. The task fails before it changes anything, and names
    them.
  - ValidatingAdmissionPolicies and their bindings are replaced in place, so that nothing that others put into their
    spec stays.
  - Where it changed some of them, it goes on only when the API server answers by them. A policy of some seconds
    (C(buildkeep-witness-) and a random word), written last, tells. Before Kubernetes 1.36 a warning says what such a
    change can do to an API server.
  - A namespace made by this action is deleted only if nothing of others is in it. Else its labels and annotations of
    ours are taken off, and the result says what stays.
  - Pruning and removal look only into namespaces with the label C(buildkeep.dev/tenant) and those of O(namespaces).
    Labels on objects elsewhere do nothing. A Namespace without that label is an error.
options:
  owner:
    description:
      - The role's name. Each object gets it as the label C(buildkeep.dev/role), beside
        C(app.kubernetes.io/managed-by=buildkeep). Pruning and removal reach only objects with both; of Namespaces,
        those with the first and C(buildkeep.dev/tenant).
    type: str
    required: true
  templates:
    description:
      - Paths of Jinja templates that render to Kubernetes YAML.
      - Unknown variables are errors. The filters C(to_json) (a quoted YAML value) and C(cel) (a CEL literal) are known,
        besides those of Jinja itself.
    type: list
    elements: path
    default: []
  each:
    description: Each template is rendered once for each of these mappings, whose keys are variables.
    type: list
    elements: dict
  vars:
    description: Variables for every rendering. Those of O(each) win.
    type: dict
    default: {}
  manifests:
    description: More objects, as mappings or as YAML text; one of them or a list.
    type: raw
    default: []
  prune:
    description: Kinds, such as C(v1/ConfigMap), of which the owner's objects that are not wanted are removed.
    type: list
    elements: str
    default: []
  tenants:
    description:
      - Removes only objects of these tenants (label C(buildkeep.dev/tenant) of their namespace, and in namespaces of no
        tenant their own). Without it, of all and of none.
    type: list
    elements: str
  namespaces:
    description: More namespaces that pruning and removal look into, such as the Jenkins controller's.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(absent) removes all of the owner's objects of the kinds in O(prune), O(manifests) and O(templates), and waits
        until they are gone.
    type: str
    choices: [present, absent]
    default: present
  settled:
    description:
      - What was taken away from a Namespace or from the policy C(buildkeep-pods) is seen to be refused by now. Its
        annotation C(buildkeep.dev/narrowed), which tells a later run what to try, goes.
      - Without it that annotation is written by the request that takes something away, and stays; no
        ServiceAccount is pruned in such a namespace, so that a pod can be refused for using it.
    type: bool
    default: false
  timeout:
    description: Seconds to wait for removed objects while none of them goes.
    type: float
    default: 300
extends_documentation_fragment:
  - buildkeep.ci.connection
author:
  - Buildkeep
"""

EXAMPLES = r"""
- name: Apply a namespace and its quota for each tenant
  buildkeep.ci.apply:
    owner: tenants
    templates:
      - "{{ role_path }}/templates/namespace.yaml.j2"
      - "{{ role_path }}/templates/quota.yaml.j2"
    each: "{{ tenants_list }}"
    prune: [v1/Namespace, v1/ResourceQuota]

- name: Remove one tenant
  buildkeep.ci.apply:
    owner: tenants
    prune: [v1/Namespace, v1/ResourceQuota]
    tenants: [shop]
    state: absent
"""

RETURN = r"""
objects:
  description: What became of each object.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Its kind.
      type: str
    namespace:
      description: Its namespace, empty for a cluster-wide object.
      type: str
    name:
      description: Its name.
      type: str
    action:
      description:
        - C(created), C(changed) or C(unchanged); C(adopted) for one that somebody else had made.
        - C(deleted); C(restored) for a Namespace put back as it was found; C(released) for another object that was
          there before us and stays, without the fields that we set; C(kept) for a namespace of ours that stays, without
          our labels.
      type: str
    narrowed:
      description:
        - What this run, or one that died before it ended, took away, as lists by word, such as C(images) and
          C(builders). It stands in the annotation C(buildkeep.dev/narrowed) until a task with O(settled).
      returned: for a Namespace and the policy C(buildkeep-pods), where something was taken away
      type: dict
msg:
  description: How many objects were created, changed and so on.
  returned: success
  type: str
  sample: 2 created, 10 unchanged
"""
