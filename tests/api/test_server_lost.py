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
    with pytest.raises(TestbedError) as error, ApiServer():
        servers = {Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip(): pid for pid in _children()}
        os.kill(servers["kube-apiserver"], signal.SIGABRT)
        os.waitid(os.P_PID, servers["kube-apiserver"], os.WEXITED | os.WNOWAIT)
    assert "kube-apiserver ended by itself with code 2; the end of its log:\nSIGABRT: abort\n" in str(error.value)
    assert "goroutine " in str(error.value)
    assert "etcd ended" not in str(error.value)


def _children() -> list[int]:
    # The newest last: the servers of other fixtures were started before.
    return sorted(descendants(os.getpid()))
