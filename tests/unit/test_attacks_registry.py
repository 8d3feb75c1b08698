"""What is read from the registry is judged by its content, not by the registry's word."""

from __future__ import annotations

import hashlib
import json

import pytest

from testbed.attacks.registry import Manifest, split


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("docker.io/library/debian:bookworm-slim", ("library/debian", "bookworm-slim")),
        ("ghcr.io/acme/blog@sha256:ab", ("acme/blog", "sha256:ab")),
        ("localhost:5000/acme/blog:1", ("acme/blog", "1")),
    ],
)
def test_a_reference_is_split_as_the_registry_sees_it(reference: str, parts: tuple[str, str]) -> None:
    assert split(reference) == parts


def test_the_digest_is_that_of_the_content() -> None:
    raw = json.dumps(
        {"config": {"digest": "sha256:1"}, "layers": [{"digest": "sha256:2"}, {"digest": "sha256:3"}]}
    ).encode()
    manifest = Manifest(raw, "application/vnd.oci.image.manifest.v1+json")
    assert manifest.digest == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert list(manifest.blobs) == ["sha256:1", "sha256:2", "sha256:3"]
