"""Values that cross between processes keep their types; hostile messages are refused, never executed."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import json
import math
import socket
import struct
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.sandbox.guest import frames
from llmfusionbench.sandbox.guest.codec import Exchange, UnsupportedError


class Nothing:
    def to_wire(self, value: object) -> list[Any]:
        raise UnsupportedError(type(value).__name__)

    def from_wire(self, kind: str, number: int) -> object:
        raise frames.ProtocolError(kind)


def there(value: Any) -> Any:
    text = json.dumps(Exchange(Nothing()).encode(value), allow_nan=False)
    return Exchange(Nothing()).decode(json.loads(text))


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a), list(b)) and same(list(a.values()), list(b.values()))
    return bool(a == b)


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
    | st.binary() | st.complex_numbers(allow_nan=False)
)  # fmt: skip
hashable = st.recursive(scalars, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5)
values = st.recursive(
    hashable,
    lambda inner: st.lists(inner) | st.dictionaries(hashable, inner) | st.sets(hashable) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(values)
def test_values_arrive_as_they_left(value: Any) -> None:
    assert same(there(value), value) or "nan" in repr(value)


@pytest.mark.parametrize(
    "value",
    [
        *(2**100_000, -(2**70_000), -0.0, "\ud800", "\x00", 1j, b"\xff", range(3, 9, 2), int, len, type(None)),
        *(decimal.Decimal("1.10"), fractions.Fraction(1, 3), datetime.date(2020, 1, 2), datetime.timedelta(1, 2, 3)),
        *(datetime.datetime(2020, 1, 2, 3, 4), collections.Counter("aab"), collections.deque([1, 2], maxlen=3)),
        *(collections.OrderedDict(b=1, a=2), bytearray(b"ab"), array("d", [1.5, 2.5]), [[], [[]], ({1: {2}},)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_types_are_kept(value: Any) -> None:
    got = there(value)
    assert same(got, value)
    assert getattr(got, "maxlen", None) == getattr(value, "maxlen", None)


def test_subclasses_arrive_as_the_plain_type() -> None:
    class Liar(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    color = enum.IntEnum("color", "red green")
    pair = collections.namedtuple("pair", "a b")
    got = there([Liar(3), color.green, pair(1, 2)])
    assert same(got, [3, 2, (1, 2)])


def test_shared_and_cyclic_containers_stay_so() -> None:
    inner: list[Any] = [1]
    outer: list[Any] = [inner, inner]
    outer.append(outer)
    got = there(outer)
    assert got[0] is got[1]
    assert got[2] is got


@pytest.mark.parametrize(
    "node",
    [
        *({"a": 1}, [], ["os"], ["list"], ["list", 5], ["list", True], ["ref", 0], ["ref", -1], ["ref", "a"]),
        *(["builtin", "exec"],),
        *(["builtin", "eval"], ["builtin", []], ["mine", 0], ["dict", 0, 1], ["dict", 0, ["list", 1], 2]),
        *(["set", 0, ["list", 1]],),
        *(["int", "0x"], ["int", 5], ["float", "1"], ["float", ["list", 0]], ["bytes", "\u1234"], ["range", 1, 2, 0]),
        *(["fraction", 1, 0], ["date", "x"], ["array", 0, "?"], ["deque", 0, -1]),
        *([["list", 0]], [None], ["decimal", ["list", 0]]),
    ],
)  # fmt: skip
def test_hostile_values_are_refused(node: Any) -> None:
    with pytest.raises(frames.ProtocolError):
        Exchange(Nothing()).decode(node)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"[1]", b'["a"', b"\xff\xff", b"[" * 200_000, b'["a", NaN]', b'["a", ' + b"9" * 5000 + b"]"]
)
def test_hostile_frames_are_refused(body: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.settimeout(5)
        left.sendall(struct.pack(">I", len(body)) + body) if len(body) < 100_000 else None
        if len(body) >= 100_000:
            left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            left.sendall(struct.pack(">I", len(body)) + body)
        with pytest.raises(frames.ProtocolError):
            frames.receive(right)


def test_a_frame_over_the_limit_is_neither_sent_nor_read() -> None:
    left, right = socket.socketpair()
    with left, right:
        with pytest.raises(frames.TooLargeError, match="at most"):
            frames.send(left, ["x", "y" * frames.LIMIT_BYTES])
        left.sendall(struct.pack(">I", frames.LIMIT_BYTES + 1))
        with pytest.raises(frames.ProtocolError, match="at most"):
            frames.receive(right)
        left.close()
        with pytest.raises(frames.ChannelClosedError):
            frames.receive(right)


def test_changes_reach_only_what_was_passed() -> None:
    ours = Exchange(Nothing())
    data = [3, 1, 2]
    ours.encode([data])
    with pytest.raises(frames.ProtocolError, match="not passed"):
        ours.apply([["list", 2, 9]], 2)
    with pytest.raises(frames.ProtocolError, match="type"):
        ours.apply([["dict", 1]], 2)
    ours.apply([["list", 1, 1, 2, 3]], 2)
    assert data == [1, 2, 3]
