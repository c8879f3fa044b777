"""What is in a release: counts, tokens, coverage of the query x candidate grid, missing values, licences."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.schema import SIDECARS, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CELL: Final = ["query_id", "llm", "mode"]
"""What a cell of the grid is known by."""


@dataclass(frozen=True)
class ReleaseInfo:
    """Figures of a release; missing values never count as 0."""

    provenance: list[str]
    source: str | None
    revision: str | None
    schema_version: str
    rows: dict[str, dict[str, int]]
    """Table -> split -> rows."""
    tasks: dict[str, dict[str, int]]
    """Task -> queries, responses, scored (responses with a performance)."""
    candidates: int
    """Distinct (LLM, mode)."""
    cells: int
    """Queries x candidates."""
    answered: int
    """Cells with an answer, even an empty one."""
    replicates: int
    """Largest number of answers of a candidate to one query."""
    responses: dict[str, int]
    """Status -> responses; `absent` counts the cells of the grid without a row."""
    missing: dict[str, int]
    """Column of `responses` -> number of nulls."""
    input_tokens: int | None
    """Sum over the responses that have a count; None if none has."""
    output_tokens: int | None
    tokenizers: list[str]
    cost_usd: float | None
    """USD; sum over the responses that have a cost."""
    judges: dict[str, int]
    """Judge -> number of scored answers."""
    licenses: dict[str, int]
    """Licence -> queries; `unknown` if the query states none."""
    llm_licenses: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def coverage(self) -> float | None:
        """Share of the grid's cells with an answer, even an empty one; None for an empty grid."""
        return self.answered / self.cells if self.cells else None

    @classmethod
    def of(cls, manifest: Mapping[str, Any], read: Callable[[str, list[str]], pa.Table]) -> ReleaseInfo:
        """Count a release, given its manifest and a function that reads columns of a table. Reads no texts."""
        queries = read("queries", ["query_id", "task", "license"])
        numbers = ["input_tokens", "output_tokens", "performance", "cost_usd", "latency_s"]
        keys = ["query_id", "llm", "mode", "replicate", "status", "tokenizer"]
        responses = read("responses", keys + numbers)
        scores = read("judge_scores", ["judge", "score"])
        llms = read("llms", ["license"])
        candidates = responses.group_by(["llm", "mode"]).aggregate([]).num_rows
        cells = queries.num_rows * candidates
        return cls(
            provenance=list(manifest.get("provenance", [])),
            source=manifest.get("source", {}).get("name"),
            revision=manifest.get("source", {}).get("revision"),
            schema_version=manifest["schema_version"],
            rows={
                t: {s: n["rows"] for s, n in manifest["tables"][t]["splits"].items()}
                for t in TABLES + SIDECARS
                if t in manifest["tables"]
            },
            tasks=_tasks(queries, responses),
            candidates=candidates,
            cells=cells,
            answered=_cells(responses.select(_CELL).filter(pc.is_in(responses["status"], pa.array(["ok", "empty"])))),
            replicates=(pc.max(responses["replicate"]).as_py() or 0) + 1,
            responses={**_counts(responses["status"]), "absent": cells - _cells(responses)},
            missing={name: responses[name].null_count for name in numbers},
            input_tokens=pc.sum(responses["input_tokens"]).as_py(),
            output_tokens=pc.sum(responses["output_tokens"]).as_py(),
            tokenizers=sorted(t for t in pc.unique(responses["tokenizer"]).to_pylist() if t is not None),
            cost_usd=pc.sum(responses["cost_usd"]).as_py(),
            judges=_counts(scores.filter(pc.is_valid(scores["score"]))["judge"]),
            licenses=_counts(queries["license"], null="unknown"),
            llm_licenses=_counts(llms["license"], null="unknown"),
        )


def _cells(responses: pa.Table) -> int:
    """Number of cells of the grid that have a row."""
    cells = np.zeros(responses.num_rows, np.int64)
    for name in _CELL:  # as numbers, which take less memory than groups of texts
        coded = responses[name].dictionary_encode(null_encoding="encode").unify_dictionaries()
        codes = [chunk.indices.to_numpy() for chunk in coded.chunks]
        cells = cells * max((len(chunk.dictionary) for chunk in coded.chunks), default=1) + np.concatenate([*codes, cells[:0]])
    cells.sort()  # faster than np.unique, which looks each one up
    return int(np.count_nonzero(np.diff(cells))) + (cells.size > 0)


def _counts(values: pa.ChunkedArray, null: str | None = None) -> dict[str, int]:
    """Value -> rows, most frequent first."""
    counts: Counter[str] = Counter()
    for pair in pc.value_counts(values).to_pylist():
        name = null if pair["values"] is None else pair["values"]
        if name is not None:
            counts[name] += pair["counts"]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _tasks(queries: pa.Table, responses: pa.Table) -> dict[str, dict[str, int]]:
    tasks = queries["task"].combine_chunks().dictionary_encode()
    rows = pc.index_in(responses["query_id"], value_set=queries["query_id"])
    task_of = pc.fill_null(tasks.indices.take(rows), len(tasks.dictionary)).to_numpy()  # the last number: of no query
    scored = responses["performance"].is_valid().to_numpy()
    asked, done = (np.bincount(of, minlength=len(tasks.dictionary) + 1).tolist() for of in (task_of, task_of[scored]))
    counts = _counts(queries["task"])
    places = {task: place for place, task in enumerate(tasks.dictionary.to_pylist())}
    return {t: {"queries": counts[t], "responses": asked[places[t]], "scored": done[places[t]]} for t in sorted(counts)}
