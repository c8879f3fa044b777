"""The texts of answers, read once before the choice: which are there, and which are the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from llmfusionbench.baselines.exporters.corpora.answers import Answers
from llmfusionbench.baselines.exporters.corpora.queries import Mask, Places, batches
from llmfusionbench.baselines.exporters.corpora.reasoning import How, apply
from llmfusionbench.errors import ReleaseError
from llmfusionbench.release import Release
from llmfusionbench.texts.reasoning import rejoined
from llmfusionbench.types import ANSWER_KEY


@dataclass(frozen=True)
class AnswerTexts:
    """What is known of the texts of N answers; the texts are not kept."""

    there: Mask
    """[N] the text was kept."""
    answered: Mask
    """[N] something is left of it once its reasoning is treated."""
    digests: Places
    """[N] the same number for the same text, as it will be written; 0 if no digests were asked for."""

    @classmethod
    def read(cls, release: Release, answers: Answers, rows: Places, reasoning: How, *, with_digests: bool) -> AnswerTexts:
        """Read the texts of the answers `rows`; the others count as missing.

        Raises:
            ReleaseError: The files have changed since the numbers were read.
        """
        wanted = np.zeros(len(answers), bool)
        wanted[rows] = True
        there, answered, digests = np.zeros(len(answers), bool), np.zeros(len(answers), bool), np.zeros(len(answers), np.int64)
        seen = 0
        for batch in batches(release, "responses", answers.queries.splits, [*ANSWER_KEY, "response", "reasoning"]):
            places = answers.places(batch)
            mask = (places >= 0) & wanted[places]
            batch, places = batch.filter(pa.array(mask)), places[mask]
            texts = rejoined(batch["response"], batch["reasoning"])
            seen += len(texts)
            there[places] = texts.is_valid().to_numpy(zero_copy_only=False)
            texts, _ = apply(texts, batch["mode"], reasoning)
            answered[places] = left = texts.is_valid().to_numpy(zero_copy_only=False)
            if with_digests:
                digests[places[left]] = [digest(data) for data in _slices(texts.drop_null())]
        if seen != len(rows):
            raise ReleaseError(f"{release.path}: changed while it was read. Remedy: run it again")
        return cls(there, answered, digests)


def digest(data: bytes | memoryview) -> int:
    """64 bits of a hash of some bytes."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big", signed=True)


def _slices(texts: pa.StringArray) -> list[memoryview]:
    """The bytes of each text, without a copy."""
    if not len(texts):
        return []
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].tolist()
    whole = memoryview(data if data is not None else b"")
    return [whole[start:end] for start, end in pairwise(ends)]
