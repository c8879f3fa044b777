"""Small files that stand for large contents: each ends in one line, or in a release, within the memory of a small machine."""

from __future__ import annotations

import gzip
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fuzz.oracle import MEMORY_MB
from tests.helpers import warm

PROJECT = Path(__file__).parents[2]
MIB = 1 << 20
MEASURED = """
import resource, sys
from llmfusionbench.cli.main import run
status = run(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
sys.exit(status)
"""
LINE = '{{"prompt": "{}?", "llm": "a", "task": "t", "response": "{}"}}\n'


def gz(path: Path, head: bytes, body: bytes, times: int, tail: bytes) -> Path:
    path.write_bytes(gzip.compress(head) + gzip.compress(body) * times + gzip.compress(tail))
    return path


def table(path: Path, columns: dict[str, pa.Array], **options: object) -> Path:
    pq.write_table(pa.table(columns), path, compression="zstd", **options)
    return path


def constant(text: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([text]))


def wide(path: Path, length: int) -> Path:
    columns = {"prompt": constant("p", length), "llm": constant("a", length), "task": constant("t", length)}
    return table(path, columns, row_group_size=1 << 24)


def archive(path: Path, member: str, header: dict[str, object], times: int, size: int = MIB) -> Path:
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open(member, "w", force_zip64=True) as out,
    ):
        np.lib.format.write_array_header_1_0(out, header)
        for _ in range(times):
            out.write(bytes(size))
    return path


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def prompts(path: Path) -> Path:
    """Eight prompts of 100 MiB."""
    archive(path, "train_score.npy", {"descr": "<f8", "fortran_order": False, "shape": (8, 100)}, 1, 6400)
    return archive(path, "train_prompt.npy", {"descr": "<U26214400", "fortran_order": False, "shape": (8,)}, 800)


def scores(path: Path) -> Path:
    """One array in the order of its columns, which cannot be read row by row."""
    return archive(path, "train_score.npy", {"descr": "<f8", "fortran_order": True, "shape": (1 << 20, 100)}, 800)


BOMBS: dict[str, tuple[str, str, Callable[[Path], Path], str]] = {
    "a list of empty objects": (
        "table",
        "x.json.gz",
        lambda p: gz(p, b"[{}", b",{}" * MIB, 800, b"]"),
        "not objects with fields",
    ),
    "a value in a list": ("table", "x.json.gz", lambda p: gz(p, b'[{"a":[{}', b",{}" * MIB, 60, b"]}]"), "record of JSON"),
    "a record of tiny objects": ("table", "x.jsonl", lambda p: write(p, b'{"a":[{}' + b",{}" * 5_500_000 + b"]}\n"), ""),
    "an object of lists": ("table", "x.jsonl.gz", lambda p: gz(p, b'{"a":"', b"x" * MIB, 200, b'"}\n'), "longer"),
    "one quoted cell": (
        "table",
        "x.csv.gz",
        lambda p: gz(p, b'prompt,llm\n"', b"\xf0\x9f\x98\x80" * (MIB >> 2), 200, b""),
        "longer than",
    ),
    "a header of commas": ("table", "x.csv.gz", lambda p: gz(p, b"prompt,llm", b"," * MIB, 12, b"\n1,2"), "columns"),
    "a row of commas": ("table", "x.csv.gz", lambda p: gz(p, b"prompt,llm\n1,a\n", b"," * MIB, 12, b"\n"), ""),
    "a long truth in every line": (
        "table",
        "x.jsonl.gz",
        lambda p: gz(
            p, b"", LINE.format("1", "1").replace('"t"', '"t", "ground_truth": "' + "y" * MIB + '"').encode(), 200, b""
        ),
        "",
    ),
    "one answer of many texts": (
        "table",
        "x.jsonl.gz",
        lambda p: gz(p, b"", LINE.format("1", "z" * MIB).encode(), 240, b""),
        "",
    ),
    "a lying npz": (
        "routereval",
        "x.npz",
        lambda p: archive(p, "train_score.npy", {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 2)}, 1),
        "not a readable npz",
    ),
    "an npz of zeros": ("routereval", "x.npz", prompts, "rows of 104,857,600 bytes"),
    "an npz in the order of its columns": ("routereval", "x.npz", scores, "expected up to 256 MiB"),
    "a place in the memo": ("routerbench", "x.pkl", lambda p: write(p, b"\x80\x02Nr\xff\xff\xff\x0f."), "memo"),
    "a bytearray": (
        "routerbench",
        "x.pkl",
        lambda p: write(p, b"\x80\x05\x96" + (3 << 30).to_bytes(8, "little") + b"x."),
        "not a pickle",
    ),
    "a frame": ("routerbench", "x.pkl", lambda p: write(p, b"\x80\x04\x95" + (3 << 30).to_bytes(8, "little") + b"N."), "frame"),
    "sets of nothing": ("routerbench", "x.pkl.gz", lambda p: gz(p, b"\x80\x04", b"\x8f" * MIB, 20, b"."), "memory"),
    "bytes of many bytes": (
        "routerbench",
        "x.pkl.gz",
        lambda p: gz(p, b"\x80\x04\x8e" + (800 * MIB).to_bytes(8, "little"), bytes(MIB), 800, b"."),
        "unpack to more",
    ),
    "a constant of 2^25 rows": ("table", "x.parquet", lambda p: wide(p, 1 << 25), "rows take more than"),
    "a long text in every row": (
        "table",
        "x.parquet",
        lambda p: table(p, {"prompt": constant("p" * 10 * MIB, 50_000), "llm": constant("a", 50_000)}),
        "unpack to",
    ),
    "a cell of 160 MiB": (
        "table",
        "x.parquet",
        lambda p: table(p, {"prompt": ["p" * (160 * MIB)], "llm": ["a"]}, use_dictionary=False),
        "a page of",
    ),
    "rows of long texts": (
        "table",
        "x.parquet",
        lambda p: table(p, {"prompt": ["p" * MIB] * 400, "llm": ["a"] * 400}, use_dictionary=False, data_page_size=MIB),
        "",
    ),
    "a list of 2^27 nulls": (
        "table",
        "x.parquet",
        lambda p: table(
            p, {"prompt": ["p"], "llm": ["a"], "choices": pa.ListArray.from_arrays([0, 1 << 27], pa.nulls(1 << 27, pa.int8()))}
        ),
        "values in lists",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_of_large_content(tmp_path: Path, name: str) -> None:
    source, file, make, message = BOMBS[name]
    path = make(tmp_path / file)
    assert path.stat().st_size < 20 * MIB
    options = {"routerbench": ["--allow-pickle"], "routereval": ["--option", "llms=" + ",".join(map(str, range(100)))]}
    arguments = ["build", source, str(path), "--out", "out", *options.get(source, [])]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = warm.run("-c", MEASURED, *arguments, env=environment, cwd=tmp_path)
    assert "Traceback" not in done.stderr, done.stderr
    assert message in done.stderr
    assert done.returncode == 1 if message else done.returncode in (0, 1)
    assert int(done.stdout.rpartition("peak ")[2]) < MEMORY_MB
    assert {p.name for p in tmp_path.iterdir()} == {file} | ({"out"} if done.returncode == 0 else set())
