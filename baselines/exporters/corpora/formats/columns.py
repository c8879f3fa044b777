"""Columns that formats are put together from: conversations, and texts with something set behind each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def conversation(turns: Sequence[tuple[str, pa.Array]], *, role: str = "role", text: str = "content") -> pa.ListArray:
    """A list of messages a row, one message for every turn, in the order of `turns`.

    Args:
        turns: (who speaks, what is said in every row); the texts are equally long arrays of less than 2 GiB together.
        role, text: what the two fields of a message are called: `role`, `content`, or ShareGPT's `from`, `value`.

    Returns:
        [rows] list<struct<role: string, text: string>>.
    """
    rows, width = len(turns[0][1]), len(turns)
    texts = turns[0][1]
    if width > 1:  # the turns of a row lie `rows` apart in the concatenation; bring them side by side
        texts = pa.concat_arrays([said for _, said in turns]).take(
            pa.array(np.arange(width * rows).reshape(width, rows).T.ravel())
        )
    speakers = pa.array([who for who, _ in turns], pa.string()).take(pa.array(np.tile(np.arange(width), rows)))
    messages = pa.StructArray.from_arrays([speakers, texts], names=[role, text])
    return pa.ListArray.from_arrays(pa.array(np.arange(0, width * rows + 1, width), pa.int32()), messages)


def message(who: str, said: pa.Array, *, role: str = "role", text: str = "content") -> pa.StructArray:
    """One message a row, as LLaMA-Factory wants each side of a pair: [rows] struct<role: string, text: string>."""
    return pa.StructArray.from_arrays([constant(who, len(said)), said], names=[role, text])


def constant(value: str, rows: int) -> pa.Array:
    """`value` in each of `rows` rows."""
    return pa.repeat(pa.scalar(value, pa.string()), rows)


def ended(texts: pa.Array, ending: str) -> pa.Array:
    """Every text with `ending` behind it."""
    return pc.binary_join_element_wise(texts, pa.scalar(ending, texts.type), pa.scalar("", texts.type))
