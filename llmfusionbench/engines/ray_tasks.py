"""What a worker of Ray runs: one unit, after a look at what the worker has in common with the command."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from llmfusionbench._version import NAME, __version__
from llmfusionbench.errors import EngineError
from llmfusionbench.storage.files import sha256

REMEDY: Final = "Remedy: install the same versions on every node"


@dataclass(frozen=True)
class Common:
    """What every worker must have in common with the command: files, and what the bytes of a shard depend on."""

    files: dict[Path, str]
    """Path -> SHA-256."""
    versions: dict[str, str]

    @classmethod
    def of(cls, files: Sequence[Path]) -> Common:
        """What there is here."""
        return cls({file: sha256(file) for file in files}, versions())

    def check(self, node: str) -> None:
        """Raise EngineError if the worker on this node differs."""
        own = versions()
        for package, version in self.versions.items():
            if own[package] != version:
                raise EngineError(f"node {node}: has {package} {own[package]}, and the command has {version}. {REMEDY}")
        for file, digest in self.files.items():
            if not file.is_file() or sha256(file) != digest:
                raise EngineError(
                    f"node {node}: does not see {file.parent} as the command does. Remedy: put the release and --out on a file "
                    "system that all nodes mount at the same place, or use --engine local"
                )


def versions() -> dict[str, str]:
    """Package -> version."""
    return {NAME: __version__, "pyarrow": pa.__version__, "Python": platform.python_version()}


def work_of(function: object, sees: Sequence[Path]) -> bytes:
    """What all tasks of a run need. The function is in bytes of its own, to be read after the look at the versions."""
    return pickle.dumps((Common.of(sees), pickle.dumps(function)))


def run_unit(work: bytes, unit: bytes) -> bytes:
    """Run a unit. Units and results are copies, as between processes: memory that is shared with Ray could not be written."""
    import ray

    common, function = pickle.loads(work)  # noqa: S301 made by `work_of`
    common.check(ray.util.get_node_ip_address())
    return pickle.dumps(pickle.loads(function)(pickle.loads(unit)))  # noqa: S301 made by the engine
