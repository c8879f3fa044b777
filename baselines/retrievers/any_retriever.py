"""Calls any retriever, passing only the arguments its topk accepts, and checks that no hit breaks the leakage rule."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.retrievers.eligible import Eligible
from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.baselines.retrievers.queries import Queries
from llmfusionbench.baselines.retrievers.retriever import Hits, Retriever
from llmfusionbench.errors import InputError


def ask(retriever: Retriever, library: TemplateLibrary, queries: Queries, k: int, within: str) -> Hits:
    """Fit a retriever on the library, if it has `fit`, and get its hits. `topk` gets only the arguments that it takes.

    Raises:
        InputError: It returned anything but n lists of ids and [n, k] similarities.
    """
    fit = getattr(retriever, "fit", None)
    fitted: Any = (None if fit is None else fit(library)) or retriever
    facts = {"query_ids": queries.query_ids, "tasks": queries.tasks, "domains": queries.domains, "within": within}
    takes = inspect.signature(fitted.topk).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes.values()):
        facts = {name: value for name, value in facts.items() if name in takes}
    found = fitted.topk(queries.prompts, k, **facts)
    try:
        ids, similarities = [[str(i) for i in row] for row in found[0]], np.asarray(found[1], np.float32)
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise InputError(f"retriever: topk gave {found!r:.80}, expected ids and similarities") from error
    if len(ids) != len(queries):
        raise InputError(f"retriever: {len(ids)} lists of hits for {len(queries)} queries. Remedy: return one list per query")
    most = max(map(len, ids), default=0)
    if similarities.ndim != 2 or len(similarities) != len(queries) or similarities.shape[1] < most or most > k:
        raise InputError(
            f"retriever: similarities of shape {similarities.shape} and up to {most} ids for {len(queries)} queries, k = {k}. "
            "Remedy: [n, k] similarities, and at most k ids per query"
        )
    return ids, similarities


def places(
    hits: Hits, library: TemplateLibrary, queries: Queries, allowed: Eligible
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Query and template of every hit.

    Raises:
        InputError: A template is not in the library, or the query may not have it.
    """
    for template_id in (template_id for ids in hits[0] for template_id in ids):
        if template_id not in library.place:
            raise InputError(f"retriever: template {template_id} is not in the library. Remedy: return ids of its library")
    rows = np.repeat(np.arange(len(queries)), [len(ids) for ids in hits[0]])
    columns = np.array([library.place[template_id] for ids in hits[0] for template_id in ids], np.int64)
    wrong = np.flatnonzero(~allowed.may(rows, columns))
    if len(wrong):
        query, template = queries.query_ids[rows[wrong[0]]], library.template_ids[columns[wrong[0]]]
        raise InputError(
            f"retriever: {len(wrong):,} of {len(rows):,} hits are not allowed, such as template {template} for query {query}. "
            "Remedy: exclude templates made from the query or a near-duplicate, and obey `within`"
        )
    return rows, columns
