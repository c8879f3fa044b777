"""Releases: directories of validated Parquet shards with a manifest and a card. Opening, writing and comparing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmfusionbench.lazy_names import lazy_names

if TYPE_CHECKING:
    from llmfusionbench.release.diff import TableDiff, diff_releases
    from llmfusionbench.release.info import ReleaseInfo
    from llmfusionbench.release.opening import open_release
    from llmfusionbench.release.release import Release
    from llmfusionbench.release.writer import ReleaseWriter, write_shard
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "diff": ("TableDiff", "diff_releases"),
            "info": ("ReleaseInfo",),
            "opening": ("open_release",),
            "release": ("Release",),
            "writer": ("ReleaseWriter", "write_shard"),
        },
    )

__all__ = ["Release", "ReleaseInfo", "ReleaseWriter", "TableDiff", "diff_releases", "open_release", "write_shard"]
