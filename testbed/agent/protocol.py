"""What controller and agent say to each other over one WebSocket.

Path and header names are those of the real agent (jenkinsci/remoting, JnlpAgentEndpoint; WebSocketAgents.java in the
core); what follows is our own. Texts are JSON objects with a `type`; binary messages are data. The controller
asks, one thing at a time, and the agent answers each with `done`:

    unpack {path}               then the tar as binary messages, then `end`
    write  {path, text}         a file, executable for everyone
    run    {argv, cwd, env}     output comes as binary messages; `done` holds the exit code
    follow {path}               the folder of a step that somebody else runs: its log comes as binary messages while it
                                grows; when the result is there, `done` holds it, and the folder is gone
    collect {path, patterns}    a tar of the files that match comes as binary messages
    stop                        while a command runs or a step is followed: it is killed, or followed no more, and
                                `done` comes at once; else nothing
    leave                       no answer: the agent ends

Paths are relative to the agent's folder, and stay inside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PATH = "/wsagents/"
HEADER_NAME = "Node-Name"
HEADER_SECRET = "Secret-Key"  # noqa: S105 - a header's name
CHUNK = 256 * 1024  # bytes of a binary message
# A step's files, under the names that jenkinsci/durable-task-plugin gives them (FileMonitoringTask.java).
SCRIPT, LOG, RESULT = "script.sh", "jenkins-log.txt", "jenkins-result.txt"

Message = dict[str, Any]


class ProtocolError(Exception):
    """The other side said something that is not in the protocol, or asked for what cannot be."""


def encode(kind: str, values: Mapping[str, Any] | None = None) -> str:
    """A text message of type `kind`."""
    return json.dumps({"type": kind} | dict(values or {}))


def decode(text: str | bytes) -> Message:
    """The text message's object; `type` is a string.

    Raises:
        ProtocolError: a binary message, or a text that is no such object.
    """
    if isinstance(text, bytes):
        raise ProtocolError("data came where a message was expected")
    try:
        message = json.loads(text)
    except ValueError as error:
        raise ProtocolError(f"a message is no JSON: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ProtocolError("a message is no object with a type")
    return message


def done(code: int = 0, error: str = "") -> str:
    """The agent's answer: exit code, or what went wrong."""
    return encode("done", {"code": code, "error": error})
