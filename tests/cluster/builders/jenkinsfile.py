"""Writes the Jenkinsfile of a builder: all cases as steps of one pod, since starting a pod each would cost minutes."""

from __future__ import annotations

from collections.abc import Iterator

from tests.cluster.builders.cases import CASES, Case
from tests.cluster.builders.commands import COMMANDS, DIGESTS
from tests.cluster.builders.limits import words

SAID = "said.log"
# The container's memory, as cgroup v1 and v2 name it: limit, highest use, how often the kernel ended a process for it.
MEMORY = """cd /sys/fs/cgroup
if [ -d memory ]; then
  echo "memory: limit $(cat memory/memory.limit_in_bytes) peak $(cat memory/memory.max_usage_in_bytes)\\
 killed $(sed -n 's/^oom_kill //p' memory/memory.oom_control)"
else
  echo "memory: limit $(cat memory.max) peak $(cat memory.peak) killed $(sed -n 's/^oom_kill //p' memory.events)"
fi"""


def exported(case: Case) -> str:
    """The case's environment, for the rest of its step."""
    return "".join(f'export {name}="{value}"\n' for name, value in case.environment.items())


def failing(case: Case, builder: str, said: str, fixed: bool) -> str:
    """A script that ends well only if the case's commands fail with these words (else a regular expression)."""
    commands = " && ".join(COMMANDS[builder](case).splitlines())
    grep = "grep -F" if fixed else "grep -E"
    return (
        f"{exported(case)}if ( {commands} ) >{SAID} 2>&1; then cat {SAID}; echo 'this was to fail'; exit 1; fi\n"
        f"cat {SAID}\n{grep} -e {quoted(said)} {SAID}"
    )


def quoted(text: str) -> str:
    """A word of a shell command."""
    return "'" + text.replace("'", "'\\''") + "'"


def script(case: Case, builder: str) -> str:
    """What the step of a case runs."""
    limit = words(builder, case.name)
    said = limit or case.refused
    body = failing(case, builder, said, fixed=bool(limit)) if said else exported(case) + COMMANDS[builder](case)
    timed = (
        f'IMAGE="$BUILDKEEP_PUSH/{builder}"\nstarted=$(date +%s)\n{body}\n'
        f'set +x\necho "case {case.name} took $(($(date +%s) - started)) s"'
    )
    return f"{timed}\n{MEMORY}" if case.name == "large" else timed


def stages(builder: str) -> Iterator[str]:
    """A stage for each case."""
    for case in CASES:
        if case.suits(builder):
            yield (
                f"    stage('{case.name}') {{\n      steps {{\n        container('{builder}') {{\n"
                f"          sh '''{escaped(script(case, builder))}'''\n        }}\n      }}\n    }}\n"
            )


def escaped(text: str) -> str:
    """A shell script inside a Groovy string of three quotes."""
    return text.replace("\\", "\\\\").replace("'''", "''\\'")


def jenkinsfile(tenant: str, builder: str) -> str:
    """The whole Jenkinsfile; the digests of what was pushed are its result."""
    return (
        f"pipeline {{\n  agent {{ label '{tenant}-{builder}' }}\n  stages {{\n"
        f"    stage('where digests go') {{\n      steps {{\n        sh 'mkdir {DIGESTS}'\n      }}\n    }}\n"
        f"{''.join(stages(builder))}"
        "  }\n  post {\n    success {\n"
        f"      archiveArtifacts artifacts: '{DIGESTS}/*', fingerprint: true\n    }}\n  }}\n}}\n"
    )
