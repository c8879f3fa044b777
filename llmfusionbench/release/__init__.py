"""Releases: directories of validated Parquet shards with a manifest and a card; how they are opened, written and compared."""

from .diff import TableDiff, diff_releases
from .info import ReleaseInfo
from .release import Release, open_release
from .writer import ReleaseWriter, write_shard

__all__ = ["Release", "ReleaseInfo", "ReleaseWriter", "TableDiff", "diff_releases", "open_release", "write_shard"]
