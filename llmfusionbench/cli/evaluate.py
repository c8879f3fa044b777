"""`llmfusionbench evaluate`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from llmfusionbench.cli.console import progress, say, say_json_text, show_table
from llmfusionbench.cli.options import failures_option, kept_embedder, out_path, take
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import is_url
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.storage.kinds import DirectoryKind, check_file

_LONGEST_CALL: Final = 2**20


@click.command(name="evaluate")
@click.argument("release")
@click.option(
    "--router",
    "routers",
    multiple=True,
    metavar="SPEC",
    help="Name of a baseline, `all`, module:Class, path.py:Class, or the URL of a live router. Repeatable.",
)
@click.option(
    "--predictions",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of precomputed choices (CSV, JSONL, Parquet): query_id and candidate, or a score per candidate.",
)
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME",
    help="Weights of the reward: performance_first (default), balance, cost_first or judge. Repeatable.",
)
@click.option(
    "--protocol",
    default="split",
    metavar="NAME",
    help="Protocol: split, kfold, leave_one_task_out, leave_one_llm_out, learning_curve or guarded.",
)
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Use only queries of this task. Repeatable.")
@click.option("--llm", "llms", multiple=True, metavar="NAME", help="Use only candidates of this LLM. Repeatable.")
@click.option("--mode", "modes", multiple=True, metavar="NAME", help="Use only candidates in this mode: direct or think.")
@click.option("--split", metavar="NAME", help="Split to test on (default: test); with kfold, the split to use (default: all).")
@click.option("--baseline", "baselines", multiple=True, metavar="NAME", help="Baseline to compare with. Repeatable.")
@failures_option
@click.option("--folds", default=5, help="Number of folds for kfold.")
@click.option(
    "--ood-task",
    "ood_tasks",
    multiple=True,
    metavar="TASK",
    help="Out-of-distribution task that a router should decline; only with guarded. Repeatable.",
)
@click.option(
    "--probes",
    default=50,
    type=click.IntRange(min=0),
    help="Number of train queries with scores of the new LLM, for leave_one_llm_out.",
)
@click.option(
    "--resamples",
    default=1000,
    type=click.IntRange(min=1),
    help="Number of random changes of signs behind p, and of resamples of variances.",
)
@click.option("--seed", default=0, type=click.IntRange(min=0), help="Random seed of folds, draws and routers.")
@click.option(
    "--embedder",
    metavar="SPEC",
    help="Prompt embedder of baselines and scikit-learn estimators: tfidf (default), minilm, module:Class or path.py:Class.",
)
@click.option("--allow-partial", is_flag=True, help="Count missing and invalid choices instead of rejecting the router.")
@click.option("--model", default="auto", metavar="NAME", help="Model name sent to a live router.")
@click.option(
    "--alias", "aliases", multiple=True, metavar="NAME=CANDIDATE", help="Name that a live router uses for a candidate."
)
@click.option("--concurrency", default=8, type=click.IntRange(min=1), help="Number of parallel requests to a live router.")
@click.option("--retries", default=3, type=click.IntRange(min=0), help="Retries after a temporary failure of a live router.")
@click.option(
    "--key-variable",
    metavar="NAME",
    help="Environment variable that holds the API key for a live router. Default: no key is sent.",
)
@click.option("--timeout", default=60.0, type=click.FloatRange(min=0, min_open=True), help="Timeout per attempt, seconds.")
@click.option("--calls", type=out_path(), metavar="FILE", help="Record every call to a live router in this JSONL file.")
@click.option(
    "--out",
    type=out_path(file_okay=False),
    metavar="DIR",
    help="Write report.json, leaderboard.csv and report.html to this directory.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing report.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    release: str,
    routers: tuple[str, ...],
    predictions: tuple[Path, ...],
    scenarios: tuple[str, ...],
    baselines: tuple[str, ...],
    aliases: tuple[str, ...],
    calls: Path | None,
    embedder: str | None,
    out: Path | None,
    as_json: bool,
    overwrite: bool,
    **options: Any,
) -> int:
    """Measure routers on a release: how good, at what cost, how sure, and against what.

    With several scenarios, each gets a report of its own, in a directory of its name under --out.

    \b
    Examples:
      llmfusionbench evaluate sample --router knn --out report
      llmfusionbench evaluate sample --router mine.py:MyRouter --scenario balance --protocol kfold
      llmfusionbench evaluate my-release --predictions choices.csv
      llmfusionbench evaluate my-release --router http://localhost:4000 --alias gpt-4=llama-3.1-70b
    """
    from llmfusionbench.evaluation import evaluate
    from llmfusionbench.evaluation.report.report import FILES, REPORT, REPORTS
    from llmfusionbench.evaluation.run import BASELINES
    from llmfusionbench.release import open_release

    live = take(options, "model", "concurrency", "retries", "timeout", "key_variable")
    named = _routers(routers, predictions, {**live, "aliases": _aliases(aliases), "record": calls})
    optional = [name for name in named if name not in routers] if "all" in routers else []
    options |= {name: options[name] or None for name in ("tasks", "llms", "modes")}
    opened = open_release(release)
    if calls is not None:
        _check_calls(calls, out, [*opened.inputs, *predictions])
    seen_by = None if embedder is None else kept_embedder(embedder)
    scenarios = scenarios or ("performance_first",)
    several = len(scenarios) > 1
    with _reports(out, REPORTS if several else REPORT, overwrite, [*opened.inputs, *predictions]) as folder:
        for scenario in scenarios:
            with progress() as tell:
                report = evaluate(
                    named,
                    opened,
                    scenario=scenario,
                    baselines=baselines or BASELINES,
                    optional=optional,
                    embedder=seen_by,
                    progress=tell,
                    **options,
                )
            if as_json:
                say_json_text(report.to_json())
            else:
                show_table(report.title, report.leaderboard_header(), report.leaderboard_rows())
                for line in report.about_variance():
                    say(line)
                for line in report.data["warnings"]:
                    say(f"Note: {line}")
            if folder is not None:
                report.write_files(folder / scenario if several else folder)
    if out is not None:
        for place in [out / scenario for scenario in scenarios] if several else [out]:
            for name in FILES:
                say(f"Wrote {place / name}.", err=as_json)
    return 0


@contextmanager
def _reports(out: Path | None, kind: DirectoryKind, overwrite: bool, inputs: Sequence[Path]) -> Iterator[Path | None]:
    """Where to write the reports, which become `out` at the end; None if they are only shown."""
    if out is None:
        yield None
        return
    with whole_directory(out, kind, overwrite=overwrite, inputs=inputs) as folder:
        yield folder


def _check_calls(calls: Path, out: Path | None, inputs: Sequence[Path]) -> None:
    """Raise InputError if calls must not be recorded in a file: it is in the way of the report, an input, or something else."""
    if out is not None and out.resolve() in calls.resolve().parents:
        raise InputError(f"{calls}: lies in --out, which is written at the end. Remedy: choose a file outside {out}")
    check_file(calls, overwrite=True, inputs=inputs)
    if calls.exists() and calls.stat().st_size:
        with calls.open("rb") as file:
            first = file.readline(_LONGEST_CALL)
        try:
            ours = {"attempts", "model", "prompt", "status"} <= set(json.loads(first))
        except (ValueError, TypeError, RecursionError):
            ours = False
        if not ours:
            raise InputError(f"{calls}: exists and is not a record of calls. Remedy: choose another file")


def _routers(specs: tuple[str, ...], predictions: tuple[Path, ...], live: dict[str, Any]) -> dict[str, Any]:
    """Name -> router; `live` has the settings of live routers."""
    from llmfusionbench.evaluation import LiveRouter
    from llmfusionbench.evaluation.routers.by_name import known_routers

    named: dict[str, Any] = {}
    for spec in specs:
        for one in sorted(known_routers()) if spec == "all" else [spec]:
            named[one] = LiveRouter(one, **live) if is_url(one) else one
    for path in predictions:
        if path.stem in named:
            raise InputError(f"{path}: two routers would be called {path.stem}. Remedy: rename the file")
        named[path.stem] = path
    if not named:
        raise click.UsageError("Nothing to evaluate: name a --router or a file of --predictions.")
    return named


def _aliases(pairs: tuple[str, ...]) -> dict[str, str]:
    """Name in a reply -> candidate."""
    aliases = {}
    for pair in pairs:
        name, equals, candidate = pair.partition("=")
        if not (name and equals and candidate):
            raise click.BadParameter(f"{pair!r}, expected NAME=CANDIDATE", param_hint="--alias")
        aliases[name] = candidate
    return aliases
