"""The build: records of a source in, a validated release out.

read -> normalise -> set aside -> assemble and write a shard at a time -> rename. Shards share nothing, so any number of workers
gives the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from inspect import signature
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench import plugins
from llmfusionbench.builders.making.intake import Intake
from llmfusionbench.builders.making.shard import Shard, write_shards
from llmfusionbench.builders.making.spill import Settled, Spill
from llmfusionbench.builders.reading.file_names import labels
from llmfusionbench.builders.records import Rejected, Source
from llmfusionbench.builders.sources import SOURCES
from llmfusionbench.errors import InputError, RejectedError, UnknownNameError
from llmfusionbench.release import Release, ReleaseWriter, write_shard
from llmfusionbench.release.writer import shard_name
from llmfusionbench.schema import table_schema
from llmfusionbench.storage.files import sha256
from llmfusionbench.texts.tokens import encoding
from llmfusionbench.types import SPLITS, Progress

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
        shards = [Shard(plan, writer.path, llms, tokenizer, compression_level) for plan in plans]
        for done, (entries, rejected) in enumerate(write_shards(shards, workers), start=1):
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
    made = plugins.find("sources", name, SOURCES, "source")
    known = [p for p in signature(made).parameters if p != "self"]
    for option in options:
        if option not in known:
            raise UnknownNameError(f"option of {name}", option, known)
    split = options.get("split")
    if split is not None and split not in SPLITS:
        raise UnknownNameError("split", split, SPLITS)
    reader: Source = made(**options)
    return reader


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON can hold them, without the directories of this machine."""
    return {k: Path(v).name if isinstance(v, str | Path) and os.path.isfile(v) else v for k, v in options.items()}


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
