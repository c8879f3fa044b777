"""Makes the embedded sample: simulated logs in the official format, read by the ordinary build. `make sample` runs this.

The same code and seed give the same bytes; a test builds it again and compares.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from llmfusionbench.builders.build import build
from llmfusionbench.builders.records import Part, Records, Templates, record_table
from llmfusionbench.builders.simulation import SimulatedQuery, simulate_queries, simulate_rows, simulate_templates
from llmfusionbench.builders.simulation.rows import COLUMNS
from llmfusionbench.builders.sources.fusionbench import FusionBench
from llmfusionbench.release import Release
from llmfusionbench.release.opening import embedded_path
from llmfusionbench.types import query_id

PER_TASK: Final = {"train": 28, "test": 8, "partial_test": 4}
"""Queries of each task, by split."""

SEED: Final = 0
_LEVEL: Final = 12  # level 19 saves 4% of the bytes and takes thirteen times as long


class SimulatedLogs:
    """Simulated official files, with what official files lack: the choices of queries, and thought templates."""

    def __init__(self, queries: Mapping[str, Sequence[SimulatedQuery]], seed: int = SEED) -> None:
        self.queries = queries
        self.seed = seed

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, the choices of each query, and six templates per train query."""
        yield from FusionBench(embeddings=False, judge="simulated", license="Apache-2.0").read(paths)
        for split, queries in self.queries.items():
            rows = [
                {"file": "queries", "row": i, "split": split, "task": q.task, "prompt": q.prompt, "metric": q.metric,
                 "choices": list(q.choices)}
                for i, q in enumerate(queries) if q.choices is not None
            ]  # fmt: skip
            yield Records(record_table(rows))
        for query in self.queries["train"]:
            templates = (vars(template) for template in simulate_templates(query, self.seed) if template.sources)
            yield Templates([{"query_id": query_id(query.task, query.prompt), **template} for template in templates])


def make_sample(out: Path) -> Release:
    """Write the sample to `out`, replacing what is there."""
    by_split: dict[str, list[SimulatedQuery]] = {split: [] for split in PER_TASK}
    seen: dict[str, int] = {}
    for query in simulate_queries(sum(PER_TASK.values()), SEED):
        place = seen[query.task] = seen.get(query.task, -1) + 1
        by_split[_split_of(place)].append(query)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for split, queries in by_split.items():
            path = Path(folder) / f"{split}.csv"
            with open(path, "w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, escapechar="\\", lineterminator="\n")
                writer.writeheader()
                for query in queries:
                    writer.writerows(simulate_rows(query, SEED, embeddings=False))
            paths.append(path)
        return build(SimulatedLogs(by_split), paths, out, overwrite=True, strict=True, compression_level=_LEVEL)


def _split_of(place: int) -> str:
    """The split of the query at `place` among those of its task."""
    for split, count in PER_TASK.items():
        if place < count:
            return split
        place -= count
    raise AssertionError("more queries than PER_TASK counts")


if __name__ == "__main__":
    print(make_sample(embedded_path("sample")))
