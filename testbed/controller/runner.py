"""One build from its Jenkinsfile to `Finished: ...`."""

from __future__ import annotations

import logging
import tarfile
import threading
from collections.abc import Callable
from functools import partial

from testbed.controller.build import Build
from testbed.controller.buildlog import BuildLog
from testbed.controller.credentials import Credentials
from testbed.controller.declarative import read_jenkinsfile
from testbed.controller.executor import Executor
from testbed.controller.flow import Flow, Signal
from testbed.controller.launcher import Controller, Launcher
from testbed.controller.model import Jenkinsfile
from testbed.controller.pipeline.context import State
from testbed.controller.problems import JenkinsfileError
from testbed.controller.results import FAILURE


def run_build(
    controller: Controller, build: Build, jenkinsfile: str, emit: Callable[[bytes], None], interrupt: threading.Event
) -> str:
    """Runs a build and answers its result, one of results.ORDER.

    Args:
        controller: what all builds share.
        build: names and workspace.
        jenkinsfile: path of the Jenkinsfile in the workspace.
        emit: takes the log, a line at a time; the last says `Finished: ` and the result.
        interrupt: set it to abort the build.
    """
    log = BuildLog(emit)
    log.line(f"Started build #{build.number} of {build.job}")
    try:
        pipeline = _pipeline(build, jenkinsfile, log)
        launcher = Launcher(controller, build, log)
        state = State(
            nodes=launcher.node,
            log=log,
            base=build.environment(),
            keep=partial(controller.artifacts.keep, build.run_url),
            credentials=Credentials(controller.credentials, build.folder),
            previous=controller.artifacts.previous(build.job),
        )
        result = Executor(state, Flow(Signal("Aborted", interrupt))).run(pipeline) if pipeline else FAILURE
    except Exception as error:
        logging.getLogger(__name__).exception("build %s #%s", build.job, build.number)
        log.line(f"ERROR: the stand-in controller failed: {type(error).__name__}: {error}")
        result = FAILURE
    controller.artifacts.ended(build.job, result)
    log.line(f"Finished: {result}")
    return result


def _pipeline(build: Build, jenkinsfile: str, log: BuildLog) -> Jenkinsfile | None:
    """The pipeline, wholly read before anything is started; None, and the reasons in the log, if it cannot run."""
    try:
        text = build.file(jenkinsfile)
    except (tarfile.TarError, UnicodeDecodeError) as error:
        log.line(f"ERROR: cannot read {jenkinsfile} from the workspace: {error}")
        return None
    if text is None:
        log.line(f"ERROR: there is no {jenkinsfile} in the workspace")
        return None
    try:
        return read_jenkinsfile(text)
    except JenkinsfileError as error:
        log.line("org.codehaus.groovy.control.MultipleCompilationErrorsException: startup failed:")
        for problem in error.problems:
            log.line(f"WorkflowScript: {problem}")
        log.line(f"{len(error.problems)} error{'s' if len(error.problems) > 1 else ''}")
        return None
