"""The directives `options` and `when`: from syntax tree to model."""

from __future__ import annotations

from types import MappingProxyType

from testbed.controller.model import Condition, Options, When
from testbed.controller.pipeline.catalogue import unsupported
from testbed.controller.pipeline.checks import Checker
from testbed.controller.problems import Problems
from testbed.controller.syntax import Call, Closure, Expression, Literal

# Options that are steps, and go round the stage or the whole pipeline (Jenkins handbook, "options").
WRAPPERS = ("timeout", "retry", "catchError", "warnError")
FLAGS = {
    "pipeline": ("skipDefaultCheckout", "skipStagesAfterUnstable", "parallelsAlwaysFailFast", "newContainerPerStage"),
    "stage": ("skipDefaultCheckout",),
}
# Conditions of `when`: their arguments, each with whether it must be given.
CONDITIONS: dict[str, tuple[tuple[str, bool], ...]] = {
    "environment": (("name", True), ("value", True), ("ignoreCase", False)),
    "equals": (("expected", True), ("actual", True)),
    "expression": (),
}
NESTED = ("not", "allOf", "anyOf")
BEFORE = ("beforeAgent", "beforeOptions", "beforeInput")
_MULTIBRANCH = "the build has no branch, tag or change; write expression { ... } or environment name: ..., value: ..."
INSTEAD = dict.fromkeys(
    ("branch", "buildingTag", "changelog", "changeset", "changeRequest", "tag", "triggeredBy"), _MULTIBRANCH
)


def read_options(call: Call | None, where: str, problems: Problems, checker: Checker) -> Options:
    """Reads `options { ... }`; `where` is 'pipeline' or 'stage'."""
    if call is None:
        return Options()
    wrappers: list[Call] = []
    flags: set[str] = set()
    for each in call.body or ():
        if not isinstance(each, Call):
            problems.unsupported(each, "in options")
        elif each.name in WRAPPERS and each.body is None:
            wrapped = Call(each.pos, each.name, each.args, each.named, ())
            checker.call(wrapped)
            checker.script((each.args, each.named), "in options")
            wrappers.append(wrapped)
        elif each.name in FLAGS[where]:
            if each.named or len(each.args) > 1 or not all(isinstance(arg, Literal) for arg in each.args):
                problems.add(each.pos.line, f"option '{each.name}': write {each.name}()")
            elif not (each.args and isinstance(each.args[0], Literal) and each.args[0].value is False):
                flags.add(each.name)
        else:
            known = f" (options: {', '.join((*WRAPPERS, *FLAGS[where]))})"
            problems.add(each.pos.line, unsupported(f"option of {where}", each.name, known))
    if "newContainerPerStage" in flags:
        problems.add(call.pos.line, "option 'newContainerPerStage' is for docker agents; leave it out")
    return Options(tuple(wrappers), frozenset(flags))


def read_when(call: Call | None, problems: Problems, checker: Checker) -> When | None:
    """Reads `when { ... }`; several conditions in it must all hold."""
    if call is None:
        return None
    before: set[str] = set()
    found: list[Condition] = []
    for each in call.body or ():
        if isinstance(each, Call) and each.name in BEFORE:
            if len(each.args) != 1 or not isinstance(each.args[0], Literal) or each.args[0].value not in (True, False):
                problems.add(each.pos.line, f"when: write {each.name} true or {each.name} false")
            elif each.args[0].value:
                before.add(each.name)
        elif (condition := _condition(each, problems, checker)) is not None:
            found.append(condition)
    if not any(not isinstance(each, Call) or each.name not in BEFORE for each in call.body or ()):
        problems.add(call.pos.line, "when: at least one condition is needed")
    whole = found[0] if len(found) == 1 else Condition(call.pos.line, "allOf", inside=tuple(found))
    # Jenkins looks at beforeOptions first, then at beforeInput, then at beforeAgent (ModelInterpreter.WhenEvaluator).
    place = next((short for name, short in (("beforeOptions", "options"), ("beforeInput", "agent"),
                                            ("beforeAgent", "agent")) if name in before), "")  # fmt: skip
    return When(whole, place)


def _condition(each: object, problems: Problems, checker: Checker) -> Condition | None:
    if not isinstance(each, Call):
        problems.unsupported(each, "in when")  # type: ignore[arg-type]
        return None
    line, name = each.pos.line, each.name
    if name in NESTED:
        inside = [found for one in each.body or () if (found := _condition(one, problems, checker))]
        if not inside or (name == "not" and len(inside) > 1):
            many = "one condition" if name == "not" else "its conditions"
            problems.add(line, f"when, {name}: write {name} {{ ... }} with {many}")
        return Condition(line, name, inside=tuple(inside))
    if name not in CONDITIONS:
        known = ", ".join((*CONDITIONS, *NESTED, *BEFORE))
        words = INSTEAD.get(name)
        rest = f": {words}" if words else f" (conditions: {known})"
        problems.add(line, f"condition '{name}' of when is not supported by the stand-in controller{rest}")
        return None
    if name == "expression":
        if each.body is None or each.args or each.named:
            problems.add(line, "when, expression: write expression { ... }")
        checker.script(each.body or (), "in expression")
        closure: Expression = Closure(each.pos, each.body or (), ())
        return Condition(line, name, MappingProxyType({"body": closure}))
    arguments = dict(each.named)
    known_names = [key for key, _ in CONDITIONS[name]]
    for key, required in CONDITIONS[name]:
        if required and key not in arguments:
            problems.add(line, f"when, {name}: needs its argument '{key}'")
    for key in set(arguments) - set(known_names):
        problems.add(line, f"when, {name}: there is no argument '{key}' (arguments: {', '.join(known_names)})")
    if each.args or each.body is not None:
        problems.add(line, f"when, {name}: write {name} {', '.join(f'{key}: ...' for key in known_names)}")
    checker.script(tuple(arguments.values()), "in when")
    return Condition(line, name, MappingProxyType(arguments))
