"""`llmfusionbench export`: corpora to train LLMs on, and routing data in the formats of other projects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from .console import progress, say, show_table

if TYPE_CHECKING:
    from ..baselines.exporters import Corpus

_Command = TypeVar("_Command", bound=Callable[..., Any])

_SHARED: Final = (
    click.option(
        "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The corpus; whole or not at all."
    ),
    click.option("--task", "tasks", multiple=True, metavar="NAME", help="Only this task. Repeat it."),
    click.option(
        "--llm", "llms", multiple=True, metavar="NAME", help="Only answers of this LLM, named without a mode. Repeat it."
    ),
    click.option("--mode", "modes", multiple=True, metavar="NAME", help="Only answers in this mode: direct or think."),
    click.option(
        "--license", "licenses", multiple=True, metavar="NAME", help="Only queries of this licence, or `unknown`. Repeat it."
    ),
    click.option(
        "--llm-license", "llm_licenses", multiple=True, metavar="NAME", help="Only answers of LLMs of this licence. Repeat it."
    ),
    click.option(
        "--scale",
        default="all",
        show_default=True,
        metavar="NAME",
        help="Only LLMs of this scale: small (up to 12B parameters), medium (up to 70B), large; or all.",
    ),
    click.option("--min-tokens", type=click.IntRange(min=0), metavar="N", help="Only answers of so many tokens or more."),
    click.option("--max-tokens", type=click.IntRange(min=0), metavar="N", help="Only answers of so many tokens or fewer."),
    click.option(
        "--min-judge", type=float, metavar="SCORE", help="Only answers that the judges gave so much on average, 0 to 1."
    ),
    click.option(
        "--best-of", type=click.IntRange(min=1), metavar="N", help="Look at N answers of a query alone, drawn by the seed."
    ),
    click.option(
        "--duplicates",
        default="exact",
        show_default=True,
        metavar="NAME",
        help="Leave repeated prompts and answers out: exact; near, prompts nearly alike too; or keep.",
    ),
    click.option("--max-share", type=float, metavar="SHARE", help="The largest share of the records that one task may have."),
    click.option("--seed", default=0, show_default=True, help="Of every draw."),
    click.option(
        "--reasoning",
        default="keep",
        show_default=True,
        metavar="NAME",
        help="What becomes of <think> blocks: keep, strip or tag.",
    ),
    click.option("--include-test", is_flag=True, help="Take test splits too, with no leakage guard; the corpus says so."),
    click.option("--container", metavar="NAME", help="jsonl or parquet; by default what the format's readers expect."),
    click.option("--shard-rows", default=100_000, show_default=True, help="Records a file."),
    click.option("--overwrite", is_flag=True, help="Replace a corpus that is there."),
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
              help="What is best: perf, judge, hybrid; or baseline, the ground truth alone.")  # fmt: skip
@click.option("--k", default=5, show_default=True, help="Answers a query at most.")
@click.option("--format", default="alpaca", show_default=True, metavar="NAME",
              help="alpaca, sharegpt, messages, openai, prompt_completion, prompt_completion_chat or parquet.")  # fmt: skip
@click.option("--with-labels", is_flag=True, help="Put the ground truth of every query before its answers, as published.")
@click.option("--one-per-llm", is_flag=True, help="One answer of an LLM to a query at most, the better of its modes.")
@click.option("--length", default="longest", show_default=True, metavar="NAME",
              help="Which of two equally good answers comes first: longest, as published, or shortest.")  # fmt: skip
@_shared
def sft(release: str, out: Path, **options: Any) -> None:
    """Supervised fine-tuning: the best answers to every query.

    \b
    Examples:
      llmfusionbench export sft sample --out sft
      llmfusionbench export sft my-release --setting hybrid --k 3 --scale small --format messages --out sft
      llmfusionbench export sft my-release --setting baseline --format sharegpt --out labels
    """
    from ..baselines.exporters import export_sft

    _run(export_sft, release, out, options)


@command.command(name="preference")
@click.argument("release")
@click.option(
    "--by", default="performance", show_default=True, metavar="NAME", help="Which is better: by performance or judge."
)
@click.option("--pairs", "pairs_per_query", default=1, show_default=True, help="Pairs of a query at most.")
@click.option("--min-gap", default=0.3, show_default=True, help="What the better answer's score is above the worse one's.")
@click.option("--match-length", type=float, metavar="TIMES",
              help="The longer answer has at most so many times the tokens of the shorter one, 1 or above.")  # fmt: skip
@click.option(
    "--format", default="trl", show_default=True, metavar="NAME", help="trl, trl_chat, alpaca, sharegpt, openai or parquet."
)
@_shared
def preference(release: str, out: Path, **options: Any) -> None:
    """Preference pairs: a better and a worse answer to the same prompt.

    \b
    Examples:
      llmfusionbench export preference sample --out pairs
      llmfusionbench export preference my-release --by judge --min-gap 0.4 --pairs 3 --format trl_chat --out pairs
    """
    from ..baselines.exporters import export_preference

    _run(export_preference, release, out, options)


@command.command(name="kto")
@click.argument("release")
@click.option("--by", default="performance", show_default=True, metavar="NAME", help="How good: by performance or judge.")
@click.option(
    "--answers", "answers_per_label", default=2, show_default=True, help="Good ones, and bad ones, of a query at most."
)
@click.option("--good", default=0.5, show_default=True, help="A score from which an answer is good.")
@click.option("--bad", default=0.0, show_default=True, help="A score up to which it is bad; what lies between is left out.")
@click.option("--balance", is_flag=True, help="As many good as bad ones.")
@click.option("--format", default="trl", show_default=True, metavar="NAME", help="trl, trl_chat, alpaca, sharegpt or parquet.")
@_shared
def kto(release: str, out: Path, **options: Any) -> None:
    """Labelled answers for KTO: single answers, good or bad.

    \b
    Examples:
      llmfusionbench export kto sample --out kto
      llmfusionbench export kto my-release --by judge --good 0.8 --bad 0.3 --balance --out kto
    """
    from ..baselines.exporters import export_kto

    _run(export_kto, release, out, options)


@command.command(name="routing")
@click.argument("release")
@click.option("--format", "format_name", required=True, metavar="NAME",
              help="embedllm, fusionfactory, llmrouter, llmrouterbench, routellm, routellm-battles, routerbench, routerdc "
              "or routereval.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The export; whole or not at all.")
@click.option("--split", metavar="NAME", help="Only this split; all of them by default.")
@click.option("--candidate", "candidates", multiple=True, metavar="NAME",
              help="Only this candidate, in this order. Repeat it; for routellm the weak one, then the strong.")  # fmt: skip
@click.option("--threshold", type=float, metavar="SCORE",
              help="For embedllm and routellm: the performance from which an answer is right.")  # fmt: skip
@click.option("--score", metavar="NAME", help="For fusionfactory: what its score is, performance or judge_score.")
@click.option("--overwrite", is_flag=True, help="Replace an export that is there.")
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
    from ..baselines.exporters.routing import export_routing

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
            say("No router learns from that. Remedy: llmfusionbench rescore, then export again")
    say(f"It has no place for: {made.about['lost']}.")
    if made.reader is not None:
        say(f"Read back by: llmfusionbench build {made.reader}")


def _run(export: Callable[..., Corpus], release: str, out: Path, options: dict[str, Any]) -> None:
    """Export, and say what came of it."""
    from ..baselines.exporters.drops import REASONS

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
