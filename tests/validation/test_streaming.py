"""Memory: a file ten times as large is checked in the memory that the small one took."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.schema import table_schema

PROJECT = Path(__file__).parents[2]
MEASURE = """
import sys
import llmfusionbench as lfb
assert lfb.validate(sys.argv[1]) == []
# Not ru_maxrss, which counts what the parent held when it made this process.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


def write(path: Path, groups: int) -> Path:
    """A table of responses in row groups of 10,000 rows of 1 kB each, of texts that no dictionary can hold."""
    rng = np.random.default_rng(0)
    schema = table_schema("responses").arrow
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=["query_id", "llm", "mode"]) as writer:
        for group in range(groups):
            texts = [rng.bytes(500).hex() for _ in range(10_000)]
            columns = {
                "query_id": [f"{group * 10_000 + i:024x}" for i in range(10_000)],
                "llm": ["tiny"] * 10_000,
                "mode": ["direct"] * 10_000,
                "replicate": [0] * 10_000,
                "response": texts,
                "status": ["ok"] * 10_000,
                "performance": rng.random(10_000),
                "provenance": ["simulated"] * 10_000,
            }
            arrays = [pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(10_000, f.type) for f in schema]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return path


def peak(path: Path) -> float:
    """Peak resident memory of validating `path`, MB."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, cwd=PROJECT, check=True)
    return int(done.stdout) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "large").mkdir()
    small = peak(write(tmp_path / "small" / "responses.parquet", 4))
    large = peak(write(tmp_path / "large" / "responses.parquet", 20))
    # 160,000 rows more are 160 MB of text and 4 MB of hashed keys.
    assert large < small + 60, f"{small:.0f} MB for 40,000 rows, {large:.0f} MB for 200,000"
