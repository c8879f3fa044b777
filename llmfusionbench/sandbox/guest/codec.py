"""Python values as JSON and back, without a way to name code: what arrives is plain built-in values, never a subclass.

    null true false "text" 12 0.5      themselves
    ["tuple", v, ...]                  and frozenset, bytes, complex, range, decimal, fraction, dates, types by name
    ["list", n, v, ...]                a mutable container, the n-th of this exchange; ["ref", n] is the same one again
    ["mine", n] / ["yours", n]         an object that stays where it is, kept by the sender / by the receiver

Containers are numbered so that a call which sorts its argument in place, or returns it, means the same on both sides.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import math
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, Protocol

from .frames import ProtocolError

_BUILTINS: tuple[Any, ...] = (
    *(bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, object, type, range),
    *(abs, all, any, chr, divmod, hash, len, max, min, ord, pow, repr, round, sorted, sum),
    type(None),
)
BUILTINS: dict[str, Any] = {value.__name__: value for value in _BUILTINS}
"""Types and functions of the language that a test may pass by name: none of them reaches a file or runs a text."""
_BUILTIN_NAMES = {id(value): name for name, value in BUILTINS.items()}
_EMPTY: dict[Any, Any] = {}
_DICT_KEYS, _DICT_VALUES, _DICT_ITEMS = type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items())
_MUTABLE = (list, dict, set, bytearray, deque, Counter, OrderedDict, defaultdict, array)
_BAD_VALUE = (TypeError, ValueError, LookupError, ArithmeticError, RecursionError, AttributeError)
_LONG_INT_BITS = 10_000  # json refuses longer decimal texts than 4,300 digits


class UnsupportedError(Exception):
    """A value that cannot cross."""


class Objects(Protocol):
    """How each side treats what the codec does not know: hand out a number for it, or find it again."""

    def to_wire(self, value: object) -> list[Any]: ...
    def from_wire(self, kind: str, number: int) -> object: ...


def _plain(value: Any) -> Any:
    """A subclass of a built-in type (an IntEnum, a named tuple) as that type itself."""
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__pos__(value)
    if isinstance(value, str):
        return str.__str__(value)
    kinds: tuple[Any, ...] = (tuple, list, frozenset, set, bytes)
    for kind in kinds:
        if isinstance(value, kind):
            return kind(kind.__iter__(value))
    return dict(dict.items(value)) if isinstance(value, dict) else value


class Exchange:
    """One request and its reply: the numbering of mutable containers that both share."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.containers: list[Any] = []
        self._numbers: dict[int, int] = {}

    def _number(self, value: object) -> int:
        self._numbers[id(value)] = len(self.containers)
        self.containers.append(value)  # keeps it alive, so that its id stays its own
        return len(self.containers) - 1

    def encode(self, value: Any) -> Any:
        """`value` as JSON; raises RecursionError for nesting without end, UnsupportedError from `objects`."""
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if value.bit_length() < _LONG_INT_BITS else ["int", hex(value)]
        if kind is float:
            return value if math.isfinite(value) else ["float", repr(value)]
        if kind in _MUTABLE:
            known = self._numbers.get(id(value))
            return ["ref", known] if known is not None else self.encode_contents(value, self._number(value))
        if kind is tuple:
            return ["tuple", *map(self.encode, value)]
        if kind is frozenset:
            return ["frozenset", *map(self.encode, value)]
        if id(value) in _BUILTIN_NAMES:
            return ["builtin", _BUILTIN_NAMES[id(value)]]
        return self._encode_rare(value)

    def encode_contents(self, value: Any, number: int) -> list[Any]:
        """A mutable container by its contents, as number `number`."""
        kind = type(value)
        if kind is list:
            return ["list", number, *map(self.encode, value)]
        if kind is set:
            return ["set", number, *map(self.encode, value)]
        if kind is bytearray:
            return ["bytearray", number, value.decode("latin-1")]
        if kind is deque:
            return ["deque", number, value.maxlen, *map(self.encode, value)]
        if kind is array:
            return ["array", number, value.typecode, *map(self.encode, value.tolist())]
        names: dict[Any, str] = {dict: "dict", Counter: "counter", OrderedDict: "odict", defaultdict: "ddict"}
        name = names[kind]
        return [name, number, *(self.encode(part) for item in value.items() for part in item)]

    def _encode_rare(self, value: Any) -> Any:
        kind = type(value)
        if kind is bytes:
            return ["bytes", value.decode("latin-1")]
        if kind is complex:
            return ["complex", self.encode(value.real), self.encode(value.imag)]
        if kind is range:
            return ["range", *map(self.encode, (value.start, value.stop, value.step))]
        if kind is decimal.Decimal:
            return ["decimal", str(value)]
        if kind is fractions.Fraction:
            return ["fraction", self.encode(value.numerator), self.encode(value.denominator)]
        if kind in (datetime.datetime, datetime.date, datetime.time) and getattr(value, "tzinfo", None) is None:
            return [kind.__name__, value.isoformat()]
        if kind is datetime.timedelta:
            return ["timedelta", value.days, value.seconds, value.microseconds]
        if kind is _DICT_KEYS:
            return ["keys", *map(self.encode, value)]
        if kind is _DICT_VALUES:
            return ["values", *map(self.encode, value)]
        if kind is _DICT_ITEMS:
            return ["items", *(self.encode(part) for item in value for part in item)]
        plain = _plain(value)
        if type(plain) is not kind:
            return self.encode(plain)
        return self.objects.to_wire(value)

    def decode(self, node: Any) -> Any:
        """The value of a JSON node; anything unexpected raises ProtocolError."""
        try:
            return self._decode(node)
        except ProtocolError:
            raise
        except _BAD_VALUE as error:
            raise ProtocolError(f"no value: {type(error).__name__}") from error

    def _decode(self, node: Any) -> Any:
        if type(node) is not list:
            if type(node) is dict:
                raise ProtocolError("a JSON object is no value")
            return node
        tag, *rest = node
        if tag in _DECODE_CONTAINER:
            number, *items = rest
            if type(number) is not int or number != len(self.containers):
                raise ProtocolError("containers out of order")
            container = _DECODE_CONTAINER[tag](items)
            self._number(container)
            self.fill(container, items)
            return container
        if tag == "ref":
            return self.containers[_index(rest[0])]
        if tag == "tuple":
            return tuple(map(self._decode, rest))
        if tag in ("mine", "yours"):
            return self.objects.from_wire(tag, _index(rest[0]))
        if tag == "builtin":
            return _lookup(BUILTINS, rest[0])
        return _lookup(_DECODE_RARE, tag)([self._decode(item) for item in rest])

    def fill(self, container: Any, items: list[Any]) -> None:
        """Replace the contents of a container by decoded `items`, in place."""
        kind = type(container)
        if kind is deque:
            values = [self._decode(item) for item in items[1:]]
            container.clear()
            container.extend(values)
        elif kind is array:
            container[:] = array(container.typecode, map(self._decode, items[1:]))
        elif kind is bytearray:
            container[:] = items[0].encode("latin-1")
        elif kind is list:
            container[:] = map(self._decode, items)
        else:
            values = [self._decode(item) for item in items]
            container.clear()
            if kind is set:
                container.update(values)
            else:
                for key, value in zip(values[::2], values[1::2], strict=True):
                    container[key] = value

    def snapshot(self) -> list[Any]:
        """Shallow copies of every container so far, to tell later which were changed in place."""
        return [_parts(container) for container in self.containers]

    def changes(self, before: list[Any]) -> list[Any]:
        """The containers that differ from their `snapshot`, each by number and contents."""
        changed = []
        for number, old in enumerate(before):
            new = _parts(self.containers[number])
            if len(old) != len(new) or any(a is not b for a, b in zip(old, new, strict=True)):
                changed.append(self.encode_contents(self.containers[number], number))
        return changed

    def apply(self, changes: Any, sent: int) -> None:
        """Carry changes of the first `sent` containers (those of the request, no others) over to our own."""
        try:
            for tag, number, *items in changes:
                if not 0 <= _index(number) < sent or tag not in _DECODE_CONTAINER:
                    raise ProtocolError("a change of something that was not passed")
                container = self.containers[number]
                if type(container) is not type(_DECODE_CONTAINER[tag](items)):
                    raise ProtocolError("a change of a container's type")
                self.fill(container, items)
        except ProtocolError:
            raise
        except _BAD_VALUE as error:
            raise ProtocolError(f"no change: {type(error).__name__}") from error


def _parts(container: Any) -> list[Any]:
    if isinstance(container, dict):
        return [part for item in container.items() for part in item]
    return list(container)


def _index(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ProtocolError("not an index")
    return value


def _lookup(table: dict[str, Any], name: Any) -> Any:
    if type(name) is not str or name not in table:
        raise ProtocolError("an unknown kind of value")
    return table[name]


def _long_int(items: list[Any]) -> int:
    return int(str.__str__(items[0]), 16)


def _float(items: list[Any]) -> float:
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[items[0]]


_DECODE_CONTAINER: dict[str, Callable[[list[Any]], Any]] = {
    "list": lambda items: [],
    "dict": lambda items: {},
    "set": lambda items: set(),
    "bytearray": lambda items: bytearray(),
    "deque": lambda items: deque(maxlen=items[0]),
    "array": lambda items: array(items[0]),
    "counter": lambda items: Counter(),
    "odict": lambda items: OrderedDict(),
    "ddict": lambda items: defaultdict(None),
}
_DECODE_RARE: dict[str, Callable[[list[Any]], Any]] = {
    "int": _long_int,
    "float": _float,
    "frozenset": frozenset,
    "bytes": lambda items: items[0].encode("latin-1"),
    "complex": lambda items: complex(float(items[0]), float(items[1])),
    "range": lambda items: range(*items),
    "decimal": lambda items: decimal.Decimal(items[0]),
    "fraction": lambda items: fractions.Fraction(items[0], items[1]),
    "datetime": lambda items: datetime.datetime.fromisoformat(items[0]),
    "date": lambda items: datetime.date.fromisoformat(items[0]),
    "time": lambda items: datetime.time.fromisoformat(items[0]),
    "timedelta": lambda items: datetime.timedelta(*items),
    "keys": lambda items: dict.fromkeys(items).keys(),
    "values": lambda items: dict(enumerate(items)).values(),
    "items": lambda items: dict(zip(items[::2], items[1::2], strict=True)).items(),
}
