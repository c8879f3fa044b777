"""The beginning of a file: its kind, its first records and its fields, of which only a bounded part is read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders.recognising.head import read_head
from tests.contracts.test_source_contract import HOSTILE
from tests.helpers.reading import write, write_json, write_lines


@pytest.mark.parametrize(
    ("name", "data", "kinds"),
    [
        ("a.json", b'[{"a": 1}]', {"list"}),
        ("a.json", b'{"a": 1,\n "b": 2}', {"object"}),
        ("a.json", b'{"a": 1}\n{"a": 2}\n', {"lines"}),
        ("a.jsonl", b'\xef\xbb\xbf{"a": 1}\n', {"lines", "object"}),
        ("a.json.gz", b'{"0": {"a": 1}, "1": {"a": 2}}', {"numbered"}),
        ("a.json", b'{"data": [{"a": 1}], "meta": {"page": 1}}', {"list", "wrapped"}),
        ("a.csv", b"a,b\n1,2\n", {"csv"}),
        ("a.tsv", b"a\tb\n1\t2\n", {"tsv"}),
        ("without_ending", b'{"a": 1}\n{"a": 2}\n', {"lines"}),
    ],
)
def test_what_holds_the_records(tmp_path: Path, name: str, data: bytes, kinds: set[str]) -> None:
    head = read_head(write(tmp_path / name, data))
    assert head.kinds == kinds
    assert head.fault is None
    assert "a" in head.fields


def test_paths_of_fields_have_the_first_type_that_is_not_null(tmp_path: Path) -> None:
    records = [{"a": None, "b": [{"c": 1.5}]}, {"a": {"x.y": "t"}, "b": [], "d": True}]
    head = read_head(write_lines(tmp_path / "a.jsonl", records))
    assert head.fields == {
        "a": "object", "b": "list", "b[]": "object", "b[].c": "number", "a.x.y": "text", "d": "true or false",
    }  # fmt: skip
    assert head.records == records


def test_types_of_csv_are_those_that_all_cells_have(tmp_path: Path) -> None:
    head = read_head(write(tmp_path / "a.csv", b"i,f,t,b,n\n1,1.5,x,True,\n2,2,3,False,\n"))
    assert head.fields == {"i": "whole number", "f": "number", "t": "text", "b": "true or false", "n": "null"}


def test_a_large_file_is_read_in_part(tmp_path: Path) -> None:
    long = "x" * 3_000
    for name, kind in (("list.json", "list"), ("object.json", "object"), ("lines.jsonl", "lines")):
        records = [{"id": i, "text": long} for i in range(2_000)]
        if kind == "lines":
            path = write_lines(tmp_path / name, records)
        else:
            path = write_json(tmp_path / name, records if kind == "list" else {"first": 1, "items": records})
        head = read_head(path)
        assert head.kinds == {kind}
        assert len(head.records) == (1 if kind == "object" else 20)
        assert head.records[0] == (records[0] if kind != "object" else head.records[0])
        assert "items[].text" in head.fields or "text" in head.fields


def test_a_record_larger_than_what_is_read_is_closed(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"a": {"b": 1}, "c": ["y" * 3_000_000], "d": 1}] * 2)
    head = read_head(path)
    assert head.fields == {"a": "object", "a.b": "whole number", "c": "list"}


def test_more_records_where_they_are_asked_for(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"n": i, "t": "z" * 2_000} for i in range(3_000)])
    assert len(read_head(path, 1_500).records) == 1_500


def test_a_damaged_line_costs_no_other(tmp_path: Path) -> None:
    head = read_head(write(tmp_path / "a.jsonl", b'{"a": \n{"b": 1}\n{"b": 2}\n'))
    assert head.kinds == {"lines"}
    assert head.fields == {"b": "whole number"}


def test_parquet_gives_its_types_without_rows(tmp_path: Path) -> None:
    table = pa.table({"doc": [{"q": "x", "n": [1]}], "ok": [True], "score": [0.5]})
    pq.write_table(table, tmp_path / "a.parquet")
    head = read_head(tmp_path / "a.parquet")
    assert head.fields["doc.q"] == "text"
    assert head.fields["doc.n[]"] == "whole number"
    assert head.records == []
    assert read_head(tmp_path / "a.parquet", rows=True).records == table.to_pylist()


def test_archives(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.eval", "w") as archive:
        archive.writestr("_journal/start.json", json.dumps({"eval": {"task": "t"}}))
        archive.writestr("samples/1_epoch_1.json", "{}")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("train_score.npy", b"")
    with zipfile.ZipFile(tmp_path / "c.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    assert read_head(tmp_path / "a.eval").fields["eval.task"] == "text"
    assert read_head(tmp_path / "b.npz").fields == {"train_score": "list"}
    assert "export a spreadsheet as CSV" in str(read_head(tmp_path / "c.xlsx").fault)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_fault_or_a_few_fields(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    head = read_head(path)
    assert (head.fault is None) == bool(head.records or head.kinds == {"pickle"})
    assert len(head.fault or "") < 500


def test_binary_files(tmp_path: Path) -> None:
    assert "binary" in str(read_head(write(tmp_path / "a.json", b"\x89PNG\x00\x00")).fault)
    assert "SQLite" in str(read_head(write(tmp_path / "a.csv", b"SQLite format 3\x00...")).fault)
