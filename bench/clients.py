"""Clients that create pods as fast as the API server answers: processes with one kept connection each.

They write bytes that were made before and read no more of an answer than its status, so that on a small machine the
server has the processors.
"""

from __future__ import annotations

import json
import multiprocessing
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Stands for a pod's name in the bytes; every name is as long.
_NAME = "agent-0000-00-000000"


@dataclass(frozen=True)
class Target:
    """Where pods are created, and as whom: path of a namespace's pods, certificate file, bearer token."""

    port: int
    ca: Path
    token: str
    path: str


@dataclass(frozen=True)
class Load:
    """What was seen: seconds of each request, of all clients, and seconds from the first request to the last answer."""

    latencies: tuple[float, ...]
    seconds: float

    @property
    def rate(self) -> float:
        """Requests in a second."""
        return len(self.latencies) / self.seconds


class RefusedError(Exception):
    """The API server did not create a pod; the message is its answer."""


def load(target: Target, pod: Mapping[str, Any], clients: int, requests: int, *, dry: bool, turn: int) -> Load:
    """Create pods with some clients at once.

    Args:
        target: where.
        pod: the pod, whose name is replaced.
        clients: how many processes.
        requests: how many pods in all.
        dry: whether they are dry runs.
        turn: a number of this call, for the names of its pods.

    Raises:
        RefusedError: a pod was not created.
    """
    fork = multiprocessing.get_context("fork")
    body = json.dumps({**pod, "metadata": {**pod["metadata"], "name": _NAME}})
    with fork.Pool(clients) as pool:
        work = [(target, body, client, requests // clients, dry, turn) for client in range(clients)]
        found = pool.starmap(_client, work, chunksize=1)
    started, ended = min(one[0] for one in found), max(one[1] for one in found)
    return Load(tuple(latency for one in found for latency in one[2]), ended - started)


def percentile(latencies: Sequence[float], part: float) -> float:
    """The value below which this part (0 to 1) of the values lies."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _client(
    target: Target, body: str, client: int, requests: int, dry: bool, turn: int
) -> tuple[float, float, list[float]]:
    head = (
        f"POST {target.path}{'?dryRun=All' if dry else ''} HTTP/1.1\r\nHost: bench\r\n"
        f"Authorization: Bearer {target.token}\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n"
    )
    message = (head + body).encode()
    latencies = []
    context = ssl.create_default_context(cafile=str(target.ca))
    with (
        socket.create_connection(("127.0.0.1", target.port)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        started = time.perf_counter()
        for number in range(requests):
            name = f"agent-{turn:04d}-{client:02d}-{number:06d}"
            asked = time.perf_counter()
            connection.sendall(message.replace(_NAME.encode(), name.encode()))
            answer = _answer(connection)
            latencies.append(time.perf_counter() - asked)
            if not answer.startswith(b"HTTP/1.1 201"):
                raise RefusedError(answer.decode(errors="replace")[-1000:])
        return started, time.perf_counter(), latencies


def _answer(connection: ssl.SSLSocket) -> bytes:
    """One answer, whose body is sent whole or in chunks."""
    answer = connection.recv(65536)
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(
        (int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: ")), None
    )
    while len(body) < length if length is not None else not body.endswith(b"0\r\n\r\n"):
        more = connection.recv(65536)
        if not more:
            raise RefusedError("the API server closed the connection")
        body += more
    return head + b"\r\n\r\n" + body
