"""One mutated log of a harness, and the command line that reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.fuzz.harness_records import (
    LIGHTEVAL,
    LIGHTEVAL_OLD,
    LM_EVAL,
    LM_EVAL_RESULTS,
    OPENCOMPASS,
    OPENCOMPASS_RESULTS,
    PROMPTFOO,
    PROMPTFOO_TABLE,
)
from tests.fuzz.mutations import json_text, mutated
from tests.fuzz.sources import built, check, counted, records_of, table_file

__all__ = ["case", "check"]

Files = dict[str, tuple[bytes, int | None]]


def case(rng: Random, folder: Path) -> list[str]:
    """Write a mutated log into `folder`; the arguments of the command that reads it."""
    return counted(_KINDS[rng.choice(list(_KINDS))](rng, folder), folder)


def _json(rng: Random, value: Any, indent: int | None = None) -> bytes:
    return json_text(value, rng, indent=indent).encode("utf-8", "surrogatepass")


def _lm_eval(rng: Random, folder: Path) -> Any:
    time = "2026-01-01T00-00-00.5"
    files: Files = {f"lab__tiny/samples_sums_{time}.jsonl": records_of(rng, LM_EVAL)}
    if rng.random() < 0.5:
        files[f"lab__tiny/results_{time}.json"] = _json(rng, mutated(rng, LM_EVAL_RESULTS)), None
    options = rng.choice(((), (), ("--option", "prompt=doc.question"), ("--option", "metric=acc_norm")))
    return built(rng, folder, "lm_eval", files, *options)


def _lighteval(rng: Random, folder: Path) -> Any:
    rows = rng.choice((LIGHTEVAL, LIGHTEVAL_OLD))
    if rng.random() < 0.3:
        rows = [{name: str(value) for name, value in row.items()} for row in rows]
    return built(rng, folder, "lighteval", {**table_file(rng, rows, "lab__tiny/details_sums", ("parquet", "parquet", "json"))})


def _entries(data: bytes, rows: int) -> int:
    """The entries of an object: a key that is written twice is two."""
    try:
        return len(json.loads(data, object_pairs_hook=list, parse_int=str))
    except (ValueError, RecursionError):
        return rows


def _opencompass(rng: Random, folder: Path) -> Any:
    asked = rng.choice((OPENCOMPASS, OPENCOMPASS * 2, OPENCOMPASS[1:3] * 3, [OPENCOMPASS[1]] * 4))
    rows = {str(i): mutated(rng, row) if rng.random() < 0.5 else row for i, row in enumerate(asked)}
    data = _json(rng, rows, rng.choice((None, 4)))
    files: Files = {"predictions/tiny/sums.json": (data, _entries(data, len(rows)))}
    if rng.random() < 0.5:
        files["results/tiny/sums.json"] = _json(rng, mutated(rng, rng.choice(OPENCOMPASS_RESULTS))), None
    return built(rng, folder, "opencompass", files)


def _promptfoo(rng: Random, folder: Path) -> Any:
    if rng.random() < 0.3:
        return built(rng, folder, "promptfoo", {"runs.jsonl": records_of(rng, PROMPTFOO)})
    rows = [mutated(rng, row) for row in PROMPTFOO]
    inner: dict[str, Any] = {"version": 3, "timestamp": "2026-01-01T00:00:00Z", "results": rows}
    if rng.random() < 0.3:
        inner = {"version": 2, "table": mutated(rng, PROMPTFOO_TABLE)}
    data = _json(rng, {"evalId": "e", "results": inner} if rng.random() < 0.7 else inner)
    return built(rng, folder, "promptfoo", {"runs.json": (data, None)})


_KINDS: Final[dict[str, Callable[[Random, Path], Any]]] = {
    "lm_eval": _lm_eval,
    "lighteval": _lighteval,
    "opencompass": _opencompass,
    "promptfoo": _promptfoo,
}
