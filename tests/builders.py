"""Builders that the product's table does not have yet, for tests of what is derived from a profile."""

from __future__ import annotations

import dataclasses

from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile

# Is not root, and needs what kaniko does not.
ROOTLESS = Profile(
    name="rootless",
    image="ghcr.io/acme/rootless:1",
    service_account="builder-rootless",
    run_as_user=1000,
    run_as_group=1000,
    allow_privilege_escalation=True,
    capabilities_add=("SETGID", "SETUID"),
    seccomp="Localhost/buildkeep/rootless.json",
    pss_level="baseline",
    app_armor="Localhost/buildkeep-rootless",
)
# Needs the same, with a profile on the nodes.
IMG = dataclasses.replace(
    ROOTLESS,
    name="img",
    image="docker.io/jess/img:v0.5.11",
    service_account="builder-img",
    seccomp="Localhost/buildkeep/img.json",
)
