"""Texts that occur twice: prompts of different queries that are alike, and answers to one query that are the same."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.answers import Answers, Mask, Places, Queries, batches
from llmfusionbench.baselines.exporters.corpora.reasoning import How, apply
from llmfusionbench.errors import ReleaseError
from llmfusionbench.release import Release
from llmfusionbench.texts.near_duplicates import first_of_likes
from llmfusionbench.types import normalise_prompt

Duplicates = Literal["keep", "exact", "near"]


def repeated_prompts(release: Release, queries: Queries, rows: Places, how: Duplicates, threshold: float) -> Mask:
    """[n] which of the queries `rows` repeat an earlier one of them: word for word, or (`near`) nearly.

    For `near` all prompts are held in memory; else nothing but a digest of each.
    """
    if how == "keep":
        return np.zeros(len(rows), bool)
    wanted = np.zeros(len(queries), bool)
    wanted[rows] = True
    place = 0
    prompts: list[str | None] = []
    digests: list[int] = []
    for batch in batches(release, "queries", queries.splits, ["prompt", "prompt_think"]):
        mask = wanted[place : place + batch.num_rows]
        place += batch.num_rows
        texts = pc.coalesce(batch["prompt"], batch["prompt_think"]).filter(pa.array(mask)).to_pylist()
        if how == "near":
            prompts += texts
        else:
            digests += [_digest(normalise_prompt(text or "").encode("utf-8", "surrogatepass")) for text in texts]
    if how == "near":
        leaders = first_of_likes(prompts, threshold=threshold)
        return np.asarray(leaders != np.arange(len(rows)), np.bool_)
    first = np.unique(np.array(digests, np.int64), return_index=True)[1]
    repeated = np.ones(len(rows), bool)
    repeated[first] = False
    return repeated


def text_digests(
    release: Release, answers: Answers, rows: Places, how: Duplicates, reasoning: How
) -> tuple[Mask, Mask, Places]:
    """Whether the text of each answer is there, whether more than reasoning is in it, and a digest of what will be written of
    it unless all are kept; the texts pass by and are not.

    Returns:
        [N] bool, [N] bool and [N] int64; False and 0 for an answer that is not among `rows`.

    Raises:
        ReleaseError: the files have changed since the numbers were read.
    """
    wanted = np.zeros(len(answers), bool)
    wanted[rows] = True
    there, answered, digests = np.zeros(len(answers), bool), np.zeros(len(answers), bool), np.zeros(len(answers), np.int64)
    seen = 0
    for batch in batches(release, "responses", answers.queries.splits, ["query_id", "llm", "mode", "response"]):
        places = answers.places(batch)
        mask = (places >= 0) & wanted[places]
        texts = batch["response"].filter(pa.array(mask))
        seen += len(texts)
        there[places[mask][texts.is_valid().to_numpy(zero_copy_only=False)]] = True
        texts = apply(texts, batch["mode"].filter(pa.array(mask)), reasoning)
        found = places[mask][texts.is_valid().to_numpy(zero_copy_only=False)]
        answered[found] = True
        if how != "keep":
            digests[found] = [_digest(data) for data in _slices(texts.drop_null())]
    if seen != len(rows):
        raise ReleaseError(f"{release.path}: changed while it was read. Remedy: run it again")
    return there, answered, digests


def _slices(texts: pa.StringArray) -> list[memoryview]:
    """The bytes of each text, where they lie."""
    if not len(texts):
        return []
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].tolist()
    whole = memoryview(data if data is not None else b"")
    return [whole[start:end] for start, end in pairwise(ends)]


def _digest(data: bytes | memoryview) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big", signed=True)
