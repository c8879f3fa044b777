"""The columns that formats share: prompts, conversations, and texts with an ending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.formats.format import SEPARATOR, Columns

USER, ASSISTANT = "user", "assistant"
FROM, VALUE = "from", "value"
"""What ShareGPT calls the role and the content of a message."""
SHAREGPT_NAMES = {USER: "human", ASSISTANT: "gpt"}


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


def dialogue(
    samples: Columns,
    *said: tuple[str, pa.Array],
    role: str = "role",
    text: str = "content",
    names: Mapping[str, str] | None = None,
) -> pa.ListArray:
    """What was asked, turn by turn, and then what is `said`, as one list of messages per row.

    Args:
        samples: `prompt`, and `messages` [rows] list<struct<role, content>> where a query has more than one turn; null where
            the prompt is all.
        said: (speaker, [rows] texts) of the messages after it.
        role: What a message calls its speaker.
        text: What a message calls its text.
        names: What the format calls the speakers, such as `human` for `user`; others keep their names.

    Returns:
        [rows] list<struct<role: string, text: string>>.
    """
    names = names or {}
    user = names.get(USER, USER)
    turns = samples.get("messages")
    if turns is None or turns.null_count == len(turns):
        return conversation([(user, samples["prompt"]), *said], role, text)
    rows, flat = len(turns), turns.flatten()
    roles = flat.field("role")
    given = turns.is_valid().to_numpy(zero_copy_only=False)
    lengths = np.where(given, pc.fill_null(pc.list_value_length(turns), 0).to_numpy(zero_copy_only=False), 1)
    asked = np.where(given, np.cumsum(np.where(given, lengths, 0)) - lengths, len(flat) + np.arange(rows))  # where each begins
    ends = np.cumsum(lengths + len(said))
    places = np.arange(ends[-1] if rows else 0) - np.repeat(ends - lengths - len(said), lengths + len(said))
    row = np.repeat(np.arange(rows), lengths + len(said))
    after = places - lengths[row]
    index = np.where(after < 0, asked[row] + places, len(flat) + rows * (1 + after) + row)
    speakers = pc.coalesce(*(pc.if_else(pc.equal(roles, ours), theirs, None) for ours, theirs in names.items()), roles)
    who = pa.concat_arrays([speakers, _constant(user, rows), *(_constant(name, rows) for name, _ in said)])
    what = pa.concat_arrays([flat.field("content"), samples["prompt"], *(texts for _, texts in said)])
    taken = pa.array(index)
    messages = pa.StructArray.from_arrays([who.take(taken), what.take(taken)], names=[role, text])
    return pa.ListArray.from_arrays(pa.array(np.append(0, ends), pa.int32()), messages)


def sharegpt(samples: Columns, *said: pa.Array) -> pa.ListArray:
    """`dialogue` as ShareGPT names it; `said` are texts of the assistant."""
    return dialogue(samples, *(("gpt", texts) for texts in said), role=FROM, text=VALUE, names=SHAREGPT_NAMES)


def sharegpt_message(said: pa.Array) -> pa.StructArray:
    """One message per row, as LLaMA-Factory reads each side of a pair: [rows] struct<from: string, value: string>."""
    return pa.StructArray.from_arrays([_constant("gpt", len(said)), said], names=[FROM, VALUE])


def plain(samples: Columns, *answers: str) -> dict[str, pa.Array]:
    """The prompt with a separator, and the answers."""
    prompt = samples["prompt"]
    ended = pc.binary_join_element_wise(prompt, pa.scalar(SEPARATOR, prompt.type), pa.scalar("", prompt.type))
    return {"prompt": ended, **{name: samples[name] for name in answers}}


def chat(samples: Columns, *answers: str) -> dict[str, pa.Array]:
    """The turns that were asked, and the answers, each as a conversation of one message."""
    return {"prompt": dialogue(samples), **{name: conversation([(ASSISTANT, samples[name])]) for name in answers}}


def alpaca(samples: Columns, **answers: str) -> dict[str, pa.Array]:
    """Alpaca's prompt, and name -> column of the samples."""
    prompt = samples["prompt"]
    asked = {"instruction": prompt, "input": _constant("", len(prompt))}
    return asked | {name: samples[column] for name, column in answers.items()}


def _constant(value: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), rows)
