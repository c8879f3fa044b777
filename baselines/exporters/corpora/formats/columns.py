"""The columns that formats share: prompts, conversations, and texts with an ending."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.formats.format import SEPARATOR, Columns

USER, ASSISTANT = "user", "assistant"
FROM, VALUE = "from", "value"
"""What ShareGPT calls the role and the content of a message."""


def conversation(turns: Sequence[tuple[str, pa.Array]], role: str = "role", text: str = "content") -> pa.ListArray:
    """One list of messages per row.

    Args:
        turns: (speaker, [rows] texts) in order; all texts together are less than 2 GiB.
        role: What a message calls its speaker.
        text: What a message calls its text.

    Returns:
        [rows] list<struct<role: string, text: string>>.
    """
    rows, width = len(turns[0][1]), len(turns)
    texts = turns[0][1]
    if width > 1:  # the turns of a row are `rows` apart in the concatenation: bring them together
        order = np.arange(width * rows).reshape(width, rows).T.ravel()
        texts = pa.concat_arrays([said for _, said in turns]).take(pa.array(order))
    speakers = pa.array([who for who, _ in turns], pa.string()).take(pa.array(np.tile(np.arange(width), rows)))
    messages = pa.StructArray.from_arrays([speakers, texts], names=[role, text])
    return pa.ListArray.from_arrays(pa.array(np.arange(0, width * rows + 1, width), pa.int32()), messages)


def sharegpt_message(said: pa.Array) -> pa.StructArray:
    """One message per row, as LLaMA-Factory reads each side of a pair: [rows] struct<from: string, value: string>."""
    return pa.StructArray.from_arrays([_constant("gpt", len(said)), said], names=[FROM, VALUE])


def plain(samples: Columns, *answers: str) -> dict[str, pa.Array]:
    """The prompt with a separator, and the answers."""
    prompt = samples["prompt"]
    ended = pc.binary_join_element_wise(prompt, pa.scalar(SEPARATOR, prompt.type), pa.scalar("", prompt.type))
    return {"prompt": ended, **{name: samples[name] for name in answers}}


def chat(samples: Columns, *answers: str) -> dict[str, pa.Array]:
    """The prompt and the answers, each as a conversation of one message."""
    said = {"prompt": USER, **dict.fromkeys(answers, ASSISTANT)}
    return {name: conversation([(who, samples[name])]) for name, who in said.items()}


def alpaca(samples: Columns, **answers: str) -> dict[str, pa.Array]:
    """Alpaca's prompt, and name -> column of the samples."""
    prompt = samples["prompt"]
    asked = {"instruction": prompt, "input": _constant("", len(prompt))}
    return asked | {name: samples[column] for name, column in answers.items()}


def _constant(value: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), rows)
