"""Releases of which a manifest, a table or a file was changed, for every command that reads a release."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.builders import build
from llmfusionbench.schema import table_schema
from tests.fuzz.mutations import TEXTS, arrow_table, damaged, json_text, mutated, mutated_row, odd

Files = dict[str, bytes]

COMMANDS: Final = (
    "info r", "info r --json", "audit r --workers 1", "audit r --workers 1 --json --out out",
    "validate r", "validate r --json", "diff r good", "diff good r --json",
    "evaluate r --router knn --resamples 9 --scenario balance", "evaluate r --router random --resamples 9 --json",
    "evaluate r --router ridge --resamples 9 --protocol kfold --folds 2 --out out",
    "fuse r --folds 2 --resamples 9", "fuse r --folds 2 --resamples 9 --json --out out",
    "append r good --out out --prefer new --workers 1", "append good r --out out --workers 1",
    "rescore r --out out --workers 1", "tokens r --out out --tokenizer cl100k_base --workers 1",
    "templates build r --out out", "templates retrieve r --retriever bm25 --out out",
    "evaluate-prompts r --retrieval-only --out out", "export sft r --format messages --out out",
    "export sft r --format alpaca --include-test --out out", "export preference r --format trl --out out",
    "export kto r --format trl --out out", "export routing r --format embedllm --out out",
    "export routing r --format llmrouter --out out", "export routing r --format routerbench --out out",
)  # fmt: skip

EXTREMES: Final = {
    "number": (77.0, -1.0, float("nan"), float("inf"), -float("inf"), 1e300, 1e-320, None),
    "integer": (-1, 2**63 - 1, -(2**63), None),
    "string": (*TEXTS[:5], *TEXTS[6:16], "f" * 100_000, None),
}


def case(rng: Random, folder: Path) -> list[str]:
    """Write a changed release to `r` and the whole one to `good`; the command line that reads them."""
    files = dict(_whole())
    manifest = json.loads(files["manifest.json"])
    for _ in range(rng.choice((1, 1, 2))):
        rng.choice(CHANGES)(rng, files, manifest)
    if rng.random() < 0.7:
        _restate(files, manifest)
    text = json_text(mutated(rng, manifest) if rng.random() < 0.3 else manifest, rng)
    files["manifest.json"] = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.03:
        files["manifest.json"] = damaged(rng, files["manifest.json"])
    for place, content in (("r", files), ("good", _whole())):
        for name, data in content.items():
            (folder / place / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / place / name).write_bytes(data)
    return rng.choice(COMMANDS).split()


@cache
def _whole() -> Files:
    """A valid release: name -> bytes. It has every kind of table, several metrics, and cells of every kind."""
    answers = {"em": ("2", "two"), "gsm8k": ("#### 2", "so 3"), "em_mc": ("(A)", "B"), "math": (r"\boxed{2}", "1"),
               "f1_score": ("a cat", "dog")}  # fmt: skip
    rows = [
        {"prompt": f"what is {q} times {q % 3} of {metric}?", "task": f"task {metric}", "domain": f"domain {q % 2}",
         "split": ("train", "train", "test")[q % 3], "llm": llm, "mode": mode, "response": answers[metric][(q + len(llm)) % 2],
         "performance": None if q == 5 else (q + len(llm)) % 2, "input_tokens": 9, "output_tokens": q, "cost_usd": q / 1000,
         "judge": "rule", "judge_score": 0.5 + q / 40, "metric": metric, "ground_truth": answers[metric][0],
         "choices": ["2", "3"] if metric == "em_mc" else None, "input_price": 1, "output_price": 2, "parameters_b": 7}
        for q, metric in enumerate(list(answers) * 3) for llm in ("tiny", "large") for mode in ("direct", "think")
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log.jsonl"
        log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        build("table", [log], Path(scratch) / "r", workers=1)
        from llmfusionbench.builders.templates import build_templates

        build_templates(Path(scratch) / "r", Path(scratch) / "t")
        place = Path(scratch) / "t"
        files = {p.relative_to(place).as_posix(): p.read_bytes() for p in sorted(place.rglob("*")) if p.is_file()}
        shutil.rmtree(place)
    return files


def _shard(rng: Random, files: Files) -> str:
    return rng.choice(sorted(name for name in files if name.endswith(".parquet")))


def _table(files: Files, name: str) -> pa.Table:
    try:
        table = pq.read_table(io.BytesIO(files[name]))
        table.validate(full=True)
        return table
    except (pa.ArrowException, OSError, ValueError):  # an earlier change
        return pq.read_table(io.BytesIO(next(data for n, data in _whole().items() if n.endswith(".parquet"))))


def _put(files: Files, name: str, table: pa.Table) -> None:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    files[name] = sink.getvalue()


def _rows_of_any_type(rng: Random, files: Files, _: Any) -> None:
    name = _shard(rng, files)
    rows = _table(files, name).to_pylist() or [{"query_id": "a"}]
    rows[rng.randrange(len(rows))] = mutated_row(rng, rng.choice(rows))
    try:
        _put(files, name, arrow_table(rng, rows))
    except (pa.ArrowException, UnicodeError, ValueError):
        files[name] = damaged(rng, files[name])


def _value(rng: Random, files: Files, _: Any) -> None:
    """A value that its column can hold and its schema may forbid, in one row or in all."""
    name = _shard(rng, files)
    table = _table(files, name)
    field = rng.choice(list(table.schema))
    kind = "number" if pa.types.is_floating(field.type) else "integer" if pa.types.is_integer(field.type) else "string"
    rows, every = table.to_pylist(), rng.random() < 0.2
    for row in rows if every else rng.sample(rows, min(1, len(rows))):
        row[field.name] = _extreme(rng, field.type, kind, row[field.name])
    schema = pa.schema([f.with_nullable(True) for f in table.schema])
    try:
        _put(files, name, pa.Table.from_pylist(rows, schema=schema))
    except (pa.ArrowException, UnicodeError, ValueError):
        return


def _extreme(rng: Random, kind: pa.DataType, word: str, value: Any) -> Any:
    if pa.types.is_list(kind):
        cells = list(value or ())
        if cells and isinstance(cells[0], dict):
            key = rng.choice(list(cells[0]))
            cells[0] = cells[0] | {key: rng.choice(EXTREMES["string" if key == "candidate" else "number"])}
        return rng.choice((cells, cells + cells[:1], [], None))
    return rng.choice(EXTREMES[word])


def _not_utf8(rng: Random, files: Files, _: Any) -> None:
    name = _shard(rng, files)
    table = _table(files, name)
    places = [i for i, field in enumerate(table.schema) if pa.types.is_string(field.type)]
    if not places:
        return
    place = rng.choice(places)
    texts = [None if v is None else v.encode() + rng.choice((b"\xff", b"", b"\xed\xa0\x80")) for v in table[place].to_pylist()]
    _put(files, name, table.set_column(place, table.schema.names[place], pa.array(texts, pa.binary()).view(pa.string())))


def _rows(rng: Random, files: Files, _: Any) -> None:
    """Rows twice, none, in another order, or only some of them."""
    name = _shard(rng, files)
    table = _table(files, name)
    order = list(range(table.num_rows))
    rng.shuffle(order)
    chosen = rng.choice((list(range(table.num_rows)) * 2, [], order, order[: len(order) // 2]))
    _put(files, name, table.take(pa.array(chosen, pa.int64())))


def _swap(rng: Random, files: Files, _: Any) -> None:
    one, other = _shard(rng, files), _shard(rng, files)
    files[one], files[other] = files[other], files[one]


def _footer(rng: Random, files: Files, _: Any) -> None:
    """The data of a shard with the end of another."""
    one, other = files[_shard(rng, files)], files[_shard(rng, files)]
    files[_shard(rng, files)] = one[: rng.randrange(len(one))] + other[-int.from_bytes(other[-8:-4], "little") - 8 :]


def _bytes(rng: Random, files: Files, _: Any) -> None:
    name = rng.choice(sorted(files))
    files[name] = damaged(rng, files[name])


def _rename(rng: Random, files: Files, manifest: Any) -> None:
    """A shard under another name, on disk, in the manifest, or in both."""
    name = _shard(rng, files)
    table, file = name.split("/")
    new = rng.choice((f"{table}/x.parquet", f"{table}/{file}x", f"x/{file}", file, f"{table}/no-00000-of-00001.parquet",
                      f"{table}/train-0.parquet", f"./{name}", name.upper(), f"{table}/train-\x1b[31m.parquet"))  # fmt: skip
    if rng.random() < 0.7 and name in files:
        files[new] = files.pop(name)
    if rng.random() < 0.7 and name in manifest["files"]:
        manifest["files"][new] = manifest["files"].pop(name)


def _remove(rng: Random, files: Files, manifest: Any) -> None:
    name = _shard(rng, files)
    if rng.random() < 0.5:
        del files[name]
    if rng.random() < 0.5:
        manifest["files"].pop(name, None)
    if rng.random() < 0.2:
        manifest["tables"].pop(name.split("/")[0], None)


def _manifest(rng: Random, _: Files, manifest: Any) -> None:
    tables = manifest["tables"] if isinstance(manifest["tables"], dict) else {}
    entries = [e for e in (manifest, manifest["files"], tables, *tables.values()) if isinstance(e, dict) and e]
    entry = rng.choice(entries)
    entry[rng.choice([key for key in entry if key not in ("files", "tables")] or ["x"])] = odd(rng)


def _empty_tables(rng: Random, files: Files, _: Any) -> None:
    """All shards of a table without rows."""
    table = rng.choice(["queries", "llms", "responses", "judge_scores", "thought_templates", "logs", "routing"])
    for name in [n for n in files if n.startswith(f"{table}/")]:
        _put(files, name, table_schema(table).arrow.empty_table())


CHANGES: Final[tuple[Callable[[Random, Files, Any], None], ...]] = (
    _rows_of_any_type, _value, _value, _value, _not_utf8, _rows, _rows, _swap, _footer, _bytes, _rename, _remove, _manifest,
    _empty_tables,
)  # fmt: skip


def _restate(files: Files, manifest: Any) -> None:
    """Have the manifest say of every file what it is, so that the code behind the check of the digests is reached."""
    if not isinstance(manifest.get("files"), dict) or not isinstance(manifest.get("tables"), dict):
        return
    counted: dict[tuple[str, str], int] = {}
    for name, entry in manifest["files"].items():
        if name not in files or not isinstance(entry, dict):
            continue
        entry |= {"bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
        if "rows" in entry and "/" in name:
            try:
                entry["rows"] = pq.read_metadata(io.BytesIO(files[name])).num_rows
            except (pa.ArrowException, OSError, ValueError):
                continue
            table, _, file = name.partition("/")
            counted[table, file.split("-")[0]] = counted.get((table, file.split("-")[0]), 0) + entry["rows"]
    for (table, split), rows in counted.items():
        place = manifest["tables"].get(table)
        if isinstance(place, dict) and isinstance(place.get("splits"), dict) and split in place["splits"]:
            place["splits"][split] = {"rows": rows}
