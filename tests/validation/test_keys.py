"""Keys, within a table and between tables: found by hash, told by the keys themselves, whatever lies between."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import llmfusionbench as lfb
from llmfusionbench.schema import table_schema
from llmfusionbench.validation import keys, rows
from llmfusionbench.validation.keys import KeyCheck, key_hashes
from tests.helpers.tiny_release import change_rows, replace_shard, write_tiny_release

values = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ab", "a\x00", "é", "x" * 100]), st.text(max_size=3))


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(st.tuples(values, values), max_size=30), st.integers(1, 5), st.booleans())
def test_repeated_keys_are_those_of_a_dictionary(pairs: list[tuple[str | None, str | None]], size: int, encoded: bool) -> None:
    check = KeyCheck(["a", "b"])
    for start in range(0, len(pairs), size):
        part = pairs[start : start + size]
        columns = [pa.array([p[i] for p in part], pa.string()) for i in (0, 1)]
        if encoded:
            columns = [c.dictionary_encode() for c in columns]
        check.add(pa.RecordBatch.from_arrays(columns, ["a", "b"]), start)
    whole = [p for p in pairs if None not in p]
    assert check.suspects() == [i for i, p in enumerate(pairs) if whole.count(p) > 1]
    assert len(check.hashes) == len(whole)


def test_the_order_of_the_columns_counts() -> None:
    batch = pa.RecordBatch.from_pydict({"a": ["x", "y", "xy", ""], "b": ["y", "x", "", "xy"]})
    assert len(set(key_hashes(batch, ["a", "b"]).tolist())) == 4


def llms(path: Path, names: list[str | None]) -> list[tuple[int | None, str | None]]:
    table = pa.table({"llm": pa.array(names, pa.string())})
    pq.write_table(table, path / "llms.parquet")
    return [(i.row, i.value) for i in lfb.validate(path / "llms.parquet")]


def test_two_keys_of_one_hash_are_no_issue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "key_hashes", lambda batch, columns: np.zeros(batch.num_rows, np.uint64))
    assert llms(tmp_path, ["a", "b", "c"]) == []
    assert llms(tmp_path, ["a", "b", "a"]) == [(2, '"a"')]


def test_nulls_repeat_nothing(tmp_path: Path) -> None:
    assert llms(tmp_path, [None, "a", None, "a"]) == [(0, "null"), (2, "null"), (3, '"a"')]


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 7, 1000])
def test_keys_meet_across_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int) -> None:
    monkeypatch.setattr(rows, "BATCH_ROWS", batch_rows)
    assert llms(tmp_path, ["a", "b", "c", "b", "d", "a", "b"]) == [(3, '"b"'), (5, '"a"'), (6, '"b"')]


def test_a_broken_batch_shifts_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys behind a batch whose text is broken are still told by their own rows."""
    monkeypatch.setattr(rows, "BATCH_ROWS", 2)
    names = pa.array([b"a", b"\xff", b"b", b"c", b"b", b"a"], pa.binary())
    broken = pa.StringArray.from_buffers(6, names.buffers()[1], names.buffers()[2])
    pq.write_table(pa.table({"llm": broken}), tmp_path / "llms.parquet")
    found = [(i.row, i.value) for i in lfb.validate(tmp_path / "llms.parquet")]
    assert found == [(1, "byte 0xff at 0"), (4, '"b"')]


def test_lines_of_text_files(tmp_path: Path) -> None:
    (tmp_path / "llms.jsonl").write_text('\n{"llm": "a"}\n{broken\n\n{"llm": "b"}\n5\n6\n{"llm": "a"}\n')
    found = [(i.line, i.value) for i in lfb.validate(tmp_path / "llms.jsonl")]
    assert found == [(3, '"{broken"'), (6, "5"), (7, "6"), (8, '"a"')]
    assert "llms.jsonl line 2 has the same one" in str(lfb.validate(tmp_path / "llms.jsonl")[-1])


def test_files_without_rows_are_not_blamed(tmp_path: Path) -> None:
    """An empty shard begins where the next one does."""
    release = write_tiny_release(tmp_path / "release")
    empty = table_schema("responses").arrow.empty_table()
    replace_shard(release, "responses/partial_test-00000-of-00001.parquet", empty)
    replace_shard(release, "responses/test-00000-of-00002.parquet", empty)
    change_rows(release, "responses/train-00000-of-00001.parquet", lambda r: r.append(dict(r[0])))
    change_rows(release, "responses/test-00000-of-00001.parquet", lambda r: r[0].update(llm="nobody"))
    found = [(i.file, i.row) for i in lfb.validate(release) if i.expected.startswith(("a unique key", "a row of llms"))]
    assert found == [("responses/train-00000-of-00001.parquet", 4), ("responses/test-00000-of-00001.parquet", 0)]


def test_what_points_into_a_damaged_table_is_not_blamed(tmp_path: Path) -> None:
    release = write_tiny_release(tmp_path / "release")
    (release / "llms" / "train-00000-of-00001.parquet").unlink()
    assert [i.file for i in lfb.validate(release)] == ["llms/train-00000-of-00001.parquet"]


def test_against_a_dictionary(tmp_path: Path) -> None:
    """Every foreign key and key of a release, damaged at random, against sets of tuples."""
    rng = random.Random(0)
    release = write_tiny_release(tmp_path / "release")
    names = {"query_id": ["0" * 24, "1" * 24], "llm": ["tiny", "nobody"], "mode": ["direct", "think"]}
    tables = ("llms", "queries", "responses", "judge_scores", "thought_templates", "routing", "logs")
    for _ in range(12):
        table = rng.choice(("responses", "judge_scores", "logs"))
        shard = f"{table}/{rng.choice(['train', 'test'])}-00000-of-00001.parquet"
        column = rng.choice(list(names))
        change_rows(release, shard, lambda r: r and rng.choice(r).update({column: rng.choice(names[column])}))  # noqa: B023
        content = {t: lfb.open_release(release).table(t).to_table().to_pylist() for t in tables}
        expected = 0
        for name in tables:
            schema = table_schema(name)
            found = [tuple(r[k] for k in schema.key) for r in content[name]]
            expected += len(found) - len(set(found))
            for foreign in schema.foreign_keys:
                known = {tuple(r[c] for c in foreign.columns) for r in content[foreign.table]}
                expected += sum(tuple(r[c] for c in foreign.columns) not in known for r in content[name])
        wrong = [i for i in lfb.validate(release) if i.expected.startswith(("a unique key", "a row of"))]
        assert len(wrong) == expected
    assert expected
