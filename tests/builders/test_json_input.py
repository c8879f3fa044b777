import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.reading.fields import BadRecordError, count, literal, number, option_texts
from llmfusionbench.builders.reading.file_names import labels, stem
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.limits import REMEDY, limit_records
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from tests.helpers.reading import write


def items(path: Path) -> list[tuple[int, Any]]:
    return [(item.row, item.reason) if isinstance(item, Rejected) else item for item in read_items(path, path.name)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'[{"a": 1}, 2]', [{"a": 1}, 2]),
        (b'\n\n{"a": 1}\n\n{"a": 2}', [{"a": 1}, {"a": 2}]),
        (b'{"a": 1}', [{"a": 1}]),
        (b'{\n "a": {\n  "b": 1}\n}\n', [{"a": {"b": 1}}]),
        (b'\xef\xbb\xbf[{"a": NaN}]', [{"a": None}]),
        (b'{"a": Infinity}\r\n{"a": 2}\r\n', [{"a": float("inf")}, {"a": 2}]),
        (b"[]", []),
    ],
)
def test_lists_lines_and_single_values(tmp_path: Path, data: bytes, expected: list[Any]) -> None:
    assert items(write(tmp_path / "x.json", data)) == list(enumerate(expected))
    zst = write(tmp_path / "x.json.zst", pa.Codec("zstd").compress(data, asbytes=True))
    assert items(zst) == list(enumerate(expected))


def test_a_first_line_that_is_broken_costs_no_other(tmp_path: Path) -> None:
    found = items(write(tmp_path / "x.jsonl", b'{"a": 1\n{"a": 2}\n'))
    assert found[0][0] == 0
    assert "not JSON" in found[0][1]
    assert found[1:] == [(1, {"a": 2})]


def test_a_line_that_is_too_long(tmp_path: Path) -> None:
    reason = f"the line is longer than 1 MiB, expected a record of JSON. {REMEDY}"
    long = json.dumps({"a": "x" * (5 << 20)})
    with limit_records(1):
        found = items(write(tmp_path / "x.jsonl.gz", f'{{"a": 1}}\n{long}\n{{"a": 3}}\n{long}'.encode()))
    assert found == [
        (0, {"a": 1}),
        (1, reason),
        (2, {"a": 3}),
        (3, reason),
    ]


def test_lines_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl.gz", b"".join(json.dumps({"a": str(i) * 50}).encode() + b"\n" for i in range(3000)))
    path.write_bytes(path.read_bytes()[:-99])
    with pytest.raises(InputError, match=r"x\.jsonl\.gz: cannot be read to its end"):
        items(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.json: No such file"):
        items(tmp_path / "x.json")


@given(st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())), min_size=1))
def test_reads_what_json_writes(tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.mktemp("json")
    listed = write(folder / "list.json", json.dumps(records, ensure_ascii=True).encode())
    lines = write(folder / "lines.jsonl", "".join(json.dumps(r) + "\n" for r in records).encode())
    assert items(listed) == items(lines) == list(enumerate(records))


def test_names_of_files() -> None:
    paths = [Path("a/b/x.json"), Path("a/c/x.json"), Path("y.json"), Path("a/b/x.json"), Path("z/b/w.json"), Path("a/b/w.json")]
    assert labels(paths) == ["b/x.json", "c/x.json", "y.json", "b/x.json", "z/b/w.json", "a/b/w.json"]
    assert [stem(Path(n)) for n in ("a.json.gz", "b-3.1.jsonl", "c.CSV.zst", "d", ".json")] == ["a", "b-3.1", "c", "d", ".json"]


@pytest.mark.parametrize("value", ["1", float("inf"), float("nan"), [1], {}])
def test_numbers_that_are_none(value: Any) -> None:
    with pytest.raises(BadRecordError, match="expected a number"):
        number({"x": value}, "x")


def test_numbers() -> None:
    assert [number({"x": v}, "x") for v in (1, 0.5, True, None)] == [1.0, 0.5, 1.0, None]
    assert [count({"x": v}, "x") for v in (3, 3.0, None)] == [3, 3, None]
    for value in (0.5, 2**60):
        with pytest.raises(BadRecordError, match="expected a whole number"):
            count({"x": value}, "x")


def test_nothing_in_a_literal_is_run(tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    assert literal(f"open({str(flag)!r}, 'w')") is None
    assert literal("(" * 10_000) is None
    assert not flag.exists()


@given(st.lists(st.text(st.characters(codec="utf-8"))))
def test_options_survive_their_repr(options: list[str]) -> None:
    assert option_texts(repr(options)) == options
    assert option_texts(json.dumps(options)) == options
    assert option_texts(repr({"text": options, "label": [f"{i:03}" for i in range(len(options))]})) == options
