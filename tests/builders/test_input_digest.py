"""The digest of rows: every change of a value or of the order shows, and how Arrow holds them does not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from llmfusionbench.builders.making.input_digest import table_digest

ROWS = [
    {"text": "a", "number": 1, "real": 0.5, "flag": True, "list": ["x", "y"], "turns": [{"role": "user", "content": "hi"}]},
    {"text": None, "number": None, "real": None, "flag": None, "list": None, "turns": None},
    {"text": "", "number": 0, "real": 0.0, "flag": False, "list": [], "turns": []},
    {"text": "b", "number": 2, "real": 1.5, "flag": True, "list": [None], "turns": [{"role": None, "content": ""}]},
    {"text": "a", "number": 3, "real": 2.5, "flag": True, "list": ["xy"], "turns": [None]},
]
SCHEMA = pa.schema(
    {
        "text": pa.string(),
        "number": pa.int64(),
        "real": pa.float64(),
        "flag": pa.bool_(),
        "list": pa.list_(pa.string()),
        "turns": pa.list_(pa.struct({"role": pa.string(), "content": pa.string()})),
    }
)
CHANGES = [
    (0, "text", "c"), (1, "text", ""), (2, "text", None), (1, "number", 0), (2, "number", None), (0, "real", 0.25),
    (1, "flag", False), (2, "flag", None), (0, "list", ["x"]), (0, "list", ["xy"]), (2, "list", None), (1, "list", []),
    (3, "list", [""]), (0, "turns", [{"role": "user", "content": "ho"}]), (3, "turns", [{"role": "", "content": ""}]),
    (4, "turns", [{"role": None, "content": None}]), (2, "turns", None),
]  # fmt: skip


def table(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def coded(rows: pa.Table) -> pa.Table:
    return rows.set_column(0, "text", rows["text"].dictionary_encode())


@pytest.mark.parametrize(("place", "name", "value"), CHANGES)
def test_every_change_shows(place: int, name: str, value: object) -> None:
    rows = [dict(row) for row in ROWS]
    rows[place][name] = value
    assert table_digest(table(rows)) != table_digest(table(ROWS))
    assert table_digest(table(rows), but=[name]) == table_digest(table(ROWS), but=[name])


def test_order_and_names_show() -> None:
    assert table_digest(table(ROWS[::-1])) != table_digest(table(ROWS))
    named = table(ROWS).rename_columns(["texts", *SCHEMA.names[1:]])
    assert table_digest(named) != table_digest(table(ROWS))
    assert table_digest(table(ROWS[:4])) != table_digest(table(ROWS))
    assert table_digest(coded(table(ROWS)).slice(0, 2)) != table_digest(coded(table(ROWS)).slice(2, 2))


def test_how_rows_are_held_does_not_show() -> None:
    rows = table(ROWS)
    wanted = table_digest(rows)
    assert table_digest(pa.concat_tables([rows.slice(0, 2), rows.slice(2)])) == wanted
    assert table_digest(pa.concat_tables([rows, rows]).slice(5)) == wanted
    assert table_digest(pa.concat_tables([rows, rows]).take(list(range(5)))) == wanted
    assert table_digest(pa.Table.from_batches(rows.to_batches(max_chunksize=1))) == wanted


def test_numbers_of_codes_do_not_show() -> None:
    rows = table(ROWS)
    other = pa.DictionaryArray.from_arrays(pa.array([2, None, 1, 3, 2]), pa.array(["unused", "", "a", "b"]))
    assert table_digest(rows.set_column(0, "text", other)) == table_digest(coded(rows))
    assert table_digest(coded(pa.concat_tables([rows.slice(3), rows])).slice(2)) == table_digest(coded(rows))


def test_no_rows() -> None:
    assert table_digest(table([])) == table_digest(table(ROWS).slice(0, 0))
    assert table_digest(table([])) != table_digest(table([]).select(["text"]))


def test_a_type_without_bytes_of_its_own_is_refused() -> None:
    with pytest.raises(TypeError, match="no digest of large_string"):
        table_digest(pa.table({"text": pa.array(["a"], pa.large_string())}))
