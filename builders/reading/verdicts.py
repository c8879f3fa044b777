"""The verdicts of judges that compare two answers, as the share of the second answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.cells import Cells
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

_TIES: Final = ("tie", "tie (bothbad)", "tie (both bad)", "bothbad", "both bad", "both_bad", "tie_bothbad", "draw")
_NO_VERDICT: Final = ("", "error", "none", "null", "nan")
_FLAGS: Final = ("winner_model_a", "winner_model_b", "winner_tie")

Shares = npt.NDArray[np.float64]
"""[n] the share of the second answer: 1 where it won, 0 where it lost, 0.5 for a tie; NaN without a verdict."""


def second_shares(
    cells: Cells, verdict: str, names: tuple[str, str], llms: Sequence[pa.Array], place: str, rows: npt.NDArray[np.int64]
) -> Shares:
    """[n] the shares by the column `verdict`; a word that is no verdict is a problem of its record.

    Args:
        cells: The records.
        verdict: `preference`, `winner_model_b` or a column of winners.
        names: The columns of the two LLMs, by which a winner may be named.
        llms: Two arrays [n] of the LLMs, by which a winner may be named, too.
        place: The file, for messages.
        rows: [n] the number of each record in it.

    Raises:
        InputError: a preference is on another scale.
    """
    if verdict == "preference":
        return _preferences(cells, place, rows)
    if verdict in _FLAGS:
        flags = [pc.fill_null(cells.column(name, name, pa.float64()), 0) for name in _FLAGS]
        first, second, tie = (flag.to_numpy(zero_copy_only=False) != 0 for flag in flags)
        alone = [second & ~first & ~tie, first & ~second & ~tie, tie & ~first & ~second]
        shares: Shares = np.select(alone, [1.0, 0.0, 0.5], np.nan)
        return shares
    said = cells.column(verdict, verdict, pa.string()).to_pylist()
    shares = np.full(len(said), np.nan)
    for i, (word, one, other) in enumerate(zip(said, *(array.to_pylist() for array in llms), strict=True)):
        plain = (word or "").strip().lower()
        if plain in _NO_VERDICT:
            continue
        if plain in _TIES:
            shares[i] = 0.5
        elif plain == names[0] or word == one:
            shares[i] = 0.0
        elif plain == names[1] or word == other:
            shares[i] = 1.0
        else:
            expected = f"expected {names[0]}, {names[1]} or tie"
            cells.problems.setdefault(i, []).append(f"{verdict} is {shorten(word)}, {expected}")
    return shares


def _preferences(cells: Cells, place: str, rows: npt.NDArray[np.int64]) -> Shares:
    """AlpacaEval's: 1 prefers the first answer and 2 the second one, a number between leans to either, and 0 is a tie."""
    column = cells.column("preference", "preference", pa.float64())
    given = np.array(pc.fill_null(column, np.nan).to_numpy(zero_copy_only=False))
    wrong = np.flatnonzero(~np.isnan(given) & (given != 0) & ((given < 1) | (given > 2)))
    if len(wrong):
        first = int(wrong[0])
        raise InputError(
            f"{place}: preference of record {rows[first]} is {given[first]:g}, expected 1 (the first answer) to 2 (the second "
            "one), or 0 for a tie. The column is refused as a whole. Remedy: convert it to this scale"
        )
    return np.where(given == 0, 0.5, given - 1)
