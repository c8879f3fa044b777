"""The checker's view of the program: stand-ins for its functions and objects, every use of which is a message.

The replies are data. Stand-ins are equal only to themselves and plain values are compared here, so a program gains nothing
by a class with an `__eq__` that always agrees.
"""

from __future__ import annotations

import builtins
import socket
from collections.abc import Callable
from typing import Any, NoReturn

from . import frames
from .codec import Exchange, UnsupportedError

_STOPS = (StopIteration, StopAsyncIteration)


class ProgramEndedError(BaseException):
    """The program ended or broke the protocol. Not an Exception, so that a test's `except Exception` does not catch it."""


class ProgramError(Exception):
    """The program raised an exception that is not a builtin one."""


class Program:
    """The connection to the process that holds the program."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.ended: str | None = None
        """Why the program can no longer be asked; None while it can."""
        self._callbacks: dict[int, Callable[..., Any]] = {}
        self._remotes: dict[int, Remote] = {}

    def to_wire(self, value: object) -> list[Any]:
        """A stand-in becomes its object again, and a function of the test can be called back; nothing else can be sent."""
        if type(value) is Remote:
            return ["yours", object.__getattribute__(value, "_number")]
        if callable(value) and not isinstance(value, type):
            self._callbacks[id(value)] = value
            return ["mine", id(value)]
        raise UnsupportedError(f"a test passes a {type(value).__name__}, which cannot be handed to the program")

    def from_wire(self, kind: str, number: int) -> object:
        """The stand-in for the program's object `number`, or one of our own functions."""
        if kind == "yours":
            if number not in self._callbacks:
                raise frames.ProtocolError("an unknown function")
            return self._callbacks[number]
        return self._remotes.setdefault(number, Remote(self, number))

    def start(self, code: str) -> None:
        """Send the program and wait until it has run. Raises its exception."""
        self._exchange(["load", code], Exchange(self), 0)

    def name(self, name: str) -> Any:
        """The global `name` of the program. Raises AttributeError if it has none."""
        return self._exchange(["name", name], Exchange(self), 0)

    def ask(self, operation: str, *values: Any) -> Any:
        """Have the program do one operation, and return the result."""
        exchange = Exchange(self)
        try:
            request = [operation, *map(exchange.encode, values)]
        except RecursionError as error:
            raise UnsupportedError("a test passes a value that is nested too deeply") from error
        return self._exchange(request, exchange, len(exchange.containers))

    def _exchange(self, request: list[Any], exchange: Exchange, sent: int) -> Any:
        self._send(request)
        while True:
            reply = self._receive()
            try:
                match reply:
                    case ["return", result, changes]:
                        value = exchange.decode(result)
                        exchange.apply(changes, sent)
                        return value
                    case ["raise", list(names), str(text)]:
                        error = _exception(names, text, stop_allowed=request[0] == "next")
                    case ["callback", function, arguments, keywords]:
                        self._call_back(function, arguments, keywords)
                        continue
                    case _:
                        raise frames.ProtocolError("an unknown reply")
            except frames.ProtocolError as broken:
                self._end(f"the program broke the protocol: {broken}")
            raise error

    def _call_back(self, function: Any, arguments: Any, keywords: Any) -> None:
        exchange = Exchange(self)
        target = exchange.decode(function)
        args, kwargs = exchange.decode(arguments), exchange.decode(keywords)
        if target not in self._callbacks.values() or type(args) is not tuple or type(kwargs) is not dict:
            raise frames.ProtocolError("a call of something that was not passed")
        try:
            answer = ["return", exchange.encode(target(*args, **kwargs))]
        except Exception as error:
            answer = ["raise", [kind.__name__ for kind in type(error).__mro__], str(error)[:500]]
        self._send(answer)

    def _send(self, message: list[Any]) -> None:
        if self.ended is not None:
            raise ProgramEndedError(self.ended)
        try:
            frames.send(self.sock, message)
        except frames.ChannelClosedError:
            self._end("the program ended before its tests did")
        except frames.TooLargeError as error:
            raise UnsupportedError(str(error)) from error

    def _receive(self) -> list[Any]:
        try:
            return frames.receive(self.sock)
        except frames.ChannelClosedError:
            self._end("the program ended before its tests did")
        except frames.ProtocolError as error:
            self._end(f"the program broke the protocol: {error}")

    def _end(self, reason: str) -> NoReturn:
        self.ended = reason
        raise ProgramEndedError(reason)


def _exception(names: list[Any], text: str, *, stop_allowed: bool) -> Exception:
    """The first of the program's exception classes that is a builtin.

    StopIteration is allowed only at the end of an iterator: else a function that raises it would cut a test's
    `all(map(candidate, cases))` short.
    """
    for name in names:
        kind = getattr(builtins, name, None) if type(name) is str else None
        if isinstance(kind, type) and issubclass(kind, Exception) and kind is not Exception:
            if issubclass(kind, _STOPS) and not (stop_allowed and kind is StopIteration):
                return RuntimeError(f"{name}: {text}")
            try:
                return kind() if kind is StopIteration else kind(text)
            except TypeError:  # UnicodeDecodeError, for one, needs more arguments; its base does not
                continue
    return ProgramError(f"{names[0] if names else 'an exception'}: {text}")


class Remote:
    """One object of the program. No method may send the program a value that a test compares with.

    So there is no `__eq__` and no `__contains__`: equality is identity, and `in` iterates and compares here.
    """

    __slots__ = ("_number", "_program")
    _number: int
    _program: Program

    def __init__(self, program: Program, number: int) -> None:
        object.__setattr__(self, "_program", program)
        object.__setattr__(self, "_number", number)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        return _ask(self, "getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _ask(self, "setattr", self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _ask(self, "call", self, args, kwargs)

    def __iter__(self) -> Any:
        return _RemoteIterator(_ask(self, "iter", self))

    def __next__(self) -> Any:
        return _ask(self, "next", self)

    def __len__(self) -> int:
        length = _ask(self, "len", self)
        if type(length) is not int:
            raise TypeError("a length is a number")
        return length

    def __bool__(self) -> bool:
        return _ask(self, "bool", self) is True

    def __getitem__(self, key: Any) -> Any:
        return _ask(self, "getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _ask(self, "setitem", self, key, value)

    def __repr__(self) -> str:
        return "<an object of the program>"


class _RemoteIterator:
    """Iterates over a stand-in, one message per element."""

    def __init__(self, iterator: Any) -> None:
        self._iterator = iterator

    def __iter__(self) -> _RemoteIterator:
        return self

    def __next__(self) -> Any:
        return next(self._iterator)


def _ask(remote: Remote, operation: str, *values: Any) -> Any:
    program: Program = object.__getattribute__(remote, "_program")
    return program.ask(operation, *values)
