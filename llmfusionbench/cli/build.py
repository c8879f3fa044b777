"""`llmfusionbench build`."""

from __future__ import annotations

from contextlib import ExitStack
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from llmfusionbench.cli.console import progress, say, show_table
from llmfusionbench.cli.info import show_rows
from llmfusionbench.cli.mapping import pair, read_mapping
from llmfusionbench.cli.options import engine_option, release_out
from llmfusionbench.redaction import is_url

if TYPE_CHECKING:
    from llmfusionbench.builders.recognising import Recognition
    from llmfusionbench.release import Release

_LOOKED_AT: Final = 10_000
"""Number of answers from which the first look at a new release stops; the command audits them all."""
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@click.command(name="build")
@click.argument("source")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@release_out()
@click.option("--split", help="Split of the queries, if the files do not say: train, test or partial_test.")
@click.option(
    "--test-share",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    help="Share of the train queries to set aside as test, chosen by a hash of their ids.",
)
@click.option("--tokenizer", help="tiktoken encoding, such as cl100k_base, for counts that the log does not state.")
@click.option(
    "--llms",
    type=click.Path(path_type=Path),
    help="Rows of the table llms (JSONL, CSV or Parquet), such as prices with their dates; they count above the log's.",
)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="OURS=THEIRS",
    help="For table: our column and the file's column or path (choices[0].message.content), THEIRS/NUMBER or THEIRS*NUMBER, "
    "'THEIRS LOW:HIGH' for a score on a scale, {parent}, {stem}, {file} or {path:PATTERN} of the file's place, or ==TEXT for a "
    "constant. --map OURS= leaves out a column of the file that has the name of ours.",
)
@click.option(
    "--values",
    multiple=True,
    metavar="OURS=WORD:VALUE,...",
    help="For table: what the file's words mean, such as performance=correct:1,incorrect:0.",
)
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="For table: take only records whose column or path has the value. Repeat a column for one of several values.",
)
@click.option(
    "--join",
    multiple=True,
    metavar="FILE:KEY",
    help="For table: add the columns of a further file by a key, FILE:KEY or FILE:THEIRKEY=OURKEY.",
)
@click.option(
    "--scale",
    multiple=True,
    metavar="COLUMN=LOW:HIGH",
    help="Scale of performance or judge_score in the log, such as judge_score=1:10; it is mapped to 0 to 1.",
)
@click.option(
    "--mapping",
    "--map-file",
    "map_file",
    type=click.Path(path_type=Path),
    help="For table: the mapping as a YAML file, which can also reshape a wide table. The options above count above it.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other option of the source, as name=value. For every source, truth=index0, index1, letter or text states what "
    "the ground truths of multiple-choice queries are, and rescore_as=NAME is our metric of queries whose metric is not ours.",
)
@click.option(
    "--allow-pickle",
    is_flag=True,
    help="For routerbench: read a pickled pandas table, with a reader that executes nothing in it.",
)
@click.option(
    "--revision", help="Revision of the inputs: the one to fetch from a repository; otherwise recorded in the manifest."
)
@click.option(
    "--strict",
    is_flag=True,
    help="Fail on a record that cannot be read, instead of listing it in rejected.jsonl, and on one that repeats another.",
)
@click.option(
    "--max-record-mib",
    type=click.IntRange(min=1),
    default=16,
    help="Size of the largest record or cell, MiB. A compressed file may unpack to 16 times as much, or to 250 times its size.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing release.")
@engine_option
@click.option("--workers", type=click.IntRange(min=1), help="Number of shards written in parallel. Default: one per core.")
def command(
    source: str,
    inputs: tuple[str, ...],
    out: Path | str,
    split: str | None,
    mapping: tuple[str, ...],
    values: tuple[str, ...],
    where: tuple[str, ...],
    join: tuple[str, ...],
    map_file: Path | None,
    scale: tuple[str, ...],
    options: tuple[str, ...],
    allow_pickle: bool,
    revision: str | None,
    **settings: Any,
) -> None:
    """Read logs in the format SOURCE and write them as a release.

    SOURCE is auto, which looks at the names and first records of the files, tells what it takes them for, and builds; or a
    format: alpaca_eval, arena, collected, eee, embedllm, fusionbench, helm, inspect, langfuse, lighteval, litellm, llmrouter,
    llmrouterbench, lm_eval, mt_bench, openai_batch, opencompass, openrouter, promptfoo, release, routellm, routerarena,
    routerbench, routereval, wildbench or zeroeval; or table, for any other log.

    INPUT are files, `.gz` and `.zst` too, or directories of such files; for fusionbench also a repository on the Hub; for
    release, releases, of an older schema version too. They may be at URLs (s3://, gs://, hf://, https://), where `*` stands for
    names: quote it. Such files are copied to a temporary directory for the time of the build. A record that cannot be read is
    listed in the release's rejected.jsonl with its place and the reason.

    An interrupted build keeps its finished shards. The same command reads the logs again, and writes only what is missing or
    has changed.

    \b
    Examples:
      llmfusionbench build auto logs --out my-release
      llmfusionbench build zeroeval logs/*.json.gz --out my-release
      llmfusionbench build fusionbench train.csv partial_test.csv --out my-release
      llmfusionbench build zeroeval 's3://bucket/logs/*.json.gz' --out s3://bucket/my-release
      llmfusionbench build release old-release --out new-release
      llmfusionbench build table answers.csv --map prompt=question --map llm=model --map task==trivia --out my-release
    """
    from llmfusionbench.builders import build
    from llmfusionbench.builders.making.resuming import RESUMED
    from llmfusionbench.builders.reading.fetched import fetched
    from llmfusionbench.release.card_text import counted

    stages: dict[str, int] = {}
    with ExitStack() as stack:  # copies of inputs at URLs
        if source != "release" and any(map(is_url, inputs)):
            with progress() as tell:
                inputs = tuple(map(str, stack.enter_context(fetched(inputs, tell))))
        recognised = _recognised(inputs) if source == "auto" else None
        if recognised is not None:
            source, inputs = recognised.settled(), tuple(map(str, recognised.files))
        arguments = _options(source, options)
        if mapping or values or where or join or map_file:
            arguments |= read_mapping(map_file, mapping, values, where, join)
        if split is not None:
            arguments["split"] = split
        if allow_pickle:
            arguments["allow_pickle"] = True
        with progress() as tell:

            def noted(stage: str, done: int, total: int | None, /) -> None:
                stages[stage] = done
                tell(stage, done, total)

            paths, revision = _inputs(source, inputs, revision)
            scales = _scales(scale)
            release = build(
                recognised or source, paths, out, options=arguments, scale=scales, revision=revision, progress=noted, **settings
            )
    if resumed := stages.get(RESUMED):
        say(f"Resumed an earlier run: {counted(resumed, 'shard was', 'shards were')} done.")
    info = release.info()
    queries, responses = (sum(info.rows[table].values()) for table in ("queries", "responses"))
    counts = (counted(queries, "query", "queries"), counted(info.candidates, "candidate"), counted(responses, "response"))
    say(f"Wrote {release.path}: {', '.join(counts)}.")
    show_rows(release, info)
    if responses and not any(task["scored"] for task in info.tasks.values()) and not info.judges:
        say(f"Note: no answer has a score. llmfusionbench rescore {release.path} --out DIR scores those whose metric is known.")
    manifest = release.manifest
    for word, lines in (("Warning", manifest.get("warnings", ())), ("Note", manifest["source"].get("notes", ()))):
        for line in lines:
            say(f"{word}: {line}.")
    listed, rejected = manifest["rejected"], manifest["records"]["rejected"]
    if listed:
        kept = f", and noted {listed - rejected:,} that are kept" if listed > rejected else ""
        listing = release.path / "rejected.jsonl"
        say(f"Rejected {counted(rejected, 'record')}{kept}: see {listing} for their places and reasons.")
    if folded := manifest["records"]["folded"]:
        say(f"Folded {folded:,} record{'s' * (folded > 1)} that say{'s' * (folded == 1)} the same as an earlier one.")
    _first_look(release, settings["workers"])


def _recognised(inputs: tuple[str, ...]) -> Recognition:
    """What the inputs are taken for, which is printed with the nearest other sources."""
    from llmfusionbench.builders.recognising.recognition import recognise, some

    found = recognise(inputs)
    if found.source is not None:
        say(f"Taken for {found.source}:")
        for line in found.reasons:
            say(f"  {line}")
        rows = [(m.source, m.score, some(m.found) or "-", m.against or some(m.missing) or "-") for m in found.nearest]
        show_table("Nearest sources", ("source", "score", "has", "lacks"), rows)
    return found


def _first_look(release: Release, workers: int | None) -> None:
    """Print the worst findings of an audit of the new release, or of some of its answers if it is large."""
    from llmfusionbench.auditing import audit

    if not isinstance(release.path, Path):  # an audit reads whole files
        say(f"Audit it: llmfusionbench audit {release.path} --out DIR")
        return
    with progress() as tell:
        found = audit(release, workers=workers, near_duplicates=False, rows=_LOOKED_AT, progress=tell)
    looked, total = (
        found.data["rows"]["responses"],
        sum(of["rows"] for of in release.manifest["tables"]["responses"]["splits"].values()),
    )
    part = "" if looked == total else f" in the first {looked:,} of {total:,} answers"
    count = len(found.findings)
    if not count:
        say(f"Audit: no findings{part}.")
    else:
        say(f"Audit: {count} finding{'s' * (count > 1)}{part}. The worst:")
        for line in found.lines(3):
            say(f"  {line}")
    if count or part:
        say(f"See all with examples: llmfusionbench audit {release.path} --out DIR")


def _inputs(source: str, inputs: tuple[str, ...], revision: str | None) -> tuple[list[Path], str | None]:
    """The files to read; those of a repository on the Hub are downloaded."""
    from llmfusionbench.release.opening import find_release, is_repository

    if source == "release":
        return [find_release(i, revision) for i in inputs], revision
    if source == "fusionbench" and len(inputs) == 1 and not Path(inputs[0]).exists() and is_repository(inputs[0]):
        from llmfusionbench.hub.releases import fetch_logs

        return fetch_logs(inputs[0], revision)
    return [Path(i) for i in inputs], revision


def _scales(given: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """The scales of columns of scores."""
    found: dict[str, tuple[float, float]] = {}
    for column, ends in (pair(text, "--scale") for text in given):
        low, colon, high = ends.partition(":")
        try:
            pair_of_ends = (float(low), float(high))
        except ValueError:
            colon = ""
        if not colon or "_" in ends:
            message = f"the scale of {column} is {ends!r}, expected LOW:HIGH, such as 1:10"
            raise click.BadParameter(message, param_hint="--scale")
        if found.setdefault(column, pair_of_ends) != pair_of_ends:
            raise click.BadParameter(f"{column} is given twice", param_hint="--scale")
    return found


def _options(source: str, pairs: tuple[str, ...]) -> dict[str, Any]:
    """The options of a source, converted to the types of its constructor."""
    from llmfusionbench import plugins
    from llmfusionbench.builders import SOURCES

    known = signature(plugins.find("sources", source, SOURCES, "source")).parameters
    found: dict[str, Any] = {}
    for name, value in (pair(p, "--option") for p in pairs):
        kind = str(known[name].annotation) if name in known else "str"
        if kind == "bool":
            if value.lower() not in _BOOLEANS:
                raise click.BadParameter(f"{name} is {value!r}, expected true or false", param_hint="--option")
            found[name] = _BOOLEANS[value.lower()]
        elif kind.startswith("Sequence"):
            found[name] = [part.strip() for part in value.split(",")]
        elif kind.startswith("Mapping") and "str" not in kind.rpartition("]")[2]:
            remedy = f"Remedy: use --map-file with a section {name}"
            raise click.BadParameter(f"{name} is a mapping. {remedy}", param_hint="--option")
        else:
            found[name] = value
    return found
