"""Kinds and their paths, learnt from the API server once a process, and lists of objects."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from ansible_collections.buildkeep.ci.plugins.module_utils.client import JSON, METADATA_LIST, THREADS, Client
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import (
    ApiError,
    Lost,
    NotServed,
    Unreachable,
    collect,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

PAGE = "500"

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Resource:
    """One kind as the API server serves it. `api_version` is 'v1' or 'group/version', `plural` the path's word."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str = "", name: str = "") -> str:
        """The path of one object, or of the collection without a name."""
        root = "/api/" if "/" not in self.api_version else "/apis/"
        inside = f"/namespaces/{quote(namespace, safe='')}" if namespace and self.namespaced else ""
        return f"{root}{self.api_version}{inside}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


class Cluster:
    """A client that knows the kinds of its API server. Discovery is asked once for each group version used."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._known: dict[str, dict[str, Resource]] = {}
        self._lock = threading.Lock()

    def resources(self, api_version: str) -> dict[str, Resource]:
        """Kinds of one group version. Raises ApiError (404: the API server does not serve it)."""
        with self._lock:
            if api_version not in self._known:
                root = "/api/" if "/" not in api_version else "/apis/"
                body = self.client.request("GET", root + api_version, what=f"read the kinds of {api_version}").body
                self._known[api_version] = {
                    entry["kind"]: Resource(
                        api_version, entry["kind"], entry["name"], entry["namespaced"], frozenset(entry["verbs"])
                    )
                    for entry in body["resources"]
                    if "/" not in entry["name"]
                }
            return self._known[api_version]

    def resource(self, api_version: str, kind: str) -> Resource:
        """One kind. Raises NotServed when the API server does not have it."""
        found = self._find(api_version, kind)
        if found is None:  # or made since we looked, by a CRD
            with self._lock:
                self._known.pop(api_version, None)
            found = self._find(api_version, kind)
        if found is None:
            raise NotServed(
                [
                    f"the API server {self.client.url} does not serve {kind} in {api_version}: correct apiVersion and "
                    "kind, or use a Kubernetes version that has it"
                ]
            )
        return found

    def _find(self, api_version: str, kind: str) -> Resource | None:
        try:
            return self.resources(api_version).get(kind)
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def everything_namespaced(self) -> tuple[list[Resource], list[str]]:
        """All namespaced kinds that can be listed and deleted, and the group versions that did not answer."""
        groups = self.client.request("GET", "/apis", what="read the API groups").body.get("groups", [])
        versions = ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]
        found: list[Resource] = []
        silent: list[str] = []
        for version in versions:
            try:
                kinds = self.resources(version).values()
            except ApiError:  # an aggregated API whose server is down
                silent.append(version)
                continue
            found += [kind for kind in kinds if kind.namespaced and {"list", "delete"} <= kind.verbs]
        return found, silent

    def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any] | None:
        """One object, or None where it (or its namespace) does not exist."""
        try:
            what = f"read {resource.kind} {namespace}/{name}" if namespace else f"read {resource.kind} {name}"
            return self.client.request("GET", resource.path(namespace, name), what=what).body
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(
        self, resource: Resource, namespace: str = "", selector: str = "", metadata_only: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Objects of a kind, in pages. List items carry no apiVersion and kind of their own: they are added.

        An object may come twice when the API server forgets the first page's version and the list begins anew.
        """
        query = {"limit": PAGE} | ({"labelSelector": selector} if selector else {})
        accept = METADATA_LIST if metadata_only else JSON
        what = f"list {resource.plural}"
        while True:
            try:
                body = self.client.request("GET", resource.path(namespace), query=query, what=what, accept=accept).body
            except ApiError as error:
                if error.status != 410 or "continue" not in query:
                    raise
                del query["continue"]
                continue
            for item in body.get("items") or []:
                yield {**item, "apiVersion": resource.api_version, "kind": resource.kind}
            following = (body.get("metadata") or {}).get("continue")
            if not following:
                return
            query["continue"] = following


def parallel(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Results in the order of the items.

    Raises one BuildkeepError with the problems of all; a server that does not answer ends it, as Lost where it went.
    """
    lost = threading.Event()

    def guarded(item: Item) -> tuple[Result | None, BuildkeepError | None]:
        if lost.is_set():
            return None, None
        try:
            return work(item), None
        except BuildkeepError as error:
            if isinstance(error, Unreachable):
                lost.set()
            return None, error

    with ThreadPoolExecutor(THREADS) as pool:
        pairs = list(pool.map(guarded, items))
    errors = [error for _, error in pairs if error]
    if errors:
        every = collect(errors)
        raise Lost(every.problems) if any(isinstance(error, Lost) for error in errors) else every
    return [result for result, _ in pairs]  # type: ignore[misc]  # no errors: every item has its result


_clusters: dict[tuple[int, str, str], Cluster] = {}


def connect(kubeconfig: str = "", context: str = "") -> Cluster:
    """The process's connection for these arguments (a loop keeps it; a fork makes its own)."""
    key = (os.getpid(), kubeconfig, context)
    if key not in _clusters:
        _clusters[key] = Cluster(Client(kubeconfig, context))
    return _clusters[key]
