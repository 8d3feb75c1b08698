"""A Jenkinsfile as data: what the executor runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from testbed.controller.syntax import Call, Expression, Statement, Text

# A variable's value; `credentials('id')` stands here as the call that it is.
Environment = tuple[tuple[str, Expression], ...]


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
    """`agent { label 'shop-kaniko' }` or `node('shop-kaniko')`: a pod from the template with that label."""

    line: int
    label: Text


@dataclass(frozen=True)
class KubernetesAgent:
    """`agent { kubernetes { ... } }`: options by their names; `yamlMergeStrategy` is Text 'merge' or 'override'."""

    line: int
    options: Mapping[str, Text] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class PodTemplateAgent:
    """`node(label)` inside `podTemplate` blocks.

    Attributes:
        label: what `node` asks for, a word of the last template's label.
        templates: the blocks from the outermost to the one that has that label: attributes by the plugin's names as
            plain data; `label` and `name` always, `cloud` where it is given.
    """

    line: int
    label: str
    templates: tuple[Mapping[str, Any], ...]


Agent = AnyAgent | NoAgent | LabelAgent | KubernetesAgent | PodTemplateAgent
Post = Mapping[str, tuple[Statement, ...]]


@dataclass(frozen=True)
class Condition:
    """A condition of `when`: its name, its arguments, and the conditions inside."""

    line: int
    name: str
    arguments: Mapping[str, Expression] = field(default_factory=lambda: MappingProxyType({}))
    inside: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class When:
    """`when`; `before` is 'options', 'agent', or '' for after the agent came."""

    condition: Condition
    before: str = ""


@dataclass(frozen=True)
class Options:
    """`options`: the steps that go round stage or pipeline, outermost first, and the names of the others."""

    wrappers: tuple[Call, ...] = ()
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Stage:
    """One stage; exactly one of `steps`, `stages` and `parallel` holds something, or `steps` is empty."""

    line: int
    name: str
    steps: tuple[Statement, ...] = ()
    stages: tuple[Stage, ...] = ()
    parallel: tuple[Stage, ...] = ()
    fail_fast: bool = False
    agent: Agent | None = None
    environment: Environment = ()
    post: Post = field(default_factory=lambda: MappingProxyType({}))
    when: When | None = None
    options: Options = Options()


@dataclass(frozen=True)
class Pipeline:
    """A whole declarative Jenkinsfile."""

    agent: Agent
    stages: tuple[Stage, ...]
    environment: Environment = ()
    post: Post = field(default_factory=lambda: MappingProxyType({}))
    options: Options = Options()
    functions: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Script:
    """A whole scripted Jenkinsfile."""

    statements: tuple[Statement, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """None: the stages of a script are known when it runs."""
        return ()


Jenkinsfile = Pipeline | Script
