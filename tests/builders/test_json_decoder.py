"""jiter decodes JSON only where it gives the value that Python's own module gives, and where nothing is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.reading import json_window
from llmfusionbench.builders.reading.json import Item, read_items
from llmfusionbench.builders.reading.json_window import Decoder
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from tests.helpers.reading import write

BLANKS = st.text(" \t\n\r", max_size=2)
NUMBERS = (
    st.integers().map(str)
    | st.integers(-(10**30), 10**30).map(str)
    | st.floats().map(json.dumps)
    | st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    | st.sampled_from(["-0", "01", "1.", ".5", "+1", "1e", "-", "9" * 4301, "1e999", "-1e999", "4.9e-324", "0x1", "1_0"])
)
TEXTS = (
    st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=False))
    | st.text(max_size=8).map(json.dumps)
    | st.text(st.characters(categories=["Cs"]), max_size=3).map(json.dumps)
    | st.sampled_from(
        ['"\\u0061"', '"a"', '":"', '"\\":"', '"\\\\"', '"\\x"', '"\\u00g0"', '"\t"', '"\x00"', '"\x7f"', '"\\/"']
    )
)
OTHERS = st.sampled_from(["true", "false", "null", "NaN", "Infinity", "-Infinity", "nan", "tru", ""])
KEYS = st.sampled_from(['"a"', '"\\u0061"', '"b"', '"é"', '"\\u00e9"', '""', "a", "1"])


def _objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    fields = st.tuples(BLANKS, KEYS | TEXTS, BLANKS, values, BLANKS).map(lambda f: f"{f[0]}{f[1]}{f[2]}:{f[3]}{f[4]}")
    return st.lists(fields, max_size=4).map(lambda listed: f"{{{','.join(listed)}}}")


def _lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=4).map(lambda listed: f"[{' , '.join(listed)}]")


VALUES = st.recursive(NUMBERS | TEXTS | OTHERS, lambda values: _objects(values) | _lists(values), max_leaves=12)
"""Texts that are mostly JSON."""


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A text in UTF-8 of which some bytes may be others, missing or added."""
    data = bytearray(draw(VALUES).encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(data)))
        data[start : start + draw(st.integers(0, 2))] = draw(st.binary(max_size=2) | st.sampled_from([b'"', b":", b"\\", b","]))
    return bytes(data)


def verdict(decode: Any, decoder: Decoder, data: bytes) -> tuple[str, str]:
    """The value, which tells 1, 1.0 and true apart, with what is wrong with it; or the error."""
    try:
        return repr(decode(data)), str(decoder.fault)
    except (ValueError, RecursionError) as error:
        return type(error).__name__, str(error)


def check(data: bytes, keys_once: bool) -> None:
    decoder, plain = Decoder(keys_once=keys_once), Decoder(keys_once=keys_once)
    assert verdict(decoder.decode_bytes, decoder, data) == verdict(lambda d: plain.decode(d.decode()), plain, data)


@given(mutated(), st.booleans())
def test_values_and_faults_are_those_of_python(data: bytes, keys_once: bool) -> None:
    check(data, keys_once)


@given(st.integers(1, 1500), st.sampled_from([("[", "]"), ('{"a":', "}"), ('[{"a": ', "}]")]), VALUES)
def test_values_nested_deep(depth: int, pair: tuple[str, str], value: str) -> None:
    data = (pair[0] * depth + value + pair[1] * depth).encode("utf-8", "surrogatepass")
    check(data, True)


@given(st.floats(allow_nan=False), st.integers(0, 30))
def test_numbers_to_the_last_bit(value: float, digits: int) -> None:
    for text in (repr(value), f"{value:.{digits}e}", f"{value:.{digits}f}"):
        check(text.encode(), True)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b'{"a": 1, "b": {"c": [{"d": 1, "\\u0064": 2}]}}', "the key 'd' is given twice in one object, expected once"),
        (b'{"a": "\xc3\xa9", "a": 1, "b": ":"}', "the key 'a' is given twice in one object, expected once"),
        (b'{"a": ' + b"1" * 4301 + b"}", "an integer has more than 4,300 digits"),
        (b'{"a": {"b": 1}, "b": {"a": 1}}', None),
        (b'{"a": NaN, "b": "\\ud800"}', None),
    ],
)
def test_what_is_wrong_with_a_value(data: bytes, fault: str | None) -> None:
    decoder = Decoder()
    decoder.decode_bytes(b'{"a": 1, "a": 2}')
    decoder.decode_bytes(data)
    assert decoder.fault == fault


def test_lines_that_jiter_refuses_one_after_the_other() -> None:
    decoder, tries = Decoder(), []
    fast = decoder._fast
    decoder._fast = lambda data: (tries.append(data), fast(data))[1]  # type: ignore[assignment, misc]
    for i in range(1000):
        assert decoder.decode_bytes(b'{"a": NaN, "b": %d}' % i) == {"a": None, "b": i}
    assert len(tries) < 25
    for i in range(1000):
        assert decoder.decode_bytes(b'{"a": %d}' % i) == {"a": i}
        assert decoder.fault is None
    assert len(tries) > 900


RECORDS = st.lists(_objects(VALUES) | st.integers(0, 3).map(lambda i: f'{{ "a":{i}}}') | VALUES, max_size=12)


def read(path: Path) -> list[Any]:
    """The items of a file, and the error that ends them."""
    found: list[Any] = []
    try:
        found.extend(map(_shown, read_items(path, path.name)))
    except InputError as error:
        found.append(str(error))
    return found


def _shown(item: Item) -> tuple[int | None, str]:
    return (item.row, item.reason) if isinstance(item, Rejected) else (item[0], repr(item[1]))


@given(RECORDS, st.sampled_from([",", ", ", ",\n  ", " ,"]), st.sampled_from(["]", " ]\n", "", ",]", "] 1"]))
def test_lists_are_read_in_pieces_as_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, records: list[str], between: str, end: str
) -> None:
    data = f"[\n{between.join(records)}{end}".encode("utf-8", "surrogatepass")
    path = write(tmp_path_factory.mktemp("list") / "x.json", data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_window, "_CHUNK", 48)
        patch.setattr(json_window, "_LEAST_PART", 48)
        pieces = read(path)
        patch.setattr(Decoder, "decode_listed", lambda *_: None)
        assert pieces == read(path)


def test_a_long_list_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [{"id": i, "turns": [{"role": "user", "text": '}, {"id"'}] * 3, "said": "é" * (i % 50)} for i in range(9000)]
    alone: list[int] = []
    value = json_window.Window.value
    monkeypatch.setattr(json_window.Window, "value", lambda window: (alone.append(1), value(window))[1])
    for indent in (None, 1):
        alone.clear()
        path = write(tmp_path / "x.json", json.dumps(records, indent=indent, ensure_ascii=False).encode())
        assert list(read_items(path, "x.json")) == list(enumerate(records))
        assert len(alone) < 9
    alike = [{"id": i, "turns": [{"id": 0}, {"id": 1}]} for i in range(9000)]
    assert list(read_items(write(tmp_path / "x.json", json.dumps(alike).encode()), "x.json")) == list(enumerate(alike))
    records[4500]["score"] = float("nan")
    path = write(tmp_path / "x.json", json.dumps(records).replace('"said": "\\u00e9"}', '"said": 1, "said": 2}').encode())
    found = list(read_items(path, "x.json"))
    assert found[4500] == (4500, records[4500] | {"score": None})
    assert [item.row for item in found if isinstance(item, Rejected)] == list(range(1, 9000, 50))
