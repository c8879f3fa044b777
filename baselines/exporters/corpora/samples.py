"""The chosen records with their texts: flat tables, some queries at a time, so that memory does not grow with the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.answers import Answers
from llmfusionbench.baselines.exporters.corpora.chosen import GROUND_TRUTH, Chosen
from llmfusionbench.baselines.exporters.corpora.formats.format import Kind
from llmfusionbench.baselines.exporters.corpora.ground_truths import COLUMNS, label_answers
from llmfusionbench.baselines.exporters.corpora.queries import UNKNOWN, Coded, Places, batches
from llmfusionbench.errors import ReleaseError
from llmfusionbench.release import Release
from llmfusionbench.types import MODES

_PIECE_BYTES: Final = 2**28
"""Prompts in samples at a time: one that is long is as often there as its query has records."""


class Samples:
    """The samples of a corpus; can be iterated once.

    Args:
        release: Source of the texts.
        answers: Its numbers.
        chosen: The records of the corpus.
        kind: Their kind.
    """

    def __init__(self, release: Release, answers: Answers, chosen: Chosen, kind: Kind) -> None:
        self.release, self.answers, self.chosen, self.kind = release, answers, chosen, kind

    def __iter__(self) -> Iterator[tuple[Places, pa.Table]]:
        """Records and their samples, by query in the order of the release.

        Raises:
            ReleaseError: the files have changed since the numbers were read.
        """
        chosen = self.chosen
        needed = np.bincount(chosen.query[chosen.answer != GROUND_TRUTH], minlength=len(self.answers.queries))
        if chosen.rejected is not None:
            needed += np.bincount(chosen.query, minlength=len(self.answers.queries))
        prompts = _Prompts(self.release, self.answers)
        waiting: list[tuple[Places, pa.Array]] = []
        done = 0  # queries whose samples are out
        for places, texts in self._texts():
            waiting.append((places, texts))
            np.subtract.at(needed, self.answers.query[places], 1)
            # As far as every query is complete. A release is sorted, so that next to nothing has to wait.
            until = done + _leading(needed[done:] == 0)
            if until > done:
                found, texts = _joined(waiting)
                yield from self._samples(done, until, prompts, found, texts)
                rest = self.answers.query[found] >= until
                waiting = [(found[rest], texts.filter(pa.array(rest)))]
                done = until
        found, texts = _joined(waiting)
        if (needed != 0).any():
            raise ReleaseError(f"{self.release.path}: changed while it was read. Remedy: run it again")
        yield from self._samples(done, len(needed), prompts, found, texts)

    def _texts(self) -> Iterator[tuple[Places, pa.Array]]:
        """The texts of the answers that were chosen, as they pass by."""
        wanted = np.zeros(len(self.answers), bool)
        for column in (self.chosen.answer, self.chosen.rejected):
            if column is not None:
                wanted[column[column != GROUND_TRUTH]] = True
        if not wanted.any():
            return
        for batch in batches(self.release, "responses", self.answers.queries.splits, ["query_id", "llm", "mode", "response"]):
            places = self.answers.places(batch)
            mask = (places >= 0) & wanted[places]
            if mask.any():
                yield places[mask], batch["response"].filter(pa.array(mask))

    def _samples(
        self, start: int, stop: int, prompts: _Prompts, places: Places, texts: pa.Array
    ) -> Iterator[tuple[Places, pa.Table]]:
        """The samples of the queries from `start` to `stop`, whose texts have all come."""
        answers, chosen, queries = self.answers, self.chosen, self.answers.queries
        order = np.argsort(places, kind="stable")
        places = places[order]
        for first, records, asked in self._pieces(start, stop, prompts):
            query, answer = chosen.query[records], chosen.answer[records]
            own = answer != GROUND_TRUTH
            think = own & answers.think[answer]
            prompt = pc.if_else(pa.array(think), asked["think"].take(pa.array(query - first)),
                                asked["direct"].take(pa.array(query - first)))  # fmt: skip
            truth = asked["label"].take(pa.array(query - first))

            def text(answer: Places, truth: pa.Array | None = truth) -> pa.Array:
                at = np.minimum(np.searchsorted(places, answer), max(len(places) - 1, 0))
                real = answer != GROUND_TRUTH
                taken = texts.take(pa.array(order[at] if len(order) else at, mask=~real))
                return taken if truth is None else pc.if_else(pa.array(real), taken, truth)

            columns = {
                "query_id": queries.ids.take(pa.array(query)),
                "task": _names(queries.task, query),
                "prompt": prompt,
                "provenance": _names(answers.provenance_of(query, answer), np.arange(len(records))),
                "license": _names(queries.license, query, missing=UNKNOWN),
                "candidate": _names(answers.candidates, answer),
                "mode": pa.array(MODES).take(pa.array(think.astype(np.int8))),
            }
            if chosen.rejected is not None:
                columns |= {
                    "rejected_candidate": _names(answers.candidates, chosen.rejected[records]),
                    "chosen": text(answer, None),
                    "rejected": text(chosen.rejected[records], None),
                    "gap": pa.array(chosen.gap[records].astype(np.float32)) if chosen.gap is not None else None,
                }
            elif chosen.label is not None:
                columns |= {"completion": text(answer, None), "label": pa.array(chosen.label[records])}
            else:
                tokens = answers.output_tokens[answer]
                columns |= {
                    "response": text(answer),
                    "performance": _number(answers.performance[answer], own, pa.float32()),
                    "judge_score": _number(answers.judge[answer], own, pa.float32()),
                    "output_tokens": _number(tokens, own, pa.int64()),
                }
            yield records, pa.table(columns)

    def _pieces(self, start: int, stop: int, prompts: _Prompts) -> Iterator[tuple[int, Places, dict[str, pa.Array]]]:
        """(first query, some records, texts of their queries), in pieces whose prompts, repeated per record, fit in memory."""
        for first, last, asked in prompts.between(start, stop):
            records = np.arange(*np.searchsorted(self.chosen.query, [first, last]))
            length = np.max([pc.fill_null(pc.binary_length(texts), 0).to_numpy() for texts in asked.values()], axis=0)
            ends = np.cumsum(length[self.chosen.query[records] - first], dtype=np.int64)
            for piece in np.split(records, np.flatnonzero(np.diff(ends // _PIECE_BYTES)) + 1):
                if len(piece):
                    yield first, piece, asked


class _Prompts:
    """The texts of the queries, read along with those of the answers."""

    def __init__(self, release: Release, answers: Answers) -> None:
        self._ids = answers.queries.ids
        columns = ["query_id", "prompt", "prompt_think", *COLUMNS]
        self._rest = batches(release, "queries", answers.queries.splits, columns)
        self._batch: pa.RecordBatch | None = None
        self._start = 0
        self._path = release.path

    def between(self, start: int, stop: int) -> Iterator[tuple[int, int, dict[str, pa.Array]]]:
        """(first, last, texts) of pieces of the queries from `start` to `stop`; must be asked for in order."""
        while start < stop:
            while self._batch is None or self._start + self._batch.num_rows <= start:
                self._start += 0 if self._batch is None else self._batch.num_rows
                self._batch = next(self._rest, None)
                if self._batch is None:
                    raise ReleaseError(f"{self._path}: changed while it was read. Remedy: run it again")
            last = min(stop, self._start + self._batch.num_rows)
            part = self._batch.slice(start - self._start, last - start)
            if not part["query_id"].equals(self._ids.slice(start, last - start)):
                raise ReleaseError(f"{self._path}: changed while it was read. Remedy: run it again")
            yield (
                start,
                last,
                {
                    "direct": pc.coalesce(part["prompt"], part["prompt_think"]),
                    "think": pc.coalesce(part["prompt_think"], part["prompt"]),
                    "label": label_answers(part),
                },
            )
            start = last


def _joined(waiting: list[tuple[Places, pa.Array]]) -> tuple[Places, pa.Array]:
    if not waiting:
        return np.zeros(0, np.int64), pa.array([], pa.string())
    return np.concatenate([p for p, _ in waiting]), pa.concat_arrays([t for _, t in waiting])


def _leading(mask: npt.NDArray[np.bool_]) -> int:
    """How many of the first are all true."""
    return len(mask) if mask.all() else int(np.argmin(mask))


def _names(coded: Coded, rows: Places, *, missing: str | None = None) -> pa.Array:
    """[n] the names of `rows`; null for a row below 0, and for the name `missing`."""
    names = pa.array([None if name == missing else name for name in coded.names], pa.string())
    return names.take(pa.array(coded.codes[rows], mask=rows < 0))


def _number(values: npt.NDArray[np.float64], given: npt.NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    """[n] with null where the value is missing or not `given`."""
    missing = np.isnan(values) | ~given
    return pa.array(np.where(missing, 0, values), mask=missing).cast(kind, safe=False)
