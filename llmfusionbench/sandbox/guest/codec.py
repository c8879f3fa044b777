"""Python values as JSON and back. JSON cannot name code: decoding gives plain built-in values, never a subclass.

    null true false "text" 12 0.5      as they are
    ["tuple", v, ...]                  also frozenset, bytes, complex, range, decimal, fraction, dates, builtins by name
    ["list", n, v, ...]                a mutable container, the n-th of this exchange; ["ref", n] is the same one again
    ["mine", n] / ["yours", n]         an object that stays with the sender / with the receiver

Containers are numbered so that both sides agree on a call that returns its argument or changes it in place.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import math
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from .frames import ProtocolError

_BUILTINS: tuple[Any, ...] = (
    *(bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, object, type, range),
    *(abs, all, any, chr, divmod, hash, len, max, min, ord, pow, repr, round, sorted, sum),
    type(None),
)
BUILTINS: dict[str, Any] = {value.__name__: value for value in _BUILTINS}
"""Types and functions that a test may pass by name: none of them opens files or runs code."""
_BUILTIN_NAMES = {id(value): name for name, value in BUILTINS.items()}
_BAD_VALUE = (TypeError, ValueError, LookupError, ArithmeticError, RecursionError, AttributeError)
_LONG_INT_BITS = 10_000  # json refuses decimal texts of more than 4,300 digits
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class UnsupportedError(Exception):
    """A value that cannot be sent."""


class Objects(Protocol):
    """How each side treats other objects: gives them numbers, and finds them by these."""

    def to_wire(self, value: object) -> list[Any]: ...
    def from_wire(self, kind: str, number: int) -> object: ...


def _plain(value: Any) -> Any:
    """An instance of a subclass of a built-in type (IntEnum, named tuple) as that type itself."""
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
    """The numbering of mutable containers that one request and its reply share."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.containers: list[Any] = []
        self._numbers: dict[int, int] = {}

    def _number(self, value: object) -> int:
        self._numbers[id(value)] = len(self.containers)
        self.containers.append(value)  # kept alive, so that its id stays unique
        return len(self.containers) - 1

    def encode(self, value: Any) -> Any:
        """`value` as JSON. Raises RecursionError for endless nesting, and UnsupportedError from `objects`."""
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if (kind is int and value.bit_length() < _LONG_INT_BITS) or (kind is float and math.isfinite(value)):
            return value
        if id(kind) in _CONTAINER_TAGS:
            known = self._numbers.get(id(value))
            return ["ref", known] if known is not None else self.encode_contents(value, self._number(value))
        if id(kind) in _VALUE_TAGS and getattr(value, "tzinfo", None) is None:
            tag = _VALUE_TAGS[id(kind)]
            return [tag, *map(self.encode, _VALUES[tag].parts(value))]
        if id(value) in _BUILTIN_NAMES:
            return ["builtin", _BUILTIN_NAMES[id(value)]]
        plain = _plain(value)
        return self.objects.to_wire(value) if type(plain) is kind else self.encode(plain)

    def encode_contents(self, value: Any, number: int) -> list[Any]:
        """A mutable container with its number and contents."""
        tag = _CONTAINER_TAGS[id(type(value))]
        return [tag, number, *map(self.encode, _CONTAINERS[tag].parts(value))]

    def decode(self, node: Any) -> Any:
        """The value of a JSON node. Raises ProtocolError for anything unexpected."""
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
        if tag in _CONTAINERS:
            number, *items = rest
            if type(number) is not int or number != len(self.containers):
                raise ProtocolError("containers out of order")
            container = _CONTAINERS[tag].make(items)
            self._number(container)
            self.fill(container, items)
            return container
        if tag == "ref":
            return self.containers[_index(rest[0])]
        if tag in ("mine", "yours"):
            return self.objects.from_wire(tag, _index(rest[0]))
        if tag == "builtin":
            return _lookup(BUILTINS, rest[0])
        return _lookup(_VALUES, tag).make([self._decode(item) for item in rest])

    def fill(self, container: Any, items: list[Any]) -> None:
        """Replace the contents of a container, in place, by the decoded `items`."""
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
        """Shallow copies of all containers so far, to find those that are changed in place."""
        return [_items(container) for container in self.containers]

    def changes(self, before: list[Any]) -> list[Any]:
        """The containers that differ from their `snapshot`, with numbers and contents."""
        changed = []
        for number, old in enumerate(before):
            new = _items(self.containers[number])
            if len(old) != len(new) or any(a is not b for a, b in zip(old, new, strict=True)):
                changed.append(self.encode_contents(self.containers[number], number))
        return changed

    def apply(self, changes: Any, sent: int) -> None:
        """Apply changes of the first `sent` containers, which are those of the request, to our own."""
        try:
            for tag, number, *items in changes:
                if not 0 <= _index(number) < sent or tag not in _CONTAINERS:
                    raise ProtocolError("a change of something that was not passed")
                container = self.containers[number]
                if type(container) is not type(_CONTAINERS[tag].make(items)):
                    raise ProtocolError("a change of a container's type")
                self.fill(container, items)
        except ProtocolError:
            raise
        except _BAD_VALUE as error:
            raise ProtocolError(f"no change: {type(error).__name__}") from error


def _pairs(value: Any) -> list[Any]:
    return [part for item in value.items() for part in item]


def _iso(value: Any) -> list[str]:
    return [value.isoformat()]


def _items(container: Any) -> list[Any]:
    return _pairs(container) if isinstance(container, dict) else list(container)


def _index(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ProtocolError("not an index")
    return value


def _lookup(table: dict[str, Any], name: Any) -> Any:
    if type(name) is not str or name not in table:
        raise ProtocolError("an unknown kind of value")
    return table[name]


class _Kind(NamedTuple):
    """How values of one type are sent."""

    type: Any
    parts: Callable[[Any], Iterable[Any]]
    """What is sent of a value."""
    make: Callable[[list[Any]], Any]
    """The value, from its decoded parts; for a container an empty one, which `Exchange.fill` fills."""


_CONTAINERS: dict[str, _Kind] = {
    "list": _Kind(list, iter, lambda items: []),
    "dict": _Kind(dict, _pairs, lambda items: {}),
    "set": _Kind(set, iter, lambda items: set()),
    "bytearray": _Kind(bytearray, lambda value: [value.decode("latin-1")], lambda items: bytearray()),
    "deque": _Kind(deque, lambda value: [value.maxlen, *value], lambda items: deque(maxlen=items[0])),
    "array": _Kind(array, lambda value: [value.typecode, *value.tolist()], lambda items: array(items[0])),
    "counter": _Kind(Counter, _pairs, lambda items: Counter()),
    "odict": _Kind(OrderedDict, _pairs, lambda items: OrderedDict()),
    "ddict": _Kind(defaultdict, _pairs, lambda items: defaultdict(None)),
}
_VALUES: dict[str, _Kind] = {
    "int": _Kind(int, lambda value: [hex(value)], lambda items: int(str.__str__(items[0]), 16)),
    "float": _Kind(float, lambda value: [repr(value)], lambda items: _NOT_FINITE[items[0]]),
    "tuple": _Kind(tuple, iter, tuple),
    "frozenset": _Kind(frozenset, iter, frozenset),
    "bytes": _Kind(bytes, lambda value: [value.decode("latin-1")], lambda items: items[0].encode("latin-1")),
    "complex": _Kind(complex, lambda value: [value.real, value.imag], lambda items: complex(float(items[0]), float(items[1]))),
    "range": _Kind(range, lambda value: [value.start, value.stop, value.step], lambda items: range(*items)),
    "decimal": _Kind(decimal.Decimal, lambda value: [str(value)], lambda items: decimal.Decimal(items[0])),
    "fraction": _Kind(
        fractions.Fraction,
        lambda value: [value.numerator, value.denominator],
        lambda items: fractions.Fraction(items[0], items[1]),
    ),
    "datetime": _Kind(datetime.datetime, _iso, lambda items: datetime.datetime.fromisoformat(items[0])),
    "date": _Kind(datetime.date, _iso, lambda items: datetime.date.fromisoformat(items[0])),
    "time": _Kind(datetime.time, _iso, lambda items: datetime.time.fromisoformat(items[0])),
    "timedelta": _Kind(
        datetime.timedelta,
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda items: datetime.timedelta(*items),
    ),
    "keys": _Kind(type({}.keys()), iter, lambda items: dict.fromkeys(items).keys()),
    "values": _Kind(type({}.values()), iter, lambda items: dict(enumerate(items)).values()),
    "items": _Kind(
        type({}.items()),
        lambda value: [part for item in value for part in item],
        lambda items: dict(zip(items[::2], items[1::2], strict=True)).items(),
    ),
}
# By the id of the type: a class of the program may have a metaclass with any idea of equality.
_CONTAINER_TAGS = {id(kind.type): tag for tag, kind in _CONTAINERS.items()}
_VALUE_TAGS = {id(kind.type): tag for tag, kind in _VALUES.items()}
