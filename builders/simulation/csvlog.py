"""Write a simulated log as the official CSV files, in constant memory, with the same bytes for any number of workers."""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llmfusionbench.builders.simulation.llms import LLMS
from llmfusionbench.builders.simulation.queries import shares, task_queries
from llmfusionbench.builders.simulation.query import SimulatedQuery
from llmfusionbench.builders.simulation.rows import COLUMNS, simulate_rows
from llmfusionbench.errors import InputError
from llmfusionbench.processes import process_pool
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.storage.kinds import CARD, DirectoryKind
from llmfusionbench.types import Progress

LAYOUTS = ("config", "splits")
SPLITS = ("train", "partial_test")
_SHARD = 20
"""Queries per shard; a worker makes one shard at a time."""
_PARALLEL_FROM = 400
"""Number of queries from which worker processes pay off."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What `simulate` has written."""

    files: dict[str, Path]
    """The CSV file of each split."""
    rows: dict[str, int]
    bytes: int


def simulate(
    out: Path | str,
    *,
    scale: float = 1.0,
    seed: int = 0,
    workers: int | None = None,
    layout: str = "config",
    escape_backslashes: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Simulation:
    """Write `train` and `partial_test` to the directory `out`, atomically.

    Args:
        out: Directory of the log, new or empty.
        scale: Its size; 1.0 has 6,400 queries, 256,000 rows and about 103M tokens.
        seed: Random seed; the same seed gives the same log.
        workers: Number of processes; by default one per core, or one for a small log. They are started by `spawn`, so a script
            needs its `if __name__ == "__main__":`.
        layout: `config` writes train.csv, partial_test.csv and a README.md that makes each a config with the one split `data`;
            `splits` writes data/train.csv and data/partial_test.csv, which `datasets` reads as the splits of one config.
        escape_backslashes: Double backslashes, as Python from 3.11 on does with `escapechar`; older versions did not.
        overwrite: Replace an existing log; not one in the layout `splits`, which has no README.md to recognise it by.
        progress: Called as progress(stage, done, total), in rows.

    Raises:
        InputError: an argument is out of range, or `out` exists and must not be replaced, or cannot be written.
    """
    if layout not in LAYOUTS:
        raise InputError(f'layout is "{layout}", expected one of {", ".join(LAYOUTS)}')
    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}, expected at least 1")
    parts = shares(scale)
    total = sum(part.train + part.partial_test for part in parts) * 2 * len(LLMS)
    names = {split: f"{split}.csv" if layout == "config" else f"data/{split}.csv" for split in SPLITS}
    rows = dict.fromkeys(SPLITS, 0)
    if workers is None:
        workers = 1 if total < _PARALLEL_FROM * 2 * len(LLMS) else os.cpu_count() or 1
    with whole_directory(out, LOG, overwrite=overwrite) as folder:
        for name in names.values():
            (folder / name).parent.mkdir(exist_ok=True)
        with ExitStack() as stack:
            files = {split: stack.enter_context((folder / name).open("wb")) for split, name in names.items()}
            for file in files.values():
                file.write((",".join(COLUMNS) + "\n").encode())  # upstream wrote the header without an escape character
            for split, count, block in _run(_shards(scale, seed), seed, escape_backslashes, workers):
                files[split].write(block)
                rows[split] += count
                if progress is not None:
                    progress("rows written", sum(rows.values()), total)
            size = sum(file.tell() for file in files.values())
        if layout == "config":
            (folder / CARD).write_text(_card(), encoding="utf-8")
    return Simulation({split: Path(out) / name for split, name in names.items()}, rows, size)


def _contents(place: Path) -> list[str]:
    """The files of a log in the layout `config`; ValueError if `place` is not one."""
    card = place / CARD
    if card.is_symlink() or not card.is_file() or card.read_bytes() != _card().encode():
        raise ValueError(f"it has no {CARD} that states it")
    return [CARD, *(f"{split}.csv" for split in SPLITS)]


LOG: Final = DirectoryKind("simulated log", _contents)


def _shards(scale: float, seed: int) -> Iterator[tuple[str, list[SimulatedQuery]]]:
    """Ranges of queries with their split; the last queries of a task are its partial_test."""
    for part in shares(scale):
        queries = task_queries(part.task, part.train + part.partial_test, seed)
        for split, count in (("train", part.train), ("partial_test", part.partial_test)):
            mine = itertools.islice(queries, count)
            while shard := list(itertools.islice(mine, _SHARD)):
                yield split, shard


def _run(
    shards: Iterator[tuple[str, list[SimulatedQuery]]], seed: int, escape: bool, workers: int
) -> Iterator[tuple[str, int, bytes]]:
    """Render the shards in their order; with workers, only a few at a time."""
    if workers == 1:
        for split, shard in shards:
            yield split, *_render(shard, seed, escape)
        return
    with process_pool(workers) as pool:
        waiting: deque[tuple[str, Future[tuple[int, bytes]]]] = deque()
        for split, shard in shards:
            waiting.append((split, pool.submit(_render, shard, seed, escape)))
            if len(waiting) > 2 * workers:
                first, future = waiting.popleft()
                yield first, *future.result()
        for split, future in waiting:
            yield split, *future.result()


def _render(shard: list[SimulatedQuery], seed: int, escape: bool) -> tuple[int, bytes]:
    """The rows of a shard as CSV bytes, with the arguments that pandas' `to_csv` passes to `csv.writer`."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_MINIMAL, escapechar="\\" if escape else None, lineterminator="\n")
    count = 0
    for query in shard:
        for row in simulate_rows(query, seed):
            writer.writerow([row[column] for column in COLUMNS])
            count += 1
    return count, buffer.getvalue().encode()


def _card() -> str:
    configs = "".join(f"- config_name: {split}\n  data_files:\n  - split: data\n    path: {split}.csv\n" for split in SPLITS)
    return (
        f"---\nconfigs:\n{configs}---\n# Simulated logs in the FusionBench format\n\n"
        f"Every query and every answer here is simulated (`provenance` is `simulated` in each row): made by "
        "`llmfusionbench simulate`, format 1.0, "
        "not by the LLMs whose names stand in the `llm` column.\n"
    )
