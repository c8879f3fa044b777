"""Mutations of JSON values, of their text, of tables and of bytes. A seed repeats them."""

from __future__ import annotations

import copy
import gzip
import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, Final

import pyarrow as pa


class Raw(str):
    """JSON text that is written as it is."""


NUMBERS: Final = (
    0, -1, 1, 2, 0.5, 1e308, -1e308, 1e-320, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**30, math.nan, math.inf,
    -math.inf, Raw("9" * 400), Raw("-" + "7" * 5000), Raw("1e999"), Raw("-0"), Raw("1." + "3" * 2000),
)  # fmt: skip
TEXTS: Final = (
    "", " ", "\0", "a\0b", "\ufeff", "\ud800", "\x1b[31mred\x1b[0m", "é\u0301", "\u202edcba", "\r", "\n", "\r\n", "a,b",
    '"', "'", "\\", "nan", "None", "null", "true", "1_000", "0x1F", "=1+1", "1e5", "[1, 2", "['a', 'b']", "{'a': 1}",
    "tensor([[1., 2.]])",     "x" * 5000, "😀" * 300, "a/../../b", "a@b", "name_think", "train", "\x85", "\u2028", "[" * 3000,
)  # fmt: skip
DEEP: Final = (Raw("[" * 500 + "]" * 500), Raw("[" * 20_000 + "]" * 20_000), Raw('{"a":' * 3000 + "1" + "}" * 3000))
_CHANGES: Final = 3


def odd(rng: Random) -> Any:
    """A value that a reader may not expect."""
    kind = rng.randrange(9)
    if kind < 3:
        return rng.choice(NUMBERS)
    if kind < 6:
        return rng.choice(TEXTS)
    if kind == 6:
        return rng.choice((None, True, False))
    return rng.choice(([], {}, [None], ["a", 1], {"": ""}, {"text": ["a"], "label": ["A"]}, [[]], [{}], *DEEP))


def mutated(rng: Random, value: Any) -> Any:
    """A JSON value with up to three changes of types, names, depth or order, anywhere in it; often none."""
    value = copy.deepcopy(value)
    holder = [value]
    for _ in range(rng.choice((0, 1, 1, 1, 2, _CHANGES))):
        place, key = rng.choice(list(_places(holder)))
        _change(rng, place, key)
    return holder[0]


def mutated_row(rng: Random, row: dict[str, Any]) -> dict[str, Any]:
    """The same of a row of a table, which stays one."""
    made = mutated(rng, row)
    return made if isinstance(made, dict) and made else row


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key or index) of everything in a value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    found = [(value, key) for key in keys]
    for key in keys:
        found += _places(value[key])
    return found


def _change(rng: Random, place: Any, key: Any) -> None:
    match rng.randrange(8):
        case 0:
            del place[key]
            if isinstance(place, list) and not place:
                place.append(None)
        case 1 if isinstance(place, dict):
            place[rng.choice((*TEXTS, str(key).upper()))] = place.pop(key)
        case 2:
            place[key] = [place[key]]
        case 3:
            place[key] = {str(key): place[key]}
        case 4 if isinstance(place, list):
            place.insert(0, copy.deepcopy(place[key]))
        case 5:
            other = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
            place[key], place[other] = place[other], place[key]
        case 6 if isinstance(place[key], str):
            text = rng.choice(TEXTS)
            place[key] = rng.choice((text + place[key], place[key] + text, place[key] * 40))
        case _:
            place[key] = odd(rng)


def json_text(value: Any, rng: Random | None = None, *, indent: int | None = None) -> str:
    """A value as JSON text, with `Raw` values as they are; `rng` repeats a key of an object now and then."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        pairs = [f"{json_text(str(k))}: {json_text(v, rng)}" for k, v in value.items()]
        if rng is not None and pairs and rng.random() < 0.01:
            pairs.append(rng.choice((pairs[0], f"{pairs[-1].partition(': ')[0]}: 1")))
        return "{" + (", " if indent is None else ",\n  ").join(pairs) + "}"
    if isinstance(value, list):
        return "[" + (", " if indent is None else ",\n  ").join(json_text(v, rng) for v in value) + "]"
    return json.dumps(value)


def json_file(rng: Random, values: Sequence[Any]) -> bytes:
    """A file of JSON records: a list, lines, or pretty-printed."""
    match rng.randrange(4):
        case 0:
            text = json_text(list(values), rng)
        case 1:
            text = json_text(list(values), rng, indent=2)
        case _:
            text = "".join(json_text(v, rng) + rng.choice(("\n", "\n", "\r\n", "\n\n")) for v in values)
    return text.encode("utf-8", "surrogatepass")


def damaged(rng: Random, data: bytes) -> bytes:
    """Bytes that were cut, changed, encoded or packed in another way."""
    place = rng.randrange(len(data) + 1)
    changes: tuple[Callable[[], bytes], ...] = (
        lambda: data[:place],
        lambda: data[place:],
        lambda: data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :],
        lambda: data[:place] + rng.choice((b"\0", b"\xff", b'"', b"\xef\xbb\xbf", b"\r", b",", b"[", b"{")) + data[place:],
        lambda: data + data,
        lambda: b"\xef\xbb\xbf" + data,
        lambda: data.decode("utf-8", "replace").encode("utf-16"),
        lambda: data.decode("utf-8", "replace").encode("latin-1", "replace"),
        lambda: b"",
        lambda: bytes(rng.randrange(256) for _ in range(50)),
        lambda: gzip.compress(data)[:-9],
        lambda: data[place:] + data[:place],
    )
    return rng.choice(changes)()


def packed(rng: Random, data: bytes) -> bytes:
    """Bytes as they are, or in gzip or zstd."""
    match rng.randrange(6):
        case 0:
            return gzip.compress(data, 1)
        case 1:
            return bytes(pa.Codec("zstd").compress(data, asbytes=True))
        case _:
            return data


_TYPES: Final[tuple[tuple[pa.DataType, Any], ...]] = (
    (pa.null(), None), (pa.bool_(), True), (pa.int8(), 1), (pa.int64(), 2**62), (pa.uint64(), 2**64 - 1), (pa.float16(), None),
    (pa.float64(), math.nan), (pa.decimal128(30, 4), Decimal("12345678901234567890.1234")), (pa.decimal256(60, 2), Decimal(1)),
    (pa.string(), "a"), (pa.large_string(), "b"), (pa.string_view(), "c"), (pa.binary(), b"\xff\xfe"), (pa.binary(), b"ok"),
    (pa.large_binary(), b"\x80"), (pa.binary(3), b"abc"), (pa.dictionary(pa.int8(), pa.string()), "d"),
    (pa.timestamp("us", "Europe/Berlin"), datetime(2024, 1, 2, tzinfo=UTC)), (pa.timestamp("ns"), datetime(1700, 1, 2)),
    (pa.date32(), datetime(2024, 1, 2)), (pa.time64("us"), None), (pa.duration("s"), None),
    (pa.list_(pa.string()), ["a", None]), (pa.large_list(pa.int8()), [1]), (pa.list_(pa.float32(), 2), [1.0, 2.0]),
    (pa.struct({"a": pa.int8()}), {"a": 1}), (pa.map_(pa.string(), pa.int8()), [("k", 1)]),
    (pa.list_(pa.list_(pa.struct({"x": pa.binary()}))), [[{"x": b"\xff"}]]), (pa.uuid(), b"0" * 16), (pa.json_(), '{"a": 1}'),
)  # fmt: skip


def arrow_table(rng: Random, rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows as a table some of whose columns have other types, names, places or values."""
    names = list(dict.fromkeys(name for row in rows for name in row if name.isascii() or "\ud800" not in name))
    columns: list[tuple[str, pa.Array]] = []
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            columns.append((name, pa.array(values)))
        except (pa.ArrowException, OverflowError, ValueError, TypeError):
            columns.append((name, pa.array([None if v is None else str(v)[:50].encode("utf-8", "replace") for v in values])))
    for _ in range(rng.choice((0, 1, 1, 2))):
        place = rng.randrange(len(columns))
        name, array = columns[place]
        match rng.randrange(6):
            case 0 if len(columns) > 1:
                del columns[place]
            case 1:
                columns.append(columns[rng.randrange(len(columns))])
            case 2:
                columns[place] = (rng.choice(TEXTS).encode("utf-8", "replace").decode(), array)
            case _:
                kind, value = rng.choice(_TYPES)
                cells = [rng.choice((value, value, None)) for _ in rows]
                columns[place] = (name, pa.array(cells, kind))
    if rng.random() < 0.2:
        rng.shuffle(columns)
    return pa.Table.from_arrays([array for _, array in columns], names=[name for name, _ in columns])
