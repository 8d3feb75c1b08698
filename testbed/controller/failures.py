"""What ends a build, or a part of it."""

from __future__ import annotations


class BuildError(Exception):
    """The build fails; str() is what the log says after `ERROR: `."""


class AbortedError(Exception):
    """The build was interrupted."""
