"""Worked examples: of the answers that a template was distilled from, the best one."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow.dataset as ds

from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.types import ANSWER_KEY, Candidate


def best_answers(release: Release, library: TemplateLibrary, template_ids: Collection[str] | None = None) -> dict[str, str]:
    """Query of the library -> the text of its best answer.

    Only answers that the query's template was distilled from are considered, so that examples and templates rest on the same
    answers. The best has the highest performance, then judge score, then the lowest cost, then the first name; an answer with
    performance 0 is never used. A query without the text of any such answer is skipped.

    Args:
        release: Source of the answers; only its train split is read.
        library: The library of this release.
        template_ids: Use only the queries of these templates; all by default.

    Raises:
        InputError: The library does not name the sources of its templates.
    """
    if not library.sources:
        raise InputError("best_answers: the library has no sources. Remedy: use TemplateLibrary.of(release)")
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
    """(query, candidate) -> the text of its best replicate, of those that have one; read by row group."""
    table = release.table("responses", "train")
    chosen = ds.field("query_id").isin(sorted({name for name, _ in wanted})) & ds.field("response").is_valid()
    found = {}
    best: dict[tuple[str, str], tuple[float, int]] = {}
    columns = [*ANSWER_KEY, "performance"]
    for batch in table.to_batches(columns=[*columns, "response"], filter=chosen, batch_readahead=2):
        rows = zip(*(batch[name].to_pylist() for name in columns), strict=True)
        for place, (name, llm, mode, replicate, performance) in enumerate(rows):
            if performance is not None and performance <= 0:
                continue
            key, rank = (name, Candidate(llm, mode).name), (-(performance or 0.0), replicate)
            if key in wanted and rank < best.get(key, (np.inf, 0)) and (text := batch["response"][place].as_py()).strip():
                found[key], best[key] = text, rank
    return found
