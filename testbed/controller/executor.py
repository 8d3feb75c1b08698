"""Runs a Jenkinsfile to its result: a scripted one as it is, a declarative one by `running`."""

from __future__ import annotations

from testbed.controller.failures import AbortedError, BuildError, result_of
from testbed.controller.flow import Flow
from testbed.controller.model import Jenkinsfile, Script
from testbed.controller.pipeline.catalogue import INTERPRETER
from testbed.controller.pipeline.context import Context, State
from testbed.controller.pipeline.statements import JumpError
from testbed.controller.running import Running
from testbed.controller.values import Variables


class Executor:
    """Runs one Jenkinsfile."""

    def __init__(self, state: State, flow: Flow) -> None:
        """`state` holds what the build has; `flow` is what may abort it."""
        self.state, self.flow = state, flow

    def run(self, jenkinsfile: Jenkinsfile) -> str:
        """Runs everything and answers the result; nothing that a build can do raises."""
        log = self.state.log
        log.line("[Pipeline] Start of Pipeline")
        ending = ""
        try:
            self.body(jenkinsfile)
        except (BuildError, AbortedError) as error:
            self.state.worsen(result_of(error))
            ending = str(error) if isinstance(error, AbortedError) else f"ERROR: {error}"
        log.line("[Pipeline] End of Pipeline")
        if ending:
            log.line(ending)
        return self.state.result

    def body(self, jenkinsfile: Jenkinsfile) -> None:
        """All that is between start and end.

        Raises:
            BuildError, AbortedError: what ends the build.
        """
        context = Context(self.state, self.flow)
        if isinstance(jenkinsfile, Script):
            try:
                INTERPRETER.run(jenkinsfile.statements, Variables(), context)
            except JumpError:
                return  # `return` ends the script
        else:
            Running(jenkinsfile, context).run()
