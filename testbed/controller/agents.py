"""The `agent` directive: from syntax tree to model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from testbed.controller.model import Agent, AnyAgent, KubernetesAgent, LabelAgent, NoAgent
from testbed.controller.problems import Problems
from testbed.controller.syntax import Call, Expression, Literal, Text, Variable
from testbed.controller.texts import evaluate, plain, text

KUBERNETES_OPTIONS = (
    "cloud",
    "defaultContainer",
    "inheritFrom",
    "label",
    "namespace",
    "serviceAccount",
    "yaml",
    "yamlFile",
    "yamlMergeStrategy",
    "retries",
    "idleMinutes",
    "slaveConnectTimeout",
    "podRetention",
)
# Options whose value is a number, or a word with brackets behind it.
NUMBERS = ("retries", "idleMinutes", "slaveConnectTimeout")
WORDS = {
    "yamlMergeStrategy": ("merge", "override"),
    "podRetention": ("always", "default", "evicted", "never", "onFailure"),
}


def read_agent(call: Call, problems: Problems) -> Agent | None:
    """Reads `agent any`, `agent none`, `agent { label '...' }` and `agent { kubernetes { ... } }`.

    Anything else is added to `problems`; the answer is then None.
    """
    line = call.pos.line
    if call.body is None:
        word = call.args[0] if len(call.args) == 1 and not call.named else None
        kinds: dict[str, Agent] = {"any": AnyAgent(line), "none": NoAgent(line)}
        if isinstance(word, Variable) and (kind := kinds.get(".".join(word.path))):
            return kind
        problems.add(line, "agent: write any, none, { label '...' } or { kubernetes { ... } }")
        return None
    inner = [statement for statement in call.body if isinstance(statement, Call)]
    if len(call.body) != 1 or len(inner) != 1 or inner[0].name not in ("label", "kubernetes"):
        other = next(
            (each for each in call.body if not isinstance(each, Call) or each.name not in ("label", "kubernetes")), None
        )
        if other is not None:
            problems.unsupported(other, "in agent")
        else:
            problems.add(line, "agent: give exactly one of label and kubernetes")
        return None
    if inner[0].name == "label":
        return _label(inner[0], problems)
    return _kubernetes(inner[0], problems)


def _label(call: Call, problems: Problems) -> Agent | None:
    label = text(call.args[0], "agent label", problems) if len(call.args) == 1 and not call.named else None
    if label is None:
        problems.add(call.pos.line, "agent: write label 'name'")
        return None
    name = plain(label)
    if name is not None and any(sign in name for sign in "&|! ("):
        problems.add(call.pos.line, f"agent: the label expression '{name}' is not supported; write one label")
    return LabelAgent(call.pos.line, label)


def _kubernetes(call: Call, problems: Problems) -> Agent:
    options: dict[str, Text] = {}
    for statement in call.body or ():
        if not isinstance(statement, Call):
            problems.unsupported(statement, "in agent kubernetes")
        elif statement.name not in KUBERNETES_OPTIONS:
            problems.add(
                statement.pos.line,
                f"option '{statement.name}' of agent kubernetes is not supported by the stand-in controller"
                f" (options: {', '.join(KUBERNETES_OPTIONS)})",
            )
        elif len(statement.args) != 1 or statement.named or statement.body is not None:
            problems.add(statement.pos.line, f"option '{statement.name}' of agent kubernetes takes one value")
        else:
            read = _word if statement.name in WORDS else _number if statement.name in NUMBERS else _string
            value = read(statement.name, statement.args[0], problems)
            options |= {statement.name: value} if value else {}
    if call.args or call.named:
        problems.add(call.pos.line, "agent kubernetes: write its options in a block: kubernetes { ... }")
    return KubernetesAgent(call.pos.line, MappingProxyType(options))


def _string(name: str, value: Expression, problems: Problems) -> Text | None:
    return text(value, f"agent kubernetes, {name}", problems)


def _word(name: str, value: Expression, problems: Problems) -> Text | None:
    words = WORDS[name]
    if isinstance(value, Call) and value.name in words and not (value.args or value.named or value.body):
        return Text(value.pos, (value.name,))
    problems.add(value.pos.line, f"agent kubernetes, {name}: write {' or '.join(f'{word}()' for word in words)}")
    return None


def _number(name: str, value: Expression, problems: Problems) -> Text | None:
    if isinstance(value, Literal) and isinstance(value.value, int) and not isinstance(value.value, bool):
        return Text(value.pos, (str(value.value),))
    problems.add(value.pos.line, f"agent kubernetes, {name}: write a number")
    return None


def known(agent: Agent, env: Mapping[str, str]) -> Agent:
    """The agent with all its strings evaluated.

    Raises:
        GroovyError: a variable has no value.
    """
    if isinstance(agent, LabelAgent):
        return replace(agent, label=Text(agent.label.pos, (evaluate(agent.label, env),)))
    if isinstance(agent, KubernetesAgent):
        options = {name: Text(value.pos, (evaluate(value, env),)) for name, value in agent.options.items()}
        return replace(agent, options=MappingProxyType(options))
    return agent


def retries(agent: Agent) -> int:
    """How often a build may be given such an agent."""
    if isinstance(agent, KubernetesAgent) and "retries" in agent.options:
        return int(evaluate(agent.options["retries"], {}))
    return 1
