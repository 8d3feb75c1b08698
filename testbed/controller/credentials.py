"""A folder's credentials: files below a folder that is mounted into the controller's pod; the API is never asked.

`<root>/<folder of the job>/<credential>/<key>`: `text` for a secret text, `username` and `password`, or `filename` and
`data` for a secret file. A job sees those of its own folder, as with credentials that Jenkins keeps in folders.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from testbed.controller.failures import BuildError

DEFAULT_ROOT = Path("/run/credentials")
# The kinds, by Jenkins' names, and the files that make them.
KINDS = {"string": ("text",), "usernamePassword": ("username", "password"), "file": ("filename", "data")}


@dataclass(frozen=True)
class Credentials:
    """What one job may use."""

    root: Path
    folder: str

    def find(self, identifier: str) -> tuple[str, dict[str, bytes]]:
        """A credential's kind (key of KINDS) and its values by file name.

        Raises:
            BuildError: there is none of this name in the job's folder.
        """
        missing = BuildError(f"Could not find credentials entry with ID '{identifier}'")
        if not identifier or identifier.startswith(".") or "/" in identifier:
            raise missing
        place = self.root / self.folder / identifier
        for kind, names in KINDS.items():
            if all((place / name).is_file() for name in names):
                return kind, {name: (place / name).read_bytes() for name in names}
        raise missing

    def of_kind(self, identifier: str, kind: str) -> dict[str, bytes]:
        """The values of a credential that must be of this kind.

        Raises:
            BuildError: there is none, or it is of another kind.
        """
        found, values = self.find(identifier)
        if found != kind:
            raise BuildError(f"Credentials '{identifier}' is of type '{found}' where '{kind}' was expected")
        return values
