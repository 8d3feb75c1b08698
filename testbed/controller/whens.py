"""Whether a condition of `when` holds. After pipeline-model-definition 42c9dc3e, when/impl."""

from __future__ import annotations

from testbed.controller.model import Condition
from testbed.controller.pipeline.catalogue import INTERPRETER
from testbed.controller.pipeline.context import Context
from testbed.controller.pipeline.interpreter import Routine
from testbed.controller.values import Variables, equal, spell, truth


def holds(condition: Condition, variables: Variables, context: Context) -> bool:
    """Whether it holds, in the context of its stage."""
    if condition.name == "not":
        return not holds(condition.inside[0], variables, context)
    if condition.name == "allOf":
        return all(holds(each, variables, context) for each in condition.inside)
    if condition.name == "anyOf":
        return any(holds(each, variables, context) for each in condition.inside)
    values = {name: INTERPRETER.value(each, variables, context) for name, each in condition.arguments.items()}
    if condition.name == "environment":
        actual, wanted = context.environment().get(spell(values["name"])), spell(values["value"])
        if values.get("ignoreCase"):
            return actual is not None and actual.lower() == wanted.lower()
        return actual == wanted
    if condition.name == "equals":
        return equal(values["expected"], values["actual"])
    body: Routine = values["body"]
    return truth(body.within(context))
