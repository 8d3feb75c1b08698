"""The controller's process, in a pod: `python3 -m testbed.controller`.

Environment: POD_NAMESPACE (its own, where the clouds' ConfigMaps are), CONTROLLER_NAME (their label is
`<name>-jenkins-config`), API_TOKEN (for those who start builds), LAUNCH_SECONDS (an agent must be there by then).
"""

from __future__ import annotations

import logging
import os

from aiohttp import web

from testbed.controller.artifacts import Artifacts
from testbed.controller.capacity import Capacity
from testbed.controller.connections import Connections
from testbed.controller.kube import Kube
from testbed.controller.launcher import Controller
from testbed.controller.server import Server

PORT = 8080


def main() -> None:
    """Serves until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    controller = Controller(
        cluster=Kube(),
        connections=Connections(),
        capacity=Capacity(),
        namespace=os.environ["POD_NAMESPACE"],
        selector=f"{os.environ['CONTROLLER_NAME']}-jenkins-config=true",
        launch_seconds=float(os.environ.get("LAUNCH_SECONDS", "300")),
        artifacts=Artifacts(),
    )
    server = Server(controller, os.environ["API_TOKEN"])
    web.run_app(server.application(), port=PORT, access_log=None, handle_signals=True)


if __name__ == "__main__":
    main()
