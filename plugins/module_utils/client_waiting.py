"""An API server that went away is back after some seconds: waiting for it, with an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError, Lost
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster

PAUSE_SECONDS = 0.5
Result = TypeVar("Result")


def pause(seconds: float) -> None:
    """Lets so many seconds go by before asking again."""
    threading.Event().wait(seconds)


def patiently(cluster: Cluster, work: Callable[[], Result], end: float) -> Result:
    """What `work` gives, done anew from its beginning where the connection was lost meanwhile.

    Args:
        cluster: whose API server may go away.
        work: requests that may be sent again.
        end: on the monotonic clock, until when to wait for it.

    Raises:
        Lost: it stays away. Whatever else `work` raises.
    """
    while True:
        try:
            return work()
        except Lost:
            _wait_until_back(cluster, end)


def _wait_until_back(cluster: Cluster, end: float) -> None:
    """Waits until it knows our rights again, which is after it accepts connections. Raises Lost, ApiError."""
    while True:
        try:
            cluster.client.request("GET", "/api/v1/namespaces", query={"limit": "1"}, what="see that it is back")
        except (ApiError, Lost):
            if time.monotonic() >= end:
                raise
            pause(PAUSE_SECONDS)
        else:
            return
