"""Length-prefixed JSON messages over a socket, the only channel between the processes of the sandbox.

JSON cannot name code or types, so a hostile message can at worst fail to decode.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

LIMIT_BYTES = 8 * 1024 * 1024
"""Longest message. A program that returns more fails."""
_HEADER = struct.Struct(">I")


class ProtocolError(Exception):
    """The other side sent an invalid message."""


class ChannelClosedError(Exception):
    """The other side has ended."""


class TooLargeError(Exception):
    """A value does not fit into one message."""


def _no_constant(text: str) -> Any:
    raise ProtocolError(f"{text} is not a JSON number")


def send(sock: socket.socket, message: object) -> None:
    """Write one message. Raises TooLargeError before anything is sent."""
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(body) > LIMIT_BYTES:
        raise TooLargeError(f"a value of {len(body)} bytes, at most {LIMIT_BYTES} can be passed")
    try:
        sock.sendall(_HEADER.pack(len(body)) + body)
    except OSError as error:
        raise ChannelClosedError(str(error)) from error


def _read(sock: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        try:
            part = sock.recv(min(size, 1 << 20))
        except OSError as error:
            raise ChannelClosedError(str(error)) from error
        if not part:
            raise ChannelClosedError("end of stream")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def receive(sock: socket.socket) -> list[Any]:
    """Read one message: a JSON array that begins with a word."""
    (size,) = _HEADER.unpack(_read(sock, _HEADER.size))
    if size > LIMIT_BYTES:
        raise ProtocolError(f"a message of {size} bytes, at most {LIMIT_BYTES}")
    body = _read(sock, size)
    try:
        message = json.loads(body.decode("ascii"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {type(error).__name__}") from error
    if type(message) is not list or not message or type(message[0]) is not str:
        raise ProtocolError("not an array that begins with a word")
    return message
