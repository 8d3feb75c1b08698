"""The test registry's own protocol (OCI distribution), spoken through the API server's proxy: nothing has to listen."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from testbed.attacks.api import SECONDS, Api

PROXY = "/api/v1/namespaces/registry/services/https:registry:443/proxy/v2"
KINDS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.manifest.v1",
        "oci.image.index.v1",
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
    )
)


@dataclass(frozen=True)
class Manifest:
    """A manifest as the registry serves it: its text, and what kind of manifest it says it is."""

    raw: bytes
    kind: str

    @property
    def digest(self) -> str:
        """The digest, worked out here and not taken from the registry's word."""
        return f"sha256:{hashlib.sha256(self.raw).hexdigest()}"

    @property
    def blobs(self) -> Iterator[str]:
        """The digests of its configuration and layers."""
        content = json.loads(self.raw)
        yield content["config"]["digest"]
        yield from (layer["digest"] for layer in content["layers"])


def split(reference: str) -> tuple[str, str]:
    """Repository within the registry, and tag or digest, of a full reference: the registry never sees the host."""
    path = reference.partition("/")[2]
    separator = "@" if "@" in path else ":"
    repository, _, version = path.partition(separator)
    return repository, version


@dataclass(frozen=True)
class Registry:
    """The registry, as whoever may use the API server's proxy sees it."""

    api: Api

    def manifest(self, reference: str) -> Manifest:
        """The manifest of a full reference.

        Raises:
            RuntimeError: the registry does not have it.
        """
        repository, version = split(reference)
        raw, headers = self._send("GET", f"/{repository}/manifests/{version}", headers={"Accept": KINDS})
        return Manifest(raw, headers["Content-Type"])

    def blob(self, reference: str, digest: str) -> Any:
        """A blob that holds JSON, such as an image's configuration."""
        return json.loads(self.raw(reference, digest))

    def raw(self, reference: str, digest: str) -> bytes:
        """A blob as it is stored, such as a compressed layer."""
        return self._send("GET", f"/{split(reference)[0]}/blobs/{digest}")[0]

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository (a full reference without tag), none where all of its images have digests alone."""
        try:
            answer = self._send("GET", f"/{split(repository)[0]}/tags/list")[0]
        except RuntimeError as error:
            if "NAME_UNKNOWN" not in str(error):
                raise
            return []
        return sorted(json.loads(answer).get("tags") or ())

    def copy(self, source: str, target: str) -> None:
        """Makes an image that is there available under another full reference, without moving its layers.

        Raises:
            RuntimeError: the registry refused.
        """
        manifest = self.manifest(source)
        repository, tag = split(target)
        for digest in manifest.blobs:
            self._send("POST", f"/{repository}/blobs/uploads/?mount={digest}&from={split(source)[0]}", b"")
        self._send("PUT", f"/{repository}/manifests/{tag}", manifest.raw, {"Content-Type": manifest.kind})

    def _send(
        self, verb: str, path: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[bytes, Mapping[str, str]]:
        sent = dict(headers or {})
        if self.api.token:
            sent["Authorization"] = f"Bearer {self.api.token}"
        url = f"{self.api.server}{PROXY}{path}"
        request = urllib.request.Request(url, data, sent, method=verb)  # noqa: S310 (https, checked in api.py)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS, context=self.api.tls) as answer:  # noqa: S310
                return answer.read(), answer.headers
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise RuntimeError(f"the registry: {verb} {path}: {refusal.code} {refusal.read()[:500]!r}") from None
