"""`llmfusionbench export`: corpora to train LLMs on, and routing data in the formats of other projects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from llmfusionbench.cli.console import progress, say, show_table

if TYPE_CHECKING:
    from llmfusionbench.baselines.exporters import Corpus

_Command = TypeVar("_Command", bound=Callable[..., Any])

_SHARED: Final = (
    click.option(
        "--out",
        required=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Directory for the corpus, written atomically.",
    ),
    click.option("--task", "tasks", multiple=True, metavar="NAME", help="Use only this task. Repeatable."),
    click.option(
        "--llm", "llms", multiple=True, metavar="NAME", help="Use only answers of this LLM, named without a mode. Repeatable."
    ),
    click.option("--mode", "modes", multiple=True, metavar="NAME", help="Use only answers in this mode: direct or think."),
    click.option(
        "--license",
        "licenses",
        multiple=True,
        metavar="NAME",
        help="Use only queries under this licence, or `unknown`. Repeatable.",
    ),
    click.option(
        "--llm-license",
        "llm_licenses",
        multiple=True,
        metavar="NAME",
        help="Use only answers of LLMs under this licence. Repeatable.",
    ),
    click.option(
        "--scale",
        default="all",
        show_default=True,
        metavar="NAME",
        help="Use only LLMs of this scale: small (up to 12B parameters), medium (up to 70B), large, or all.",
    ),
    click.option("--min-tokens", type=click.IntRange(min=0), metavar="N", help="Use only answers of at least N tokens."),
    click.option("--max-tokens", type=click.IntRange(min=0), metavar="N", help="Use only answers of at most N tokens."),
    click.option(
        "--min-judge", type=float, metavar="SCORE", help="Use only answers with at least this mean judge score, 0 to 1."
    ),
    click.option(
        "--best-of", type=click.IntRange(min=1), metavar="N", help="Consider only N randomly drawn answers per query."
    ),
    click.option(
        "--duplicates",
        default="exact",
        show_default=True,
        metavar="NAME",
        help="How to treat duplicates: drop exact ones, drop near ones too, or keep all (exact, near, keep).",
    ),
    click.option("--max-share", type=float, metavar="SHARE", help="Maximum share of the records that one task may have."),
    click.option("--seed", default=0, show_default=True, help="Random seed."),
    click.option(
        "--reasoning",
        default="keep",
        show_default=True,
        metavar="NAME",
        help="How to treat <think> blocks: keep, strip or tag.",
    ),
    click.option(
        "--include-test", is_flag=True, help="Include test splits and switch the leakage guard off; the corpus records this."
    ),
    click.option(
        "--container", metavar="NAME", help="File type: jsonl or parquet. Default: what readers of the format expect."
    ),
    click.option("--shard-rows", default=100_000, show_default=True, help="Number of records per file."),
    click.option("--overwrite", is_flag=True, help="Replace an existing corpus."),
)


def _shared(function: _Command) -> _Command:
    """The options that every corpus has."""
    for option in reversed(_SHARED):
        function = option(function)
    return function


@click.group(name="export")
def command() -> None:
    """Corpora to train LLMs on, and routing data in the formats of other projects.

    A corpus holds queries of the train split alone, and none that is like one of a test split: dropped.jsonl lists those kept
    out. corpus.json and README.md say what is in it.

    \b
    Examples:
      llmfusionbench export sft sample --setting perf --k 5 --format alpaca --out sft
      llmfusionbench export preference sample --min-gap 0.5 --match-length 1.5 --out pairs
      llmfusionbench export kto sample --balance --out kto
      llmfusionbench export routing sample --format routerbench --out routing
    """


@command.command(name="sft")
@click.argument("release")
@click.option("--setting", default="perf", show_default=True, metavar="NAME",
              help="How answers are ranked: perf, judge or hybrid; baseline exports only the ground truth.")  # fmt: skip
@click.option("--k", default=5, show_default=True, help="Maximum number of answers per query.")
@click.option("--format", default="alpaca", show_default=True, metavar="NAME",
              help="alpaca, sharegpt, messages, openai, prompt_completion, prompt_completion_chat or parquet.")  # fmt: skip
@click.option(
    "--with-labels", is_flag=True, help="Put the ground truth of each query before its answers, as the published corpora do."
)
@click.option("--one-per-llm", is_flag=True, help="Keep at most one answer per LLM and query, the better of its two modes.")
@click.option("--length", default="longest", show_default=True, metavar="NAME",
              help="Which of two equally good answers comes first: longest (as published) or shortest.")  # fmt: skip
@_shared
def sft(release: str, out: Path, **options: Any) -> None:
    """Supervised fine-tuning: the best answers to every query.

    \b
    Examples:
      llmfusionbench export sft sample --out sft
      llmfusionbench export sft my-release --setting hybrid --k 3 --scale small --format messages --out sft
      llmfusionbench export sft my-release --setting baseline --format sharegpt --out labels
    """
    from llmfusionbench.baselines.exporters import export_sft

    _run(export_sft, release, out, options)


@command.command(name="preference")
@click.argument("release")
@click.option(
    "--by", default="performance", show_default=True, metavar="NAME", help="Score that ranks the answers: performance or judge."
)
@click.option("--pairs", "pairs_per_query", default=1, show_default=True, help="Maximum number of pairs per query.")
@click.option("--min-gap", default=0.3, show_default=True, help="Minimum score difference within a pair.")
@click.option("--match-length", type=float, metavar="TIMES",
              help="Maximum ratio of the answers' lengths in tokens, 1 or above.")  # fmt: skip
@click.option(
    "--format",
    default="trl",
    show_default=True,
    metavar="NAME",
    help="Format: trl, trl_chat, alpaca, sharegpt, openai or parquet.",
)
@_shared
def preference(release: str, out: Path, **options: Any) -> None:
    """Preference pairs: a better and a worse answer to the same prompt.

    \b
    Examples:
      llmfusionbench export preference sample --out pairs
      llmfusionbench export preference my-release --by judge --min-gap 0.4 --pairs 3 --format trl_chat --out pairs
    """
    from llmfusionbench.baselines.exporters import export_preference

    _run(export_preference, release, out, options)


@command.command(name="kto")
@click.argument("release")
@click.option(
    "--by", default="performance", show_default=True, metavar="NAME", help="Score that ranks the answers: performance or judge."
)
@click.option(
    "--answers", "answers_per_label", default=2, show_default=True, help="Maximum number of good and of bad answers per query."
)
@click.option("--good", default=0.5, show_default=True, help="An answer with at least this score is good.")
@click.option(
    "--bad", default=0.0, show_default=True, help="An answer with at most this score is bad; answers in between are skipped."
)
@click.option("--balance", is_flag=True, help="Keep as many good as bad answers.")
@click.option(
    "--format", default="trl", show_default=True, metavar="NAME", help="Format: trl, trl_chat, alpaca, sharegpt or parquet."
)
@_shared
def kto(release: str, out: Path, **options: Any) -> None:
    """Labelled answers for KTO: single answers, good or bad.

    \b
    Examples:
      llmfusionbench export kto sample --out kto
      llmfusionbench export kto my-release --by judge --good 0.8 --bad 0.3 --balance --out kto
    """
    from llmfusionbench.baselines.exporters import export_kto

    _run(export_kto, release, out, options)


@command.command(name="routing")
@click.argument("release")
@click.option("--format", "format_name", required=True, metavar="NAME",
              help="embedllm, fusionfactory, llmrouter, llmrouterbench, routellm, routellm-battles, routerbench, routerdc "
              "or routereval.")  # fmt: skip
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Directory for the export, written atomically."
)
@click.option("--split", metavar="NAME", help="Use only this split. Default: all splits.")
@click.option("--candidate", "candidates", multiple=True, metavar="NAME",
              help="Use only this candidate. Repeatable, in this order; for routellm the weak one first.")  # fmt: skip
@click.option("--threshold", type=float, metavar="SCORE",
              help="For embedllm and routellm: an answer with at least this performance is right.")  # fmt: skip
@click.option("--score", metavar="NAME", help="For fusionfactory: column to write as its score, performance or judge_score.")
@click.option("--overwrite", is_flag=True, help="Replace an existing export.")
def routing(
    release: str,
    format_name: str,
    out: Path,
    split: str | None,
    candidates: tuple[str, ...],
    threshold: float | None,
    score: str | None,
    overwrite: bool,
) -> None:
    """Who answers what how well, in the format of another project's routers.

    \b
    Examples:
      llmfusionbench export routing sample --format routerbench --out routing
      llmfusionbench export routing my-release --format llmrouter --split train --out routing
      llmfusionbench export routing my-release --format routellm --candidate small --candidate large --threshold 0.5 --out pair
    """
    from llmfusionbench.baselines.exporters.routing import export_routing

    made = export_routing(
        release, out, format=format_name, split=split, candidates=candidates or None, threshold=threshold, overwrite=overwrite,
        **({} if score is None else {"score": score}),
    )  # fmt: skip
    simulated = " SIMULATED: no LLM was asked." if "simulated" in made.provenance else ""
    say(f"Wrote {out}: {made.queries:,} queries, {len(made.candidates):,} candidates.{simulated}")
    show_table(f"Files{' (SIMULATED)' if simulated else ''}", ["file", "records"], sorted(made.files.items()))
    if made.missing:
        say(f"{made.missing:,} of {made.cells + made.missing:,} cells have no performance: {made.about['missing_as']}.")
        if not made.cells:
            say(
                "No answer has a score, so no router can learn from this. Remedy: run llmfusionbench rescore, then export again"
            )
    say(f"Not included in this format: {made.about['lost']}.")
    if made.reader is not None:
        say(f"Read back by: llmfusionbench build {made.reader}")


def _run(export: Callable[..., Corpus], release: str, out: Path, options: dict[str, Any]) -> None:
    """Export, and say what came of it."""
    from llmfusionbench.baselines.exporters.corpora.drops import REASONS

    with progress() as tell:
        corpus = export(release, out, **options, progress=tell)
    about = corpus.about
    simulated = " SIMULATED: no LLM was asked." if corpus.simulated else ""
    say(f"Wrote {out}: {corpus.records:,} records of {about['queries']:,} queries.{simulated}")
    tasks = sorted(corpus.tasks.items(), key=lambda item: (-item[1], item[0]))
    show_table(
        f"Records by task{' (SIMULATED)' if corpus.simulated else ''}",
        ["task", "records"],
        tasks,
    )
    rows = [(noun, REASONS[reason][0], count) for noun, counts in corpus.dropped.items() for reason, count in counts.items()]
    if rows:
        show_table("Left out", ["of the", "why", "how many"], rows)
    if about["labels"] is not None:
        labels = about["labels"]
        say(f"{labels['good']:,} good and {labels['bad']:,} bad answers.")
        if labels["warning"] is not None:
            say(f"Warning: {labels['warning']}.")
    guard = about["guard"]
    if guard["include_test"]:
        say("Test splits are in it, with no leakage guard: never measure on this release what was trained on it.")
    elif not guard["test_queries"]:
        say("The release has no test split, so that the leakage guard had nothing to keep out.")
    else:
        kept_out = guard["exact"] + guard["near"]
        say(
            f"The leakage guard kept out {guard['test_queries']:,} queries of test splits and {kept_out:,} like them: "
            f"see {out / 'dropped.jsonl'}."
        )
