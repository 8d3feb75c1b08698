"""What is asked of every builder: builds, and pushes that have to fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

GREETING, REVISION = "Hello", "0123abc"
TOKEN_FILE = "secret/token"  # noqa: S105 - a path in the workspace
NOWHERE = "nowhere"  # a folder of the workspace with a config.json that has no credentials


def nothing() -> Mapping[str, str]:
    """No names and no values."""
    return MappingProxyType({})


@dataclass(frozen=True)
class Case:
    """One build, and the push of what it made.

    name: also the image's tag.
    what: what it shows, for the documentation; "" for one that stands in for another.
    context: folder of the workspace; dockerfile: its name in there.
    arguments: build arguments. A shell expands them.
    secret: whether the step is given the secret `token`.
    tag: whether the image gets a tag; without one it is to be found by its digest alone.
    environment: of the command. A shell expands it.
    refused: what the push must fail with (a regular expression, as grep -E reads it); "" if it must not fail.
    options: what a builder's command gets beyond that.
    only: the builders that it is for; none named: all.
    """

    name: str
    what: str = ""
    context: str = ""
    dockerfile: str = "Dockerfile"
    arguments: Mapping[str, str] = field(default_factory=nothing)
    secret: bool = False
    tag: bool = True
    environment: Mapping[str, str] = field(default_factory=nothing)
    refused: str = ""
    options: Mapping[str, str] = field(default_factory=nothing)
    only: Sequence[str] = ()

    @property
    def folder(self) -> str:
        """The context's folder."""
        return self.context or self.name

    def suits(self, builder: str) -> bool:
        """Whether it is for a builder."""
        return not self.only or builder in self.only


CASES = (
    Case("hello", "an image of nothing but one program (`FROM scratch`)"),
    Case(
        "everything",
        "a Debian image of several stages: users, `USER`, `COPY --chown`, `ENV`, `WORKDIR`, `ENTRYPOINT`, modes, "
        "links, a file capability, `.dockerignore`, build arguments",
        arguments={"GREETING": GREETING, "REVISION": REVISION},
    ),
    Case("tar", "`ADD` of a tar, with owners, modes and links"),
    Case("removal", "a step that removes a folder of an earlier one"),
    Case("secret", "a build secret (`RUN --mount=type=secret`), of which the image keeps nothing", secret=True),
    Case("offline", "a step without a network (`RUN --network=none`)"),
    Case("large", "a layer of 500 MB within the memory of the builder's container"),
    Case("by-digest", "a push without a tag, by digest alone", context="hello", tag=False),
    Case(
        "distrusted",
        "no push to a registry whose certificate nobody vouches for",
        context="hello",
        environment={"SSL_CERT_DIR": f"$WORKSPACE/{NOWHERE}"},
        refused="certificate signed by unknown authority",
    ),
    Case(
        "anonymous",
        "no push without the credentials that the registry asks for",
        context="hello",
        environment={
            "DOCKER_CONFIG": f"$WORKSPACE/{NOWHERE}",
            "REGISTRY_AUTH_FILE": f"$WORKSPACE/{NOWHERE}/config.json",
        },
        refused="401|[Uu]nauthorized|UNAUTHORIZED|authentication required|no basic auth credentials",
    ),
    # What the limits propose in place of what a builder cannot do.
    Case("secret-by-path", context="secret", arguments={"TOKEN_FILE": f"$WORKSPACE/{TOKEN_FILE}"}, only=("kaniko",)),
    Case("secret-in-context", context="secret", dockerfile="bind.Dockerfile", only=("img",)),
    Case("removal-native", context="removal", options={"img": "--backend native"}, only=("img",)),
)
BY_NAME = {case.name: case for case in CASES}
