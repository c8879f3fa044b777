"""The build: records of a source in, a validated release out.

read -> normalise -> sort by query on disk -> assemble and write by shard -> rename. Shards share nothing, so any number of
workers gives the same bytes.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from inspect import signature
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench import plugins
from llmfusionbench.builders.making.gathering import gathered
from llmfusionbench.builders.making.indices import check_reading
from llmfusionbench.builders.making.input_digest import table_digest
from llmfusionbench.builders.making.inputs import described, files_of
from llmfusionbench.builders.making.intake import Intake
from llmfusionbench.builders.making.refusals import refusal, refusal_of_folded, words_for_scores
from llmfusionbench.builders.making.repeats import TWO_SCORES
from llmfusionbench.builders.making.resuming import COMMAND, RESUMED, digest_of, resumable
from llmfusionbench.builders.making.scales import Scale, Scales
from llmfusionbench.builders.making.score_warnings import build_warnings, unrun_programs
from llmfusionbench.builders.making.shard import Settings, Shard, write_shards
from llmfusionbench.builders.making.spill import Settled, Spill
from llmfusionbench.builders.reading.fetched import origin, with_copies
from llmfusionbench.builders.reading.limits import RECORD_MIB, limit_records
from llmfusionbench.builders.reading.llm_table import read_llms
from llmfusionbench.builders.reading.table_files import CHOOSE
from llmfusionbench.builders.recognising import AUTO, Recognition, recognise
from llmfusionbench.builders.records import Llms, Note, Part, Records, Rejected, Source
from llmfusionbench.builders.sources import SOURCES
from llmfusionbench.builders.sources.table import Table
from llmfusionbench.engines import Engine, engine_of
from llmfusionbench.errors import InputError, RejectedError, UnknownNameError
from llmfusionbench.manifest import odd_value
from llmfusionbench.release import Release, write_shard
from llmfusionbench.release.run_record import FINISHING
from llmfusionbench.release.writer import shard_name
from llmfusionbench.release.writers import release_writer
from llmfusionbench.schema import table_schema
from llmfusionbench.scoring import METRICS
from llmfusionbench.storage.files import sha256
from llmfusionbench.texts.tokens import encoding
from llmfusionbench.types import SPLITS, Progress

REJECTED: Final = "rejected.jsonl"
_STRAY: Final = 0.1
"""Share of records with a second score up to which these look like mistakes in the log."""
_TRUTH: Final = "truth"
_RESCORE_AS: Final = "rescore_as"
_OF_ALL: Final = (_TRUTH, _RESCORE_AS)
"""The options that every source has: what ground truths are, and our metric of answers whose own metric is not known."""


@with_copies
def build(
    source: str | Source | Recognition,
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    tokenizer: str | None = None,
    llms: str | Path | None = None,
    scale: Mapping[str, Scale] | None = None,
    test_share: float = 0.0,
    overwrite: bool = False,
    strict: bool = False,
    workers: int | None = None,
    engine: str | Engine = "local",
    revision: str | None = None,
    compression_level: int = 3,
    max_record_mib: int = RECORD_MIB,
    progress: Progress | None = None,
) -> Release:
    """Read logs and write them as a release.

    A build that is interrupted, or fails for another reason than its input, keeps its finished shards in a hidden directory
    beside `out`. The same call reads the logs again, and writes only shards that are missing or whose records have changed.

    Args:
        source: Name of a source in `SOURCES`, or an object with its method `read`; `auto` for the source that the files are
            recognised as, or what `recognise` found. It is an InputError if they are of no known format, or of several.
        inputs: Files of that format, or for a source with `FILES` directories with such files; for `release`, releases. What is
            at URLs, such as `s3://bucket/logs` or `s3://bucket/logs/*.json`, is copied to a temporary directory for the build.
        out: Directory of the release, written atomically; or its URL in a store, such as `s3://bucket/my-release`.
        options: Arguments of the source's constructor. For every source, `truth` may state what the ground truths of
            multiple-choice queries are: `index0` or `index1` (whole numbers that count the options from 0 or 1), `letter` or
            `text`. By default each task's truths show it. `rescore_as` is our metric, such as `gsm8k`, of queries whose log
            names one that is not ours; the scores stay, and `rescore` can make new ones.
        tokenizer: tiktoken encoding, such as `cl100k_base`, for token counts that the log does not state.
        llms: File of rows of the table `llms` (JSONL, CSV or Parquet), such as prices and their dates. What it states counts,
            whatever the log states. Prices per token or per 1K tokens are converted if their columns' names state the unit.
        scale: Column of scores, `performance` or `judge_score` -> the lowest and the highest score that the log gives, such as
            `{"judge_score": (1, 10)}`. They become 0 and 1, and the scores between them lie between. Without it, a file with a
            score outside 0 to 1 is refused.
        test_share: Share of the train queries to set aside as split `test`, chosen by a hash of their ids.
        overwrite: Replace an existing release.
        strict: Raise if a record is rejected, instead of listing it in rejected.jsonl, or says the same as an earlier one.
        workers: Number of shards written in parallel; by default one per core.
        engine: What writes the shards: `local`, threads or processes of this machine, or `ray`, tasks of a Ray cluster.
        revision: Revision of the inputs, for the manifest.
        compression_level: Level of zstd, 1 to 22.
        max_record_mib: Size of the largest record or cell that is read, MiB. A file that is held in memory as a whole, such as
            a pickle, may have 16 times as much, and a compressed file may unpack to that, or to 250 times its size.
        progress: Called as progress(stage, done, total).

    Returns:
        The release. With a `tokenizer`, or a source whose answers are scored here, several `workers` are processes: in a
        script, call it under `if __name__ == "__main__"`.
        `manifest["rejected"]` is the number of records in its rejected.jsonl. `manifest["records"]` counts the records of the
        input that were `taken`, `folded` into an earlier one that says the same, or `rejected`.
        `manifest["source"]["truths"]` tells how ground truths were read that are indices or texts of options.
        `manifest["source"]["data"]`, for the source `collected`, tells what the queries of each task were read from: a data set
        on the Hub with its commit, or a file with its SHA-256.
        `manifest["source"]["recognised"]`, if the source was `auto`, tells what the files were taken for and why.
        `manifest["source"]["notes"]`, if there are any, lists what was converted because the file states what it is, such as
        a unit. `manifest["warnings"]`, if it is there, lists what is odd and worth a look: about ground truths, scores and
        counts of tokens, and about a cost or a latency that was not read since its column states no unit.

    Raises:
        InputError: an input cannot be read, a column of scores is on another scale, `out` cannot be written, or a
            worker does not see it; as EngineError if the workers were lost.
        RejectedError: no record could be read, answers have two scores each, or `strict` and a record was rejected or folded.
        UnknownNameError: the source, one of its options, the value of `truth` or a column of `scale` is not known.
    """
    truth = check_reading((options or {}).get(_TRUTH))
    rescore_as = _checked_metric((options or {}).get(_RESCORE_AS))
    found = None
    if isinstance(source, Recognition) or source == AUTO:
        found = source if isinstance(source, Recognition) else recognise(inputs)
        source, inputs = found.settled(), found.files
    runner = engine_of(engine, workers)
    reader = _source(source, options or {}) if isinstance(source, str) else source
    named = [Path(p) for p in inputs]
    paths = files_of(reader, named)
    further: list[Path] = reader.further() if hasattr(reader, "further") else []
    stated, notes = read_llms(Path(llms)) if llms is not None else ([], [])
    scales = Scales(scale)
    if not 0 <= test_share < 1:
        raise InputError(f"test_share is {test_share}, expected a number from 0 to below 1")
    if tokenizer is not None:
        encoding(tokenizer)  # fail before reading if the name is unknown
    try:
        json.dumps(_plain(options or {}), ensure_ascii=False).encode()
    except (TypeError, UnicodeEncodeError) as error:
        raise InputError(f"the options cannot be written as UTF-8 ({error}). Remedy: use texts and numbers") from error
    if (odd := odd_value([revision, _plain(options or {})])) is not None or not isinstance(revision, str | None):
        raise InputError(f"{odd or f'revision {revision!r}'}: no manifest can hold it. Remedy: use texts and finite numbers")
    tell = progress or (lambda *_: None)
    if max_record_mib < 1:
        raise InputError(f"max_record_mib is {max_record_mib}, expected a whole number from 1")
    name = source if isinstance(source, str) else type(source).__name__
    resume = digest_of(COMMAND, name, _plain(options or {}), tokenizer, scales.stated, test_share, compression_level)
    read = [*named, *further, *([llms] if llms is not None else [])]
    with (
        limit_records(max_record_mib),
        release_writer(out, overwrite=overwrite, inputs=read, resume=resume, or_alone=True) as writer,
        resumable(writer) as room,
    ):
        stated_options = {
            "source": name,
            "inputs": [origin(path) or str(path) for path in named],
            "tokenizer": tokenizer,
            **_plain(options or {}),
        }
        run = writer.record(COMMAND, stated_options)
        intake = Intake(Spill(room), rescore_as)
        intake.take(Llms(stated))
        for note in notes:
            intake.take(Note(Path(str(llms)).name, note))
        for part in gathered(_told(reader.read(paths), tell), scales):
            intake.take(part)
        if not intake.spill.rows and not scales.refused:  # why each record was rejected tells more than a column without values
            noted = [] if intake.rejected else [f"  {line}" for line in (*intake.notes(), *intake.notes(warnings=True))]
            raise RejectedError("\n".join([refusal(intake.rejected, "no record could be taken"), *noted]))
        words = words_for_scores(intake.rejected)
        if isinstance(reader, Table) and len(words) > intake.scored:
            raise RejectedError(refusal(words, "their scores are words"))
        scales.check()
        intake.spill.flush()
        settled = intake.spill.settle(test_share)
        llm_rows = intake.llm_table()
        templates = intake.template_table(settled)
        files: dict[str, dict[str, Any]] = {}
        if intake.vectors:
            for split, places in intake.vectors.of_splits(settled).items():
                file = shard_name("embeddings", split, 0, 1)
                files[file] = write_shard(writer.path, file, intake.vectors.rows(places))
        truths = intake.numbers.readings(truth)
        plans = [*intake.spill.plan(settled)]
        unscored: bool = getattr(reader, "UNSCORED", False)
        names = {known.column: known.lengthened() for known in (intake.llms, intake.judges)}
        settings = digest_of(tokenizer, compression_level, truths.found, unscored, table_digest(llm_rows))
        store = writer.state(settings)
        common = Settings(writer.target, store, llm_rows, names, tokenizer, compression_level, truths, unscored)
        shards = [Shard(plan, common) for plan in plans]
        run.begin_shards(settings, Counter(plan.split for plan in plans))
        scores: list[pa.Table] = []
        with closing(write_shards(shards, runner)) as written:
            resumed = 0
            for done, (shard, made) in enumerate(written, start=1):
                files |= made.entries
                resumed += made.resumed
                told = shard.noted()
                scores.append(told.scores)
                intake.rejected += told.rejected
                intake.tally.taken(told.taken)
                if made.resumed:
                    tell(RESUMED, resumed, len(shards))
                tell("shards written", done, len(shards))
        run.enter(FINISHING)
        two_scores = [r for r in intake.rejected if r.reason.startswith(TWO_SCORES)]
        noted = [f"  {line}" for line in intake.notes(warnings=True) if CHOOSE in line]
        if two_scores and (noted or len(two_scores) > _STRAY * intake.spill.rows):
            lines = [refusal(two_scores, "these answers have two scores each"), *noted]
            raise RejectedError("\n".join(lines))
        if strict and intake.rejected:
            raise RejectedError(refusal(intake.rejected, "strict was asked for"))
        if strict and (folded := intake.tally.folded(intake.rejected)):
            raise RejectedError(refusal_of_folded(folded))
        files[shard_name("llms", "train", 0, 1)] = write_shard(writer.path, shard_name("llms", "train", 0, 1), llm_rows)
        files |= _write_by_split(writer.path, "thought_templates", templates, settled)
        if intake.rejected:
            files[REJECTED] = _write_rejected(writer.path / REJECTED, intake.rejected)
        about: dict[str, Any] = {
            "name": name,
            "revision": revision,
            "inputs": [*described(reader, paths), *described(reader, further)],
            "options": {"tokenizer": tokenizer, "test_share": test_share, **_plain(options or {})} | _described(llms),
        }
        if hasattr(reader, "origins") and (origins := reader.origins()):
            about["data"] = origins
        if found is not None:
            about["recognised"] = found.described()
        if scales.stated:
            about["options"] |= {"scale": {ours: list(ends) for ours, ends in scales.stated.items()}}
        facts_of_scores = pa.concat_tables(scores)
        if noted := [*intake.notes(), *(unrun_programs(facts_of_scores) if unscored else ())]:
            about["notes"] = noted
        if truths.found:
            about["truths"] = truths.found
        provenance = sorted(intake.provenance)
        records = intake.tally.counts(intake.rejected)
        facts = {"source": about, "provenance": provenance, "records": records, "rejected": len(intake.rejected)}
        warnings = [
            *truths.warnings,
            *build_warnings(facts_of_scores),
            *intake.zeros.warnings(),
            *intake.notes(warnings=True),
        ]
        facts |= {"warnings": warnings} if warnings else {}
        writer.finish(files, facts)
    return writer.release()


def _checked_metric(name: Any) -> str | None:
    if name is not None and name not in METRICS:
        raise UnknownNameError("choice of --option rescore_as", name, sorted(METRICS))
    return None if name is None else str(name)


def _told(parts: Iterable[Part], tell: Progress) -> Iterator[Part]:
    """The parts of a source; `tell` receives the number of records so far with each."""
    rows = 0
    for part in parts:
        yield part
        rows += part.table.num_rows if isinstance(part, Records) else 0
        tell("records read", rows, None)


def _source(name: str, options: Mapping[str, Any]) -> Source:
    made = plugins.find("sources", name, SOURCES, "source")
    known = [*(p for p in signature(made).parameters if p != "self" and p not in _OF_ALL), *_OF_ALL]
    for option in options:
        if option not in known:
            raise UnknownNameError(f"option of {name}", option, known)
    split = options.get("split")
    if split is not None and split not in SPLITS:
        raise UnknownNameError("split", split, SPLITS)
    reader: Source = made(**{name: value for name, value in options.items() if name not in _OF_ALL})
    return reader


def _described(llms: str | Path | None) -> dict[str, Any]:
    return {} if llms is None else {"llms": {"name": Path(llms).name, "sha256": sha256(Path(llms))}}


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options for the manifest, without the directories of this machine."""
    return {k: [_bare(part) for part in v] if k == "join" else _bare(v) for k, v in options.items()}


def _bare(value: Any) -> Any:
    """A value without the directory of a file that it names, as a path or as `FILE:KEY`."""
    if not isinstance(value, str | Path):
        return value
    if os.path.isfile(value):
        return Path(value).name
    file, colon, key = str(value).rpartition(":")
    return f"{Path(file).name}:{key}" if colon and os.path.isfile(file) else value


def _write_by_split(root: Path, table: str, rows: pa.Table, settled: Settled) -> dict[str, dict[str, Any]]:
    """Write a small table, one shard per split of the release."""
    key = rows.select(table_schema(table).key)
    order = pc.sort_indices(key, [(k, "ascending") for k in key.column_names])
    splits = settled.split_of(rows["query_id"].take(order).combine_chunks())
    entries = {}
    for split in settled.present:
        name = shard_name(table, split, 0, 1)
        entries[name] = write_shard(root, name, rows.take(order.filter(pc.equal(splits, split))))
    return entries


def _write_rejected(path: Path, rejected: Sequence[Rejected]) -> dict[str, Any]:
    ordered = sorted(rejected, key=lambda r: (r.file, -1 if r.row is None else r.row, r.reason))
    # Half a surrogate pair in a name is written as JSON's escape of it.
    with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
        for record in ordered:
            file.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")
    return {"rows": len(ordered), "bytes": path.stat().st_size, "sha256": sha256(path)}
