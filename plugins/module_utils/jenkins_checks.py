"""What can be wrong with `buildkeep_jenkins` that a schema cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from ansible_collections.buildkeep.ci.plugins.module_utils.controller import CONTROLLER
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_casc_checks import problems
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem, nearest


class Subject(Protocol):
    """An inventory under examination, as settings_checks has it."""

    def sound(self, path: str) -> bool:
        """Whether a value, with all within it, has the right form."""

    def get(self, key: str, default: Any) -> Any:
        """Return a variable where it is sound, else the default."""

    def tenants(self, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield path and entry of each tenant whose `key` is sound."""


def jenkins(subject: Subject) -> Iterator[Problem]:
    """Find keys of `buildkeep_jenkins` that cannot be meant as they stand."""
    given = subject.get("jenkins", {})
    yield from _image(given)
    yield from _doors(given)
    yield from _folders(given, {entry["name"] for _, entry in subject.tenants("name")})
    admin, controller = given.get("admin", {}), {**CONTROLLER, **subject.get("controller", {})}
    if subject.get("jenkins_install", False) and controller["cluster"]:
        text = "is true, and buildkeep_controller.cluster says that Jenkins runs outside of this cluster"
        yield Problem("jenkins_install", text, "Leave one of the two out.")
    own = JenkinsSettings(name=controller["name"])
    yield from problems(given, (admin.get("secret", own.admin_secret), own.reload_secret))


def _image(given: Mapping[str, Any]) -> Iterator[Problem]:
    if given.get("image") and given.get("plugins"):
        text = f"names plugins beside the image {given['image']}, which holds them"
        yield Problem("jenkins.plugins", text, "Build them into the image, or leave `image` out.")
    name = given.get("image", "").partition("@")[0]
    if name and ":" not in name.rpartition("/")[2]:
        text = f'"{given["image"]}" names no tag'
        yield Problem("jenkins.image", text, "Write repository and tag, best with a digest (`jenkins:1@sha256:...`).")


def _doors(given: Mapping[str, Any]) -> Iterator[Problem]:
    doors = {name: given[name] for name in ("ingress", "route") if given.get(name)}
    if len(doors) == 2:
        yield Problem("jenkins.route", "stands beside `ingress`", "Leave one of the two out.")
    needed = {"ingress": ("host", "tlsSecret"), "route": ("host", "gateway", "listener")}
    why = {"tlsSecret": "without it passwords cross the network in plain text", "listener": "else http would do too"}
    for name, door in doors.items():
        for key in needed[name]:
            if not door.get(key):
                text = "is missing" + (f": {why[key]}" if key in why else "")
                yield Problem(f"jenkins.{name}.{key}", text, "Name it, or leave the whole mapping out.")
        host, url = door.get("host"), given.get("url", "")
        if host and url and not url.startswith(f"https://{host}"):
            text = f'"{url}" is not the address that `{name}` gives Jenkins'
            yield Problem("jenkins.url", text, f"Write `https://{host}/`, or leave it out.")


def _folders(given: Mapping[str, Any], names: set[str]) -> Iterator[Problem]:
    for name in given.get("folders", {}):
        if name not in names:
            text = f"is no tenant{nearest(name, sorted(names))}"
            yield Problem(f"jenkins.folders.{name}", text, "Name one of buildkeep_tenants.")
