"""The table of steps: all that a Jenkinsfile may call here, and what to write instead of some that it may not."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.controller.pipeline import steps_basic, steps_blocks, steps_credentials, steps_files, steps_pods
from testbed.controller.pipeline.interpreter import Interpreter
from testbed.controller.pipeline.table import Step, Symbol

MODULES = (steps_basic, steps_blocks, steps_files, steps_credentials, steps_pods)
STEPS: Mapping[str, Step] = {step.name: step for module in MODULES for step in module.STEPS}
SYMBOLS: Mapping[str, Symbol] = {
    symbol.name: symbol
    for module in (steps_blocks, steps_credentials, steps_pods)
    for symbol in module.SYMBOLS
}  # fmt: skip
INTERPRETER = Interpreter(STEPS, SYMBOLS)
_SHELL = "there is no such shell here; write sh"
_JOB = "it belongs to the job, which has no properties here; leave it out"
_LIBRARY = "shared libraries are not read here; write the code into the Jenkinsfile"
INSTEAD: Mapping[str, str] = {
    "input": "nobody is there to answer; take the decision in the Jenkinsfile, or start another job",
    "git": "the workspace comes with the build; write checkout scm",
    "properties": _JOB, "parameters": _JOB, "buildDiscarder": _JOB, "disableConcurrentBuilds": _JOB,
    "pipelineTriggers": _JOB,
    "disableResume": _JOB, "durabilityHint": _JOB, "quietPeriod": _JOB, "rateLimitBuilds": _JOB,
    "library": _LIBRARY, "load": _LIBRARY, "libraries": _LIBRARY,
    "bat": _SHELL, "powershell": _SHELL, "pwsh": _SHELL,
    "build": "start the other job from outside, with python -m testbed build",
    "timestamps": "the log has no times; leave it out", "ansiColor": "the log has no colours; leave it out",
    "waitUntil": "write a loop with sleep, in a timeout", "lock": "there are no resources; leave it out",
    "milestone": "there are no milestones; leave it out", "tool": "use an image that has the tool",
    "docker": "use container('name') of the agent's pod", "readYaml": "write readFile, and read it in sh",
    "readJSON": "write readFile, and read it in sh", "junit": "write archiveArtifacts",
    "withDockerRegistry": "write withCredentials", "sshagent": "write withCredentials with file(...)",
    "println": "write echo", "print": "write echo", "cleanWs": "write deleteDir()", "ws": "write dir('folder')",
    "isRestartedRun": "builds are not restarted here; leave it out",
    "matrix": "write the stages out in parallel { }", "tools": "use an image that has the tool",
    "triggers": "builds are started from outside", "mail": "there is no mail; leave it out", "emailext": "leave it out",
}  # fmt: skip


def unsupported(kind: str, name: str, known: str = "") -> str:
    """The sentence for a step or directive that is not here: what to write instead, or what there is."""
    instead = INSTEAD.get(name)
    return f"{kind} '{name}' is not supported by the stand-in controller{f': {instead}' if instead else known}"
