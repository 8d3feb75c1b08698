"""Steps that give agents: podTemplate, node, container, and the symbols that describe a pod."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import (
    plugin_pod,
    plugin_pod_attributes,
    plugin_pod_volumes,
)

from testbed.controller.model import Agent, AnyAgent, LabelAgent, PodTemplateAgent
from testbed.controller.pipeline.context import Context
from testbed.controller.pipeline.table import Invocation, Parameter, Step, Symbol
from testbed.controller.selection import random_letters
from testbed.controller.syntax import Text
from testbed.controller.tokens import Pos
from testbed.controller.values import Described

ANY = Parameter("any")
# What describes a part of a pod, and its arguments: those of the plugin's tables, which also read their values.
PORT = ("name", "containerPort", "hostPort")
SECONDS = ("timeoutSeconds", "initialDelaySeconds", "failureThreshold", "periodSeconds", "successThreshold")
PROBE = ("execArgs", *SECONDS)
DESCRIPTIONS: dict[str, Iterable[str]] = {
    "containerTemplate": plugin_pod_attributes.CONTAINER,
    "containerLivenessProbe": PROBE,
    "portMapping": PORT,
    "podAnnotation": ("key", "value"),
    **plugin_pod_volumes.WORKSPACES,
    **plugin_pod_volumes.VOLUMES,
    **plugin_pod_volumes.VARIABLES,
    **dict.fromkeys(("merge", "override", *plugin_pod_attributes.RETENTIONS), ()),
}
SYMBOLS = tuple(Symbol(name, dict.fromkeys(names, ANY)) for name, names in DESCRIPTIONS.items())
# Lists whose items are written without their symbol in the plugin's data.
PLAIN = frozenset({"containerTemplate", "containerLivenessProbe", "podAnnotation", "portMapping"})
WORDS = frozenset({"yamlMergeStrategy", "podRetention"})


def data(value: Any) -> Any:
    """A value as plain data: `emptyDirVolume(mountPath: '/x')` is {emptyDirVolume: {mountPath: /x}}."""
    if isinstance(value, Described):
        values = {name: data(each) for name, each in value.values.items()}
        return values if value.symbol in PLAIN else {value.symbol: values}
    return [data(each) for each in value] if isinstance(value, list) else value


def _pod_template(call: Invocation) -> Any:
    """After kubernetes-plugin a82d78a, PodTemplateStepExecution: POD_LABEL is there when the step names no label."""
    context = call.context
    env = context.environment()
    own = plugin_pod.sanitize_label(f"{env.get('JOB_NAME', 'job')}#{env.get('BUILD_NUMBER', '0')}")
    label = call["label"] or f"{own}-{random_letters()}"
    given = {name: value for name, value in call.arguments.items() if value is not None}
    attributes = {
        name: value.symbol if name in WORDS and isinstance(value, Described) else data(value)
        for name, value in given.items()
    }
    template = {**attributes, "label": label, "name": call["name"] or label}
    inner = {} if call["label"] else {"POD_LABEL": label}
    return call.inside(replace(context, env={**context.env, **inner}, templates=(*context.templates, template)))


def agent_for(templates: tuple[Any, ...], label: str, line: int) -> Agent:
    """What `node(label)` asks for: the pod of a podTemplate around it, if one has that label."""
    for index, template in reversed(list(enumerate(templates))):
        if label and label in template["label"].split():
            return PodTemplateAgent(line, label, templates[: index + 1])
    return LabelAgent(line, Text(Pos(line, 1), (label,))) if label else AnyAgent(line)


def _node(call: Invocation) -> Any:
    return on_agent(call.context, agent_for(call.context.templates, call["label"], call.line), call)


def on_agent(context: Context, agent: Agent, call: Invocation) -> Any:
    """Runs the block on an agent of its own."""
    with context.state.nodes(agent, context.environment(), context.flow) as node:
        call.say("[Pipeline] {")
        try:
            return call.inside(entered(context, node))
        finally:
            call.say("[Pipeline] }\n[Pipeline] // node")


def entered(context: Context, node: Any) -> Context:
    """The context on an agent."""
    env = {**context.env, **node.environment}
    return replace(context, node=node, env=env, container=node.default_container, shell="", folder="")


def _container(call: Invocation) -> Any:
    call.context.agent(call.step.name, call.line)
    return call.inside(replace(call.context, container=call["name"], shell=call["shell"]))


STEPS = (
    Step("podTemplate", "describes a pod for the `node` inside", _pod_template,
         {"label": Parameter(), "name": Parameter(), "cloud": Parameter(),
          **dict.fromkeys(plugin_pod.STEP_ATTRIBUTES, ANY)}, block=True),
    Step("node", "runs its block on an agent: node(POD_LABEL), node('label')", _node, {"label": Parameter(default="")},
         "label", block=True, braces=False),
    Step("container", "runs its block's scripts in a container of the agent", _container,
         {"name": Parameter(required=True), "shell": Parameter(default="")}, "name", block=True),
)  # fmt: skip
