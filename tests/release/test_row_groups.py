"""Where files are cut: at places that the rows choose, within limits, so that most of the next version is there already."""

from __future__ import annotations

import hashlib
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from benchmarks._chunks import Store
from llmfusionbench.release import write_shard
from llmfusionbench.release.row_groups import LEAST_BYTES, MOST_BYTES, MOST_ROWS, ROW_GROUP_BYTES, row_group_starts
from llmfusionbench.release.row_sizes import row_sizes
from llmfusionbench.schema import table_schema
from tests.helpers.small_release import rows

NAME = "responses/train-00000-of-00001.parquet"
LLMS = 4
WORDS = " ".join(random.Random(0).choices([f"{n * 7919 % 9973:x}" for n in range(3_000)], k=400_000))


def answers(numbers: range, *, llms: int = LLMS, bytes_each: int = 10_000, skip: frozenset[int] = frozenset()) -> pa.Table:
    """Answers of some LLMs to each of some queries, sorted by key, each a piece of `WORDS` of up to twice `bytes_each`."""
    found = []
    for query, number in sorted((hashlib.sha256(str(n).encode()).hexdigest()[:24], n) for n in numbers if n not in skip):
        rng = random.Random(number)
        for k in range(llms):
            start = rng.randrange(len(WORDS) - 2 * bytes_each)
            found.append((query, f"llm {k:02d}", WORDS[start : start + rng.randrange(2 * bytes_each)]))
    columns = [pa.array(column) for column in zip(*found, strict=True)]
    made = rows("responses", range(1)).take(pa.array(np.zeros(len(found), np.int64)))
    for name, values in zip(("query_id", "llm", "response"), columns, strict=True):
        made = made.set_column(made.schema.get_field_index(name), made.schema.field(name), values)
    return made


def sizes_of(table: pa.Table, starts: np.ndarray) -> list[int]:
    """The bytes of each group."""
    before = np.append(0, np.cumsum(np.concatenate([row_sizes(batch) for batch in table.to_batches()])))
    return [int(before[end] - before[start]) for start, end in pairwise([*starts.tolist(), table.num_rows])]


def with_texts(texts: list[str], query: str | None = None) -> pa.Table:
    """Answers with these texts, each to a query of its own or all to `query`."""
    made = rows("responses", range(len(texts)))
    made = made.set_column(made.schema.get_field_index("response"), made.schema.field("response"), pa.array(texts))
    if query is None:
        return made
    ids = pa.repeat(query, len(texts))
    return made.set_column(made.schema.get_field_index("query_id"), made.schema.field("query_id"), ids)


@pytest.fixture(scope="module")
def many() -> pa.Table:
    return answers(range(1_500))


def test_the_limits(many: pa.Table) -> None:
    starts = row_group_starts(many, "query_id")
    groups = sizes_of(many, starts)
    assert starts[0] == 0
    assert len(groups) > 5
    assert all(LEAST_BYTES <= size <= MOST_BYTES for size in groups[:-1])
    assert 0 < groups[-1] <= MOST_BYTES
    assert 0.7 * ROW_GROUP_BYTES < np.mean(groups[:-1]) < 1.3 * ROW_GROUP_BYTES


def test_a_group_starts_with_a_query(many: pa.Table) -> None:
    ids = many["query_id"].to_pylist()
    starts = row_group_starts(many, "query_id", least=2**18, most=2**20).tolist()
    assert len(starts) > 50
    assert all(ids[start] != ids[start - 1] for start in starts[1:])


def test_the_start_is_the_lowest_end_of_an_id(many: pa.Table) -> None:
    """The rule itself, row by row."""
    least, most = 2**20, 2**22
    ids = many["query_id"].to_pylist()
    sizes = np.concatenate([row_sizes(batch) for batch in many.to_batches()]).tolist()
    expected = [0]
    while sum(sizes[expected[-1] :]) > most:
        start, spent, allowed = expected[-1], 0, []
        for row in range(start, len(ids)):
            if least <= spent <= most and ids[row] != ids[row - 1]:
                allowed.append(row)
            spent += sizes[row]
        expected.append(min(allowed, key=lambda row: ids[row][-8:]))
    assert row_group_starts(many, "query_id", least=least, most=most).tolist() == expected


@pytest.mark.parametrize("lost", [1, 15])
def test_the_starts_come_again_after_an_insertion(many: pa.Table, lost: int) -> None:
    fewer = answers(range(1_500), skip=frozenset(range(0, 1_500, 1_500 // lost)))
    new, old = ([t["query_id"][int(s)].as_py() for s in row_group_starts(t, "query_id")] for t in (many, fewer))
    assert len(new) > 6
    assert len(set(new) & set(old)) >= len(new) - 2


def test_the_starts_come_again_after_another_beginning(many: pa.Table) -> None:
    """A shard of the next version starts elsewhere, for shards hold equal amounts of text."""
    first, *others = (many["query_id"][int(s)].as_py() for s in row_group_starts(many, "query_id"))
    later = many.slice(LLMS * 200)
    found = {later["query_id"][int(s)].as_py() for s in row_group_starts(later, "query_id")}
    assert first not in found
    assert len(found & set(others)) >= len(others) - 2


def test_the_starts_are_those_of_the_rows_however_they_lie_in_memory(many: pa.Table) -> None:
    parts = pa.concat_tables([many.slice(start, 777) for start in range(0, many.num_rows, 777)])
    assert row_group_starts(parts, "query_id").tolist() == row_group_starts(many.combine_chunks(), "query_id").tolist()


def test_no_rows() -> None:
    assert row_group_starts(rows("responses", range(0)), "query_id").tolist() == []


def test_a_query_that_does_not_fit_is_divided() -> None:
    one = with_texts(["x" * 1_000_000] * 40, "a" * 24)
    groups = sizes_of(one, row_group_starts(one, "query_id"))
    assert len(groups) == 4
    assert max(groups) <= MOST_BYTES


@pytest.mark.parametrize("place", [0, 5, 9])
def test_a_row_that_does_not_fit_is_a_group(tmp_path: Path, place: int) -> None:
    texts = ["x" * 10_000_000 if n != place else "y" * (MOST_BYTES + 1) for n in range(10)]
    table = with_texts(texts)
    assert row_group_starts(table, "query_id").tolist() == list(range(10))
    write_shard(tmp_path, NAME, table)
    metadata = pq.read_metadata(tmp_path / NAME)
    assert [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)] == [1] * 10
    assert pq.read_table(tmp_path / NAME)["response"].to_pylist() == texts


def test_many_small_rows() -> None:
    table = pa.table({"template_id": [f"{n:024x}" for n in range(3 * MOST_ROWS)]})
    starts = row_group_starts(table, "template_id")
    assert len(starts) > 2
    assert max(np.diff(np.append(starts, table.num_rows))) <= MOST_ROWS


def test_keys_that_are_no_digests() -> None:
    """Names of LLMs: short, of other alphabets, and alike at the end."""
    names = sorted(f"{kind}{n}" for kind in ("a", "λ", "模型-") for n in range(500))
    table = pa.table({"llm": names, "description": ["x" * 1_000] * len(names)})
    groups = sizes_of(table, starts := row_group_starts(table, "llm", least=100_000, most=200_000))
    assert len(starts) == len(set(starts.tolist())) > 7
    assert all(100_000 <= size <= 200_000 for size in groups[:-1])


# --- files


def start_of(column: pq.ColumnChunkMetaData) -> int:
    """The place of its first page in the file."""
    place: int = column.dictionary_page_offset or column.data_page_offset
    return place


def column_chunks(path: Path) -> list[list[str]]:
    """The digest of every column of every row group."""
    data, metadata = path.read_bytes(), pq.read_metadata(path)
    found = []
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        columns = list(map(group.column, range(group.num_columns)))
        found.append([hashlib.sha256(data[start_of(c) : start_of(c) + c.total_compressed_size]).hexdigest() for c in columns])
    return found


def test_most_of_a_file_stays_when_queries_are_appended(tmp_path: Path) -> None:
    """A group without a new query keeps its bytes, but for pages that pyarrow ends by the length of those before the group."""
    late = frozenset(range(0, 300, 100))  # 1%
    old_rows, new_rows = (answers(range(300), llms=40, skip=lost) for lost in (late, frozenset[int]()))
    groups: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for version, table in (("old", old_rows), ("new", new_rows)):
        write_shard(tmp_path / version, NAME, table)
        ends = [*row_group_starts(table, "query_id").tolist(), table.num_rows]
        ids = [tuple(table["query_id"].slice(start, end - start).to_pylist()) for start, end in pairwise(ends)]
        groups[version] = dict(zip(ids, column_chunks(tmp_path / version / NAME), strict=True))
    old, new = groups["old"], groups["new"]
    same_rows = [ids for ids in new if ids in old]
    same_bytes = [ids for ids in new if new[ids] == old.get(ids)]
    assert len(new) > 10
    assert len(same_rows) >= len(new) - 2 * len(late)
    assert len(same_bytes) > len(new) / 2
    for ids in same_rows:
        assert sum(mine != known for mine, known in zip(new[ids], old[ids], strict=True)) <= 1  # of 26 columns, the long one
    store = Store()
    sent = [store.add([(tmp_path / version / NAME).read_bytes()]) for version in ("old", "new")]
    assert sent[1] < 0.15 * sent[0]


def test_the_bytes_do_not_depend_on_the_order_in_which_rows_came(tmp_path: Path, many: pa.Table) -> None:
    shuffled = many.take(pa.array(np.random.default_rng(0).permutation(many.num_rows)))
    parts = pa.concat_tables([shuffled.slice(start, 1_000) for start in range(0, many.num_rows, 1_000)])
    key = [(column, "ascending") for column in table_schema("responses").key]
    entries = [write_shard(tmp_path / str(n), NAME, t) for n, t in enumerate((many, parts.sort_by(key)))]
    assert entries[0] == entries[1]


def test_a_reader_holds_a_row_group(tmp_path: Path, many: pa.Table) -> None:
    write_shard(tmp_path, NAME, many)
    with pq.ParquetFile(tmp_path / NAME) as file:
        held = [file.read_row_group(g).nbytes for g in range(file.num_row_groups)]
    assert len(held) > 5
    assert max(held) <= MOST_BYTES


def test_a_damaged_page_is_noticed(tmp_path: Path, many: pa.Table) -> None:
    write_shard(tmp_path, NAME, many)
    metadata = pq.read_metadata(tmp_path / NAME)
    group = metadata.row_group(2)
    (column,) = (c for c in map(group.column, range(group.num_columns)) if c.path_in_schema == "llm")
    assert pq.read_table(tmp_path / NAME, page_checksum_verification=True).equals(many.cast(table_schema("responses").arrow))
    data = bytearray((tmp_path / NAME).read_bytes())
    data[start_of(column) + column.total_compressed_size - 9] ^= 1
    (tmp_path / NAME).write_bytes(data)
    with pytest.raises(OSError, match=r"(?i)crc|checksum"):
        pq.read_table(tmp_path / NAME, columns=["llm"], page_checksum_verification=True)


def test_long_texts_have_no_statistics(tmp_path: Path, many: pa.Table) -> None:
    """A footer with the lowest and the highest answer of each row group would be most of what a partial reader fetches."""
    write_shard(tmp_path, NAME, many)
    metadata = pq.read_metadata(tmp_path / NAME)
    group = metadata.row_group(0)
    statistics = {c.path_in_schema: c.statistics for c in map(group.column, range(group.num_columns))}
    assert statistics["response"] is None
    assert statistics["query_id"].min == pc.min(many["query_id"]).as_py()
    assert statistics["llm"].max == f"llm {LLMS - 1:02d}"
    assert statistics["performance"].has_null_count
    assert metadata.serialized_size < metadata.num_row_groups * 8_000


def test_the_tables_of_the_sample_are_cut_by_the_rule() -> None:
    release = lfb.open_release("sample")
    for table in ("logs", "responses"):
        (file,) = release.files(table, "train")
        metadata, content = pq.read_metadata(file), pq.read_table(file)
        starts = np.cumsum([0, *(metadata.row_group(g).num_rows for g in range(metadata.num_row_groups))])
        assert metadata.num_row_groups > 2
        assert starts[:-1].tolist() == row_group_starts(content, "query_id").tolist()
