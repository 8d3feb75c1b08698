"""The page of what a Jenkinsfile may use on the stand-in controller, from the tables that hold it to that."""

from __future__ import annotations

from testbed.controller.agents import KUBERNETES_OPTIONS
from testbed.controller.declarative import SECTIONS, STAGE
from testbed.controller.options import BEFORE, CONDITIONS, FLAGS, NESTED, WRAPPERS
from testbed.controller.options import INSTEAD as OTHER_CONDITIONS
from testbed.controller.pipeline import methods
from testbed.controller.pipeline.catalogue import INSTEAD, STEPS, SYMBOLS
from testbed.controller.pipeline.table import Parameter
from testbed.controller.results import POST_CONDITIONS
from tools.generate.markdown import code, table

TITLE = "Jenkinsfiles on the stand-in controller"


def _argument(name: str, parameter: Parameter, first: str) -> str:
    default = "" if parameter.default in (None, "") else f" = {str(parameter.default).lower()}"
    if parameter.choices:
        default = f" = {parameter.default}"
    mark = " (the one without a name)" if name == first else ""
    return f"{code(name)}{'' if parameter.required else '?'}{default}{mark}"


def _words(names: object) -> str:
    return ", ".join(code(name) for name in names)  # type: ignore[attr-defined]


def page() -> str:
    """Steps with their arguments, symbols, directives, and what to write instead of what is not here."""
    steps = [
        (code(step.name) + (" `{ }`" if step.block else ""),
         ", ".join(_argument(name, each, step.first) for name, each in step.parameters.items())
         + (", and the branches by name" if step.extra else ""), step.doc)
        for _, step in sorted(STEPS.items())
    ]  # fmt: skip
    symbols = [(code(name), _words(symbol.parameters)) for name, symbol in sorted(SYMBOLS.items())]
    instead = sorted({**INSTEAD, **{f"when {name}": words for name, words in OTHER_CONDITIONS.items()}}.items())
    return "\n\n".join([
        "Whatever is not on this page is refused before a build starts, with its line. `?` marks what may be left out.",
        "## Steps", table(("step", "arguments", "what it does"), steps),
        "## Words that describe something", table(("word", "arguments"), symbols),
        "## Declarative pipelines",
        table(("where", "what may stand there"), [
            ("`pipeline`", _words(SECTIONS)),
            ("`stage`", _words(STAGE)),
            ("`agent`", f"`any`, `none`, `label`, `kubernetes` with {_words(KUBERNETES_OPTIONS)}"),
            ("`when`", _words((*CONDITIONS, *NESTED, *BEFORE))),
            ("`options` of the pipeline", _words((*WRAPPERS, *FLAGS["pipeline"]))),
            ("`options` of a stage", _words((*WRAPPERS, *FLAGS["stage"]))),
            ("`post`, in the order in which it runs", _words(POST_CONDITIONS)),
        ]),
        "## Groovy",
        "In `script { }`, scripted pipelines, `expression { }` and arguments: definitions, functions, closures,"
        " assignments, `if`, `for`, `while`, `try`, `throw`, `return`, `break`, `continue`; strings of all four quotes,"
        " numbers, lists, maps; `? :`, `?:`, `?.`, `in`, `..`, arithmetic, comparison, logic. Methods: "
        f"{_words(sorted(methods.NAMES))}. Not: classes, imports, `switch`, regular expressions, casts, generic types.",
        "## What to write instead",
        table(("not here", "instead"), [(code(name), words) for name, words in instead]),
    ])  # fmt: skip
