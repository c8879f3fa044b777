"""The committed sample is what its program makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import llmfusionbench as lfb
from llmfusionbench.builders.simulation.sample import PER_TASK, make_sample
from llmfusionbench.release import diff_releases


def test_the_sample_is_fresh(tmp_path: Path) -> None:
    """Every table and its entry in the manifest. It is compressed less: that changes the bytes of the files, not the rows."""
    committed, made = lfb.open_release("sample"), make_sample(tmp_path / "sample", compression_level=1)
    assert not [d for d in diff_releases(committed, made) if d], "Remedy: make sample"
    assert contents(made) == contents(committed), "Remedy: make sample"
    assert (made.path / "README.md").read_bytes() == (committed.path / "README.md").read_bytes()
    for name in committed.manifest["files"].keys() - {"README.md"}:
        assert pq.read_table(made.path / name).equals(pq.read_table(committed.path / name)), f"{name}. Remedy: make sample"


def contents(release: lfb.Release) -> dict[str, Any]:
    """The manifest without what compression changes."""
    files = {name: entry | {"bytes": 0, "sha256": ""} for name, entry in release.manifest["files"].items()}
    return release.manifest | {"files": files}


def test_its_shape() -> None:
    assert sum(PER_TASK.values()) == 40
