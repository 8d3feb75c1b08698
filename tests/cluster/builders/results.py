"""Images out of the test registry, as data to compare."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from testbed.attacks.registry import Registry
from tests.cluster.builders.comparison import Image
from tests.cluster.builders.filesystem import Tree, applied

GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Pulled:
    """An image's manifest and configuration, and what its layers are called without their compression (diff IDs)."""

    reference: str
    manifest: Any
    config: Any

    @property
    def layers(self) -> Sequence[tuple[str, str]]:
        """(diff ID, digest) of each layer, the lowest first."""
        digests = [each["digest"] for each in self.manifest["layers"]]
        return list(zip(self.config["rootfs"]["diff_ids"], digests, strict=True))


@dataclass
class Puller:
    """Reads images of one registry; file systems of equal layers are worked out once."""

    registry: Registry
    trees: dict[tuple[str, ...], Tree] = field(default_factory=dict)

    def pull(self, reference: str) -> Pulled:
        """Manifest and configuration.

        Raises:
            RuntimeError: the registry does not have it.
        """
        manifest = json.loads(self.registry.manifest(reference).raw)
        return Pulled(reference, manifest, self.registry.blob(reference, manifest["config"]["digest"]))

    def layer(self, image: Pulled, digest: str) -> BinaryIO:
        """A layer as a tar, not compressed."""
        data = self.registry.raw(image.reference, digest)
        return cast(BinaryIO, gzip.open(io.BytesIO(data))) if data.startswith(GZIP) else io.BytesIO(data)

    def image(self, pulled: Pulled) -> Image:
        """The image as what a container sees of it."""
        config = pulled.config
        return Image(config.get("config") or {}, f"{config['os']}/{config['architecture']}", self.tree(pulled))

    def tree(self, pulled: Pulled) -> Tree:
        """The file system of all layers."""
        tree: Tree = {}
        done: tuple[str, ...] = ()
        for diff_id, digest in pulled.layers:
            done = (*done, diff_id)
            if done not in self.trees:
                with self.layer(pulled, digest) as layer:
                    self.trees[done] = applied(tree, layer)
            tree = self.trees[done]
        return tree

    def own(self, pulled: Pulled, base: Pulled) -> Iterator[BinaryIO]:
        """The layers that the base does not have, not compressed."""
        known = {diff_id for diff_id, _ in base.layers}
        for diff_id, digest in pulled.layers:
            if diff_id not in known:
                yield self.layer(pulled, digest)
