"""Opening a routing table, and making the sample's thought templates, each against the plain way to do it.

    python benchmarks/opening.py [--queries 6400] [--candidates 40] [--repeats 5]

The routing table is opened from a simulated view of the usual size; the baseline fills it in a loop over rows. The templates
are made from the embedded sample (simulated answers); the baseline only reads those answers. Processor time, the median of
several runs, both sides in the same run.
"""

from __future__ import annotations

import argparse

import numpy as np
import pyarrow as pa
from _measuring import cost, peak

import llmfusionbench as lfb
from llmfusionbench.builders.templates import make_templates, read_jobs, select_answers
from llmfusionbench.schema import table_schema


def view(queries: int, candidates: int) -> pa.Table:
    """A simulated routing view."""
    schema = table_schema("routing").arrow
    names = [f"m{i:03d}" for i in range(candidates)]
    numbers = pa.array(np.random.default_rng(0).random(queries * candidates))
    fields = list(schema.field("candidates").type.value_type)
    cells = pa.StructArray.from_arrays([pa.array(names * queries), *[numbers] * 3], fields=fields)
    offsets = pa.array(np.arange(queries + 1) * candidates, pa.int32())
    columns = {
        "query_id": pa.array([f"{i:024x}" for i in range(queries)]),
        "prompt": pa.array(["a prompt"] * queries),
        "task": pa.array(["t"] * queries),
        "candidates": pa.ListArray.from_arrays(offsets, cells),
    }
    return pa.table(columns).cast(schema)


def row_by_row(table: pa.Table) -> np.ndarray:
    """The performance of a view, [Q, C], filled in a loop."""
    rows = table.to_pylist()
    names = {name: place for place, name in enumerate(sorted({c["candidate"] for row in rows for c in row["candidates"]}))}
    found = np.full((len(rows), len(names)), np.nan, np.float32)
    for number, row in enumerate(rows):
        for cell in row["candidates"]:
            found[number, names[cell["candidate"]]] = cell["performance"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=6_400)
    parser.add_argument("--candidates", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5, help="Runs of which the median counts.")
    options = parser.parse_args()
    table = view(options.queries, options.candidates)
    np.testing.assert_array_equal(lfb.RoutingTable.from_view(table).performance, row_by_row(table))
    ours = cost(lambda: lfb.RoutingTable.from_view(table), options.repeats).cpu
    loop = cost(lambda: row_by_row(table), options.repeats).cpu
    size = f"{options.queries:,} x {options.candidates}"
    print(f"routing table of {size}: {ours:.3f} s; a loop over its rows {loop:.3f} s; {loop / ours:.0f} times as long")
    release = lfb.open_release("sample")
    whole = cost(lambda: make_templates(release), options.repeats).cpu
    reading = cost(lambda: list(read_jobs(release, select_answers(release).answers)), options.repeats).cpu
    print(f"386 templates of the sample (simulated): {whole:.2f} s, of which reading the answers {reading:.2f} s")
    print(f"peak memory {peak():.0f} MB")


if __name__ == "__main__":
    main()
