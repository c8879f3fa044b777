"""One mutated log of judgements, and the command line that reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.fuzz.judged_records import ANNOTATIONS, BATTLES, CHOICES, OUTPUTS, PAIRS, QUESTIONS, SINGLES, VOTES
from tests.fuzz.sources import built, check, counted, records_of, table_file

__all__ = ["case", "check"]


def case(rng: Random, folder: Path) -> list[str]:
    """Write a mutated input into `folder`; the arguments of the command that reads it."""
    return counted(_KINDS[rng.choice(list(_KINDS))](rng, folder), folder)


def _alpaca_eval(rng: Random, folder: Path) -> Any:
    kinds = {"model_outputs.json": OUTPUTS, "strict/annotations.json": ANNOTATIONS}
    files: dict[str, tuple[bytes, int | None]] = {
        n: records_of(rng, kinds[n]) for n in rng.sample(list(kinds), rng.choice((1, 2)))
    }
    return built(rng, folder, "alpaca_eval", files)


def _mt_bench(rng: Random, folder: Path) -> Any:
    kinds = {
        "question.jsonl": QUESTIONS,
        "model_answer/tiny.jsonl": CHOICES,
        "model_judgment/big_single.jsonl": SINGLES,
        "model_judgment/big_pair.jsonl": PAIRS,
    }
    files: dict[str, tuple[bytes, int | None]] = {
        n: records_of(rng, kinds[n]) for n in rng.sample(list(kinds), rng.choice((1, 2, 3)))
    }
    if rng.random() < 0.2:
        files["reference_answer/big.jsonl"] = (records_of(rng, CHOICES)[0], None)
    return built(rng, folder, "mt_bench", files)


def _arena(rng: Random, folder: Path) -> Any:
    files = {}
    if rng.random() < 0.6:
        files |= table_file(rng, BATTLES, "clean_battle", ("json", "jsonl", "parquet", "csv"))
    if not files or rng.random() < 0.3:
        files |= table_file(rng, VOTES, "train", ("csv", "parquet"))
    return built(rng, folder, "arena", files)


_KINDS: Final[dict[str, Callable[[Random, Path], Any]]] = {
    "alpaca_eval": _alpaca_eval,
    "mt_bench": _mt_bench,
    "arena": _arena,
}
