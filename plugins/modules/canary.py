#!/usr/bin/python
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: canary
short_description: Prove that the API server refuses what it must, and admits what it may
version_added: "0.1.0"
description:
  - Sends pods, or other requests, as dry runs, in the name of somebody else, and repeats each until it is answered as
    expected. First those to be refused; when they are, those to be admitted.
  - A refusal counts only when it names the policy and the rule. "Exceeded quota" counts as admitted, since quota is
    asked after all policies.
  - A failure names every case that is not as expected, with the cause found in the cluster, such as a missing policy, a
    binding without C(Deny), or a missing label of the namespace.
  - In check mode a case whose namespace does not exist is left out.
options:
  cases:
    description: Pods or other requests, and what must become of them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Names the case in messages.
        type: str
        required: true
      namespace:
        description: Where the pod is sent.
        type: str
        required: true
      pod:
        description: The pod. Without a name it is called after the case.
        type: dict
        default: {}
      request:
        description:
          - Another request in place of a pod, with the keys C(verb), C(body) and, to connect, C(subresource).
          - C(create), C(patch) and C(apply) are dry runs with the object in C(body). C(connect), which has no dry run,
            is for a pod that does not exist; only its name in C(body) is used.
        type: dict
        default: {}
      user:
        description: Whom to impersonate in place of the task's user.
        type: str
        default: ""
      expect:
        description:
          - What must become of it. V(warned) is what a policy does in mode audit; a refusal by it is as good.
        type: str
        required: true
        choices: [refused, admitted, warned]
      policy:
        description:
          - The policy that must refuse it. V(PodSecurity) for Pod Security Admission, V(PodSecurityPolicy),
            V(SecurityContextConstraints), and V(kyverno) or V(gatekeeper) for the policy C(buildkeep-images) there.
        type: str
        default: ""
      rule:
        description:
          - The rule's id in the refusal, without its brackets.
          - V(PodSecurity), V(PodSecurityPolicy) and V(SecurityContextConstraints) know no rules of ours; words that the
            refusal must hold.
        type: str
        default: ""
      since:
        description:
          - The Kubernetes version, such as V(1.35), from which on the API server keeps the field that it is about.
          - On an older one, which drops the field, the case is left out.
        type: str
        default: ""
  user:
    description: Whom to impersonate. Empty for nobody.
    type: str
    default: ""
  groups:
    description: The groups of O(user).
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds until an answer that is not as expected becomes a failure. It becomes one sooner, after three, where the
        objects of the cluster are such that waiting cannot help, such as a policy without a binding.
    type: float
    default: 30
extends_documentation_fragment:
  - buildkeep.ci.connection
author:
  - Buildkeep
"""

EXAMPLES = r"""
- name: See that a privileged pod is refused
  buildkeep.ci.canary:
    user: system:serviceaccount:jenkins:jenkins
    groups: [system:serviceaccounts, "system:serviceaccounts:jenkins", system:authenticated, "buildkeep:canary"]
    cases:
      - name: privileged
        namespace: buildkeep-canary
        expect: refused
        policy: buildkeep-pods
        rule: restricted
        pod:
          spec:
            containers:
              - name: shell
                image: docker.io/library/debian:bookworm-slim
                securityContext: {privileged: true}
"""

RETURN = r"""
passed_cases:
  description: Names of the cases that were answered as expected.
  returned: success
  type: list
  elements: str
skipped_cases:
  description: Names of the cases left out in check mode.
  returned: success
  type: list
  elements: str
msg:
  description: How many were as expected.
  returned: success
  type: str
"""
