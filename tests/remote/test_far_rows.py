"""How rows are read from afar: a row group at a time, and what is an error of the caller and what one of a file."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.errors import ReleaseError, UnknownNameError
from llmfusionbench.release import Release
from tests.helpers.range_server import RangeServer
from tests.remote.conftest import TRAIN, entries


def in_groups(web: RangeServer, whole: Path, rows: int) -> int:
    """Serve TRAIN in groups of so many rows; its size."""
    sink = pa.BufferOutputStream()
    pq.write_table(pq.read_table(whole / TRAIN), sink, row_group_size=rows, compression="none")
    data = sink.getvalue().to_pybytes()
    manifest = json.loads(web.files["/data/manifest.json"])
    manifest["files"][TRAIN] |= {"bytes": len(data), "sha256": "0" * 64}
    web.files |= {"/data/manifest.json": json.dumps(manifest).encode(), f"/data/{TRAIN}": data}
    return len(data)


def test_batches_move_a_row_group_and_the_next(web: RangeServer, whole: Path) -> None:
    size = in_groups(web, whole, 60)
    release = lfb.open_release(web.url)
    batches = release.batches("responses", "train")
    first = next(batches)
    assert first.num_rows == 60
    assert sum(sent for path, _, _, sent in web.log if path.endswith(TRAIN)) < size / 3
    read = pa.Table.from_batches([first, *batches])
    assert read == Release(whole).rows("responses", "train")
    groups = release.place.row_groups([TRAIN])[0]
    assert len([1 for path, *_ in web.log if path.endswith(TRAIN)]) <= 2 * groups


def test_batches_of_some_columns_in_order(web: RangeServer, whole: Path) -> None:
    in_groups(web, whole, 60)
    columns = ["llm", "performance"]
    read = pa.Table.from_batches(list(lfb.open_release(web.url).batches("responses", columns=columns)))
    assert read == Release(whole).rows("responses", columns=columns)


@pytest.mark.parametrize("read", ["rows", "to_pandas", "batches"])
def test_an_unknown_column_is_the_callers_error(read: str, web: RangeServer, whole: Path, tmp_path: Path) -> None:
    far, near = lfb.open_release(web.url), Release(whole)
    far.rows("responses", columns=["llm"])
    before, said = entries(tmp_path), []
    for release in (far, near):
        with pytest.raises(UnknownNameError, match=r'No column of responses "lmm"\. Did you mean "llm"\?') as caught:
            list(getattr(release, read)("responses", columns=["llm", "lmm"]))
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert entries(tmp_path) == before
    web.log.clear()
    far.rows("responses", columns=["llm"])
    assert web.log == []


def test_a_filter_that_arrow_refuses_is_the_callers_error(web: RangeServer, whole: Path, tmp_path: Path) -> None:
    far, near = lfb.open_release(web.url), Release(whole)
    far.rows("responses", columns=["llm"])
    before = entries(tmp_path)
    for wanted in (pc.field("lmm") == "x", pc.field("llm") == pa.scalar([1])):
        for release in (far, near):
            with pytest.raises((pa.ArrowInvalid, pa.ArrowNotImplementedError)):
                release.rows("responses", columns=["llm"], filter=wanted)
    assert entries(tmp_path) == before


def test_memory_that_runs_out_is_no_fault_of_a_file(web: RangeServer, tmp_path: Path) -> None:
    release = lfb.open_release(web.url)
    release.rows("responses", columns=["llm"])
    before = entries(tmp_path)
    with pytest.raises(pa.ArrowMemoryError), release.place.reading("responses"):
        raise pa.ArrowMemoryError("no more")
    assert entries(tmp_path) == before
    with pytest.raises(ReleaseError, match="table responses cannot be read"), release.place.reading("responses"):
        raise pa.ArrowInvalid("a page")
    assert len(entries(tmp_path)) < len(before)
