"""The agent's command: reads the same environment as the real one, dials, works, leaves.

JENKINS_URL, JENKINS_AGENT_NAME, JENKINS_SECRET, JENKINS_AGENT_WORKDIR (default /home/jenkins/agent) as the Kubernetes
plugin sets them; JENKINS_WEB_SOCKET must be `true`, since this agent knows no other way.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from testbed.agent.protocol import ProtocolError
from testbed.agent.session import Agent, RefusedError, dial, serve

PATIENCE = 300.0  # seconds


def say(text: str) -> None:
    """Writes to the container's log."""
    print(f"agent: {text}", file=sys.stderr, flush=True)


async def work(agent: Agent) -> None:
    """One agent's life."""
    connection = await dial(agent, PATIENCE, say)
    say(f"connected as {agent.name}")
    await serve(connection, agent.folder)
    say("told to leave")


def main() -> int:
    """Answers the exit code: 0 when told to leave, 1 when the controller went away or refused, 2 on bad input."""
    wanted = ("JENKINS_URL", "JENKINS_AGENT_NAME", "JENKINS_SECRET")
    missing = [name for name in wanted if not os.environ.get(name)]
    if os.environ.get("JENKINS_WEB_SOCKET") != "true":
        missing.append("JENKINS_WEB_SOCKET=true (set webSocket: true in the cloud)")
    if missing:
        say(f"these variables are needed: {', '.join(missing)}")
        return 2
    url, name, secret = (os.environ[each] for each in wanted)
    folder = Path(os.environ.get("JENKINS_AGENT_WORKDIR") or "/home/jenkins/agent")
    # The first process of a container ignores what it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        asyncio.run(work(Agent(url, name, secret, folder)))
    except (RefusedError, ConnectionError, TimeoutError, ProtocolError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
