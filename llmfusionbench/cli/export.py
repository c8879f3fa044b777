"""`llmfusionbench export`: corpora to train LLMs on, routing data in other projects' formats, and evaluation results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from llmfusionbench.baselines.exporters import Corpus, export_kto, export_preference, export_sft
from llmfusionbench.baselines.exporters.corpora.drops import REASONS
from llmfusionbench.baselines.exporters.corpora.kto import KtoSettings
from llmfusionbench.baselines.exporters.corpora.option import Option, options_of
from llmfusionbench.baselines.exporters.corpora.preference import PreferenceSettings
from llmfusionbench.baselines.exporters.corpora.sft import SftSettings
from llmfusionbench.cli.console import progress, say, show_table
from llmfusionbench.cli.options import failures_option, out_path, with_options

_OUT = click.option("--out", required=True, type=out_path(), metavar="DIR", help="Directory to write, atomically.")


def _option(option: Option) -> Callable[..., Any]:
    """An option of the settings as click takes it."""
    given: dict[str, Any] = {"metavar": option.metavar, "help": option.help}
    if option.kind is bool:
        return click.option(option.flag, option.name, is_flag=True, **given)
    if option.is_repeatable:
        return click.option(option.flag, option.name, multiple=True, **given)
    return click.option(option.flag, option.name, type=option.kind, default=option.default, **given)


def _corpus_command(settings: type) -> Callable[..., Any]:
    """Give a command its release, the options that its settings add, `--out`, and the options of every corpus."""

    own, shared = (map(_option, options_of(settings, own=own)) for own in (True, False))
    return with_options(click.argument("release"), *own, _OUT, *shared)


@click.group(name="export")
def command() -> None:
    """Corpora to train LLMs on, routing data in the formats of other projects, and evaluation results.

    A corpus holds train queries only, and none that resembles a test query; dropped.jsonl lists those kept out. corpus.json
    and README.md describe what is in it.

    \b
    Examples:
      llmfusionbench export sft sample --setting perf --k 5 --format alpaca --out sft
      llmfusionbench export preference sample --min-gap 0.5 --match-length 1.5 --out pairs
      llmfusionbench export kto sample --balance --out kto
      llmfusionbench export routing sample --format routerbench --out routing
      llmfusionbench export eee sample --out results
    """


@command.command(name="sft")
@_corpus_command(SftSettings)
def sft(release: str, out: Path, **options: Any) -> None:
    """Write a corpus for supervised fine-tuning: the best answers to every query.

    \b
    Examples:
      llmfusionbench export sft sample --out sft
      llmfusionbench export sft my-release --setting hybrid --k 3 --scale small --format messages --out sft
      llmfusionbench export sft my-release --setting baseline --format sharegpt --out labels
    """
    _run(export_sft, release, out, options)


@command.command(name="preference")
@_corpus_command(PreferenceSettings)
def preference(release: str, out: Path, **options: Any) -> None:
    """Write preference pairs: a better and a worse answer to the same prompt.

    \b
    Examples:
      llmfusionbench export preference sample --out pairs
      llmfusionbench export preference my-release --by judge --min-gap 0.4 --pairs 3 --format trl_chat --out pairs
    """
    _run(export_preference, release, out, options)


@command.command(name="kto")
@_corpus_command(KtoSettings)
def kto(release: str, out: Path, **options: Any) -> None:
    """Write labelled answers for KTO: single answers, good or bad.

    \b
    Examples:
      llmfusionbench export kto sample --out kto
      llmfusionbench export kto my-release --by judge --good 0.8 --bad 0.3 --balance --out kto
    """
    _run(export_kto, release, out, options)


@command.command(name="routing")
@click.argument("release")
@click.option("--format", "format_name", required=True, metavar="NAME",
              help="embedllm, fusionfactory, llmrouter, llmrouterbench, routellm, routellm-battles, routerarena, routerbench, "
              "routerdc or routereval.")  # fmt: skip
@_OUT
@click.option("--split", metavar="NAME", help="Use only this split. Default: all splits.")
@click.option("--candidate", "candidates", multiple=True, metavar="NAME",
              help="Use only this candidate. Repeatable, in this order; for routellm the weak one first.")  # fmt: skip
@click.option("--threshold", type=float, metavar="SCORE",
              help="For embedllm and routellm: an answer with at least this performance is right.")  # fmt: skip
@click.option("--score", metavar="NAME", help="For fusionfactory: column to write as its score, performance or judge_score.")
@click.option("--router", metavar="SPEC",
              help="For routerarena: router whose choices to write, as evaluate takes it; fitted on train.")  # fmt: skip
@click.option("--predictions", type=click.Path(path_type=Path), metavar="FILE",
              help="For routerarena: file of the choices to write, as evaluate takes it.")  # fmt: skip
@click.option("--scenario", metavar="NAME", help="For routerarena: reward for which the router is fitted.")
@failures_option
@click.option("--overwrite", is_flag=True, help="Replace an existing export.")
def routing(
    release: str,
    format_name: str,
    out: Path,
    split: str | None,
    candidates: tuple[str, ...],
    threshold: float | None,
    failures: str,
    overwrite: bool,
    predictions: Path | None,
    **options: str | None,
) -> None:
    """Write performance and cost per query and candidate, in the format of another project's routers.

    \b
    Examples:
      llmfusionbench export routing sample --format routerbench --out routing
      llmfusionbench export routing my-release --format llmrouter --split train --out routing
      llmfusionbench export routing my-release --format routellm --candidate small --candidate large --threshold 0.5 --out pair
      llmfusionbench export routing my-release --format routerarena --router knn --split test --out submission
    """
    from llmfusionbench.baselines.exporters.routing import export_routing
    from llmfusionbench.release import open_release

    if predictions is not None and options["router"] is not None:
        raise click.UsageError("Name a --router or a file of --predictions, not both.")
    own: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    own |= {} if predictions is None else {"router": predictions}
    made = export_routing(
        release, out, format=format_name, split=split, candidates=candidates or None, threshold=threshold, failures=failures,
        overwrite=overwrite, **own,
    )  # fmt: skip
    simulated = " SIMULATED: no LLM was asked." if "simulated" in made.provenance else ""
    say(f"Wrote {out}: {made.queries:,} queries, {len(made.candidates):,} candidates.{simulated}")
    show_table(f"Files{' (SIMULATED)' if simulated else ''}", ["file", "records"], sorted(made.files.items()))
    if made.missing:
        say(f"{made.missing:,} of {made.cells + made.missing:,} cells have no performance: {made.about['missing_as']}.")
        if not made.cells:
            failed = open_release(release).routing(split, failures=failures).columns(made.candidates).all_failed
            why = "All answers failed" if failed else "No answer has a score"
            remedy = "collect the answers again" if failed else "run llmfusionbench rescore"
            say(f"{why}, so no router can learn from this. Remedy: {remedy}, then export again")
    say(f"Not included in this format: {made.about['lost']}.")
    if made.reader is not None:
        say(f"Read back by: llmfusionbench build {made.reader}")


@command.command(name="eee")
@click.argument("release")
@_OUT
@click.option("--split", metavar="NAME", help="Use only this split. Default: all splits.")
@click.option("--candidate", "candidates", multiple=True, metavar="NAME", help="Use only this candidate. Repeatable.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Use only queries of this task. Repeatable.")
@failures_option
@click.option("--overwrite", is_flag=True, help="Replace an existing export.")
def eee(release: str, out: Path, candidates: tuple[str, ...], tasks: tuple[str, ...], **options: Any) -> None:
    """Write evaluation results in the format of Every Eval Ever: an aggregate and samples of every LLM, mode and task.

    The files are data/{benchmark}/{developer}/{model}/{uuid}.json and {uuid}_samples.jsonl, as its datastore has them.

    \b
    Examples:
      llmfusionbench export eee sample --out results
      llmfusionbench export eee my-release --split test --task gsm8k --out results
    """
    from llmfusionbench.baselines.exporters import export_eee

    made = export_eee(release, out, candidates=candidates or None, tasks=tasks or None, **options)
    simulated = " SIMULATED: no LLM was asked." if "simulated" in made.provenance else ""
    say(f"Wrote {out}: {made.runs:,} aggregates, {made.samples:,} samples.{simulated}")
    if made.unscored:
        say(f"{made.unscored:,} samples have no score: 0 is written, which is not counted, and metadata states it.")
    say(f"Not included in this format: {made.about['lost']}.")
    say(f"Read back by: llmfusionbench build {made.about['read_back_by']} {out}")


def _run(export: Callable[..., Corpus], release: str, out: Path, options: dict[str, Any]) -> None:
    """Export, and print a summary."""
    with progress() as tell:
        corpus = export(release, out, **options, progress=tell)
    about = corpus.about
    simulated = " SIMULATED: no LLM was asked." if corpus.simulated else ""
    say(f"Wrote {out}: {corpus.records:,} records of {about['queries']:,} queries.{simulated}")
    tasks = sorted(corpus.tasks.items(), key=lambda item: (-item[1], item[0]))
    show_table(f"Records by task{' (SIMULATED)' if corpus.simulated else ''}", ["task", "records"], tasks)
    rows = [(noun, REASONS[reason][0], count) for noun, counts in corpus.dropped.items() for reason, count in counts.items()]
    if rows:
        show_table("Dropped", ["from", "reason", "count"], rows)
    if about["labels"] is not None:
        labels = about["labels"]
        say(f"{labels['good']:,} good and {labels['bad']:,} bad answers.")
        if labels["warning"] is not None:
            say(f"Warning: {labels['warning']}.")
    guard = about["guard"]
    if guard["include_test"]:
        say("The corpus includes test splits, without the leakage guard: do not evaluate a model trained on it here.")
    elif not guard["test_queries"]:
        say("The release has no test split, so the leakage guard had nothing to keep out.")
    else:
        kept_out = guard["exact"] + guard["near"]
        say(
            f"The leakage guard kept out {guard['test_queries']:,} test queries and {kept_out:,} train queries like them: "
            f"see {out / 'dropped.jsonl'}."
        )
