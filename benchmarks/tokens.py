"""Tokens counted per second: tiktoken alone, in one thread and in two processes, and `tokens` without and with `--fast`.

    python benchmarks/tokens.py [--scale 0.1] [--repeats 3]

All count the same texts in the same run, in turn: the distinct texts of a simulated release, with answers that compress as
prose does. The ranks are loaded before, except in new processes. `tokens` also reads the release, prices the counts and writes
another release, with two processes. Medians are shown; on a machine with other work, CPU seconds are the ones to compare.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import pyarrow as pa
from _measuring import Cost, alone, cost
from _versions import simulated_tables, write_release

from llmfusionbench.builders import recount
from llmfusionbench.processes import process_pool
from llmfusionbench.release import Release
from llmfusionbench.texts.tokens import count_tokens, encoding

TOKENIZER = "cl100k_base"
BATCH = 1_000


def distinct(release: Release) -> pa.Array:
    """[n] string: the distinct prompts and answers, with those of the thinking mode."""
    texts = [release.rows("queries")[name] for name in ("prompt", "prompt_think")]
    texts += [release.rows("responses")[name] for name in ("response", "reasoning")]
    chunks = [chunk for column in texts for chunk in column.chunks]
    return pa.chunked_array(chunks).unique().drop_null()


def texts_of(file: str) -> pa.Array:
    with pa.OSFile(file) as source:
        return pa.ipc.open_file(source).read_all()["text"].combine_chunks()


def tiktoken_here(texts: list[str]) -> int:
    encode = encoding(TOKENIZER).encode_ordinary
    return sum(len(encode(text)) for text in texts)


def one_thread(file: str) -> Cost:
    texts = texts_of(file).to_pylist()
    encoding(TOKENIZER)
    return cost(lambda: tiktoken_here(texts))


def two_processes(file: str) -> Cost:
    def work() -> None:
        texts = texts_of(file)
        parts = (texts.slice(start, BATCH).to_pylist() for start in range(0, len(texts), BATCH))
        with process_pool(2) as pool:
            assert sum(pool.map(tiktoken_here, parts)) > 0

    return cost(work)


def counted(file: str, fast: bool) -> Cost:
    texts = texts_of(file)
    count_tokens(texts[:1], TOKENIZER, fast=fast)  # loads the ranks
    return cost(lambda: count_tokens(texts, TOKENIZER, fast=fast))


def recounted(release: str, fast: bool) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        return cost(lambda: recount(release, Path(folder) / "new", tokenizer=TOKENIZER, fast=fast, workers=2))


def prepared(scale: float, folder: str) -> tuple[str, str, str]:
    """The release, the file of its distinct texts, and both in words; all counters agree on the texts."""
    release = write_release(simulated_tables(scale), Path(folder) / "release")
    texts = distinct(release)
    file = str(Path(folder) / "texts.arrow")
    table = pa.table({"text": texts})
    with pa.OSFile(file, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    tokens = count_tokens(texts, TOKENIZER)
    assert tokens.equals(count_tokens(texts, TOKENIZER, fast=True))
    assert tokens.sum().as_py() == tiktoken_here(texts.to_pylist())
    rows = release.table("responses").count_rows()
    size = f"{texts.nbytes / 1e6:,.0f} MB, {tokens.sum().as_py():,} tokens"
    return release, file, f"{rows:,} answers, {len(texts):,} distinct texts, {size}; {os.cpu_count()} cores"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1, help="size of the simulated release; 1.0 is that of the reference")
    parser.add_argument("--repeats", type=int, default=3, help="how often each is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (release, file, about), _ = alone(prepared, options.scale, folder)  # so that this process stays small
        print(about)
        ways: dict[str, Callable[[], tuple[Cost, float]]] = {
            "tiktoken, one thread": partial(alone, one_thread, file),
            "tiktoken, two processes": partial(alone, two_processes, file),
            "count_tokens, one thread": partial(alone, counted, file, False),
            "count_tokens, one thread, fast": partial(alone, counted, file, True),
            "tokens, files in and out, two processes": partial(alone, recounted, release, False),
            "tokens --fast, files in and out, two processes": partial(alone, recounted, release, True),
        }
        found: dict[str, list[tuple[Cost, float]]] = {name: [] for name in ways}
        for _ in range(options.repeats):
            for name, way in ways.items():
                found[name].append(way())
    alone_s = median(spent.cpu for spent, _ in found["tiktoken, one thread"])
    print("| | wall, s | CPU, s | CPU, times that of tiktoken's thread | faster than it, wall | peak of the process, MB |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, measured in found.items():
        wall, cpu = median(spent.wall for spent, _ in measured), median(spent.cpu for spent, _ in measured)
        faster = median(spent.wall for spent, _ in found["tiktoken, one thread"]) / wall
        most = max(peak for _, peak in measured)
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {cpu / alone_s:.2f} | {faster:.2f} | {most:,.0f} |")


if __name__ == "__main__":
    main()
