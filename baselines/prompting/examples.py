"""Answers to serve as worked examples: of those a template was distilled from, the one that did best."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow.dataset as ds

from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.types import Candidate


def best_answers(release: Release, library: TemplateLibrary, template_ids: Collection[str] | None = None) -> dict[str, str]:
    """Query of the library -> the text of its best answer.

    Only answers that the query's template was distilled from take part, so that examples and templates know the same. The
    best is the one of the highest performance, then judge score, then of the least cost, then the first by name; one of
    performance 0 is none. A query without the text of any such answer is left out.

    Args:
        release: Where the answers are; only its train split is read.
        library: Of this release.
        template_ids: Only the queries of these; all by default.

    Raises:
        InputError: the library does not say what its templates were distilled from.
    """
    if not library.sources:
        raise InputError("best_answers: the library has no sources. Remedy: TemplateLibrary.of(release)")
    places = range(len(library)) if template_ids is None else sorted(library.place[i] for i in template_ids)
    sources = {library.query_ids[i]: library.sources[i] for i in places}
    if not sources:
        return {}
    ranked = _ranked(release, sources)
    texts = _texts(release, {(name, candidate) for name, order in ranked.items() for candidate in order})
    found = {}
    for name, order in ranked.items():
        text = next((texts[name, candidate] for candidate in order if (name, candidate) in texts), None)
        if text is not None:
            found[name] = text
    return found


def _ranked(release: Release, sources: dict[str, list[str]]) -> dict[str, list[str]]:
    """Query -> the candidates among its sources that did not fail, the best first."""
    table = release.routing("train")
    column = {name: i for i, name in enumerate(table.candidates)}
    row = {name: i for i, name in enumerate(table.query_ids)}
    ranked = {}
    for name, candidates in sources.items():
        known = [candidate for candidate in sorted(set(candidates)) if candidate in column]
        if name not in row or not known:
            continue
        at = row[name], [column[candidate] for candidate in known]
        performance = table.performance[at]
        keys = (table.cost[at], -table.judge[at], -performance)  # of lexsort, the last is the first; NaN comes last
        ranked[name] = [known[i] for i in np.lexsort(keys).tolist() if not performance[i] <= 0]
    return ranked


def _texts(release: Release, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(query, candidate) -> text, of those that have one; read by row group."""
    table = release.table("responses", "train")
    chosen = ds.field("query_id").isin(sorted({name for name, _ in wanted})) & ds.field("response").is_valid()
    found = {}
    for batch in table.to_batches(columns=["query_id", "llm", "mode", "response"], filter=chosen, batch_readahead=2):
        keys = zip(*(batch[name].to_pylist() for name in ("query_id", "llm", "mode")), strict=True)
        for place, (name, llm, mode) in enumerate(keys):
            key = (name, Candidate(llm, mode).name)
            if key in wanted and (text := batch["response"][place].as_py()).strip():
                found[key] = text
    return found
