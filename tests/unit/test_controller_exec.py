"""Exec over a WebSocket: all output reaches the log, however output, Status and the end of the connection come."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

import pytest

from testbed.controller import remotecommand
from testbed.controller.kube import ApiError
from tests.unit.exec_server import (
    CLOSE_CHANNEL,
    CONTINUATION,
    PING,
    SECONDS,
    STATUS,
    STDERR,
    STDOUT,
    Script,
    closing,
    drained,
    frame,
    on,
    serving,
)

SUCCESS = on(STATUS, b'{"metadata":{},"status":"Success"}')
SEVEN = on(STATUS, b'{"status":"Failure","reason":"NonZeroExitCode",'
                   b'"details":{"causes":[{"reason":"ExitCode","message":"7"}]}}')  # fmt: skip
OUT = on(STDOUT, b"+ grep CapBnd\n") + on(STDERR, b"careful\n") + on(STDOUT, b"CapBnd: 1\n")
WHOLE = b"+ grep CapBnd\ncareful\nCapBnd: 1\n"
V5_ENDS = frame(bytes([CLOSE_CHANNEL, STDOUT])) + frame(bytes([CLOSE_CHANNEL, STDERR]))


def at_once(data: bytes) -> Script:
    """Sends everything in one piece."""
    return lambda peer: peer.sendall(data)


def bytewise(data: bytes) -> Script:
    """Sends every byte in a packet of its own."""

    def script(peer: socket.socket) -> None:
        for byte in data:
            peer.sendall(bytes([byte]))

    return script


def collected(script: Script) -> tuple[int, bytes]:
    """(exit code, output) of an exec."""
    pieces: list[bytes] = []
    with serving(script) as asked:
        code = asked.run(pieces.append)
    return code, b"".join(pieces)


@pytest.mark.parametrize("way", [at_once, bytewise])
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (OUT + SUCCESS + closing(), 0),
        (SEVEN + OUT + closing(), 7),
        (V5_ENDS + SUCCESS + OUT + closing(), 0),
        (OUT + V5_ENDS + SEVEN + closing(), 7),
        (SUCCESS + OUT, 0),
        (frame(b"") + on(STDOUT, b"") + frame(b"hi", PING) + OUT + SUCCESS + closing(), 0),
        (frame(bytes([STDOUT]) + WHOLE[:9], final=False) + frame(b"", PING)
         + frame(WHOLE[9:], CONTINUATION) + SUCCESS + closing(), 0),
        (on(STATUS, b'{"status":') + OUT + on(STATUS, b'"Success"}') + closing(), 0),
    ],
    ids=["in order", "status first", "channels closed first", "channels closed", "no closing message", "pings",
         "fragments", "status in pieces"],
)  # fmt: skip
def test_nothing_is_lost(way: Callable[[bytes], Script], data: bytes, code: int) -> None:
    """In any order and any packets."""
    assert collected(way(data)) == (code, WHOLE)


def test_what_comes_together_with_the_end_while_a_piece_is_passed_on() -> None:
    """The rest, the Status and the closing message are all there before the client looks again."""
    first, rest = threading.Event(), threading.Event()
    pieces: list[bytes] = []

    def script(peer: socket.socket) -> None:
        peer.sendall(on(STDOUT, b"one\n"))
        assert first.wait(SECONDS)
        peer.sendall(on(STDOUT, b"two\n") + SUCCESS + closing())
        rest.set()

    def sink(data: bytes) -> None:
        pieces.append(data)
        first.set()
        assert rest.wait(SECONDS)

    with serving(script) as asked:
        assert asked.run(sink) == 0
    assert b"".join(pieces) == b"one\ntwo\n"


@pytest.mark.parametrize("end", [b"", closing(), on(STATUS, b'{"status":"Fai'), OUT[:-3]])
def test_a_connection_that_ends_without_a_status(end: bytes) -> None:
    """What came is passed on; then it is told that there is no exit code."""
    pieces: list[bytes] = []
    with serving(at_once(OUT + end)) as asked, pytest.raises(RuntimeError, match="ended before the command did"):
        asked.run(pieces.append)
    assert b"".join(pieces).startswith(WHOLE)


def test_a_connection_that_is_reset() -> None:
    """It is told how the connection ended."""

    def script(peer: socket.socket) -> None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()

    with serving(script) as asked, pytest.raises(RuntimeError, match=r"before the command did: .*reset"):
        asked.run(lambda _: None)


def test_an_abort_is_noticed_while_nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And hangs up."""
    monkeypatch.setattr(remotecommand, "POLL_SECONDS", 0.01)
    asks: list[bool] = []

    def interrupted() -> bool:
        asks.append(len(asks) == 2)
        return asks[-1]

    with serving(drained) as asked, pytest.raises(InterruptedError):
        asked.run(lambda _: None, interrupted)


def test_an_abort_is_noticed_while_output_floods_in() -> None:
    """A command that never stops writing does not keep the client from asking."""
    taken: list[int] = []

    def script(peer: socket.socket) -> None:
        with pytest.raises(OSError):
            while True:
                peer.sendall(on(STDOUT, b"y\n" * 9999))

    with serving(script) as asked, pytest.raises(InterruptedError):
        asked.run(lambda data: taken.append(len(data)), lambda: len(taken) == 5)
    assert taken == [19998] * 5


def test_what_is_asked_for() -> None:
    """Exec with GET, in this container, without input."""
    with serving(at_once(SUCCESS + closing())) as asked:
        assert asked.run(lambda _: None) == 0
    assert asked.lines[0].startswith("GET /api/v1/namespaces/ci-shop/pods/p/exec?")
    assert asked.query == {"command": ["true"], "container": ["main"], "stdin": ["false"], "stdout": ["true"],
                           "stderr": ["true"], "tty": ["false"]}  # fmt: skip
    assert "sec-websocket-protocol: v5.channel.k8s.io,v4.channel.k8s.io" in [line.lower() for line in asked.lines]


@pytest.mark.parametrize(
    ("head", "body", "status", "message"),
    [
        ("403 Forbidden", '{"kind":"Status","message":"pods \\"p\\" is forbidden: no exec","reason":"Forbidden"}',
         403, 'pods "p" is forbidden: no exec'),
        ("500 Internal Server Error", 'container not found ("main")', 500, 'container not found ("main")'),
    ],
)  # fmt: skip
def test_a_refused_exec(head: str, body: str, status: int, message: str) -> None:
    """Is told in the server's words."""
    answer = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    with serving(lambda _: None, answer) as asked, pytest.raises(ApiError) as caught:
        asked.run(lambda _: None)
    assert (caught.value.status, caught.value.message) == (status, message)
