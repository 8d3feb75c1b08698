"""Agents as tasks of one event loop in this process: fifty of them cost as much as one."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Mapping
from pathlib import Path

from testbed.agent.__main__ import work
from testbed.agent.session import Agent

LOOP = asyncio.new_event_loop()
STARTED = threading.Lock()


class InlineAgent:
    """One agent; looks like a process to who waits for it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Dials at once."""
        with STARTED:
            if not LOOP.is_running():
                running = threading.Event()
                LOOP.call_soon(running.set)
                threading.Thread(target=LOOP.run_forever, daemon=True, name="agents").start()
                running.wait()
        agent = Agent(env["JENKINS_URL"], env["JENKINS_AGENT_NAME"], env["JENKINS_SECRET"],
                      Path(env["JENKINS_AGENT_WORKDIR"]))  # fmt: skip
        self.returncode: int | None = None
        self._work = asyncio.run_coroutine_threadsafe(work(agent), LOOP)

    def poll(self) -> int | None:
        """0 when it was told to leave, 1 when it was cut off."""
        if self.returncode is None and self._work.done():
            self.returncode = int(self._work.cancelled() or self._work.exception() is not None)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end."""
        concurrent.futures.wait([self._work], timeout)
        return self.poll() or 0

    def kill(self) -> None:
        """Cuts it off."""
        self._work.cancel()
