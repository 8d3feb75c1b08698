"""The controller's process, in a pod: `python3 -m testbed.controller`.

Environment: POD_NAMESPACE (its own, where the clouds' ConfigMaps are), CONTROLLER_NAME (their label is
`<name>-jenkins-config`), API_TOKEN (for those who start builds), STATE_DIR (keeps builds and agents over a restart),
LAUNCH_SECONDS (an agent must be there by then), QUOTA_SECONDS, BACKOFF_EVENTS, GC_SECONDS (the plugin's system
properties backoffEventsLimit and recurrencePeriod), BUILDS_AT_ONCE, CREDENTIALS_DIR.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from aiohttp import web

from testbed.controller import launcher, queueing, reaper
from testbed.controller.artifacts import Artifacts
from testbed.controller.capacity import Capacity
from testbed.controller.collector import PERIOD, Collector
from testbed.controller.connections import Connections
from testbed.controller.kube import Kube
from testbed.controller.launcher import Controller
from testbed.controller.living import Living
from testbed.controller.server import Server

PORT = 8080


def main() -> None:
    """Serves until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    environment = os.environ
    state = Path(environment.get("STATE_DIR") or "/tmp/state")  # noqa: S108 - a volume of this pod only
    state.mkdir(parents=True, exist_ok=True)
    controller = Controller(
        cluster=Kube(),
        connections=Connections(),
        capacity=Capacity(),
        namespace=environment["POD_NAMESPACE"],
        selector=f"{environment['CONTROLLER_NAME']}-jenkins-config=true",
        launch_seconds=float(environment.get("LAUNCH_SECONDS", "300")),
        artifacts=Artifacts(),
        living=Living(state / "agents.json"),
        backoff_events=int(environment.get("BACKOFF_EVENTS", reaper.BACKOFF_EVENTS)),
        quota_seconds=float(environment.get("QUOTA_SECONDS", launcher.QUOTA_SECONDS)),
        credentials=Path(environment.get("CREDENTIALS_DIR") or "/run/credentials"),
    )
    collector = Collector(controller.cluster, controller.living, controller.clouds,
                          float(environment.get("GC_SECONDS", PERIOD)))  # fmt: skip
    at_once = int(environment.get("BUILDS_AT_ONCE", queueing.AT_ONCE))
    server = Server(controller, environment["API_TOKEN"], state / "builds", at_once, collector)
    web.run_app(server.application(), port=PORT, access_log=None, handle_signals=True)


if __name__ == "__main__":
    main()
