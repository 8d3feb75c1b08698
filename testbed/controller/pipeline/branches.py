"""Branches of a build that run at the same time, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from testbed.controller.failures import AbortedError, BuildError, GroovyError
from testbed.controller.flow import Signal
from testbed.controller.pipeline.context import Context
from testbed.controller.results import ORDER


def run_branches(
    context: Context, branches: Mapping[str, Callable[[Context], Any]], fail_fast: bool
) -> dict[str, Any]:  # fmt: skip
    """Runs all branches to their end; answers their values by name.

    After workflow-cps e007b7ff, ParallelStep: with `fail_fast` the first failure stops the others, and is the one that
    counts; else the gravest counts.

    Raises:
        BuildError, AbortedError: a branch failed.
    """
    log = context.state.log
    if not branches:
        log.line("No branches to run")
        return {}
    values: dict[str, Any] = {}
    errors: list[Exception] = []
    lock = threading.Lock()
    stop = Signal("")

    def work(name: str, body: Callable[[Context], Any]) -> None:
        log.line(f"[Pipeline] {{ (Branch: {name})")
        try:
            values[name] = body(replace(context, flow=context.flow.branch(stop)))
        except Exception as error:
            log.line(f"Failed in branch {name}")
            with lock:
                errors.append(error)
                if fail_fast and not stop.raised():
                    stop.cause = f"Failed in branch {name}"
                    stop.event.set()
        finally:
            log.line("[Pipeline] }")

    threads = [threading.Thread(target=work, args=each, name=f"branch {each[0]}") for each in branches.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        if isinstance(error, AbortedError):
            context.flow.heed_what(error)
    if errors:
        raise errors[0] if fail_fast else min(errors, key=gravity)
    return {name: values[name] for name in branches}


def gravity(error: Exception) -> tuple[int, int]:
    """What sorts errors, the gravest first: a failure of the code, of a step, an interruption by its result."""
    if isinstance(error, AbortedError):
        return 2, -ORDER.index(error.result)
    return (1, 0) if isinstance(error, BuildError) and not isinstance(error, GroovyError) else (0, 0)
