"""The chosen records with their texts: flat tables, some queries at a time, so that memory does not grow with the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.answers import Answers
from llmfusionbench.baselines.exporters.corpora.chosen import GROUND_TRUTH, Chosen
from llmfusionbench.baselines.exporters.corpora.ground_truths import COLUMNS, label_answers
from llmfusionbench.baselines.exporters.corpora.queries import (
    PROMPTS,
    UNKNOWN,
    Coded,
    Floats,
    Mask,
    Places,
    batches,
    prompts_of,
)
from llmfusionbench.errors import ReleaseError
from llmfusionbench.release import Release
from llmfusionbench.texts.reasoning import rejoined
from llmfusionbench.types import ANSWER_KEY, DIRECT

_PIECE_BYTES: Final = 2**28
"""Bytes of prompts in one table; the prompt of a query is in it once per record."""
_Texts = tuple[Places, pa.Array]
"""[n] places of answers, and their texts."""


class Samples:
    """The samples of a corpus; can be iterated once."""

    def __init__(self, release: Release, answers: Answers, chosen: Chosen) -> None:
        self.release, self.answers, self.chosen = release, answers, chosen
        self._has_truths = bool((chosen.answer == GROUND_TRUTH).any())
        self._queries = batches(
            release, "queries", answers.queries.splits, list(dict.fromkeys(["query_id", *PROMPTS, "messages", *COLUMNS]))
        )
        self._batch: pa.RecordBatch | None = None
        self._start = 0
        """The place of the first query of the batch."""

    def __iter__(self) -> Iterator[tuple[Places, pa.Table]]:
        """Records and their samples, by query in the order of the release.

        Raises:
            ReleaseError: The files have changed since the numbers were read.
        """
        chosen, query_of = self.chosen, self.answers.query
        needed = np.bincount(chosen.query[chosen.answer != GROUND_TRUTH], minlength=len(self.answers.queries))
        if chosen.rejected is not None:
            needed += np.bincount(chosen.query, minlength=len(self.answers.queries))
        waiting: list[_Texts] = []
        done = 0  # queries whose samples are out
        for places, texts in self._texts():
            waiting.append((places, texts))
            np.subtract.at(needed, query_of[places], 1)
            # Every query up to the first that lacks a text. A release is sorted, so almost nothing waits.
            lacking = needed[done:] != 0
            until = done + int(np.argmax(lacking)) if lacking.any() else len(needed)
            if until > done:
                found, texts = _joined(waiting)
                yield from self._samples(done, until, found, texts)
                rest = query_of[found] >= until
                waiting = [(found[rest], texts.filter(pa.array(rest)))]
                done = until
        if (needed != 0).any():
            raise self._changed()
        yield from self._samples(done, len(needed), *_joined(waiting))

    def _texts(self) -> Iterator[_Texts]:
        """The texts of the chosen answers, as they are read."""
        wanted = np.zeros(len(self.answers), bool)
        for column in (self.chosen.answer, self.chosen.rejected):
            if column is not None:
                wanted[column[column != GROUND_TRUTH]] = True
        if not wanted.any():
            return
        for batch in batches(self.release, "responses", self.answers.queries.splits, [*ANSWER_KEY, "response", "reasoning"]):
            places = self.answers.places(batch)
            mask = (places >= 0) & wanted[places]
            if mask.any():
                batch = batch.filter(pa.array(mask))
                yield places[mask], rejoined(batch["response"], batch["reasoning"])

    def _samples(self, start: int, stop: int, places: Places, texts: pa.Array) -> Iterator[tuple[Places, pa.Table]]:
        """The samples of the queries from `start` to `stop`, all of whose texts are there."""
        answers, chosen, queries = self.answers, self.chosen, self.answers.queries
        order = np.argsort(places, kind="stable")
        places = places[order]

        def text(answer: Places) -> pa.Array:
            at = np.minimum(np.searchsorted(places, answer), max(len(places) - 1, 0))
            return texts.take(pa.array(order[at] if len(order) else at, mask=answer == GROUND_TRUTH))

        for first, records, asked in self._pieces(start, stop):
            query, answer = chosen.query[records], chosen.answer[records]
            own = answer != GROUND_TRUTH
            think = own & answers.think[answer]
            taken = pa.array(query - first)
            direct_prompt, think_prompt, truth, turns = (column.take(taken) for column in asked)
            columns = {
                "query_id": queries.ids.take(pa.array(query)),
                "task": _names(queries.task, query),
                "prompt": pc.if_else(pa.array(think), think_prompt, direct_prompt),
                "messages": _sent(turns, think, think_prompt, direct_prompt),
                "provenance": _names(answers.provenance_of(query, answer), np.arange(len(records))),
                "license": _names(queries.license, query, missing=UNKNOWN),
                "candidate": _names(answers.candidates, answer),
                "replicate": pa.array(answers.replicate[answer], mask=~own),
                "mode": pc.if_else(pa.array(own), pa.array(answers.modes).take(pa.array(answers.mode[answer])), DIRECT),
            }
            if chosen.rejected is not None and chosen.gap is not None:
                columns |= {
                    "rejected_candidate": _names(answers.candidates, chosen.rejected[records]),
                    "rejected_replicate": pa.array(answers.replicate[chosen.rejected[records]]),
                    "chosen": text(answer),
                    "rejected": text(chosen.rejected[records]),
                    "gap": pa.array(chosen.gap[records].astype(np.float32)),
                }
            elif chosen.label is not None:
                columns |= {"completion": text(answer), "label": pa.array(chosen.label[records])}
            else:
                columns |= {
                    "response": pc.if_else(pa.array(own), text(answer), truth),
                    "performance": _number(answers.performance[answer], own, pa.float32()),
                    "judge_score": _number(answers.judge[answer], own, pa.float32()),
                    "output_tokens": _number(answers.output_tokens[answer], own, pa.int64()),
                }
            yield records, pa.table(columns)

    def _pieces(self, start: int, stop: int) -> Iterator[tuple[int, Places, list[pa.Array]]]:
        """(first query, some records, texts of the queries), in pieces whose prompts, one per record, fit in memory."""
        for first, last, asked in self._asked(start, stop):
            records = np.arange(*np.searchsorted(self.chosen.query, [first, last]))
            length = np.max([pc.fill_null(pc.binary_length(texts), 0).to_numpy() for texts in asked[:3]], axis=0)
            ends = np.cumsum(length[self.chosen.query[records] - first], dtype=np.int64)
            for piece in np.split(records, np.flatnonzero(np.diff(ends // _PIECE_BYTES)) + 1):
                if len(piece):
                    yield first, piece, asked

    def _asked(self, start: int, stop: int) -> Iterator[tuple[int, int, list[pa.Array]]]:
        """(first, last, [direct prompts, think prompts, truths, turns]) of the queries from `start` on, in order.

        The truths are null where no record is one.
        """
        while start < stop:
            while self._batch is None or self._start + self._batch.num_rows <= start:
                self._start += 0 if self._batch is None else self._batch.num_rows
                self._batch = next(self._queries, None)
                if self._batch is None:
                    raise self._changed()
            last = min(stop, self._start + self._batch.num_rows)
            part = self._batch.slice(start - self._start, last - start)
            if not part["query_id"].equals(self.answers.queries.ids.slice(start, last - start)):
                raise self._changed()
            truths = label_answers(part) if self._has_truths else pa.nulls(len(part), pa.string())
            yield start, last, [prompts_of(part), _think_prompts(part), truths, part["messages"]]
            start = last

    def _changed(self) -> ReleaseError:
        return ReleaseError(f"{self.release.path}: changed while it was read. Remedy: run it again")


def _think_prompts(queries: pa.RecordBatch) -> pa.Array:
    return pc.coalesce(queries["prompt_think"], queries["prompt"])


def _sent(turns: pa.Array, think: Mask, think_prompt: pa.Array, direct_prompt: pa.Array) -> pa.Array:
    """[n] the turns as they were sent: in think mode the last one ends as the think prompt does."""
    rows = np.flatnonzero(think & turns.is_valid().to_numpy(zero_copy_only=False))
    if not rows.size:
        return turns
    sent = turns.to_pylist()
    for i in rows.tolist():
        asked, plain = think_prompt[i].as_py(), direct_prompt[i].as_py()
        if asked != plain and asked.startswith(plain):
            last = sent[i][-1]
            sent[i] = [*sent[i][:-1], {**last, "content": last["content"] + asked[len(plain) :]}]
    return pa.array(sent, turns.type)


def _joined(waiting: list[_Texts]) -> _Texts:
    if not waiting:
        return np.zeros(0, np.int64), pa.array([], pa.string())
    return np.concatenate([p for p, _ in waiting]), pa.concat_arrays([t for _, t in waiting])


def _names(coded: Coded, rows: Places, *, missing: str | None = None) -> pa.Array:
    """[n] the names of `rows`; null for a row below 0, and for the name `missing`."""
    names = pa.array([None if name == missing else name for name in coded.names], pa.string())
    return names.take(pa.array(coded.codes[rows], mask=rows < 0))


def _number(values: Floats, given: Mask, kind: pa.DataType) -> pa.Array:
    """[n] with null where the value is missing or not `given`."""
    missing = np.isnan(values) | ~given
    return pa.array(np.where(missing, 0, values), mask=missing).cast(kind, safe=False)
