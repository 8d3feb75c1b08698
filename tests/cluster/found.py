"""Whether a cluster is as it was found: `python -m tests.cluster.found save`, and later `compare`.

Every object of every kind that can be listed counts, with its labels and annotations. Left out are only those that a
cluster makes and changes by itself all the time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from testbed import paths
from testbed.attacks.api import Api, from_kubeconfig
from testbed.attacks.waiting import wait

Things = dict[str, dict[str, str]]
RESTLESS = frozenset({"events", "leases", "componentstatuses"})
# Written when a pod of a Service becomes ready or ceases to be, whoever's pod it is.
RESTLESS_KEYS = frozenset({"endpoints.kubernetes.io/last-change-trigger-time"})
SETTLE_SECONDS = 60


def groups(admin: Api) -> Iterator[str]:
    """The API paths of all group versions that the server prefers."""
    yield "/api/v1"
    for group in admin.must("GET", "/apis")["groups"]:
        yield f"/apis/{group['preferredVersion']['groupVersion']}"


def things(admin: Api, leaving: bool = True) -> Things:
    """Every object of the cluster, those that are being deleted only if `leaving`: path to labels and annotations."""
    found: Things = {}
    for base in groups(admin):
        for resource in admin.must("GET", base)["resources"]:
            name = resource["name"]
            if "list" in resource["verbs"] and "/" not in name and name not in RESTLESS:
                items = admin.must("GET", f"{base}/{name}")["items"]
                staying = [item for item in items if "deletionTimestamp" not in item["metadata"]]
                found |= dict(_items(base, name, items if leaving else staying))
    return found


def _items(base: str, resource: str, items: list[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, str]]]:
    for item in items:
        metadata = item["metadata"]
        where = "/".join(part for part in (base, metadata.get("namespace"), resource, metadata["name"]) if part)
        marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
        yield where, {key: value for key, value in marks.items() if key not in RESTLESS_KEYS}


def differences(before: Things, now: Things) -> list[str]:
    """What is no longer as it was, one sentence each."""
    sentences = [f"{where} was left behind" for where in sorted(now.keys() - before.keys())]
    sentences += [f"{where} is gone" for where in sorted(before.keys() - now.keys())]
    for where in sorted(before.keys() & now.keys()):
        keys = sorted(key for key in before[where] | now[where] if before[where].get(key) != now[where].get(key))
        sentences += [f"{where}: {key} was {before[where].get(key)!r}, is {now[where].get(key)!r}" for key in keys]
    return sentences


def settled(admin: Api, before: Things) -> list[str]:
    """The differences that stay, after waiting for what is still being deleted."""
    last: list[str] = ["never compared"]

    def same() -> bool:
        last[:] = differences(before, things(admin))
        return not last

    try:
        wait(same, SETTLE_SECONDS, "the cluster to be as it was found")
    except TimeoutError:
        return last
    return []


def main(action: str) -> int:
    """Saves the state of the cluster that BUILDKEEP_CLUSTER names, or compares it with what was saved."""
    cluster = paths.cluster_name()
    file = paths.state(cluster) / "as-found.json"
    admin = from_kubeconfig(paths.kubeconfig(cluster))
    if action == "save":
        file.write_text(json.dumps(things(admin, leaving=False)), encoding="utf-8")
        return 0
    problems = settled(admin, json.loads(file.read_text(encoding="utf-8")))
    print("\n".join(problems) or "the cluster is as it was found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
