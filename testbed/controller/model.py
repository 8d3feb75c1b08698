"""A declarative pipeline as data: what the executor runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from testbed.controller.syntax import Text

Environment = tuple[tuple[str, Text], ...]
POST_CONDITIONS = ("always", "aborted", "failure", "success", "unsuccessful", "cleanup")


@dataclass(frozen=True)
class AnyAgent:
    """`agent any`: a Jenkins with no executors of its own gives any template that serves unlabelled jobs."""

    line: int


@dataclass(frozen=True)
class NoAgent:
    """`agent none`."""

    line: int


@dataclass(frozen=True)
class LabelAgent:
    """`agent { label 'shop-kaniko' }`: a pod from the template with that label."""

    line: int
    label: Text


@dataclass(frozen=True)
class KubernetesAgent:
    """`agent { kubernetes { ... } }`: options by their names; `yamlMergeStrategy` is Text 'merge' or 'override'."""

    line: int
    options: Mapping[str, Text] = field(default_factory=lambda: MappingProxyType({}))


Agent = AnyAgent | NoAgent | LabelAgent | KubernetesAgent


@dataclass(frozen=True)
class Sh:
    """The step `sh`."""

    line: int
    script: Text
    label: Text | None = None


@dataclass(frozen=True)
class Echo:
    """The step `echo`."""

    line: int
    message: Text


@dataclass(frozen=True)
class Container:
    """The step `container(name, shell: ...) { ... }`."""

    line: int
    name: Text
    steps: tuple[Step, ...]
    shell: Text | None = None


@dataclass(frozen=True)
class Archive:
    """The step `archiveArtifacts`; `artifacts` holds patterns, separated by commas."""

    line: int
    artifacts: Text


Step = Sh | Echo | Container | Archive
Post = Mapping[str, tuple[Step, ...]]


@dataclass(frozen=True)
class Stage:
    """One stage, with its own agent, environment and post where it has them."""

    line: int
    name: str
    steps: tuple[Step, ...]
    agent: Agent | None = None
    environment: Environment = ()
    post: Post = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Pipeline:
    """A whole Jenkinsfile."""

    agent: Agent
    stages: tuple[Stage, ...]
    environment: Environment = ()
    post: Post = field(default_factory=lambda: MappingProxyType({}))
