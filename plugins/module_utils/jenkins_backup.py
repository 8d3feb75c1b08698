"""Backup and restore of Jenkins home: the objects that pack it regularly, and the Job that puts an archive back.

The archives are as secret as Jenkins itself: its keys and credentials are in them. Both pods meet PSS `restricted`, so
that they may run in the controller's namespace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import manifests
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.images import SHELL
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_values import CONFINED, POD_SECURITY
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object

LATEST = "latest"
# What `buildkeep_jenkins.backup` is where it leaves something out.
DEFAULTS: Mapping[str, Any] = {"schedule": "0 3 * * *", "keep": 7, "size": "", "class": "", "image": SHELL}
_ARCHIVE = re.compile(r"home-[0-9]{8}T[0-9]{6}Z\.tar\.gz")
_ROLE = Path(__file__).resolve().parents[2] / "roles" / "jenkins"


def backup_objects(jenkins: JenkinsSettings) -> list[Object]:
    """Make the claim for archives and the CronJob that writes them; nothing where no backup is asked for."""
    return _render(jenkins, "backup-claim", "backup-cronjob") if jenkins.backup else []


def restore_job(jenkins: JenkinsSettings, archive: str) -> Object:
    """Make the Job that puts an archive in the place of Jenkins home.

    Args:
        jenkins: the settings; `backup` says where the archives are.
        archive: name of an archive, or `latest`.

    Raises:
        BuildkeepError: there is no backup, or the name is none.
    """
    problems = []
    if not jenkins.backup:
        problems.append(
            "buildkeep_jenkins.backup: is empty, so there are no archives. Write `{schedule: '0 3 * * *'}`."
        )
    if archive != LATEST and not _ARCHIVE.fullmatch(archive):
        problems.append(
            f"jenkins_archive: {archive!r} is no archive's name. Write `{LATEST}`, or a name such as "
            "`home-20260131T030000Z.tar.gz`."
        )
    if problems:
        raise BuildkeepError(problems)
    (job,) = _render(jenkins, "restore-job", archive=archive)
    return job


def home_claim(jenkins: JenkinsSettings) -> str:
    """Name the claim of Jenkins home: the user's own, or the one of the release."""
    persistence = jenkins.values.get("persistence") or {}
    return str(persistence.get("existingClaim") or jenkins.name)


def _render(jenkins: JenkinsSettings, *names: str, **more: str) -> list[Object]:
    given = {**DEFAULTS, **{key: value for key, value in jenkins.backup.items() if value}}
    context = {
        "name": jenkins.name,
        "namespace": jenkins.namespace,
        "home": home_claim(jenkins),
        "schedule": given["schedule"],
        "keep": given["keep"],
        "image": given["image"],
        # As much as Jenkins home holds, since nobody said how well it packs.
        "size": given["size"] or jenkins.storage_size,
        "storage_class": given["class"] or jenkins.storage_class,
        "pod_security": POD_SECURITY,
        "container_security": CONFINED,
        "scripts": {name: manifests.script(_ROLE / "files" / f"{name}.sh") for name in ("backup", "restore")},
        **more,
    }
    return manifests.render([str(_ROLE / "templates" / f"{name}.yaml.j2") for name in names], context, None)
