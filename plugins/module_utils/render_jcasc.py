"""The tenants' clouds and folders as plain files, for a Jenkins that no side-car gives its configuration.

Configuration as Code reads every file below the folder that `CASC_JENKINS_CONFIG` names. Clouds and folders are apart,
since folders need the plugin job-dsl: one file that Jenkins cannot read keeps it from all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_casc import jobs, text_of
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import clouds
from ansible_collections.buildkeep.ci.plugins.module_utils.render_files import marked
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings

CLOUDS = PurePosixPath("jcasc/clouds")
FOLDERS = PurePosixPath("jcasc/folders/buildkeep-folders.yaml")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def cloud_configmaps(settings: Settings, manifests: str) -> Iterator[Mapping[str, Any]]:
    """Yield those of the chart's objects that hold clouds: the controller's namespace has nothing else of ours."""
    for item in filter(None, yaml.load_all(manifests, Loader=_LOADER)):
        if item["kind"] == "ConfigMap" and item["metadata"]["namespace"] == settings.controller.namespace:
            yield item


def check_clouds(settings: Settings, manifests: str) -> None:
    """See that Jenkins would take the clouds.

    Args:
        settings: the checked inventory.
        manifests: what the chart renders for it.

    Raises:
        BuildkeepError: with every problem.
    """
    clouds(cloud_configmaps(settings, manifests))


def jcasc_files(settings: Settings, manifests: str) -> dict[PurePosixPath, str]:
    """Give the text of each file by its path: one for each tenant's cloud, and one for all folders.

    Args:
        settings: the checked inventory.
        manifests: what the chart renders for it.

    Raises:
        BuildkeepError: a text of a folder holds characters that no script can.
    """
    found = {
        CLOUDS / name: marked(text)
        for item in cloud_configmaps(settings, manifests)
        for name, text in item["data"].items()
    }
    if settings.present:
        found[FOLDERS] = marked(text_of(jobs(settings.jenkins, settings.present)))
    return found
