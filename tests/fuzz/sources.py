"""One mutated input of a source, of `--map-file` or of `--predictions`, and the command line that reads it."""

from __future__ import annotations

import csv
import io
import json
import pickle
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.builders import build
from tests.fuzz.mutations import TEXTS, arrow_table, damaged, json_file, json_text, mutated, mutated_row, odd, packed
from tests.fuzz.records import (
    AVENGERS,
    BENCH,
    CANDIDATES,
    DESCRIBED,
    EMBED,
    FUSION,
    LLMROUTER,
    MAPPING,
    ROUTE,
    SCORES,
    TABLE,
    TASKS,
    WIDE,
    WILD,
    ZERO,
)

COUNTED: Final = "records.txt"
"""A file beside the input that holds how many records it has, where the mutations leave that certain."""
Row = dict[str, Any]


def case(rng: Random, folder: Path) -> list[str]:
    """Write a mutated input into `folder`; the arguments of the command that reads it."""
    kind = rng.choice(list(_KINDS))
    return counted(_KINDS[kind](rng, folder), folder)


def counted(made: tuple[list[str], int | None], folder: Path) -> list[str]:
    """The arguments of a case; the number of its records, if it is certain, is written down."""
    arguments, records = made
    if records is not None:
        (folder / COUNTED).write_text(str(records))
    return arguments


def check(folder: Path) -> list[str]:
    """What is wrong with the accounts of the release that a case made."""
    manifest = folder / "out" / "manifest.json"
    if not manifest.exists():
        return []
    stated = json.loads(manifest.read_text("utf-8"))
    if "records" not in stated or not (folder / COUNTED).exists():
        return []
    written, found = int((folder / COUNTED).read_text()), stated["records"]
    total = found["taken"] + found["folded"] + found["rejected"]
    return [] if total == written else [f"the input has {written} records, the manifest accounts for {found}"]


def built(rng: Random, folder: Path, source: str, files: dict[str, tuple[bytes, int | None]], *more: str) -> Any:
    """Write files, some of them damaged or packed; the command line and the number of records, if it is certain."""
    total: int | None = 0
    for name, (data, records) in files.items():
        if rng.random() < 0.12:
            data, records = damaged(rng, data), None
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(packed(rng, data))
        total = None if total is None or records is None else total + records
    return ["build", source, *files, "--out", "out", "--workers", "1", *more], total


def records_of(rng: Random, rows: Sequence[Any]) -> tuple[bytes, int]:
    """Some JSON records, mutated one by one, as a file; and their number."""
    rows = [mutated(rng, rng.choice(rows)) for _ in range(rng.randrange(1, 6))]
    data = json_file(rng, rows)
    return data, _count(data, len(rows))


def _count(data: bytes, rows: int) -> int:
    """The records of a file: a list of lists, a list in one line and the like count as Python's reader has them."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return rows
    return len(value) if isinstance(value, list) else 1


def _delimited(rng: Random, rows: Sequence[Row], mark: str = ",") -> tuple[bytes, int]:
    """Rows as CSV, some cells, names or widths of which are others; and their number."""
    made = [{k: _cell(v) for k, v in mutated_row(rng, row).items()} if rng.random() < 0.5 else row for row in rows]
    made = [rng.choice(made) for _ in range(rng.randrange(1, 6))]
    header = list(rows[0])
    match rng.randrange(14):
        case 0:
            del header[rng.randrange(len(header))]
        case 1:
            header.append(rng.choice(header))
        case 2:
            header[rng.randrange(len(header))] = rng.choice(TEXTS)
        case 3:
            rng.shuffle(header)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=mark, lineterminator=rng.choice(("\n", "\r\n")), quoting=rng.choice((0, 0, 1)))
    writer.writerow(header)
    for row in made:
        cells = [row.get(name, "") for name in header]
        if rng.random() < 0.05:
            cells = rng.choice((cells[:-1], [*cells, "more"], [*cells, *cells]))
        writer.writerow(cells or [""])
    return text.getvalue().encode("utf-8", "surrogatepass"), len(made)


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json_text(value)


def _parquet(rng: Random, rows: Sequence[Row]) -> tuple[bytes, int]:
    sink = pa.BufferOutputStream()
    table = arrow_table(rng, [mutated_row(rng, row) if rng.random() < 0.3 else row for row in rows])
    try:
        pq.write_table(table, sink, row_group_size=rng.choice((1, 100)))
    except (pa.ArrowException, ValueError):  # a type that Parquet lacks
        sink = pa.BufferOutputStream()
        table = pa.Table.from_pylist([{name: _cell(value) for name, value in row.items()} for row in rows])
        pq.write_table(table, sink)
    return sink.getvalue().to_pybytes(), table.num_rows


def table_file(rng: Random, rows: Sequence[Row], stem: str, endings: Sequence[str]) -> dict[str, tuple[bytes, int]]:
    ending = rng.choice(endings)
    makers: dict[str, Callable[..., tuple[bytes, int]]] = {"csv": _delimited, "parquet": _parquet}
    made = _delimited(rng, rows, "\t") if ending == "tsv" else makers.get(ending, records_of)(rng, rows)
    return {f"{stem}.{ending}": made}


def _table(rng: Random, folder: Path) -> Any:
    endings = ("csv", "tsv", "json", "jsonl", "parquet")
    files = table_file(rng, TABLE, "answers", endings)
    if rng.random() < 0.2:
        files |= table_file(rng, TABLE, "more", endings)
    return built(rng, folder, "table", files)


def _mapping(rng: Random, folder: Path) -> Any:
    section = mutated(rng, MAPPING if rng.random() < 0.5 else MAPPING["map"])
    text = json_text(section, rng).encode("utf-8", "surrogatepass")  # JSON is YAML
    if rng.random() < 0.2:
        text = b"a: &a [x, x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (c + 1, c + 1, c, c) for c in range(97, 120))
    (folder / "map.yaml").write_bytes(damaged(rng, text) if rng.random() < 0.2 else text)
    files = table_file(rng, TABLE, "answers", ("csv",))
    return built(rng, folder, "table", {k: (v, None) for k, (v, _) in files.items()}, "--map-file", "map.yaml")


def _fusionbench(rng: Random, folder: Path) -> Any:
    return built(rng, folder, "fusionbench", table_file(rng, FUSION, rng.choice(("train", "test")), ("csv", "csv", "parquet")))


def _routerbench(rng: Random, folder: Path) -> Any:
    if rng.random() < 0.5:
        return built(rng, folder, "routerbench", table_file(rng, WIDE, "wide", ("csv", "parquet")))
    frame = pd.DataFrame(WIDE)
    for _ in range(rng.randrange(3)):
        column = rng.choice(list(frame.columns))
        cells = [rng.choice((1, "a", None, ["a"], [1], b"x", 2.5, "\ud800", {"a": 1}, 10**30, True)) for _ in WIDE]
        frame[column] = pd.Series(cells, dtype=object)
    data = pickle.dumps(frame, rng.choice((2, 4, 5)))
    for _ in range(rng.choice((0, 0, 1, 3))):
        place = rng.randrange(len(data))
        data = data[:place] + bytes([rng.choice((rng.randrange(256), 0x8E, 0x96, 0x95, 0x72, 0x8B, 0x8F))]) + data[place + 1 :]
    return built(rng, folder, "routerbench", {"wide.pkl": (data, None)}, "--allow-pickle")


def _routereval(rng: Random, folder: Path) -> Any:
    arrays: dict[str, Any] = {"candidates": np.array(["tiny", "big"])}
    for split in rng.sample(("train", "val", "test"), rng.randrange(1, 4)):
        rows = rng.randrange(1, 5)
        arrays |= {
            f"{split}_score": np.full((rows, 2), 0.5),
            f"{split}_prompt": np.array([f"{split} {i}?" for i in range(rows)]),
        }
    for name in rng.sample(list(arrays), rng.choice((0, 0, 1, 2))):
        arrays[name] = rng.choice(
            (
                arrays[name].astype("S"),
                arrays[name].T,
                arrays[name][:1],
                arrays[name][None],
                np.zeros((0, 2)),
                np.zeros((2, 0)),
                np.array(1.0),
                np.asfortranarray(np.full((2, 2), np.inf)),
                np.full((2, 2), np.nan),
                np.array(["a", "a"]),
                np.array(["\ud800", ""]),
                np.full((2, 2), 2**63, np.uint64),
                np.zeros((2, 2), complex),
                np.array(["2020-01-01"], "M8[D]"),
                np.zeros((2, 2), np.float16),
                np.zeros((2, 2), ">f8"),
                np.zeros(2, [("a", int), ("b", float)]),
                np.array(["\0a", "b\0"]),
            )
        )
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array)
            data = member.getvalue()
            if rng.random() < 0.08:
                data = rng.choice(
                    (damaged(rng, data), b"no magic", data.replace(b"(", b"(9", 1), data.replace(b"False", b"True "))
                )
            archive.writestr(f"{name}.npy", data)
    sure = all(array.ndim == 2 for name, array in arrays.items() if name.endswith("_score"))
    records = sum(len(a) for n, a in arrays.items() if n.endswith("_score")) if sure else None
    return built(rng, folder, "routereval", {"scores.npz": (blob.getvalue(), records)})


def _llmrouter(rng: Random, folder: Path) -> Any:
    kinds = {"routing_train.jsonl": LLMROUTER, "scores_train.json": SCORES, "router_test.json": CANDIDATES}
    files: dict[str, tuple[bytes, int | None]] = {
        n: records_of(rng, kinds[n]) for n in rng.sample(list(kinds), rng.choice((1, 1, 2)))
    }
    if rng.random() < 0.3:
        described = json_text(mutated(rng, DESCRIBED), rng).encode("utf-8", "surrogatepass")
        files["llms.json"] = (described, None)
    return built(rng, folder, "llmrouter", files)


def _llmrouterbench(rng: Random, folder: Path) -> Any:
    if rng.random() < 0.5:
        return built(rng, folder, "llmrouterbench", {"train.jsonl": records_of(rng, AVENGERS)})
    results = {"model_name": "tiny", "dataset_name": "sums", "demo": False, "records": BENCH}
    results = mutated(rng, results) if rng.random() < 0.3 else results | {"records": [mutated(rng, row) for row in BENCH]}
    certain = isinstance(results, dict) and isinstance(results.get("records"), list) and results.get("demo") is False
    data = json_text(results, rng, indent=rng.choice((None, 2))).encode("utf-8", "surrogatepass")
    records = len(results["records"]) if certain and data.count(b'"records"') == 1 else None
    return built(rng, folder, "llmrouterbench", {"sums-test-tiny-20240101_000000.json": (data, records)})


def _wildbench(rng: Random, folder: Path) -> Any:
    files: dict[str, tuple[bytes, int | None]] = {"judge=strict/tiny.json": records_of(rng, WILD)}
    if rng.random() < 0.5:
        files["tasks.jsonl"] = (records_of(rng, TASKS)[0], None)
    return built(rng, folder, "wildbench", files)


def _predictions(rng: Random, folder: Path) -> Any:
    log = "prompt,task,llm,performance,cost_usd,split\n" + "".join(
        f"{i}+1?,sums,{llm},{i % 2},0.1,{'test' if i > 3 else 'train'}\n" for i in range(8) for llm in ("tiny", "big")
    )
    (folder / "log.csv").write_text(log)
    release = build("table", [folder / "log.csv"], folder / "release", workers=1)
    ids = release.routing(split="test").query_ids
    chosen = rng.random() < 0.5
    rows = [{"query_id": q, "candidate": "tiny"} if chosen else {"query_id": q, "tiny": 0.5, "big": 0.25} for q in ids]
    if not chosen and rng.random() < 0.5:
        rows = [{"query_id": q, "scores": {"tiny": 0.5, "big": odd(rng)}} for q in ids]
    name, (data, _) = next(iter(table_file(rng, rows, "choices", ("csv", "jsonl", "parquet")).items()))
    (folder / name).write_bytes(damaged(rng, data) if rng.random() < 0.1 else data)
    return ["evaluate", "release", "--predictions", name, "--baseline", "random", "--resamples", "10", "--out", "out"], None


_KINDS: Final[dict[str, Callable[[Random, Path], Any]]] = {
    "table": _table,
    "mapping": _mapping,
    "fusionbench": _fusionbench,
    "routerbench": _routerbench,
    "embedllm": lambda rng, folder: built(rng, folder, "embedllm", table_file(rng, EMBED, "val", ("csv", "parquet"))),
    "routellm": lambda rng, folder: built(rng, folder, "routellm", table_file(rng, ROUTE, "mmlu", ("csv", "parquet"))),
    "routereval": _routereval,
    "llmrouter": _llmrouter,
    "llmrouterbench": _llmrouterbench,
    "wildbench": _wildbench,
    "zeroeval": lambda rng, folder: built(rng, folder, "zeroeval", {"tiny.json": records_of(rng, ZERO)}),
    "predictions": _predictions,
}
