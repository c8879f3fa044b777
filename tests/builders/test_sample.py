"""The committed sample is what its program makes, byte for byte."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders.simulation.sample import PER_TASK, make_sample
from llmfusionbench.release import diff_releases


def test_the_sample_is_fresh(tmp_path: Path) -> None:
    committed, made = lfb.open_release("sample"), make_sample(tmp_path / "sample")
    assert not [d for d in diff_releases(committed, made) if d], "Remedy: make sample"
    written_by = pq.read_metadata(committed.files("queries")[0]).created_by
    if not written_by.endswith(f"version {importlib.metadata.version('pyarrow')}"):
        pytest.skip(f"the bytes are those of {written_by}; the rows are the same")
    names = {p.relative_to(made.path) for p in made.path.rglob("*") if p.is_file()}
    assert names == {p.relative_to(committed.path) for p in committed.path.rglob("*") if p.is_file()}
    for name in sorted(names):
        assert (made.path / name).read_bytes() == (committed.path / name).read_bytes(), f"{name}. Remedy: make sample"


def test_its_shape() -> None:
    assert sum(PER_TASK.values()) == 40
