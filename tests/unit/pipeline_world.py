"""Jenkinsfiles run on agents that only remember: scripts answered by their text, files in memory."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from testbed.controller.buildlog import BuildLog
from testbed.controller.credentials import Credentials
from testbed.controller.declarative import read_jenkinsfile
from testbed.controller.executor import Executor
from testbed.controller.failures import AbortedError, AgentError, BuildError
from testbed.controller.flow import Flow, Signal
from testbed.controller.model import Agent, LabelAgent
from testbed.controller.pipeline.context import Command, State
from testbed.controller.texts import evaluate

SECONDS = 20.0


@dataclass
class FakeNode:
    """Answers scripts by their text: `exit N`, `abort`, `lost`, `gone`, `print X`, `wait NAME`, `set NAME`, `hang`."""

    farm: Farm
    environment: Mapping[str, str]
    default_container: str = ""
    kept: dict[str, bytes] = field(default_factory=dict)

    def run(self, command: Command) -> tuple[int, str]:
        """Notes what is asked for."""
        script, farm = command.script, self.farm
        farm.ran.append((script, command.container, command.shell))
        farm.commands.append(command)
        word, _, rest = script.partition(" ")
        if word == "abort":
            farm.interrupt.set()
            assert command.flow.wait(SECONDS)
            raise AbortedError
        if word == "hang":
            assert command.flow.wait(SECONDS), "nothing stopped it"
            raise AbortedError
        if word == "lost":
            raise BuildError("agent went offline")
        if word == "gone":
            raise AgentError("Agent was removed", retryable=rest != "for good", interruption=rest == "queue")
        if word == "wait":
            assert farm.event(rest).wait(SECONDS), f"{rest} did not happen"
        if word == "set":
            farm.event(rest).set()
        return (int(rest) if word == "exit" else 0), (f"{rest}\n" if word == "print" else "")

    def checkout(self) -> None:
        """Puts a file there."""
        self.farm.checkouts += 1
        self.kept["Jenkinsfile"] = b"pipeline"

    def files(self, folder: str) -> Sequence[str]:
        """Those below the folder."""
        start = "" if folder in ("", ".") else f"{folder}/"
        return [path.removeprefix(start) for path in self.kept if path.startswith(start)]

    def collect(self, folder: str, paths: Sequence[str]) -> bytes:
        """A tar, as an agent makes it."""
        start = "" if folder in ("", ".") else f"{folder}/"
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for path in paths:
                member = tarfile.TarInfo(path)
                member.size = len(self.kept[start + path])
                tar.addfile(member, io.BytesIO(self.kept[start + path]))
        return data.getvalue()

    def unpack(self, folder: str, tar: bytes) -> None:
        """Keeps its files."""
        start = "" if folder in ("", ".") else f"{folder}/"
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            for member in archive:
                content = archive.extractfile(member)
                assert content is not None
                self.kept[start + member.name] = content.read()

    def read(self, path: str) -> bytes | None:
        """A file."""
        return self.kept.get(path)

    def exists(self, path: str) -> bool:
        """A file."""
        return path in self.kept

    def remove(self, path: str) -> None:
        """With all below."""
        for name in [name for name in self.kept if name == path or path == "." or name.startswith(f"{path}/")]:
            del self.kept[name]
        self.farm.removed.append(path)


class Farm:
    """Gives nodes, and remembers which were asked for and given back."""

    def __init__(self, default_container: str = "", refuse: str = "") -> None:
        """`refuse`: no node is ever given, for this reason."""
        self.asked: list[Agent] = []
        self.returned = self.checkouts = 0
        self.ran: list[tuple[str, str, str]] = []
        self.commands: list[Command] = []
        self.nodes: list[FakeNode] = []
        self.removed: list[str] = []
        self.interrupt = threading.Event()
        self.events: dict[str, threading.Event] = {}
        self.archived: dict[str, bytes] = {}
        self.default_container, self.refuse = default_container, refuse

    def event(self, name: str) -> threading.Event:
        """One that scripts set and wait for."""
        return self.events.setdefault(name, threading.Event())

    @contextmanager
    def node(self, agent: Agent, env: Mapping[str, str], flow: Flow) -> Iterator[FakeNode]:
        """A new node; an agent `abort` is waited for until the build is aborted."""
        self.asked.append(agent)
        if isinstance(agent, LabelAgent) and evaluate(agent.label, env) == "abort":
            self.interrupt.set()
            assert flow.wait(SECONDS)
            raise AbortedError
        if self.refuse:
            raise BuildError(self.refuse)
        name = f"n{len(self.asked)}"
        node = FakeNode(self, {"NODE_NAME": name, "WORKSPACE": "/w"}, self.default_container)
        self.nodes.append(node)
        try:
            yield node
        finally:
            self.returned += 1


def run(
    source: str,
    farm: Farm | None = None,
    env: Mapping[str, str] | None = None,
    previous: str | None = None,
    credentials: Path = Path("/nonexistent"),
) -> tuple[str, str, Farm]:
    """(result, log, farm) of a Jenkinsfile."""
    farm = farm or Farm()
    log: list[bytes] = []
    state = State(farm.node, BuildLog(log.append), env or {}, farm.archived.__setitem__,
                  Credentials(credentials, "shop"), previous=previous)  # fmt: skip
    result = Executor(state, Flow(Signal("Aborted", farm.interrupt))).run(read_jenkinsfile(source))
    return result, b"".join(log).decode(), farm


def scripts(farm: Farm) -> list[str]:
    """The scripts that ran."""
    return [script for script, _, _ in farm.ran]


def staged(steps: str, agent: str = "agent any") -> str:
    """A declarative Jenkinsfile of one stage, whose steps begin in line 2."""
    return f"pipeline {{ {agent}; stages {{ stage('s') {{ steps {{\n{steps}\n}} }} }} }}"
