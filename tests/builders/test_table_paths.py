"""Paths into the records of a table, in every format."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.reading.field_paths import field_paths
from llmfusionbench.builders.reading.paths import MISSING, UNKNOWN, FieldPath, find_path, leaves, parse_path, written
from llmfusionbench.builders.sources.table import Table
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, write, write_json, write_lines

RECORDS: list[dict[str, Any]] = [
    {
        "id": 1,
        "model": "a",
        "body": {"choices": [{"message": {"content": "six"}}, {"message": {"content": "seven"}}]},
        "a.b": "x",
    },
    {"id": 2, "model": "a", "body": {"choices": [{"message": {"content": None}}]}, "a.b": "y"},
    {"id": 3, "model": "a", "body": None, "a.b": "z"},
]
BASE = {"source_id": "id", "llm": "model"}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("a.0.-1", ("a", "0", "-1")),
        ("a[-1]", ("a", -1)),
        ('doc."a.b"."q\\"x"', ("doc", "a.b", 'q"x')),
        ('doc["a[0]"].c', ("doc", "a[0]", "c")),
        ("größe.x y", ("größe", "x y")),
    ],
)
def test_steps(text: str, steps: tuple[str | int, ...]) -> None:
    assert parse_path(text) == steps


@pytest.mark.parametrize("text", ["a..b", ".a", "a[x]", "a[0", 'a."b', "a]", 'a"b"', "a[0]b", "a."])
def test_texts_that_are_not_paths(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read from character"):
        parse_path(text)


@given(st.text(min_size=1), st.lists(st.text() | st.integers(-999, 999), max_size=4))
def test_a_path_is_read_as_it_is_written(column: str, steps: list[str | int]) -> None:
    assert parse_path(written(column, tuple(steps))) == (column, *steps)


def test_a_column_with_the_whole_name_counts_first() -> None:
    assert find_path("a.b", ["a", "a.b"]) == FieldPath("a.b", ())
    assert find_path("a.b.c", ["a", "a.b"]) == FieldPath("a.b", ("c",))
    assert find_path("a.b.c", ["a"]) == FieldPath("a", ("b", "c"))
    assert find_path("x.b", ["a"]) is None
    assert find_path("", ["a"]) is None


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ({"b": [1, 2]}, "a.b.1", 2),
        ({"0": "key"}, "a.0", "key"),
        ([["deep"]], "a[0][-1]", "deep"),
        ('{"b": ["in a text"]}', "a.b[0]", "in a text"),
        ("{'b': 'a literal'}", "a.b", "a literal"),
        ({"b": 1}, "a.c", MISSING),
        ([1], "a[1]", MISSING),
        ([1], "a.x", MISSING),
        (3, "a.b", MISSING),
        ("words", "a.b", MISSING),
        ({}, "a.b", UNKNOWN),
        (None, "a.b", UNKNOWN),
        ({"b": None}, "a.b.c", UNKNOWN),
        ({"b": None}, "a.b", None),
    ],
)
def test_what_stands_at_a_path(value: Any, path: str, found: Any) -> None:
    at = find_path(path, ["a"])
    assert at is not None
    assert at.of(value) is found or at.of(value) == found


def formats(folder: Path) -> list[Path]:
    rows = [{**r, "body": json.dumps(r["body"]) if r["body"] else ""} for r in RECORDS]
    lines = [
        "id,model,body,a.b",
        *(",".join(f'"{str(v).replace(chr(34), chr(34) * 2)}"' for v in row.values()) for row in rows),
    ]
    parquet = folder / "t.parquet"
    pq.write_table(pa.Table.from_pylist(RECORDS), parquet)
    return [
        write_lines(folder / "t.jsonl", RECORDS),
        write_json(folder / "t.json.gz", RECORDS),
        write(folder / "t.csv", "\n".join(lines).encode()),
        parquet,
    ]


def test_paths_in_every_format(tmp_path: Path) -> None:
    for path in formats(tmp_path):
        for text, expected in (
            ("body.choices[0].message.content", ["six", None, None]),
            ("body.choices.-1.message.content", ["seven", None, None]),
            ("body.choices[1].message.content", ["seven", None, None]),
            ("a.b", ["x", "y", "z"]),
        ):
            found = read(Table(map={**BASE, "response": text}), path)
            assert (found.column("response"), found.rejected) == (expected, []), (path.name, text)


def test_a_path_that_no_record_has_names_the_nearest(tmp_path: Path) -> None:
    for path in formats(tmp_path):
        with pytest.raises(InputError) as caught:
            read(Table(map={**BASE, "response": "body.choices[0].message.contents"}), path)
        assert "no record has body.choices[0].message.contents. The nearest paths: body.choices[0].message.content" in str(
            caught.value
        )


def test_a_path_through_nothing_but_nulls_is_no_mistake(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "t.jsonl", [{"prompt": "A?", "llm": "x", "response": "y", "error": None}])
    assert read(Table(map={"error": "error.message"}), path).column("error") == [None]


def test_numbers_at_paths_take_a_factor_and_a_scale(tmp_path: Path) -> None:
    rows = [{"prompt": "A?", "llm": "x", "took": {"ms": 1500}, "grade": {"of": {"judge": 4}}}]
    mapping = {"latency_s": "took.ms/1000", "judge_score": "grade.of.judge 0:5", "judge": "=j"}
    found = read(Table(map=mapping), write_lines(tmp_path / "t.jsonl", rows))
    assert found.column("latency_s") == [1.5]
    assert found.column("judge_score") == [4.0]  # the build brings it to 0..1


def test_an_object_is_not_a_text(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"{i}?", "llm": "x", "out": out} for i, out in enumerate([{"say": {"text": "y", "lang": "en"}}, "z", {}])
    ]
    kinds = {"t.jsonl": rows, "t.parquet": [rows[0]]}
    for name, records in kinds.items():
        path = tmp_path / name
        if path.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(records), path)
        else:
            write_lines(path, records)
        found = read(Table(map={"response": "out"}), path)
        assert found.reasons == [
            (
                name,
                0,
                "out (response) is an object, expected a text. Remedy: map a text in it, such as --map "
                "'response=out.say.text', or one of its other texts, such as out.say.lang",
            )
        ]
        assert found.column("response") == ["z", None][: len(records) - 1]


def test_turns_that_are_mapped_as_a_prompt_name_messages(tmp_path: Path) -> None:
    rows = [{"asked": [{"role": "user", "content": "A?"}], "llm": "x", "response": "y"}]
    path = write_lines(tmp_path / "t.jsonl", rows)
    assert "Remedy: map it as turns with --map messages=asked" in read(Table(map={"prompt": "asked"}), path).reasons[0][2]
    assert read(Table(map={"messages": "asked"}), path).column("messages") == [[{"role": "user", "content": "A?"}]]


def test_half_a_character_in_a_text_of_json_rejects_its_record_alone(tmp_path: Path) -> None:
    data = b'prompt,llm,body\nA?,x,"{""t"": ""\\ud83d""}"\nB?,x,"{""t"": ""y""}"\n'
    found = read(Table(map={"response": "body.t"}), write(tmp_path / "t.csv", data))
    assert found.column("response") == ["y"]
    assert [(row, reason.partition(",")[0]) for _, row, reason in found.reasons] == [(0, "body.t is broken at character 0")]


def test_the_paths_of_a_file(tmp_path: Path) -> None:
    for path in formats(tmp_path):
        found = field_paths(path, path.name)
        assert list(found)[:2] == ["id", "model"], path.name
        assert found["body.choices[0].message.content"].examples == ['"six"']
        assert found['"a.b"'].count == 3
    assert dict(found["id"].kinds) == {"number": 3}


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(), s)))
def test_every_listed_path_leads_to_its_value(value: Any) -> None:
    for steps, leaf in leaves(value):
        found = FieldPath("x", steps).of(value)
        assert found is leaf or found == leaf


def test_lists_of_one_length_and_maps_of_parquet(tmp_path: Path) -> None:
    said = pa.array([[("en", "yes"), ("de", "ja")], None, [("en", "no")], []], pa.map_(pa.string(), pa.string()))
    scores = pa.array([[0.0, 1.0], None, [0.5, 0.25], [1.0, 1.0]], pa.list_(pa.float64(), 2))
    columns = {"prompt": ["A?", "B?", "C?", "D?"], "llm": ["x"] * 4, "said": said, "scores": scores}
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(columns), path)
    found = read(Table(map={"response": "said.de", "performance": "scores[-1]"}), path)
    assert found.column("response") == ["ja", None, None, None]
    assert found.column("performance") == [1.0, None, 0.25, 1.0]


@pytest.mark.parametrize("text", ["said.fr", "scores[2]", "scores.x", "more[5]"])
def test_a_path_that_no_row_of_parquet_has(tmp_path: Path, text: str) -> None:
    said = pa.array([[("en", "yes")]], pa.map_(pa.string(), pa.string()))
    columns = {"prompt": ["A?"], "llm": ["x"], "said": said, "scores": pa.array([[0.0, 1.0]], pa.list_(pa.float64(), 2))}
    pq.write_table(pa.table({**columns, "more": [["a", "b"]]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="no record has"):
        read(Table(map={"response": text}), tmp_path / "t.parquet")
