"""Image references and allowlist entries: what is well-formed, and what an allowlist lets in.

`is_allowed` is the reference matcher. The CEL rules `image-reference` and `images` say the same to the API server; the
pattern below is written once and inserted there, so it may use only what both Python's `re` and RE2 understand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles

# What our own small pods run: a shell, tar, gzip and sha256sum.
SHELL = "docker.io/library/busybox:1.37"
_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
# A registry host as the runtime tells one from a folder: it has a dot or a port, or is `localhost`
# (distribution/reference, splitDockerDomain).
_HOST = rf"((localhost|{_LABEL}(\.{_LABEL})+)(:[0-9]+)?|{_LABEL}:[0-9]+)"
_FOLDER = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
_TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
REPOSITORY = rf"{_HOST}(/{_FOLDER})+"
# Host, repository, then a tag, a sha256 digest, both or neither. Everything else (no host, upper case, user info,
# `..`, escapes, other digests, ids of local images) is not canonical and refused before any list is asked.
CANONICAL = rf"^{REPOSITORY}(:{_TAG})?(@sha256:[a-f0-9]{{64}})?$"

_CANONICAL = re.compile(CANONICAL)
_REPOSITORY = re.compile(REPOSITORY)
_HOST_ONLY = re.compile(_HOST)

# Hosts where anyone can open an account and push: a prefix of the bare host would let in the whole world.
_PUBLIC_HOSTS = re.compile(
    r"(gcr\.io|[a-z]+\.gcr\.io|[a-z0-9-]+-docker\.pkg\.dev|ghcr\.io|quay\.io|public\.ecr\.aws|registry\.gitlab\.com)"
)
_DOCKER_HUB_ALIASES = ("index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")


def repository(image: str) -> str:
    """Cut tag and digest off an image reference: `docker.io/acme/base:1@sha256:..` gives `docker.io/acme/base`."""
    head, slash, tail = image.partition("@")[0].rpartition("/")
    return head + slash + tail.partition(":")[0]


def is_canonical(ref: str) -> bool:
    """Tell whether an image reference is written in full: host, repository, tag and/or sha256 digest, lower case."""
    return _CANONICAL.fullmatch(ref) is not None


def is_allowed(ref: str, entries: Iterable[str]) -> bool:
    """Tell whether an allowlist lets an image in.

    Args:
        ref: an image reference as it stands in a pod.
        entries: an entry ending in `/` is a prefix, any other is one exact repository. An entry without `/` opens
            nothing: as an exact name it would let in `host:5000/anything`.
    """
    if not is_canonical(ref):
        return False
    return any(
        ref.startswith(entry) if entry.endswith("/") else ref == entry or ref.startswith((f"{entry}:", f"{entry}@"))
        for entry in entries
        if "/" in entry
    )


def entry_problem(entry: str) -> str | None:
    """Say what is wrong with an allowlist entry and what to write instead; None where it is good."""
    name = entry.removesuffix("/")
    host, _, path = name.partition("/")
    full = f"docker.io/{'' if path else 'library/'}{repository(name) or 'REPOSITORY'}"
    for wrong, remedy in (
        (not entry.strip(), "is empty; write a repository such as ghcr.io/acme/base, or a prefix ending in '/'"),
        (entry != entry.strip() or "," in entry, "holds blanks or a comma; write each repository as its own entry"),
        ("://" in entry, "is a URL; leave the scheme out"),
        ("*" in entry, "holds a wildcard; end a prefix with '/' instead"),
        ("@" in entry, f"names a digest; an entry is a repository: write {repository(entry) or 'HOST/REPOSITORY'}"),
        (":" in path, f"names a tag; an entry is a repository: write {repository(name)}"),
        (entry != entry.lower(), f"holds upper case, which no canonical reference has; write {entry.lower()}"),
        (
            entry == host and _is_host(host) and "." in host,
            f"is a bare host; write {host}/ for the whole registry, or {host}/REPOSITORY",
        ),
        (entry == host or not _is_host(host), f"has no registry host; write {full}, or the host that you mean"),
        (host in _DOCKER_HUB_ALIASES, f"is an alias of Docker Hub; write docker.io/{path or 'REPOSITORY'}"),
        (
            host == "docker.io" and entry.endswith("/"),
            "is a prefix on Docker Hub, where anyone can push; list its repositories one by one, without a final '/'",
        ),
        (host == "docker.io" and "/" not in path, f"lacks its folder; write docker.io/library/{path}"),
        (
            not path and _PUBLIC_HOSTS.fullmatch(host) is not None,
            f"opens a registry where anyone can push; add your project: {host}/PROJECT/",
        ),
        (
            name != host and _REPOSITORY.fullmatch(name) is None,
            "is no repository name; use lower-case letters, digits and single '.', '_', '-' between them",
        ),
    ):
        if wrong:
            return f"'{entry}' {remedy}"
    return None


def template_images(profiles: Profiles) -> list[str]:
    """List the repositories that every tenant may run: the agent's, and those of builders that rules fence in."""
    images = [profiles.agent_image, *(profile.image for profile in profiles.relaxed.values())]
    return list(dict.fromkeys(repository(image) for image in images))


def _is_host(text: str) -> bool:
    return _HOST_ONLY.fullmatch(text) is not None
