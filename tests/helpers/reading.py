"""What the tests of the sources share: parts gathered, and taken on to normal records and to the tables."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llmfusionbench.builders.making.normalise import normalise
from llmfusionbench.builders.records import LOG, Llms, Note, Records, Rejected, Source

REAL_LOGS = Path(os.environ.get("LLMFUSIONBENCH_REAL_LOGS", Path(__file__).parents[3] / "shared" / "data"))


@dataclass
class Read:
    """Everything that a source gave."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    llms: dict[str, dict[str, Any]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    normal: list[pa.RecordBatch] = field(default_factory=list)

    def column(self, name: str) -> list[Any]:
        return [row.get(name) for row in self.rows]

    @property
    def reasons(self) -> list[tuple[str, int | None, str]]:
        return [(r.file, r.row, r.reason) for r in self.rejected]

    @property
    def normal_table(self) -> pa.Table:
        return pa.Table.from_batches(self.normal)


def read(source: Source, *paths: Path, rows: bool = True) -> Read:
    """All parts of `paths`, normalised as a build does it."""
    found = Read()
    for part in source.read(paths):
        match part:
            case Records(table):
                assert set(table.column_names) <= set(LOG.names)
                if rows:
                    found.rows += table.to_pylist()
                for batch in table.combine_chunks().to_batches():
                    normal, rejected = normalise(batch)
                    found.normal.append(normal)
                    found.rejected += rejected
            case Llms(described):
                for row in described:
                    found.llms[row["llm"]] = row
            case Rejected():
                found.rejected.append(part)
            case Note(_, text):
                found.notes.append(text)
            case _:
                raise AssertionError(part)
    return found


def write_json(path: Path, value: Any) -> Path:
    """`value` as JSON, compressed if the name says so."""
    return write(path, json.dumps(value).encode())


def write_lines(path: Path, values: Sequence[Any]) -> Path:
    """`values` as JSON lines."""
    return write(path, "".join(json.dumps(v) + "\n" for v in values).encode())


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def real_logs(*names: str) -> list[Path]:
    """Real logs by glob patterns; skips the test where they are absent."""
    found = [p for name in names for p in sorted(REAL_LOGS.glob(name))]
    if not found:
        pytest.skip(f"no real logs in {REAL_LOGS}; set LLMFUSIONBENCH_REAL_LOGS")
    return found


def cases(name: str) -> Path:
    """The folder of failing inputs of one kind, beside the real logs; skips the test where it is absent."""
    found = REAL_LOGS.parent / "cases" / name
    if not found.is_dir():
        pytest.skip(f"no cases in {found.parent}; set LLMFUSIONBENCH_REAL_LOGS")
    return found
