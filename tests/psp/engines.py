"""Objects of the allowlist for an engine, and pods whose images it judges, as files."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.allowlist_other import allowlist_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import PSP, Backend
from ansible_collections.buildkeep.ci.plugins.module_utils.images import is_allowed
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

from tests.api import pods
from tests.api.conftest import CLUSTER_IMAGES
from tests.api.property_images import references
from tests.api.test_policies_images import ALLOWED, LOOKALIKES

Object = dict[str, Any]
NAMESPACE = "ci-shop"
OWN = (f"{pods.BASE}/", "gcr.io/team")
# A builder's repository is one of the list here: no engine knows of ServiceAccounts.
ENTRIES = (pods.JNLP, pods.KANIKO, *CLUSTER_IMAGES, *OWN)
# On no list, and every place of a pod that names an image.
EVIL = "gcr.io/team-evil/x:1"
PLACES: dict[str, dict[str, Any]] = {
    "containers": {"containers": [{"name": "a", "image": EVIL}]},
    "second container": {"containers": [{"name": "a", "image": "gcr.io/team:1"}, {"name": "b", "image": EVIL}]},
    "initContainers": {"initContainers": [{"name": "b", "image": EVIL}]},
    "ephemeralContainers": {"ephemeralContainers": [{"name": "b", "image": EVIL}]},
    "volumes": {"volumes": [{"name": "e", "emptyDir": {}}, {"name": "v", "image": {"reference": EVIL}}]},
}


def inventory(engine: str) -> Settings:
    """An inventory whose cluster-wide list and whose one tenant's give ENTRIES."""
    tenants = [{"name": "shop", "images": list(OWN)}, {"name": "trial", "mode": "audit"}, {"name": "none"}]
    made = read_settings({"tenants": tenants, "images": list(CLUSTER_IMAGES)})
    backend = Backend(PSP, policies=False, pod_security=True, images=engine)
    return dataclasses.replace(made, backend=backend)


def namespaces(settings: Settings) -> list[Object]:
    """The tenants' namespaces, and one that is nobody's."""
    spaces = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": one.namespace, "labels": one.labels, "annotations": one.annotations},
        }
        for one in settings.present
    ]
    return [*spaces, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}]


def pod(name: str, namespace: str = NAMESPACE, **spec: Any) -> Object:
    """A pod with what is to be judged of it."""
    body = {"containers": [{"name": "a", "image": f"{pods.JNLP}:1"}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": body}


def with_images(images: Iterable[str]) -> list[Object]:
    """A pod for each image, named by its number."""
    return [pod(f"p{number}", containers=[{"name": "a", "image": one}]) for number, one in enumerate(images)]


def judged_as_policies_judge(refused: Callable[[list[Object]], Collection[str]], count: int) -> None:
    """Hold an engine against the same matcher as everywhere, on tricks and so many random references.

    Args:
        refused: names the pods that the engine refuses.
        count: of random references.
    """
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)  # noqa: S311 - test data
    asked = [*ALLOWED, *LOOKALIKES, *references(chance, count)]
    found = refused(with_images(asked))
    wanted = {f"p{number}" for number, ref in enumerate(asked) if not is_allowed(ref, ENTRIES)}
    assert len(asked) / 4 < len(wanted) < len(asked) * 3 / 4
    different = {name: asked[int(name[1:])] for name in wanted ^ set(found)}
    assert not different, f"seed {seed}: {different}"


def write(folder: Path, name: str, items: Iterable[Object]) -> Path:
    """Write objects as one file of YAML."""
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump_all(items, allow_unicode=False), encoding="utf-8")
    return path


def policies(folder: Path, engine: str, own: Iterable[str] = OWN) -> Path:
    """Write what the engine is given, with another list of the tenant's own, also one that no inventory could have."""
    settings = inventory(engine)
    shop, *others = settings.tenants
    tenants = (dataclasses.replace(shop, images=tuple(own)), *others)
    return write(folder, engine, allowlist_objects(dataclasses.replace(settings, tenants=tenants)))
