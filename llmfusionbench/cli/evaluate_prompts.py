"""`llmfusionbench evaluate-prompts`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from llmfusionbench.cli.console import progress, say, show_table
from llmfusionbench.cli.info import SIMULATED
from llmfusionbench.cli.options import (
    cost_line,
    endpoint,
    endpoint_options,
    make_retriever,
    out_path,
    retrieval_options,
    take,
    usage_rows,
)
from llmfusionbench.cli.prompt_tables import show, show_retrieval
from llmfusionbench.errors import InputError

if TYPE_CHECKING:
    from llmfusionbench.baselines.prompting.scoring import Scorer


_PARTLY: Final = "SIMULATED DATA: queries and templates are made up; only the answers are an LLM's. Never compare LLMs by it."


@click.command(name="evaluate-prompts")
@click.argument("release")
@click.option("--url", metavar="URL", help="URL of an OpenAI-compatible server.")
@click.option(
    "--methods",
    default="zero_shot,few_shot,thought_template",
    metavar="NAMES",
    help="Comma-separated list of methods to compare.",
)
@retrieval_options
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of queries, drawn evenly from the tasks.")
@click.option(
    "--scorer",
    metavar="SPEC",
    help="Metric for all queries instead of each query's own; also module:function or path.py:function.",
)
@click.option("--allow-code-execution", is_flag=True, help="Run the programs that the LLM wrote, in a sandbox.")
@click.option("--sandbox", default="auto", help="Kind of isolation: auto, bubblewrap, namespaces or process.")
@endpoint_options(max_tokens=512)
@click.option("--resamples", default=1000, type=click.IntRange(min=1), help="Number of random changes of signs behind p.")
@click.option("--seed", default=0, help="Random seed of the draw, the LLM's sampling and p.")
@click.option("--retrieval-only", is_flag=True, help="Send no requests: measure the retrieved templates against random ones.")
@click.option("--revision", help="Commit, tag or branch of a release on the Hub.")
@click.option("--out", type=out_path(file_okay=False), metavar="DIR", help="Directory for prompts, answers and report.")
def command(
    release: str,
    url: str | None,
    methods: str,
    retriever: str,
    embedder: str | None,
    budget_tokens: int,
    limit: int | None,
    scorer: str | None,
    allow_code_execution: bool,
    sandbox: str,
    seed: int,
    retrieval_only: bool,
    revision: str | None,
    out: Path | None,
    **options: Any,
) -> None:
    """Ask an LLM the same queries bare, with worked examples and with thought templates, and compare the results.

    Every answer is kept in DIR/answers.jsonl. A run that was stopped, spent its budget, or had failed calls is resumed by the
    next one with the same settings. With --retrieval-only no LLM is asked: the queries behind the retrieved templates are
    compared with the test queries (same task, same skill, agreement of the LLMs' scores), against what chance gives.

    \b
    Examples:
      llmfusionbench evaluate-prompts sample --retrieval-only
      llmfusionbench evaluate-prompts sample --url http://localhost:8000 --model qwen2.5-7b --limit 50 --out prompts-7b
    """
    from llmfusionbench.baselines.prompting.comparison import compare_prompts
    from llmfusionbench.baselines.retrievers import TemplateLibrary
    from llmfusionbench.release import open_release

    if not retrieval_only and (url is None or options["model"] is None or out is None):
        raise click.UsageError("Name --url, --model and --out, or use --retrieval-only.")
    opened = open_release(release, revision=revision)
    chosen = make_retriever(retriever, embedder)
    if "simulated" in opened.provenance:
        say(SIMULATED if retrieval_only else _PARTLY)
    settings = {**take(options, "k", "within", "split", "resamples"), "seed": seed}
    templates = take(options, "criterion", "pool", "summarizer")
    if retrieval_only:
        _retrieval(opened, chosen, out, name=retriever, **templates, **settings)
        return
    assert url is not None
    assert out is not None
    named = [name.strip() for name in methods.split(",") if name.strip()]
    client, spending = endpoint(url, seed, options)
    with _scorer(scorer, sandbox if allow_code_execution else None) as how, progress() as tell:
        report = compare_prompts(
            opened, client, chosen, out, methods=named, scorer=how, spending=spending, limit=limit, progress=tell,
            library=TemplateLibrary.of(opened, **templates), budget_tokens=budget_tokens, **settings,
        )  # fmt: skip
    show(report)
    show_table("This run", ["figure", "count"], usage_rows(spending.usage))
    if cost := cost_line(spending.usage):
        say(cost)
    say(f"Wrote {out}: prompts.jsonl, answers.jsonl, report.json.")


def _retrieval(opened: Any, chosen: Any, out: Path | None, *, name: str, **options: Any) -> None:
    """The offline evaluation."""
    from llmfusionbench.baselines.retrievers.quality import RetrievalReport, evaluate_retrieval
    from llmfusionbench.storage.json_lines import write_lines
    from llmfusionbench.storage.kinds import has_fields

    place = None if out is None else out / "retrieval.json"
    if place is not None and not has_fields(place, [field.name for field in fields(RetrievalReport)]):
        raise InputError(f"{place}: exists and is not a report on retrieval. Remedy: choose another --out")
    with progress() as tell:
        tell("measuring", 0, None)
        report = evaluate_retrieval(chosen, opened, **options)
    show_retrieval(report, name)
    if place is not None:
        write_lines([report.to_dict()], place)
        say(f"Wrote {place}.")


@contextmanager
def _scorer(spec: str | None, sandbox: str | None) -> Iterator[Scorer]:
    """The scorer that the options describe; with a sandbox if programs may run."""
    from llmfusionbench.baselines.prompting.scoring import Scorer
    from llmfusionbench.evaluation.routers.by_name import load_named
    from llmfusionbench.sandbox import CodeTask, Sandbox, Verdict, describe_sandbox

    named: dict[str, Any] = {}
    if spec is not None:
        named = {"function": load_named(spec, "function")} if ":" in spec else {"metric": spec}
    if sandbox is None:
        yield Scorer(**named)
        return
    say(f"Sandbox: {describe_sandbox(sandbox)}.")
    with Sandbox(sandbox=sandbox) as pool:

        def run(code: str, tests: tuple[str, ...], *, entry_point: str | None, setup: str) -> Verdict:
            return pool.run_one(CodeTask(code=code, tests=tests, entry_point=entry_point, setup=setup))

        yield Scorer(**named, runner=run)
