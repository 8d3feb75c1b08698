"""Where each object's file goes, and the indexes that GitOps tools read (kustomize, Argo CD, Flux, `kubectl -k`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.applying_live import stage
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object, key_of
from ansible_collections.buildkeep.ci.plugins.module_utils.render_files import marked
from ansible_collections.buildkeep.ci.plugins.module_utils.render_objects import Wave
from ansible_collections.buildkeep.ci.plugins.module_utils.render_yaml import to_yaml

INDEX_PATH = PurePosixPath("kustomization.yaml")
# Argo CD applies the waves of one Application in this order, and by kind, rights first, where there is none.
SYNC_WAVE = "argocd.argoproj.io/sync-wave"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9.-]")


def files(waves: Sequence[Wave]) -> dict[PurePosixPath, str]:
    """Give the text of every file by its path: one for each object, an index for each wave, and one for all.

    Raises:
        BuildkeepError: for two objects that would be one file.
    """
    found: dict[PurePosixPath, str] = {}
    twice = []
    for wave in waves:
        paths = sorted(((object_path(item), item) for item in wave.objects), key=lambda one: (_order(one[1]), one[0]))
        for path, item in paths:
            place = wave.name / path
            if place in found:
                twice.append(f"{place}: {key_of(item)} and another object would be this one file; rename one of them")
            found[place] = marked(to_yaml(item))
        number = str(int(wave.name.partition("-")[0]))
        found[wave.name / INDEX_PATH] = _index([str(path) for path, _ in paths], commonAnnotations={SYNC_WAVE: number})
    if twice:
        raise BuildkeepError(twice)
    # Without it kustomize sorts all by kind, and the controller would have its rights before the tenants their walls.
    found[INDEX_PATH] = _index([wave.name for wave in waves], sortOptions={"order": "fifo"})
    return found


def object_path(item: Object) -> PurePosixPath:
    """Place an object in its wave: objects of a namespace, and the Namespace itself, in a folder of that name.

    No two names give one path, nor do they on a file system that knows no upper case.
    """
    key = key_of(item)
    namespace = key.name if key.kind == "Namespace" else key.namespace
    return PurePosixPath(_encoded(namespace), f"{key.kind.lower()}-{_encoded(key.name)}.yaml")


def _encoded(name: str) -> str:
    return _NOT_IN_NAMES.sub(lambda found: "".join(f"_{byte:02x}" for byte in found[0].encode()), name)


def _order(item: Object) -> int:
    return stage(item["kind"], bool(key_of(item).namespace), key_of(item).name)


def _index(resources: Sequence[str], **more: Mapping[str, Any]) -> str:
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return marked(to_yaml({**head, "resources": list(resources), **more}))
