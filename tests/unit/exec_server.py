"""An API server's exec on loopback, down to the bytes: what is sent, when, and how the connection ends."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes.client

from testbed.controller.kube import Kube

STDOUT, STDERR, STATUS, CLOSE_CHANNEL = 1, 2, 3, 255
BINARY, CONTINUATION, CLOSE, PING = 2, 0, 8, 9
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
SECONDS = 20.0
SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

Script = Callable[[socket.socket], None]


def frame(payload: bytes, opcode: int = BINARY, final: bool = True) -> bytes:
    """One frame of a server (RFC 6455, 5.2)."""
    size = len(payload)
    length = struct.pack("!B", size) if size < 126 else struct.pack("!BH", 126, size)
    return bytes([opcode | (0x80 if final else 0)]) + length + payload


def on(channel: int, data: bytes) -> bytes:
    """A message of one frame on a channel."""
    return frame(bytes([channel]) + data)


def closing() -> bytes:
    """The closing message, with the code of a normal end."""
    return frame(struct.pack("!H", 1000), CLOSE)


class Exec:
    """What was asked for; `lines` are the request's, `query` its parameters."""

    def __init__(self, kube: Kube) -> None:
        """`kube` asks this server."""
        self.kube = kube
        self.lines: list[str] = []

    @property
    def query(self) -> Mapping[str, list[str]]:
        """The parameters of the request."""
        return parse_qs(urlsplit(self.lines[0].split(" ")[1]).query)

    def run(self, sink: Callable[[bytes], None], interrupted: Callable[[], bool] = lambda: False) -> int:
        """Runs `true` in the container `main` of the pod `p`."""
        return self.kube.run("ci-shop", "p", "main", ["true"], sink, interrupted)


def accept(request: list[str]) -> bytes:
    """The answer to a WebSocket's handshake (RFC 6455, 4.2.2)."""
    headers = dict(line.lower().split(": ", 1) for line in request[1:])
    original = next(line for line in request if line.lower().startswith("sec-websocket-key: "))
    digest = hashlib.sha1((original.split(": ", 1)[1] + GUID).encode(), usedforsecurity=False).digest()
    protocol = headers["sec-websocket-protocol"].split(",")[0]
    answer = f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
    return f"{SWITCHING}{answer}".encode()


@contextmanager
def serving(script: Script, refusal: bytes = b"") -> Iterator[Exec]:
    """Answers one exec: by `refusal`, else by the handshake and then whatever `script` sends; hangs up after it.

    Raises:
        AssertionError: the server's side failed, or the client left the connection open.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(SECONDS)
    configuration: Any = kubernetes.client.Configuration(host=f"http://127.0.0.1:{listener.getsockname()[1]}")
    configuration.no_proxy = "*"
    asked = Exec(Kube(configuration))
    failures: list[Exception] = []

    def answer() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(SECONDS)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += peer.recv(1)
            asked.lines += head.decode().split("\r\n")[:-2]
            peer.sendall(refusal or accept(asked.lines))
            if not refusal:
                script(peer)
            hang_up(peer)

    def work() -> None:
        try:
            answer()
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield asked
    finally:
        thread.join(2 * SECONDS)
        listener.close()
    assert not thread.is_alive()
    assert failures == []


def hang_up(peer: socket.socket) -> None:
    """Ends what is sent, then waits until the client has hung up: what is unread would reset the connection."""
    with suppress(OSError):  # it has hung up, or the script has
        peer.shutdown(socket.SHUT_WR)
        drained(peer)


def drained(peer: socket.socket) -> None:
    """Waits until the client has hung up.

    Raises:
        AssertionError: it has not, in SECONDS.
    """
    try:
        while peer.recv(4096):
            pass
    except ConnectionResetError:
        return
    except TimeoutError as error:
        raise AssertionError("the client left the connection open") from error
