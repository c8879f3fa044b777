"""Bytes that three kinds of changes to a release send to a store that keeps every chunk once, and what that costs the files.

    python benchmarks/deduplication.py [--scale 0.2] [--repeats 3] [--settings]

A simulated release is written as `write_shard` does. The baseline is how it was written before: row groups with a fixed number
of rows, pages of a fixed size. Then 1% of the queries come to it, a column is filled, or 5% of the answers are rescored with
all that follows from it. The queries come by `append`, or by a build of all, which puts them among the others. The bytes of
those chunks are counted that the store does not have. Plain LFS, for comparison, sends every file whose SHA-256 changed.
`--settings` compares sizes of pages and of row groups.

The store cuts as Xet does (`_chunks.py`). Four things differ. The table of the hash is ours, so the borders lie elsewhere,
equally far apart. A Xet client may send a known chunk again, to keep the pieces of a file in few places. It packs chunks before
it sends them; these files are packed already. And it knows chunks of other repositories; this store starts empty.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from _chunks import Store
from _measuring import cost, peak
from _versions import APPENDED, CHANGES, Tables, late_queries, shards, simulated_tables, without_queries, write_release

from llmfusionbench.builders import append
from llmfusionbench.release import write_shard
from llmfusionbench.release.row_groups import row_group_starts
from llmfusionbench.schema import table_schema
from llmfusionbench.storage.files import sha256

Version = list[tuple[str, pa.Table]]
Way = Callable[[Path, str, pa.Table], object]

KIB, MIB = 2**10, 2**20
SETTINGS = (
    *((pages, (4, 12)) for pages in ((32, 128), (64, 256), (128, 512), (128, 1024), (256, 1024))),
    *(((128, 1024), groups) for groups in ((2, 8), (4, 16))),
)
"""Smallest and largest page, KiB before compression; smallest and largest row group, MiB before compression."""


def fixed(root: Path, name: str, rows: pa.Table) -> None:
    """The baseline: groups with as many rows as are 8 MiB on average, 256 to 65,536; pages of a fixed size."""
    rows = rows.select(table_schema(name.split("/")[0]).arrow.names)
    group = min(max(8 * MIB // max(1, rows.nbytes // max(1, rows.num_rows)), 256), 65_536)
    save(root, name, rows, range(0, rows.num_rows, group), False)


def cut(root: Path, name: str, rows: pa.Table, *, pages: tuple[int, int], groups: tuple[int, int]) -> None:
    """As `write_shard` does, with pages of these sizes in KiB and groups of these sizes in MiB."""
    starts = row_group_starts(rows, table_schema(name.split("/")[0]).key[0], least=groups[0] * MIB, most=groups[1] * MIB)
    save(root, name, rows, starts, {"min_chunk_size": pages[0] * KIB, "max_chunk_size": pages[1] * KIB})


def save(root: Path, name: str, rows: pa.Table, starts: Iterable[int], chunking: bool | dict[str, int]) -> None:
    schema = table_schema(name.split("/")[0])
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = rows.select(schema.arrow.names).cast(schema.arrow)
    with pq.ParquetWriter(
        path,
        schema.arrow,
        compression="zstd",
        compression_level=3,
        use_dictionary=schema.dictionary_columns,
        use_content_defined_chunking=chunking,
        write_page_index=True,
    ) as file:
        for start, end in pairwise([*starts, rows.num_rows]):
            file.write_table(rows.slice(start, end - start), row_group_size=end - start)
    sha256(path)  # which the manifest of a release has


def files(version: Version, way: Way) -> list[bytes]:
    """The files of a version."""
    with tempfile.TemporaryDirectory() as place:
        return [(way(Path(place), name, rows), (Path(place) / name).read_bytes())[1] for name, rows in version]


def figures(versions: Mapping[str, tuple[Version, Version]], way: Way) -> dict[str, float]:
    """MB of the files, MB that each change sends by chunks, and by whole files."""
    found: dict[str, float] = {}
    whole: dict[str, float] = {}
    for change, (old, new) in versions.items():
        store, known = Store(), files(old, way)
        first, digests = store.add(known), {hashlib.sha256(data).digest() for data in known}
        made = files(new, way)
        found |= {"the files": sum(map(len, known)) / 1e6, "first version, chunks": first / 1e6}
        found[f"{change}, chunks"] = store.add(made) / 1e6
        whole[f"{change}, whole files"] = sum(len(d) for d in made if hashlib.sha256(d).digest() not in digests) / 1e6
    return found | whole


def by_append(tables: Tables) -> dict[str, float]:
    """MB that `append` sends, by chunks and by whole files, where a part of the queries comes later."""
    with tempfile.TemporaryDirectory() as place:
        early, late = (write_release(part(tables), Path(place) / part.__name__) for part in (without_queries, late_queries))
        made = append(early, late, Path(place) / "made").release
        known, new = ([p.read_bytes() for p in sorted(r.path.rglob("*.parquet"))] for r in (early, made))
    store, digests = Store(), {hashlib.sha256(data).digest() for data in known}
    store.add(known)
    name = f"{APPENDED:.0%} of the queries by `append`"
    whole = sum(len(data) for data in new if hashlib.sha256(data).digest() not in digests)
    return {f"{name}, chunks": store.add(new) / 1e6, f"{name}, whole files": whole / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.2, help="1.0 has 256,000 answers.")
    parser.add_argument("--repeats", type=int, default=5, help="Runs of which the median time counts.")
    parser.add_argument("--settings", action="store_true", help="Compare sizes of pages and of row groups, too.")
    options = parser.parse_args()
    tables = simulated_tables(options.scale)
    versions = {change: (list(shards(old(tables))), list(shards(new(tables)))) for change, (old, new) in CHANGES.items()}
    ours, plain = figures(versions, write_shard), figures(versions, fixed)
    among = f"{APPENDED:.0%} of the queries among the others"
    for name, value in by_append(tables).items():
        ours[name], plain[name] = value, plain[name.replace("by `append`", "among the others")]
    names = sorted(ours, key=lambda name: (name.endswith("whole files"), name.startswith(among)))
    print("| MB | as written | baseline | ratio |")
    print("|---|---:|---:|---:|")
    for name in names:
        print(f"| {name} | {ours[name]:.1f} | {plain[name]:.1f} | {ours[name] / plain[name]:.2f} |")
    base = versions["a new column, latency_s"][0]
    seconds = [cost(partial(files, base, way), options.repeats).cpu for way in (write_shard, fixed)]
    print(f"| CPU seconds to write | {seconds[0]:.2f} | {seconds[1]:.2f} | {seconds[0] / seconds[1]:.2f} |")
    answers = len(tables["responses"])
    print(f"\n{answers:,} simulated answers, {len(base)} files. Peak memory of the run: {peak():,.0f} MB.")
    if options.settings:
        names = [name for name in names if name.endswith("chunks") and "append" not in name]
        print("\n| pages, KiB | groups, MiB | the files, MB | " + " | ".join(names) + " |")
        print("|---|---|---:|" + "---:|" * len(names))
        for pages, groups in SETTINGS:
            found = figures(versions, partial(cut, pages=pages, groups=groups))
            cells = " | ".join(f"{found[name]:.1f}" for name in ["the files", *names])
            print(f"| {pages[0]} to {pages[1]} | {groups[0]} to {groups[1]} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
