"""An API server that ends by itself says why, where else every later request would only be refused a connection."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from testbed.apiserver import ApiServer
from testbed.errors import TestbedError
from tests.play.playbook import descendants


def test_a_server_that_ended_by_itself_is_named_with_what_it_said_first() -> None:
    with pytest.raises(TestbedError) as error, ApiServer() as server:
        process = _process(f"--secure-port={server.port}")
        os.kill(process, signal.SIGABRT)
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert "kube-apiserver ended by itself with code 2; the end of its log:\nSIGABRT: abort\n" in str(error.value)
    assert "goroutine " in str(error.value)
    assert "etcd ended" not in str(error.value)


def _process(word: str) -> int:
    """Find that one of our own processes: other fixtures have servers too, and process ids begin anew some day."""
    (found,) = (
        process
        for process in descendants(os.getpid())
        if word.encode() in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    )
    return found
