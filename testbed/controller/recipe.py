"""The recipes of the stand-ins' images: the controller's own, and the agent's under the published agent's name."""

from __future__ import annotations

from testbed import paths
from testbed.images import PACKAGES_PATH, Recipe

CODE = "/opt/buildkeep"
PYTHONPATH = f"PYTHONPATH={PACKAGES_PATH}:{CODE}"
MODULE_UTILS = "plugins/module_utils"
# The collection's modules that work out what the Kubernetes plugin makes of a template, and what it may ask for.
COLLECTION = (
    *("errors.py", "jcasc.py", "jcasc_attributes.py", "jcasc_schema.py", "rbac_verbs.py", "schema.py"),
    *sorted(path.name for path in (paths.ROOT / MODULE_UTILS).glob("plugin_pod*.py")),
)
# The table of the calls that it may make, where `rbac_verbs` looks for it.
VERBS = "charts/agent-templates/verbs.yaml"
KUBERNETES = (
    "kubernetes", "certifi", "python-dateutil", "pydantic", "pydantic-core", "annotated-types", "typing-inspection",
    "typing-extensions", "pyyaml", "websocket-client", "requests", "charset-normalizer", "idna", "urllib3",
    "requests-oauthlib", "oauthlib", "durationpy", "six",
)  # fmt: skip
AIOHTTP = ("aiohttp", "aiohappyeyeballs", "aiosignal", "attrs", "frozenlist", "multidict", "propcache", "yarl")
AGENT_TAG = "3355.v388858a_47b_33-3-jdk21"
# As in the published agent's image: a user by name, not by number, so that a pod without runAsUser fails here too.
USERS = b"""root:x:0:0:root:/root:/bin/bash
jenkins:x:1000:1000::/home/jenkins:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUPS = b"root:x:0:\njenkins:x:1000:\nnogroup:x:65534:\n"


def controller_image() -> Recipe:
    """The stand-in controller's image."""
    collection = f"{CODE}/ansible_collections/buildkeep/ci/{MODULE_UTILS}"
    return Recipe(
        "buildkeep.test/controller",
        base="python",
        files={
            f"{CODE}/testbed/__init__.py": paths.TESTBED / "__init__.py",
            f"{CODE}/testbed/agent": paths.TESTBED / "agent",
            f"{CODE}/testbed/controller": paths.TESTBED / "controller",
            f"{CODE}/ansible_collections/buildkeep/ci/{VERBS}": paths.ROOT / VERBS,
            **{f"{collection}/{name}": paths.ROOT / MODULE_UTILS / name for name in COLLECTION},
        },
        packages=(*KUBERNETES, *AIOHTTP),
        config={
            "Entrypoint": ["/usr/bin/python3", "-m", "testbed.controller"],
            "User": "1000:1000",
            "Env": [PYTHONPATH, "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"],
        },
    )


def agent_image() -> Recipe:
    """The stand-in agent's image, under the name of the published one."""
    return Recipe(
        f"docker.io/jenkins/inbound-agent:{AGENT_TAG}",
        base="python",
        files={
            f"{CODE}/testbed/__init__.py": paths.TESTBED / "__init__.py",
            f"{CODE}/testbed/agent": paths.TESTBED / "agent",
            "/usr/local/bin/jenkins-agent": b'#!/bin/sh\nexec /usr/bin/python3 -m testbed.agent "$@"\n',
            "/etc/passwd": USERS,
            "/etc/group": GROUPS,
        },
        packages=("websockets",),
        config={
            "Entrypoint": ["/usr/local/bin/jenkins-agent"],
            "User": "jenkins",
            "WorkingDir": "/home/jenkins",
            "Env": [PYTHONPATH, "HOME=/home/jenkins", "AGENT_WORKDIR=/home/jenkins/agent", "PYTHONDONTWRITEBYTECODE=1"],
        },
    )
