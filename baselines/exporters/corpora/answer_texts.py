"""The texts of answers, read once before the choice: which are there, and which are the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from llmfusionbench.baselines.exporters.corpora.answers import Answers
from llmfusionbench.baselines.exporters.corpora.queries import Mask, Places, batches_of, files
from llmfusionbench.baselines.exporters.corpora.reasoning import How, apply
from llmfusionbench.engines import Engine, Local
from llmfusionbench.engines.engine import PARALLEL_ROWS
from llmfusionbench.errors import ReleaseError
from llmfusionbench.manifest import MANIFEST
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
    def read(
        cls, release: Release, answers: Answers, rows: Places, reasoning: How, *, with_digests: bool, engine: Engine
    ) -> AnswerTexts:
        """Read the texts of the answers `rows`, file by file; the others count as missing.

        Raises:
            ReleaseError: The files have changed since the numbers were read.
        """
        wanted = np.zeros(len(answers), bool)
        wanted[rows] = True
        there, answered, digests = np.zeros(len(answers), bool), np.zeros(len(answers), bool), np.zeros(len(answers), np.int64)
        seen = 0
        chosen: Engine = Local(1)
        sees: list[Path] = []
        if isinstance(release.path, Path) and len(rows) >= PARALLEL_ROWS:
            if not release.path.is_absolute():  # as workers in other directories need it
                release = Release(release.path.absolute())
            chosen, sees = engine, [release.directory / MANIFEST]
        look = partial(
            _look, place=release.path, answers=answers, wanted=wanted, reasoning=reasoning, with_digests=with_digests
        )
        texts_by_file = chosen.run(look, list(files(release, "responses", answers.queries.splits)), threads=True, sees=sees)
        for texts in (texts for _, found in texts_by_file for texts in found):
            seen += len(texts.places)
            there[texts.places] = texts.there
            answered[texts.places] = texts.answered
            digests[texts.places] = texts.digests
        if seen != len(rows):
            raise ReleaseError(f"{release.path}: changed while it was read. Remedy: run it again")
        return cls(there, answered, digests)


@dataclass(frozen=True)
class _Found:
    """What is known of the texts of n answers, as in `AnswerTexts`."""

    places: Places
    there: Mask
    answered: Mask
    digests: Places


def _look(
    file: ds.ParquetFileFragment, place: object, answers: Answers, wanted: Mask, reasoning: How, with_digests: bool
) -> list[_Found]:
    """Read the texts of the wanted answers in one file."""
    found = []
    for batch in batches_of(file, "responses", [*ANSWER_KEY, "response", "reasoning"], place):
        places = answers.places(batch)
        mask = (places >= 0) & wanted[places]
        batch, places = batch.filter(pa.array(mask)), places[mask]
        texts = rejoined(batch["response"], batch["reasoning"])
        there = texts.is_valid().to_numpy(zero_copy_only=False)
        texts, _ = apply(texts, batch["mode"], reasoning)
        answered = texts.is_valid().to_numpy(zero_copy_only=False)
        digests = np.zeros(len(places), np.int64)
        if with_digests:
            digests[answered] = [digest(data) for data in _slices(texts.drop_null())]
        found.append(_Found(places, there, answered, digests))
    return found


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
