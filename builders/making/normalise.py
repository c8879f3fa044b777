"""Log records prepared for the tables, by whole columns: ids, modes, statuses and names.

What a record does not state is filled in only if it follows from the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.known.statuses import STATUS_WORDS, status_word
from llmfusionbench.builders.known.tasks import UNSTATED, canonical_task, domain_of, metric_of
from llmfusionbench.builders.making.stated import (
    SPLIT_OFF,
    finish_reason,
    public_endpoint,
    split_reasoning,
    utc_text,
)
from llmfusionbench.builders.records import JUDGE_COLUMNS, LOG, Rejected, refuse
from llmfusionbench.schema import table_schema
from llmfusionbench.types import (
    DIRECT,
    THINK,
    Candidate,
    Turn,
    content_id,
    is_plain_prompt,
    normalise_prompt,
    query_id,
    rendered,
    strip_think_suffix,
)
from llmfusionbench.validation import compile_schema
from llmfusionbench.validation.explain import explain
from llmfusionbench.validation.issue import shorten

NORMAL: Final = pa.schema(
    [
        pa.field("query_id", pa.string()),
        *LOG,
        pa.field("unnumbered", pa.bool_()),
        pa.field("metric_stated", pa.bool_()),
    ]
)
"""The columns after normalising: those of a log record, its query's id, and whether to number it."""

_EMPTY_IS_NULL: Final = (
    "domain",
    "source_id",
    "llm_path",
    "judge_path",
    "ground_truth",
    "license",
    "tokenizer",
    "metric_version",
    "prompt_think",
    "judge_reason",
    "judge_rubric",
    "reasoning",
    "error",
    "finish_reason",
    "requested_model",
    "served_model",
    "endpoint",
    "service_tier",
    "created_at",
    "judge_opponent",
    "judge_order",
    "judge_served_model",
    "judge_prompt_sha256",
    "judge_created_at",
)
_NO_NAME: Final = r"\x00|^\p{Cc}+$"
_NAN_IS_NULL: Final = ("performance", "cost_usd", "latency_s", "judge_score")
_OF_AN_ANSWER: Final = (
    "response",
    "reasoning",
    "performance",
    "judge",
    "error",
    "finish_reason",
    "served_model",
    "attempts",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "cost_usd",
    "latency_s",
)
"""Columns of which a record with an LLM has at least one if that was asked."""
_SPENT: Final = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "cost_usd", "latency_s")
"""What a call takes. A 0 beside a call that was never made stands for no value."""


def normalise(records: pa.RecordBatch, repeats: bool = False) -> tuple[pa.RecordBatch, list[Rejected]]:
    """The records that fit the tables, in the columns of `NORMAL`, and the rejected others.

    With `repeats`, a record that states no replicate may be given one.
    """
    column = {f.name: _column(records, f) for f in LOG}
    for name in _EMPTY_IS_NULL:
        column[name] = _null_where(pc.equal(column[name], ""), column[name])
    for name in _NAN_IS_NULL:
        column[name] = _null_where(pc.is_nan(column[name]), column[name])
    column["task"] = _map_distinct(canonical_task, column["task"])
    column["domain"] = pc.coalesce(column["domain"], _map_distinct(domain_of, column["task"]))
    metric = _map_distinct(str.lower, column["metric"])
    judged = pc.coalesce(_map_distinct(metric_of, column["task"]), metric)
    unstated = pc.is_in(metric, value_set=pa.array(UNSTATED))
    column["metric"] = pc.if_else(unstated, judged, metric)
    column["metric_stated"] = pc.invert(unstated)
    column["mode"] = pc.coalesce(column["mode"], DIRECT)
    column["unnumbered"] = pc.and_(repeats, column["replicate"].is_null())
    column["replicate"] = pc.coalesce(column["replicate"], 0)
    column["provenance"] = pc.coalesce(column["provenance"], "imported")
    column["finish_reason"] = _map_distinct(finish_reason, column["finish_reason"])
    column["endpoint"] = _map_distinct(public_endpoint, column["endpoint"])
    column["judge_opponent"] = _map_distinct(lambda name: Candidate.parse(name).name, column["judge_opponent"])
    for name in ("created_at", "judge_created_at"):
        column[name] = _map_distinct(utc_text, column[name])
    column |= _turns(column["prompt"], column["messages"])
    column |= _identify(column)
    column |= _apart(column["response"], column["reasoning"])
    column["status"] = _map_distinct(status_word, column["status"])
    column |= _settle_status(column)
    batch = pa.RecordBatch.from_arrays([column[f.name] for f in NORMAL], schema=NORMAL)
    return _refuse(batch)


def _column(records: pa.RecordBatch, field: pa.Field) -> pa.Array:
    if field.name not in records.schema.names:
        return pa.nulls(records.num_rows, field.type)
    return records.column(field.name).cast(field.type)


def _null_where(condition: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(pc.fill_null(condition, False), pa.scalar(None, values.type), values)


@dataclass(frozen=True)
class _Encoded:
    """A text column as its distinct values and [n] int64 codes, -1 for null."""

    values: list[str]
    codes: npt.NDArray[np.int64]


def _encode(texts: pa.Array) -> _Encoded:
    encoded = texts.dictionary_encode()
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return _Encoded(encoded.dictionary.to_pylist(), codes)


def _map_distinct(function: Callable[[str], str | None], texts: pa.Array) -> pa.Array:
    """`function` of every text, called once for each distinct one."""
    encoded = texts.dictionary_encode()
    return pa.array([function(v) for v in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _turns(prompt: pa.Array, messages: pa.Array) -> dict[str, pa.Array]:
    """prompt, rendered from the turns where a record states them alone, and messages, null where the prompt says all."""
    if messages.null_count == len(messages):
        return {}
    prompts: list[str | None] = prompt.to_pylist()
    turns = messages.to_pylist()
    texts: dict[tuple[tuple[str, str], ...], str] = {}
    for i in np.flatnonzero(messages.is_valid().to_numpy(zero_copy_only=False)).tolist():
        if not _are_turns(turns[i]):
            continue  # such a record is rejected
        said = _hashable(turns[i])
        if said not in texts:
            texts[said] = rendered(turns[i])
        prompts[i] = prompts[i] or texts[said] or None
        if is_plain_prompt(turns[i]):
            prompts[i], turns[i] = turns[i][0]["content"] or None, None
    return {"prompt": pa.array(prompts, prompt.type), "messages": pa.array(turns, messages.type)}


def _hashable(turns: list[Turn]) -> tuple[tuple[str, str], ...]:
    return tuple((turn["role"], turn["content"]) for turn in turns)


def _are_turns(turns: list[Any]) -> bool:
    return bool(turns) and all(turn and turn["role"] and turn["content"] is not None for turn in turns)


def _apart(response: pa.Array, reasoning: pa.Array) -> dict[str, pa.Array]:
    """response and reasoning, where the reasoning stood in a block in front of an answer, and is not stated otherwise."""
    led = pc.fill_null(pc.match_substring_regex(response, SPLIT_OFF), False).to_numpy(zero_copy_only=False)
    parts: list[tuple[str | None, str]] = []
    for i in np.flatnonzero(led).tolist():
        thought, answer = split_reasoning(response[i].as_py())
        stated = reasoning[i].as_py()
        led[i] = stated is None or stated.strip() == thought
        if led[i]:
            parts.append((thought, answer))
    if not parts:
        return {}
    columns = {}
    for name, values, found in zip(("reasoning", "response"), (reasoning, response), zip(*parts, strict=True), strict=True):
        columns[name] = pc.replace_with_mask(values, pa.array(led), pa.array(found, values.type))
    return columns


def _identify(column: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """query_id, prompt, prompt_think and messages. Each distinct (task, prompt) is hashed once; else the source_id."""
    task, prompt, messages = column["task"], column["prompt"], column["messages"]
    tasks, prompts, sources = _encode(task), _encode(prompt), _encode(column["source_id"])
    stated = column["prompt_think"].is_valid()
    direct_mode = pc.or_(pc.fill_null(pc.equal(column["mode"], DIRECT), False), stated)
    think = pc.and_(pc.fill_null(pc.equal(column["mode"], THINK), False), pc.invert(stated))
    unprompted = prompts.codes < 0
    text_codes = np.where(unprompted, sources.codes, prompts.codes)
    plain = direct_mode.to_numpy(zero_copy_only=False)
    keys = np.stack([tasks.codes, text_codes, unprompted, plain])
    distinct, rows = np.unique(keys, axis=1, return_inverse=True)
    ids: list[str | None] = []
    direct: list[str | None] = []
    for t, x, is_unprompted, is_direct in distinct.T.tolist():
        name = tasks.values[t] if t >= 0 else ""
        text = (sources if is_unprompted else prompts).values[x] if x >= 0 else ""
        if not name or not (text if is_unprompted else normalise_prompt(text)):
            ids.append(None)
        else:
            ids.append(content_id(name, "", text) if is_unprompted else query_id(name, text))
        direct.append(None if is_unprompted else text if is_direct else strip_think_suffix(text))
    take = pa.array(rows.reshape(-1))
    columns = {
        "query_id": pa.array(ids, pa.string()).take(take),
        "prompt": pa.array(direct, pa.string()).take(take),
        "prompt_think": pc.if_else(think, prompt, column["prompt_think"]),
    }
    return columns if messages.null_count == len(messages) else columns | _by_turns(columns, task, messages, plain)


def _by_turns(
    columns: dict[str, pa.Array], task: pa.Array, messages: pa.Array, plain: npt.NDArray[np.bool_]
) -> dict[str, pa.Array]:
    """query_id by the turns of the records that have them, and messages as they were in direct mode.

    `plain` is [n], whether the turns are those of direct mode.
    """
    ids, turns = columns["query_id"].to_pylist(), messages.to_pylist()
    tasks: list[str] = task.to_pylist()
    known: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}
    for i in np.flatnonzero(messages.is_valid().to_numpy(zero_copy_only=False)).tolist():
        if ids[i] is None or not _are_turns(turns[i]):
            continue  # such a record is rejected
        key = tasks[i], _hashable(turns[i])
        if key not in known:
            known[key] = query_id(tasks[i], "", turns[i])
        ids[i] = known[key]
        if not plain[i]:
            last = turns[i][-1]
            turns[i] = [*turns[i][:-1], {**last, "content": strip_think_suffix(last["content"])}]
    return {"query_id": pa.array(ids, pa.string()), "messages": pa.array(turns, messages.type)}


def _settle_status(column: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """`error` where there is an error, no text, and no score above 0, else `empty` where the answer is blank.

    A record without any sign of an answer is `missing`. A status that the log states stays, but for a blank answer that it
    calls `ok`. A failed or missing answer has no text and no performance, and a 0 of a missing one, such as a cost of
    0, is null.
    """
    response, performance = column["response"], column["performance"]
    blank = pc.fill_null(pc.or_(pc.equal(response, ""), pc.utf8_is_space(response)), False)
    unscored = pc.fill_null(pc.equal(performance, 0), True)
    failed = pc.and_(pc.and_(column["error"].is_valid(), pc.or_(response.is_null(), blank)), unscored)
    asked = np.logical_or.reduce([column[name].is_valid().to_numpy(zero_copy_only=False) for name in _OF_AN_ANSWER])
    unknown = pa.scalar(None, pa.string())
    status = pc.coalesce(column["status"], pc.if_else(failed, pa.scalar("error"), unknown))
    unasked = pc.and_(pc.invert(pa.array(asked)), column["llm"].is_valid())
    status = pc.coalesce(status, pc.if_else(unasked, pa.scalar("missing"), unknown))
    status = pc.coalesce(_null_where(pc.and_(pc.equal(status, "ok"), blank), status), pc.if_else(blank, "empty", "ok"))
    unanswered = pc.is_in(status, pa.array(["error", "missing"]))
    never = pc.equal(status, "missing")
    spent = {name: _null_where(pc.and_(never, pc.equal(column[name], 0)), column[name]) for name in _SPENT}
    return spent | {
        "status": status,
        "response": _null_where(unanswered, response),
        "performance": _null_where(unanswered, performance),
    }


def _refuse(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, list[Rejected]]:
    """The rows that fit all tables, and the rejected others."""
    reasons: dict[int, list[str]] = {}
    for table, where in (("queries", None), ("responses", "llm"), ("judge_scores", "judge")):
        schema = table_schema(table)
        names = [JUDGE_COLUMNS.get(c, c) if table == "judge_scores" else c for c in schema.arrow.names]
        rows = batch.select(names).rename_columns(schema.arrow.names)
        bad = compile_schema(schema.json_schema)(rows.to_struct_array())
        if bad is None:
            continue
        if where is not None:
            bad &= batch.column(where).is_valid().to_numpy(zero_copy_only=False)
        failing = np.flatnonzero(bad)
        for i, row in zip(failing.tolist(), rows.take(pa.array(failing)).to_pylist(), strict=True):
            if row.get("query_id") is None:
                found = ["a record needs a task, and a prompt or a source_id"]
            else:
                wrong = explain(schema.json_schema, row)
                found = [
                    f"{column or 'row'} is {value or 'missing'}, expected {expected}"
                    f"{f', or a word for one of them: {STATUS_WORDS}' if column == 'status' else ''}"
                    for column, value, expected in wrong
                ]
            reasons.setdefault(i, []).extend(found)
    for name in ("llm", "llm_path", "mode", "judge", "judge_path"):
        odd = pc.fill_null(pc.match_substring_regex(batch.column(name), _NO_NAME), False)
        for i in pc.indices_nonzero(odd).to_pylist():
            given = f"{name} is {shorten(batch.column(name)[i].as_py())}"
            reasons.setdefault(i, []).append(f"{given}, expected a name without NUL, and not of control characters alone")
    nameless = pc.and_(batch.column("judge").is_null(), batch.column("judge_score").is_valid())
    for i in pc.indices_nonzero(nameless).to_pylist():
        reasons.setdefault(i, []).append(
            "judge is missing, expected the name of who gave the judge_score. Remedy: name the judge of a table with "
            "--map judge==NAME"
        )
    return refuse(batch, reasons)
