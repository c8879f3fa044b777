"""`llmfusionbench templates retrieve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmfusionbench.cli.console import progress, say, show_table
from llmfusionbench.cli.info import SIMULATED
from llmfusionbench.cli.options import make_retriever, out_path, retrieval_options, say_left_out, take
from llmfusionbench.storage.kinds import check_file

if TYPE_CHECKING:
    from llmfusionbench.baselines.retrievers import Queries, Retriever, TemplateLibrary


@click.command(name="retrieve")
@click.argument("release")
@retrieval_options
@click.option(
    "--method", default="thought_template", metavar="NAME", help="Prompt method: zero_shot, few_shot or thought_template."
)
@click.option("--prompt", help="Print the templates retrieved for this text.")
@click.option("--task", metavar="NAME", help="Task that --prompt belongs to.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of queries, drawn evenly from the tasks.")
@click.option("--seed", default=0, help="Random seed for --limit.")
@click.option("--out", type=out_path(dir_okay=False), metavar="FILE", help="Write the prompts to this JSONL file.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--revision", help="Commit, tag or branch of a release on the Hub.")
def command(
    release: str,
    retriever: str,
    embedder: str | None,
    split: str,
    method: str,
    prompt: str | None,
    task: str | None,
    limit: int | None,
    seed: int,
    out: Path | None,
    overwrite: bool,
    revision: str | None,
    **options: Any,
) -> None:
    """Find the thought templates of the most similar train queries, and write prompts that quote them.

    A query never gets a template made from itself or from a near-duplicate of it. Templates are quoted as data; where the
    prompt would be longer than --budget-tokens, the least similar are left out.

    The lines of --out are plain prompts for `llmfusionbench collect --prompts`. Beside the messages, which alone are sent, each
    has the ground truth, options and metric of its query, by which `build collected` scores the answers.

    \b
    Examples:
      llmfusionbench templates retrieve sample --out prompts.jsonl
      llmfusionbench templates retrieve sample --retriever hybrid --within task --k 5 --out prompts.jsonl
      llmfusionbench templates retrieve sample --prompt "A train leaves at noon and ..." --task gsm8k
    """
    from llmfusionbench.baselines.prompting.comparison import make_prompts
    from llmfusionbench.baselines.prompting.prompts import write_prompts
    from llmfusionbench.baselines.prompting.scoring import query_rows
    from llmfusionbench.baselines.retrievers import Queries, TemplateLibrary
    from llmfusionbench.errors import UnknownNameError
    from llmfusionbench.release import open_release

    if (prompt is None) == (out is None):
        raise click.UsageError("Either --out FILE for the queries of a split, or --prompt TEXT for one of your own.")
    if prompt is None and task is not None:
        raise click.UsageError("--task belongs to --prompt.")
    if prompt is not None and task is None and options["within"] != "any":
        raise click.UsageError(f"--within {options['within']} needs the --task of --prompt.")
    opened = open_release(release, revision=revision)
    if out is not None:
        check_file(out, overwrite=overwrite, inputs=opened.inputs)
    library = TemplateLibrary.of(opened, **take(options, "criterion", "pool", "summarizer"))
    chosen = make_retriever(retriever, embedder)
    if "simulated" in opened.provenance:
        say(SIMULATED)
    if prompt is not None:
        if task is not None and task not in library.domain_of:
            raise UnknownNameError("task with templates", task, library.domain_of)
        query = Queries.one(prompt, task or "", library.domain_of.get(task or ""))
        _look_up(chosen, library, query, **take(options, "k", "within"))
        return
    assert out is not None
    queries = Queries.of(opened, split).limited(limit, seed)
    with progress() as tell:
        tell("retrieving", 0, None)
        made = make_prompts(opened, chosen, library, queries, methods=[method], **options)[method]
    say_left_out(made.left_out)
    if made.without_answer:
        say(f"No good answer: {made.without_answer:,} retrieved queries could be no example.")
    if made.dropped:
        touched = sum(1 for p in made.prompts if p.dropped)
        room = f"No room within {options['budget_tokens']:,} tokens"
        say(f"{room}: {made.dropped:,} dropped from {touched:,} prompts, the least similar.")
    rows = query_rows(opened, queries.query_ids, split)
    count = write_prompts(made.prompts, out, queries=rows, simulated="simulated" in opened.provenance)
    held = sum(len(p.templates) for p in made.prompts)
    empty = sum(1 for p in made.prompts if not p.templates)
    noun = "examples" if method == "few_shot" else "templates"
    say(f"Wrote {out}: {count:,} prompts with {held:,} {noun}; {empty:,} prompts have none.")


def _look_up(retriever: Retriever, library: TemplateLibrary, query: Queries, k: int, within: str) -> None:
    """Print the templates for one text."""
    ids, similarities = retriever.fit(library).topk(
        query.prompts, k, query_ids=query.query_ids, tasks=query.tasks, domains=query.domains, within=within
    )
    rows = [
        [round(similarity, 3), library.tasks[library.place[name]], name, library.templates[library.place[name]]]
        for name, similarity in zip(ids[0], similarities[0].tolist(), strict=False)
    ]
    if not rows:
        say("Nothing found: no template is similar, but for those of the text itself and its near-duplicates.")
        return
    show_table(f"{len(rows)} of {len(library):,} templates", ["similarity", "task", "template_id", "template"], rows)
