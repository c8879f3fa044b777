"""The build: records of a source in, a validated release out.

read -> normalise -> set aside -> assemble and write a shard at a time -> rename. Shards share nothing, so any number of workers
gives the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from inspect import signature
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InputError, RejectedError, UnknownNameError
from ..files import sha256
from ..release import Release, ReleaseWriter, write_shard
from ..release.writer import shard_name
from ..schema import table_schema
from ..tokens import count_tokens, encoding
from ..types import SPLITS, content_id, query_id
from ..validation.judge import explain
from .assemble import assemble
from .json_input import labels
from .llm_catalog import known_llm, scale_of
from .normalise import normalise
from .records import Embeddings, Llms, Records, Rejected, Source, Templates
from .registry import SOURCES
from .spill import Settled, ShardPlan, Spill, read_slices
from .tasks import canonical_task

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and how much there is of it (if that is known)."""

REJECTED: Final = "rejected.jsonl"
_SHOWN: Final = 10


def build(
    source: str | Source,
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    tokenizer: str | None = None,
    test_share: float = 0.0,
    overwrite: bool = False,
    strict: bool = False,
    workers: int | None = None,
    revision: str | None = None,
    compression_level: int = 3,
    progress: Progress | None = None,
) -> Release:
    """Read logs and write them as a release.

    Args:
        source: Name of a source in `SOURCES`, or an object with its `read`.
        inputs: Files of that format.
        out: Directory of the release; it appears whole or not at all.
        options: Arguments of the source's constructor.
        tokenizer: Count the tokens that the log does not state with this tiktoken encoding, such as `cl100k_base`.
        test_share: Share of the train queries to set aside as split `test`, picked by a hash of their ids.
        overwrite: Replace a release that is there.
        strict: Raise where a record cannot be taken, instead of listing it in rejected.jsonl.
        workers: Shards written at a time; by default one a core.
        revision: Revision of the inputs, for the manifest.
        compression_level: Of zstd, 1 to 22.
        progress: Told how the build goes.

    Returns:
        The release. `manifest["rejected"]` counts the records in its rejected.jsonl.

    Raises:
        InputError: an input cannot be read, or `out` cannot be written; RejectedError where `strict` and a record was refused.
        UnknownNameError: no such source, or it has no such option.
    """
    reader = source if not isinstance(source, str) else _source(source, options or {})
    paths = [Path(p) for p in inputs]
    for path in paths:
        if not path.is_file():
            what = "a directory, expected the files in it" if path.is_dir() else "no such file"
            raise InputError(f"{path}: {what}. Remedy: check the path")
        if not _is_utf8(str(path)):
            raise InputError(f"{path}: a name that is not UTF-8, which no table can hold. Remedy: rename the file")
    if not 0 <= test_share < 1:
        raise InputError(f"test_share is {test_share}, expected a number from 0 to below 1")
    if tokenizer is not None:
        encoding(tokenizer)  # an unknown name should not cost a reading first
    tell = progress or (lambda *_: None)
    with ReleaseWriter(out, overwrite=overwrite) as writer:
        scratch = writer.path / "scratch"
        scratch.mkdir()
        intake = Intake(Spill(scratch))
        for part in reader.read(paths):
            intake.take(part)
            tell("records read", intake.spill.rows, None)
        if not intake.spill.rows:
            raise RejectedError(_refusal(intake.rejected, "no record could be taken"))
        intake.spill.flush()
        settled = intake.spill.settle(test_share)
        llms = intake.llm_table()
        templates = intake.template_table(settled)
        plans = list(intake.spill.plan(settled))
        files: dict[str, dict[str, Any]] = {}
        shards = [_Shard(plan, writer.path, llms, tokenizer, compression_level) for plan in plans]
        for done, (entries, rejected) in enumerate(_run(shards, workers), start=1):
            files |= entries
            intake.rejected += rejected
            tell("shards written", done, len(plans))
        if strict and intake.rejected:
            raise RejectedError(_refusal(intake.rejected, "strict was asked for"))
        files[shard_name("llms", "train", 0, 1)] = write_shard(writer.path, shard_name("llms", "train", 0, 1), llms)
        files |= _write_by_split(writer.path, "thought_templates", templates, settled)
        if intake.embeddings:
            files |= _write_by_split(writer.path, "embeddings", intake.embedding_table(), settled)
        if intake.rejected:
            files[REJECTED] = _write_rejected(writer.path / REJECTED, intake.rejected)
        for leftover in scratch.iterdir():
            leftover.unlink()
        scratch.rmdir()
        writer.finish(
            files,
            {
                "source": {
                    "name": source if isinstance(source, str) else type(source).__name__,
                    "revision": revision,
                    "inputs": [
                        {"name": name, "bytes": p.stat().st_size, "sha256": sha256(p)}
                        for p, name in zip(paths, labels(paths), strict=True)
                    ],
                    "options": {"tokenizer": tokenizer, "test_share": test_share, **_plain(options or {})},
                },
                "provenance": sorted(intake.provenance),
                "rejected": len(intake.rejected),
            },
        )
    return Release(out)


def _is_utf8(name: str) -> bool:
    """Whether UTF-8 can write `name`; a file's name may be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _source(name: str, options: Mapping[str, Any]) -> Source:
    if name not in SOURCES:
        raise UnknownNameError("source", name, SOURCES)
    known = [p for p in signature(SOURCES[name]).parameters if p != "self"]
    for option in options:
        if option not in known:
            raise UnknownNameError(f"option of {name}", option, known)
    split = options.get("split")
    if split is not None and split not in SPLITS:
        raise UnknownNameError("split", split, SPLITS)
    return SOURCES[name](**options)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON can hold them, without the directories of this machine."""
    return {k: Path(v).name if isinstance(v, str | Path) and os.path.isfile(v) else v for k, v in options.items()}


class Intake:
    """Takes the parts that a source yields: sets records aside, keeps the rest."""

    def __init__(self, spill: Spill) -> None:
        self.spill = spill
        self.rejected: list[Rejected] = []
        self.embeddings: list[pa.Table] = []
        self.provenance: set[str] = set()
        self._llms: dict[str, dict[str, Any]] = {}
        self._templates: list[dict[str, Any]] = []

    def take(self, part: Records | Llms | Templates | Embeddings | Rejected) -> None:
        match part:
            case Records(table):
                for batch in table.combine_chunks().to_batches():
                    self._records(batch)
            case Llms(rows):
                for row in rows:
                    said = {k: v for k, v in row.items() if v is not None}
                    self._llms[row["llm"]] = said | self._llms.get(row["llm"], {})
            case Templates(rows):
                self._templates += rows
            case Embeddings(table):
                self.embeddings.append(table)
            case Rejected():
                self.rejected.append(part)

    def _records(self, batch: pa.RecordBatch) -> None:
        normal, rejected = normalise(batch)
        self.rejected += rejected
        if not normal.num_rows:
            return
        self.spill.add(normal)
        for llm in pc.unique(normal.column("llm")).to_pylist():
            if llm is not None:
                self._llms.setdefault(llm, {"llm": llm})
        asked = normal.filter(normal.column("llm").is_valid())
        self.provenance |= set(pc.unique(asked.column("provenance")).to_pylist())

    def llm_table(self) -> pa.Table:
        """The table `llms`: what the source says of each, filled up with what is publicly known."""
        schema = table_schema("llms").arrow
        rows = []
        for name in sorted(self._llms):
            row = known_llm(name) | self._llms[name]
            if row.get("parameters_b") is not None and row.get("scale") is None:
                row["scale"] = scale_of(row["parameters_b"])
            wrong = list(explain(table_schema("llms").json_schema, row))
            nameless = any(column == "llm" for column, _, _ in wrong)
            for column, value, expected in wrong:
                instead = "the LLM is left out" if nameless else "the LLM is kept without it"
                words = f"{column} is {value}, expected {expected}; {instead}"
                self.rejected.append(Rejected("LLMs", None, words, {"llm": name}))
            if not nameless:
                rows.append(row | dict.fromkeys(column for column, _, _ in wrong if column is not None))
        return pa.Table.from_pylist(rows, schema=schema)

    def template_table(self, settled: Settled) -> pa.Table:
        """The table `thought_templates`; a template that is there already, or whose query is not, is rejected."""
        schema = table_schema("thought_templates")
        rows: dict[str, dict[str, Any]] = {}
        for row in ({"template_id": template_id(row), **row} for row in self._templates):
            wrong = "; ".join(
                f"{column} is {value}, expected {expected}" for column, value, expected in explain(schema.json_schema, row)
            )
            if not wrong and settled.split_of(pa.array([row["query_id"]]))[0].as_py() is None:
                wrong = "its query is not in the release"
            if not wrong and rows.setdefault(row["template_id"], row) is not row:
                wrong = "there is one of its query, criterion, pool and summariser already"
            if wrong:
                record = {k: row.get(k) for k in ("query_id", "criterion", "pool", "summarizer")}
                self.rejected.append(Rejected("thought templates", None, wrong, record))
        return pa.Table.from_pylist(list(rows.values()), schema=schema.arrow)

    def embedding_table(self) -> pa.Table:
        """The sidecar `embeddings`: the first vector of each kind of each query."""
        table = pa.concat_tables(self.embeddings)
        ids = [
            query_id(canonical_task(t), p) for t, p in zip(table["task"].to_pylist(), table["prompt"].to_pylist(), strict=True)
        ]
        table = table.append_column("query_id", pa.array(ids, pa.string()))
        _, first = np.unique([f"{i} {e}" for i, e in zip(ids, table["embedded"].to_pylist(), strict=True)], return_index=True)
        return table.take(pa.array(np.sort(first)))


def template_id(row: Mapping[str, Any]) -> str:
    """The id of a thought template: a hash of its query, criterion, pool and summariser."""
    return content_id(*(str(row.get(k)) for k in ("query_id", "criterion", "pool", "summarizer")))


@dataclass(frozen=True)
class _Shard:
    """A shard's work, whole: can be sent to another process, or another machine that sees the same files."""

    plan: ShardPlan
    root: Path
    llms: pa.Table
    tokenizer: str | None
    compression_level: int

    def write(self) -> tuple[dict[str, dict[str, Any]], list[Rejected]]:
        """Assemble the shard and write its tables; entries for the manifest, and the records refused."""
        records = read_slices(self.plan)
        if self.tokenizer is not None:
            records = with_tokens(records, self.tokenizer)
        made = assemble(records, self.llms, self.plan.split)
        entries = {}
        for table, rows in made.tables.items():
            name = shard_name(table, self.plan.split, self.plan.index, self.plan.total)
            entries[name] = write_shard(self.root, name, rows, compression_level=self.compression_level)
        return entries, made.rejected


def _run(shards: Sequence[_Shard], workers: int | None) -> Iterator[tuple[dict[str, dict[str, Any]], list[Rejected]]]:
    """Write the shards, some at a time; their results in order."""
    count = min(workers or os.cpu_count() or 1, len(shards))
    if count <= 1:
        yield from (shard.write() for shard in shards)
        return
    # Arrow leaves Python free to run, so threads do; a tokenizer does not, and gets processes.
    in_threads = shards[0].tokenizer is None
    pool: Executor = ThreadPoolExecutor(count) if in_threads else ProcessPoolExecutor(count, mp_context=get_context("spawn"))
    with pool:
        yield from pool.map(_Shard.write, shards)


def with_tokens(records: pa.Table, tokenizer: str) -> pa.Table:
    """`records` with the token counts that their log does not state; where it states one, it stays, with its tokenizer."""
    uncounted = pc.and_(records["input_tokens"].is_null(), records["output_tokens"].is_null())
    unstated = pc.and_(uncounted, records["llm"].is_valid())
    sent = pc.coalesce(records["prompt_think"], records["prompt"])
    for column, texts in (("input_tokens", sent), ("output_tokens", records["response"])):
        texts = pc.if_else(unstated, texts, pa.scalar(None, pa.string()))
        counts = count_tokens(pa.chunked_array(texts).combine_chunks(), tokenizer)
        position = records.schema.get_field_index(column)
        records = records.set_column(position, column, pc.coalesce(records[column], counts))
    counted = pc.and_(unstated, pc.or_(records["input_tokens"].is_valid(), records["output_tokens"].is_valid()))
    named = pc.if_else(counted, tokenizer, records["tokenizer"])
    return records.set_column(records.schema.get_field_index("tokenizer"), "tokenizer", named)


def _write_by_split(root: Path, table: str, rows: pa.Table, settled: Settled) -> dict[str, dict[str, Any]]:
    """Write a table that is small beside the responses, one shard for each split of the release."""
    rows = rows.sort_by([(k, "ascending") for k in table_schema(table).key])
    splits = settled.split_of(rows["query_id"].combine_chunks())
    entries = {}
    for split in settled.present:
        name = shard_name(table, split, 0, 1)
        entries[name] = write_shard(root, name, rows.filter(pc.equal(splits, split)))
    return entries


def _write_rejected(path: Path, rejected: Sequence[Rejected]) -> dict[str, Any]:
    ordered = sorted(rejected, key=lambda r: (r.file, -1 if r.row is None else r.row, r.reason))
    # Half a character, as a name may hold, is written as JSON's escape of it.
    with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
        for record in ordered:
            file.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")
    return {"rows": len(ordered), "bytes": path.stat().st_size, "sha256": sha256(path)}


def _refusal(rejected: Sequence[Rejected], why: str) -> str:
    if not rejected:
        return "Found 0 records in the input, expected one or more. Remedy: check that the files are whole"
    lines = [f"Found {len(rejected):,} records that cannot be taken ({why}):"]
    lines += [f"  {r.file}{'' if r.row is None else f' record {r.row}'}: {r.reason}" for r in rejected[:_SHOWN]]
    if len(rejected) > _SHOWN:
        lines.append(f"  ... and {len(rejected) - _SHOWN:,} more")
    return "\n".join(lines)
