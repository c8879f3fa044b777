"""The committed sample is what its program makes, byte for byte."""

from __future__ import annotations

import importlib.metadata

import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders.simulation.sample import PER_TASK, make_sample
from llmfusionbench.release import Release, diff_releases


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return make_sample(tmp_path_factory.mktemp("made") / "sample")


def test_the_sample_is_fresh(made: Release) -> None:
    committed = lfb.open_release("sample")
    assert not [d for d in diff_releases(committed, made) if d], "Remedy: make sample"
    written_by = pq.read_metadata(committed.files("queries")[0]).created_by
    if not written_by.endswith(f"version {importlib.metadata.version('pyarrow')}"):
        pytest.skip(f"the bytes are those of {written_by}; the rows are the same")
    names = {p.relative_to(made.path) for p in made.path.rglob("*") if p.is_file()}
    assert names == {p.relative_to(committed.path) for p in committed.path.rglob("*") if p.is_file()}
    for name in sorted(names):
        assert (made.path / name).read_bytes() == (committed.path / name).read_bytes(), f"{name}. Remedy: make sample"


@pytest.mark.parametrize("table", ["responses", "logs"])
def test_its_responses_pack_small(made: Release, table: str) -> None:
    """The wheel carries them twice within 4 MB."""
    packed = 0
    for file in map(pq.read_metadata, made.files(table)):
        for group in map(file.row_group, range(file.num_row_groups)):
            columns = map(group.column, range(group.num_columns))
            packed += sum(column.total_compressed_size for column in columns if column.path_in_schema == "response")
    assert 0 < packed < 1_600_000


def test_its_shape() -> None:
    assert sum(PER_TASK.values()) == 40
