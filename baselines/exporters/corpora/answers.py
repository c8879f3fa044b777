"""The numbers by which an export chooses: one array per column of the answers, joined to the texts by key, see `Keys`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.queries import UNKNOWN, Coded, Floats, Mask, Places, Queries, batches
from llmfusionbench.errors import InputError, ReleaseError
from llmfusionbench.release import Release
from llmfusionbench.types import ANSWER_KEY, DIRECT, THINK, Candidate

By = Literal["performance", "judge"]


class Keys:
    """Where the answer with a key stands among the answers."""

    def __init__(self, queries: pa.Array, llms: Sequence[str], modes: Sequence[str], replicates: int) -> None:
        self._llms, self._modes = pa.array(llms, pa.string()), pa.array(modes, pa.string())
        self._replicates = replicates
        ids = _bytes(queries)
        order = np.argsort(ids, kind="stable")
        self._ids, self._places = ids[order], np.append(order, -1)

    def codes(self, batch: pa.RecordBatch) -> Places:
        """[n] one number per key (query_id, llm, mode, replicate); -1 if one of them is not known."""
        query = self._queries(batch["query_id"])
        llm = _index(batch["llm"], self._llms)
        mode = _index(batch["mode"], self._modes)
        replicate = batch["replicate"].to_numpy()
        code = ((query * len(self._llms) + llm) * len(self._modes) + mode) * self._replicates + replicate
        unknown = (query < 0) | (llm < 0) | (mode < 0) | (replicate >= self._replicates)
        return np.where(unknown, -1, code)

    def _queries(self, ids: pa.Array) -> Places:
        """[n] places of queries, -1 for one that is not known. By binary search: a hash table would be rebuilt per batch."""
        coded = ids.dictionary_encode()
        places = self._places[_find(self._ids, _bytes(coded.dictionary))]
        return np.asarray(places[coded.indices.to_numpy()], np.int64)


@dataclass(frozen=True)
class Answers:
    """N answers, sorted by query, LLM, mode and replicate. A number that is missing is NaN."""

    queries: Queries
    llms: list[str]
    scales: list[str | None]
    """LLM -> `small`, `medium` or `large`."""
    llm_licenses: list[str]
    modes: list[str]
    replicates: int
    """One more than the greatest number of a replicate."""
    key: Places
    """[N] as `Keys` codes it, ascending."""
    ok: Mask
    """[N] the status is `ok`."""
    performance: Floats
    judge: Floats
    """[N] mean over the judges that scored the answer alone."""
    in_pairs: Mask
    """[N] whether a judge compared the answer with another one; such judgements are not in `judge`."""
    input_tokens: Floats
    output_tokens: Floats
    tokenizer: Coded
    provenance: Coded

    def __len__(self) -> int:
        return len(self.key)

    @cached_property
    def query(self) -> Places:
        """[N] places among the queries."""
        return self.key // (len(self.llms) * len(self.modes) * self.replicates)

    @cached_property
    def llm(self) -> Places:
        """[N] places among the LLMs."""
        return self.key // (len(self.modes) * self.replicates) % len(self.llms)

    @cached_property
    def mode(self) -> Places:
        """[N] places among the modes."""
        return self.key // self.replicates % len(self.modes)

    @cached_property
    def replicate(self) -> Places:
        """[N] numbers of the answers among those of their candidate to the query."""
        return self.key % self.replicates

    @cached_property
    def think(self) -> Mask:
        """[N] whether the mode is `think`."""
        return np.array([mode == THINK for mode in self.modes], np.bool_)[self.mode]

    def score(self, by: By) -> Floats:
        """[N] the score that answers are compared by."""
        return self.performance if by == "performance" else self.judge

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.queries.ids, self.llms, self.modes, self.replicates)

    def places(self, batch: pa.RecordBatch) -> Places:
        """[n] the places of the answers in `batch`; -1 for one that is not among these."""
        return _find(self.key, self.keys.codes(batch))

    @cached_property
    def candidates(self) -> Coded:
        """[N] the names of the LLMs in their modes."""
        names = [Candidate(llm, mode).name for llm in self.llms for mode in self.modes]
        return Coded(names, (self.llm * len(self.modes) + self.mode).astype(np.int32))

    @cached_property
    def _of_queries(self) -> Coded:
        """[Q] the provenance of the first answer to each query; of one without any, what all answers share, else `unknown`."""
        names = list(dict.fromkeys([*self.provenance.names, UNKNOWN]))
        query, first = np.unique(self.query, return_index=True)
        used = np.unique(self.provenance.codes)
        codes = np.full(len(self.queries), used[0] if len(used) == 1 else names.index(UNKNOWN), np.int32)
        codes[query] = self.provenance.codes[first]
        return Coded(names, codes)

    def provenance_of(self, query: Places, answer: Places) -> Coded:
        """[n] of each answer; where that is below 0, a ground truth, of its query."""
        of_query = self._of_queries
        return Coded(of_query.names, np.where(answer < 0, of_query.codes[query], self.provenance.codes[answer]))

    @classmethod
    def load(cls, release: Release, splits: Sequence[str]) -> Answers:
        """Read the numbers of some splits.

        Raises:
            InputError: the release has no such split, or no answers in it.
            ReleaseError: two answers have one key, or one belongs to no query or LLM.
        """
        queries = Queries.load(release, splits)
        llms = release.rows("llms", columns=["llm", "scale", "license"]).sort_by("llm").to_pylist()
        names = [row["llm"] for row in llms]
        modes, replicates = _modes(release, splits)
        keys = Keys(queries.ids, names, modes, replicates)
        numbers = ["performance", "input_tokens", "output_tokens"]
        words = ["status", "tokenizer", "provenance"]
        codes: list[Places] = []
        parts: list[pa.RecordBatch] = []
        for batch in batches(release, "responses", splits, [*ANSWER_KEY, *words, *numbers]):
            codes.append(keys.codes(batch))
            # Words become codes here: as texts they would need more memory than all numbers together.
            coded = {c: pc.fill_null(batch[c], UNKNOWN).dictionary_encode() for c in words}
            parts.append(pa.record_batch({**coded, **{c: batch[c] for c in numbers}}))
        if not parts:
            raise InputError(f"{release.path}: no answers in split {', '.join(splits)}. Remedy: choose another release")
        key = np.concatenate(codes)
        order = np.argsort(key, kind="stable")
        key = key[order]
        _check(release, key)
        rows = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks().take(pa.array(order))
        judge, in_pairs = _judged(release, splits, keys, key)
        return cls(
            queries=queries,
            llms=names,
            scales=[row["scale"] for row in llms],
            llm_licenses=[row["license"] or UNKNOWN for row in llms],
            modes=modes,
            replicates=replicates,
            key=key,
            ok=Coded.of(rows["status"]).among(["ok"]),
            performance=_floats(rows["performance"]),
            judge=judge,
            in_pairs=in_pairs,
            input_tokens=_floats(rows["input_tokens"]),
            output_tokens=_floats(rows["output_tokens"]),
            tokenizer=Coded.of(rows["tokenizer"]),
            provenance=Coded.of(rows["provenance"]),
        )


def _modes(release: Release, splits: Sequence[str]) -> tuple[list[str], int]:
    """The modes of the answers, `direct` and `think` first, and one more than their greatest replicate."""
    modes: set[str] = set()
    replicates = 1
    for batch in batches(release, "responses", splits, ["mode", "replicate"]):
        modes.update(pc.unique(batch["mode"]).to_pylist())
        replicates = max(replicates, (pc.max(batch["replicate"]).as_py() or 0) + 1)
    return [DIRECT, THINK, *sorted(modes - {DIRECT, THINK})], replicates


def _judged(release: Release, splits: Sequence[str], keys: Keys, key: Places) -> tuple[Floats, Mask]:
    """[N] the mean score of the judges that judged the answer alone, NaN where none gave one; [N] whether any compared it."""
    total, count = np.zeros(len(key)), np.zeros(len(key))
    in_pairs = np.zeros(len(key), bool)
    for batch in batches(release, "judge_scores", splits, [*ANSWER_KEY, "opponent", "score"]):
        score = _floats(batch["score"])
        place = _find(key, keys.codes(batch))
        alone = batch["opponent"].is_null().to_numpy(zero_copy_only=False)
        in_pairs[place[(place >= 0) & ~alone]] = True
        given = ~np.isnan(score) & (place >= 0) & alone
        np.add.at(total, place[given], score[given])
        np.add.at(count, place[given], 1)
    means: Floats = np.divide(total, count, out=np.full(len(key), np.nan), where=count > 0)
    return np.round(means, 12), in_pairs  # three judges' 0.7 have a mean of 0.7, and not of 0.6999999999999998


def _check(release: Release, key: Places) -> None:
    """Refuse sorted keys that are negative or occur twice, with a ReleaseError."""
    wrong = {
        "are of no query or LLM it has": int((key < 0).sum()),
        "have a duplicate key (query_id, llm, mode, replicate)": int((key[1:] == key[:-1]).sum()),
    }
    for what, count in wrong.items():
        if count:
            raise ReleaseError(f"{release.path}: {count:,} responses {what}. Remedy: run validate on it")


def _find(ordered: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> Places:
    """[n] places of values in a sorted array, -1 for one that is not in it."""
    if not len(ordered):
        return np.full(len(wanted), -1)
    found = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered[found] == wanted, found, -1)


def _index(values: pa.Array, names: pa.Array) -> Places:
    found = pc.fill_null(pc.index_in(values, value_set=names), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


def _bytes(ids: pa.Array) -> npt.NDArray[np.bytes_]:
    return np.array(ids.cast(pa.binary()).to_pylist(), np.bytes_)


def _floats(values: pa.Array | pa.ChunkedArray) -> Floats:
    return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
