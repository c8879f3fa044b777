"""`llmfusionbench templates build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmfusionbench.cli.console import progress, say, show_table
from llmfusionbench.cli.info import SIMULATED
from llmfusionbench.cli.options import cost_line, endpoint, endpoint_options, out_path, take, usage_rows

if TYPE_CHECKING:
    from llmfusionbench.builders.templates import BuiltTemplates, EndpointSummarizer


@click.command(name="build")
@click.argument("release")
@click.option("--out", required=True, type=out_path(), help="Directory for the new release, written atomically.")
@click.option("--criterion", default="performance", help="Score that picks the best answers: performance, judge or hybrid.")
@click.option("--pool", default="all", help="Pool of answers: those of small LLMs (small), or all.")
@click.option("--top", default=3, help="Maximum number of answers per template.")
@click.option("--min-judge-score", default=0.5, help="For judge: minimum score of a good answer.")
@click.option(
    "--summarizer",
    default="extractive",
    metavar="extractive|URL",
    help="Summarizer: extractive, which needs no LLM, or the URL of an OpenAI-compatible server.",
)
@endpoint_options(max_tokens=400)
@click.option("--seed", type=int, help="Sampling seed, if the server accepts one.")
@click.option("--limit", type=int, metavar="N", help="Maximum number of templates to make.")
@click.option(
    "--allow-partial",
    is_flag=True,
    help="Write the templates made so far when the budget is spent or the server stops answering.",
)
@click.option("--revision", help="Commit, tag or branch of a release on the Hub.")
@click.option("--overwrite", is_flag=True, help="Replace an existing release.")
def build(
    release: str,
    out: Path,
    summarizer: str,
    seed: int | None,
    revision: str | None,
    **options: Any,
) -> None:
    """Make a thought template from the best answers to every train query of RELEASE, and write them as another release.

    A template says in one to five sentences the kind of task, how the best answers reason, and in which form
    they give the final answer, without stating it. Queries without a good answer get none and are counted. Templates that
    RELEASE already has are kept.

    With a server, a run that is stopped or spends its budget writes no release; the same command resumes it and pays for no
    reply twice. The API key is read from the environment only.

    \b
    Examples:
      llmfusionbench templates build sample --out with-templates
      llmfusionbench templates build sample --criterion hybrid --pool small --out with-templates
      llmfusionbench templates build sample --summarizer http://localhost:8000 --model my-llm --out with-templates
    """
    from llmfusionbench.builders.templates import build_templates
    from llmfusionbench.release import open_release

    settings = take(options, "criterion", "pool", "top", "min_judge_score", "limit", "allow_partial", "overwrite")
    model = options["model"]
    by: EndpointSummarizer | str = summarizer
    if "://" in summarizer:
        from llmfusionbench.builders.templates import EndpointSummarizer

        if not model:
            raise click.UsageError("A server needs a model. Name it with --model.")
        by = EndpointSummarizer(*endpoint(summarizer, seed, options))
    elif model is not None:
        raise click.UsageError("--model needs a server. Name its URL with --summarizer.")
    opened = open_release(release, revision=revision)
    with progress() as tell:
        built = build_templates(opened, out, summarizer=by, progress=tell, **settings)
    if "simulated" in opened.provenance:
        say(SIMULATED)
    show(built, "Thought templates by {}, criterion {criterion}, pool {pool}".format(model or summarizer, **settings))
    say(f"Wrote {out}.")


def show(built: BuiltTemplates, title: str) -> None:
    """Print the counts of queries and templates, the usage, and one template."""
    made = built.templates
    figures: list[list[object]] = [["train queries", made.queries], ["templates made", len(made.table)]]
    for what, counts in (("skipped", made.skipped), ("failed", made.failed), ("left", made.left)):
        figures += [[f"{what}: {reason}", count] for reason, count in counts.items()]
    figures += [["templates of the source replaced", built.replaced], ["templates of the source kept", built.kept]]
    figures += [] if made.usage is None else usage_rows(made.usage)
    show_table(title, ["figure", "count"], figures)
    if made.usage is not None and (cost := cost_line(made.usage)):
        say(cost)
    first = made.table.slice(0, 1).to_pylist()[0]
    say(f"Template {first['template_id']}, from {', '.join(first['sources'])}:")
    say(f"  {' '.join(first['template'].split())}")
