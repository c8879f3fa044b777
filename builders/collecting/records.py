"""The records of the journal of a run: what is written before an attempt, after it, and for a further use of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.collecting.calls import Attempt, Call, Slot
from llmfusionbench.builders.reading.run_files import ATTEMPT, CHANGED, LOST, SENT, USE

Record = dict[str, Any]

NOT_SETTINGS: Final = ("model", "messages")
"""Fields of a request body that are not settings."""
_FIELDS: Final = (
    "http_status", "served_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "stated_cost",
    "latency_s", "first_token_s", "request_id", "charged", "passing", "refused", "retry_after_s", "error", "logprobs",
    "reasoning", "response",
)  # fmt: skip
"""Fields of `Attempt` after the head of a line, short ones first. Rate limits are used when they come, and are not kept."""


def sent_record(call: Call, *, number: int, worst_usd: float | None, batch: str | None = None) -> Record:
    """The record of an attempt that begins.

    Args:
        call: The request.
        number: Number of the attempt, from 1, over all runs: `RunJournal.next_number`.
        worst_usd: Worst-case cost, USD; None if the price is unknown.
        batch: The provider's batch that the request travels in. Such a request is not lost when a run is killed.
    """
    record = {"kind": SENT, "key": call.key, "llm": call.llm, "attempt": number, "worst_usd": worst_usd}
    return record if batch is None else record | {"batch": batch}


def attempt_record(
    call: Call, attempt: Attempt, *, number: int, final: bool, cost_usd: float | None, at: str, batch: str | None = None
) -> Record:
    """The record of an attempt that ended. Its first fields stand in a fixed order, in which a resume finds them quickly.

    Args:
        call: The request.
        attempt: What came of it.
        number: The number that its `sent` record has.
        final: Whether a later run leaves the request as it is: it was answered, or failed for good.
        cost_usd: USD; None if the price is unknown.
        at: Wall-clock time of the end, ISO 8601. It is only a label; no rule compares two of them.
        batch: The provider's batch that the answer came from.
    """
    record: Record = {
        "kind": ATTEMPT, "key": call.key, "llm": call.llm, "attempt": number, "final": final, "status": attempt.status,
        "finish_reason": attempt.finish_reason, "cost_usd": cost_usd, "at": at, "slot": list(call.slot),
        "replicate": call.replicate, "requested_model": call.payload.get("model"), "settings": settings_of(call.payload),
    }  # fmt: skip
    if batch is not None:
        record["batch"] = batch
    for name in _FIELDS:
        record[name] = getattr(attempt, name)
    return record


def use_record(key: str, slot: Slot) -> Record:
    """The record of a further slot that the answer to a request is for."""
    return {"kind": USE, "key": key, "slot": list(slot)}


def changed_record(llm: str) -> Record:
    """The record of an LLM without answers that is asked with other settings from here on."""
    return {"kind": CHANGED, "llm": llm}


def lost_record(key: str, number: int) -> Record:
    """The record of a report to the user: an attempt was in flight when an earlier run ended."""
    return {"kind": LOST, "key": key, "attempt": number}


def settings_of(payload: Mapping[str, Any]) -> Record:
    """The fields of a request body without the model and the messages."""
    return {name: value for name, value in payload.items() if name not in NOT_SETTINGS}
