"""The process that holds the program: runs it, then does what the checker asks and sends back data.

Nothing here is trusted. The program shares this interpreter and may change any of it, but all it gains is to send other
data, just like a function that returns other values.
"""

from __future__ import annotations

import builtins
import random
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

from . import frames
from .codec import Exchange

_MODULE = "solution"
_OPERATIONS: dict[str, Callable[..., Any]] = {
    "getattr": getattr,
    "setattr": setattr,
    "call": lambda target, args, kwargs: target(*args, **kwargs),
    "iter": iter,
    "next": next,
    "len": len,
    "bool": bool,
    "getitem": lambda target, key: target[key],
    "setitem": lambda target, key, value: target.__setitem__(key, value),
}


class _Server:
    """The program's objects by number, and the connection to the checker."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.module = types.ModuleType(_MODULE)
        self.kept: list[Any] = []
        self.numbers: dict[int, int] = {}

    def to_wire(self, value: object) -> list[Any]:
        if type(value) is _Callback:
            return ["yours", value.number]
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.kept)
            self.kept.append(value)
        return ["mine", self.numbers[id(value)]]

    def from_wire(self, kind: str, number: int) -> object:
        return self.kept[number] if kind == "yours" else _Callback(self, number)

    def serve(self) -> None:
        while True:
            try:
                request = frames.receive(self.sock)
            except frames.ChannelClosedError:
                return
            try:
                reply = self.answer(*request)
            except BaseException as error:
                reply = describe(error)
            try:
                frames.send(self.sock, reply)
            except frames.TooLargeError as error:
                frames.send(self.sock, describe(error))

    def answer(self, operation: str, *values: Any) -> list[Any]:
        exchange = Exchange(self)
        if operation == "load":
            sys.modules[_MODULE] = self.module  # dataclasses and pickle look up the module of a class
            exec(compile(values[0], "<program>", "exec"), self.module.__dict__)  # noqa: S102 this is the sandbox's purpose
            return ["return", None, []]
        if operation == "name":
            return ["return", exchange.encode(getattr(self.module, values[0])), []]
        arguments = [exchange.decode(value) for value in values]
        before = exchange.snapshot()
        result = _OPERATIONS[operation](*arguments)
        return ["return", exchange.encode(result), exchange.changes(before)]


class _Callback:
    """A function of the test, called over the same connection."""

    def __init__(self, server: _Server, number: int) -> None:
        self.server, self.number = server, number

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        exchange = Exchange(self.server)
        me = ["yours", self.number]
        frames.send(self.server.sock, ["callback", me, exchange.encode(args), exchange.encode(kwargs)])
        match frames.receive(self.server.sock):
            case ["return", value]:
                return exchange.decode(value)
            case ["raise", names, text]:
                kind = getattr(builtins, names[0], None) if names else None
                raise (kind if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError)(text)
        raise RuntimeError("the checker sent no answer")


def describe(error: BaseException) -> list[Any]:
    """An exception as the names of its classes, nearest first, and its text."""
    try:
        only = error.args[0] if len(error.args) == 1 else None  # str(KeyError("x")) adds quotes
        text = (only if type(only) is str else str(error))[:500]
    except Exception:
        text = "an exception without a text"
    return ["raise", [kind.__name__ for kind in type(error).__mro__], text]


def main(sock: socket.socket) -> None:
    """Serve until the checker hangs up."""
    random.seed(1)  # every run of a program gives the same output
    _Server(sock).serve()
