"""Compares zero-shot, few-shot and thought-template prompts on the same test queries.

The comparison of the thought level in FusionFactory (arXiv 2507.10540), for any release, model and scorer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from llmfusionbench.baselines.prompting.asking import ask_prompts, read_journal, run_in
from llmfusionbench.baselines.prompting.examples import best_answers
from llmfusionbench.baselines.prompting.prompts import METHODS, PromptSet, build_prompts, write_prompts
from llmfusionbench.baselines.prompting.scoring import Scorer, query_rows
from llmfusionbench.baselines.prompting.tally import MethodFigures, Tally
from llmfusionbench.baselines.retrievers.any_retriever import ask, places
from llmfusionbench.baselines.retrievers.eligible import eligible
from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.baselines.retrievers.queries import Queries
from llmfusionbench.baselines.retrievers.retriever import LibraryRetriever, Retriever
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.llm.chat import ChatClient
from llmfusionbench.llm.journal import Key, Record
from llmfusionbench.llm.spending import Spending
from llmfusionbench.release import Release
from llmfusionbench.storage.json_lines import write_lines
from llmfusionbench.types import Progress, content_id

ANSWERS: Final = "answers.jsonl"
PROMPTS: Final = "prompts.jsonl"
REPORT: Final = "report.json"


@dataclass(frozen=True)
class PromptReport:
    """The comparison."""

    model: str
    release: str
    split: str
    queries: int
    simulated: bool
    """Whether the queries and templates are simulated; the answers never are."""
    settings: dict[str, Any]
    overall: list[MethodFigures]
    per_task: list[MethodFigures]
    dropped: dict[str, int]
    """Method -> templates or examples that did not fit into their prompts."""
    without_answer: int
    """Retrieved queries that have no good answer and were not used as examples."""

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON types."""
        return asdict(self)


def make_prompts(
    release: Release,
    retriever: Retriever,
    library: TemplateLibrary,
    queries: Queries,
    *,
    methods: Sequence[str] = METHODS,
    k: int = 3,
    within: str = "any",
    budget_tokens: int = 2048,
) -> dict[str, PromptSet]:
    """Method -> the prompts of the same queries, with the same hits. The retriever is fitted on the library here.

    Raises:
        UnknownNameError: There is no such method or restriction.
        InputError: See `build_prompts`; or the retriever returned an excluded template.
    """
    hits = ask(retriever, library, queries, k, within)
    if not isinstance(retriever, LibraryRetriever):  # ours exclude templates themselves
        facts: dict[str, Any] = {"query_ids": queries.query_ids, "tasks": queries.tasks, "domains": queries.domains}
        places(hits, library, queries, eligible(library, queries.prompts, within=within, **facts))
    answers = None
    if "few_shot" in methods:
        answers = best_answers(release, library, {template_id for ids in hits[0] for template_id in ids})
    return {
        method: build_prompts(queries, hits, library, budget_tokens=budget_tokens, method=method, answers=answers)
        for method in dict.fromkeys(methods)
    }


def compare_prompts(
    release: Release,
    client: ChatClient,
    retriever: Retriever,
    out: Path,
    *,
    methods: Sequence[str] = METHODS,
    scorer: Scorer | None = None,
    spending: Spending | None = None,
    library: TemplateLibrary | None = None,
    split: str = "test",
    limit: int | None = None,
    k: int = 3,
    within: str = "any",
    budget_tokens: int = 2048,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> PromptReport:
    """Ask an LLM the same queries with each method, and score the answers.

    `out` gets prompts.jsonl, answers.jsonl (every answer with its performance, and why one is missing) and report.json. A run
    that was stopped, spent its budget, or had failed calls is resumed by the next one with the same settings: only prompts
    without an answer are sent.

    Args:
        release: A release with thought templates, made from its train queries.
        client: The LLM.
        retriever: Fitted here, on the library alone.
        out: Directory; created if needed.
        methods: Some of `zero_shot`, `few_shot` and `thought_template`.
        scorer: Default: each query's own metric, without running programs.
        spending: The budget, which also counts what the run spends. A query is asked with all methods before the next one, so
            that a spent budget leaves paired answers.
        library: `TemplateLibrary.of(release)` by default.
        split: Split of the queries.
        limit: Maximum number of queries, drawn by `seed` evenly from the tasks.
        k: Maximum number of templates or examples per prompt.
        within: Where they may come from: `any`, `domain` or `task`.
        budget_tokens: Maximum number of tokens per prompt.
        resamples: Number of random changes of signs behind p.
        seed: Random seed of the draw and of p.
        progress: Called as progress(stage, done, total).

    Raises:
        InputError: The server refuses, `out` holds other files, or a user's scorer failed.
        UnknownNameError: There is no such method, split or restriction.
    """
    if split == "train":
        raise InputError("evaluate-prompts: split train made the templates. Remedy: choose another split")
    if not methods:
        raise InputError("evaluate-prompts: no method. Remedy: name one or more")
    for method in methods:
        if method not in METHODS:
            raise UnknownNameError("method", method, METHODS)
    client.check()
    library = TemplateLibrary.of(release) if library is None else library
    queries = Queries.of(release, split).limited(limit, seed)
    embedder = getattr(retriever, "embedder", None)  # or the cache around it
    settings: Record = {
        "release": release.manifest_sha256, "split": split, "k": k, "within": within, "budget_tokens": budget_tokens,
        "retriever": type(retriever).__name__, "embedder": type(getattr(embedder, "embedder", embedder)).__name__,
        "templates": content_id(*library.template_ids), "model": client.model, "max_tokens": client.max_tokens,
        "temperature": client.temperature, "seed": client.seed,
    }  # fmt: skip
    simulated = "simulated" in release.provenance
    journal = out / ANSWERS
    with run_in(out, settings, journal):
        if progress is not None:
            progress("prompts", 0, None)
        sets = make_prompts(
            release, retriever, library, queries, methods=methods, k=k, within=within, budget_tokens=budget_tokens
        )
        prompts = [prompt for made in sets.values() for prompt in made.prompts]
        rows = query_rows(release, queries.query_ids, split)
        write_prompts(prompts, out / PROMPTS, queries=rows, simulated=simulated)
        place = {name: i for i, name in enumerate(queries.query_ids)}
        in_turn = sorted(prompts, key=lambda prompt: place[prompt.query_id])
        answers = ask_prompts(client, in_turn, journal, spending=spending, progress=progress)
        _score(answers, scorer or Scorer(), rows, progress)
        if simulated:
            for record in answers.values():
                record["simulated_query"] = True
        # Sorted, with their performance; answers to other prompts of an earlier run stay, so that none is lost.
        write_lines([record for _, record in sorted({**read_journal(journal), **answers}.items())], journal)
        tally = Tally(queries, sets, answers, resamples, seed)
        report = PromptReport(
            model=client.model,
            release=str(release.path),
            split=split,
            queries=len(queries),
            simulated=simulated,
            settings={**settings, "url": client.address},
            overall=tally.of(None),
            per_task=[row for task in sorted(set(queries.tasks)) for row in tally.of(task)],
            dropped={method: made.dropped for method, made in sets.items()},
            without_answer=sum(made.without_answer for made in sets.values()),
        )
        write_lines([report.to_dict()], out / REPORT)
    return report


def _score(
    answers: Mapping[Key, Record], scorer: Scorer, rows: Mapping[str, Mapping[str, Any]], progress: Progress | None
) -> None:
    """Add performance and reason to every record."""
    for done, ((name, _), record) in enumerate(sorted(answers.items()), 1):
        record["performance"], record["reason"] = scorer(record["response"], record["error"], rows[name])
        if progress is not None:
            progress("scored", done, len(answers))
