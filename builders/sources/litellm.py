"""LiteLLM: spend logs of the proxy's database, and the standard logging payloads that its callbacks write.

Prompts and answers are there only if the proxy stores them. A call without its prompt is a query of its own, identified by the
id of the request, and so does not meet the calls of other LLMs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.chat_answers import answers_of, body_of
from llmfusionbench.builders.reading.chat_requests import query_in, query_of, sampling_of
from llmfusionbench.builders.reading.chat_usage import tokens_of
from llmfusionbench.builders.reading.client_logs import COMMON, LeftOut, candidate_of, check_by, read_log
from llmfusionbench.builders.reading.failures import failure_text
from llmfusionbench.builders.reading.fields import BadRecordError, identity_of, text
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.loose import (
    call_times,
    first_of,
    is_true,
    loose_amount,
    loose_count,
    loose_object,
    unpacked,
)
from llmfusionbench.builders.reading.replicates import Repeats
from llmfusionbench.builders.reading.rows import exports, read_rows
from llmfusionbench.builders.records import Part

_NAMES: Final = {"source_id": "request_id", "llm": "model"}
_REDACTED: Final = "redacted-by-litellm"
_CUT: Final = "(litellm_truncated"
"""What LiteLLM writes in the middle of a text that it has shortened."""
_SIGNS: Final = ("spend", "response_cost", "call_type")
"""Fields of which a call has one."""
_NO_ANSWERS: Final = (
    "embedding", "image", "moderation", "transcription", "speech", "rerank", "file", "batch", "vector_store", "ocr", "search",
    "realtime", "list", "assistants", "thread", "fine_tuning", "video", "mcp_tool", "health",
)  # fmt: skip
"""Parts of the call types that answer nothing."""
_NOTHING: Final[tuple[Any, ...]] = (None, "", {}, [], "{}", "[]", _REDACTED)
"""What stands where a prompt or an answer was not kept."""
_OF_ANSWER: Final = ("served_model", "response", "reasoning", "finish_reason")
"""What the answer states better than the record of the call."""
_TOKENS: Final = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}


@dataclass(frozen=True, kw_only=True)
class LiteLLM:
    """Reads LiteLLM's spend logs (`LiteLLM_SpendLogs` as JSON, JSONL, CSV or Parquet) and standard logging payloads.

    Args:
        task: Name of the task of all queries.
        split: The split of every query.
        by: Which model names the LLM: `asked`, the name that the proxy was asked for (`model_group`), or `served`, the
            model that LiteLLM sent the request to (`model`).
        cache_hits: Whether answers out of LiteLLM's cache count as answers; no LLM was called for them.
    """

    FILES: ClassVar[tuple[str, ...]] = exports("*spend_logs*", "*SpendLogs*", "*litellm*")

    task: str = "litellm"
    split: str = "train"
    by: str = "asked"
    cache_hits: bool = False

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        check_by(self.by)
        repeats = Repeats()
        shared = COMMON | {"task": self.task, "split": self.split}
        for path, file in labelled(paths):
            left = LeftOut()
            read = partial(self._answers, left=left, repeats=repeats)
            identity = partial(identity_of, names=_NAMES)
            yield from read_log(
                path, file, read, shared, left, "call of LiteLLM", items=read_rows(path, file), identity=identity
            )

    def _answers(self, record: dict[str, Any], *, left: LeftOut, repeats: Repeats) -> Iterator[dict[str, Any]]:
        """The answers of a call; none of one that asked for no answer."""
        inner = record.get("standard_logging_object")
        record = inner if isinstance(inner, dict) else record
        call = first_of(record, "request_id", "id")
        if not isinstance(call, str) or record.keys().isdisjoint(_SIGNS):
            raise BadRecordError("the record has no request_id with spend or call_type, expected a call of LiteLLM")
        kind = str(record.get("call_type") or "")
        if _asks_nothing(kind):
            left.records[f"calls of the type {kind[:80]}, which ask for no answer"] += 1
            return
        if is_true(record.get("cache_hit")) and not self.cache_hits:
            left.records["answers out of the cache, for which no LLM was called; --option cache_hits=true takes them"] += 1
            return
        said = _call(record, left)
        query = _query(record, left) | {"source_id": call}
        made = said.pop("answers")
        names = candidate_of(said["requested_model"], said["served_model"], self.by)
        for i, answer in enumerate(made):
            row = query | said
            for name, value in answer.items():
                if value is not None and (name in _OF_ANSWER or row.get(name) is None):
                    row[name] = value
            row |= names
            if len(made) > 1:
                row |= {"output_tokens": None, "reasoning_tokens": None, "cost_usd": None}
            row["task"] = self.task
            row["replicate"] = repeats.number(row, f"{call} {i}")
            yield row


@lru_cache(maxsize=256)
def _asks_nothing(kind: str) -> bool:
    """Whether calls of a type ask for no answer."""
    return any(word in kind for word in _NO_ANSWERS)


def _call(record: Mapping[str, Any], left: LeftOut) -> dict[str, Any]:
    """What a record states of the call, and its answers as `answers`."""
    metadata = loose_object(record.get("metadata"))
    failed = str(record.get("status") or metadata.get("status") or "").lower() == "failure"
    response = _kept(body_of(record.get("response")))
    tokens = tokens_of(loose_object(response).get("usage"))
    if metadata:
        more = tokens_of(metadata.get("usage_object") or metadata.get("additional_usage_values"))
        tokens = {name: more[name] if count is None else count for name, count in tokens.items()}
    for ours, theirs in _TOKENS.items():
        tokens[ours] = loose_count(record.get(theirs)) or tokens[ours]
    moment, latency = call_times(first_of(record, "startTime", "start_time"), first_of(record, "endTime", "end_time"))
    served = text(record, "model") or None
    cost = loose_amount(first_of(record, "spend", "response_cost"))
    if cost == 0 and not failed and tokens["output_tokens"]:
        cost = None  # LiteLLM writes 0 where it knows no price
        left.remarks["a cost of 0 beside tokens stands for an unknown price, and is null"] += 1
    found: dict[str, Any] = {
        "requested_model": text(record, "model_group") or served,
        "served_model": served,
        "endpoint": text(record, "custom_llm_provider"),
        "created_at": moment,
        "latency_s": latency,
        "cost_usd": cost,
        **tokens,
    }
    if failed:
        told = first_of(record, "error_str", "error_information", "exception") or metadata.get("error_information")
        found |= {"status": "error", "error": failure_text(told) or "the call failed", "answers": [{}]}
        return found | {name: found[name] or None for name in tokens}
    answers = answers_of(response) if response is not None else []
    found["answers"] = [_whole(answer, left) for answer in answers] or [{"status": "ok"}]
    return found


def _whole(answer: dict[str, Any], left: LeftOut) -> dict[str, Any]:
    """An answer without what is null, and without a text that was not kept as it came."""
    texts = (answer.get("response") or "", answer.get("reasoning") or "")
    cut = _CUT in texts[0] or _CUT in texts[1]
    if cut:
        left.remarks["the answer was shortened by LiteLLM, and its text is left out"] += 1
    if cut or _REDACTED in texts:
        kept = {name: value for name, value in answer.items() if name not in ("response", "reasoning")}
        return {"status": "ok"} | kept
    return answer


def _query(record: Mapping[str, Any], left: LeftOut) -> dict[str, Any]:
    """What was asked, where it was kept, and the settings."""
    request = loose_object(record.get("proxy_server_request"))
    request = loose_object(request.get("body")) or request
    settings = {"sampling": sampling_of(first_of(record, "model_parameters", "modelParameters") or request)}
    said = _kept(unpacked(record.get("messages")))
    if said is None:
        found = query_in(request)
    elif isinstance(said, dict):
        found = query_in(said) or query_of(said, "messages")
    else:
        found = query_of(said, "messages")
    texts = [turn["content"] for turn in found["messages"]] if "messages" in found else [*found.values()]
    for said in texts:
        if _CUT in said:
            left.remarks["the prompt was shortened by LiteLLM: the call is a query of its own, without text"] += 1
            return settings
    return settings if _REDACTED in texts else settings | found


def _kept(value: Any) -> Any:
    """A prompt or an answer; None if it was not kept."""
    if isinstance(value, (dict, list)):
        return value or None
    return None if value in _NOTHING else value
