"""What an exec sends over its WebSocket, message by message (KEP-4006; k8s.io/apimachinery, remotecommand: v4 and v5).

The first byte of a message is its channel: output, errors, or the Status that ends the exec. They come in any order,
and the connection may close right behind them. So each is passed on as it is received: the `WSClient` of the package
`kubernetes` keeps them by channel, receives more whenever a channel is asked for, and says that it is closed while
output is still kept; and it does not return for as long as a command goes on writing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

# What `kubernetes` itself opens its WebSockets with.
from websocket import ABNF, WebSocket, WebSocketException, WebSocketTimeoutException

OUTPUT = frozenset({1, 2})  # stdout, stderr
STATUS = 3
POLL_SECONDS = 1.0


class LostError(Exception):
    """The connection ended without a closing message; str() says how."""


def relay(socket: WebSocket, sink: Callable[[bytes], None], interrupted: Callable[[], bool]) -> int:
    """Gives everything that the command writes to `sink`, until the connection closes; answers the exit code.

    Args:
        socket: open, right after its handshake; it is left for the caller to close.
        sink: takes output and errors in the order in which they come.
        interrupted: asked after every message, and every POLL_SECONDS while there is none.

    Raises:
        InterruptedError: `interrupted()` was true first.
        RuntimeError: the command could not be started, or the connection broke before its end.
    """
    status, lost = b"", ""
    try:
        for message in messages(socket, interrupted):
            if message[0] in OUTPUT:
                sink(message[1:])
            elif message[0] == STATUS:
                status += message[1:]
    except LostError as error:  # the Status, if it came, is the command's end all the same
        lost = str(error)
    return exit_code(status, lost)


def messages(socket: WebSocket, interrupted: Callable[[], bool]) -> Iterator[bytes]:
    """The messages up to the closing one, none of them empty.

    Raises:
        InterruptedError: see `relay`.
        LostError: there was no closing message.
    """
    socket.settimeout(POLL_SECONDS)
    while not interrupted():
        try:
            opcode, frame = socket.recv_data_frame(control_frame=True)
        except WebSocketTimeoutException:
            continue  # what has come of a message is kept
        except (WebSocketException, OSError) as error:
            raise LostError(str(error)) from error
        if opcode == ABNF.OPCODE_CLOSE:
            return
        if opcode == ABNF.OPCODE_BINARY and frame.data:
            yield frame.data
    raise InterruptedError


def exit_code(status: bytes, lost: str = "") -> int:
    """The exit code in the Status that ends an exec (metav1.Status); `lost`: how the connection broke, if it did.

    Raises:
        RuntimeError: the command could not be started, or the connection broke before its end.
    """
    try:
        told = json.loads(status)
    except ValueError as error:  # nothing, or a part
        words = f": {lost}" if lost else ""
        raise RuntimeError(f"the connection to the container ended before the command did{words}") from error
    if told.get("status") == "Success":
        return 0
    for cause in (told.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise RuntimeError(str(told.get("message")))
