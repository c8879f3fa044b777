"""A router behind an OpenAI-compatible endpoint: each prompt is sent to it, and the reply's `model` is its choice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from llmfusionbench.evaluation.routers.decision import Decisions, from_names
from llmfusionbench.llm.chat import ChatClient, Reply
from llmfusionbench.redaction import public_url, redacted_data
from llmfusionbench.release.routing_table import RoutingTable

_NO_MODEL = "no model in the answer"


@dataclass(eq=False)
class LiveRouter:
    """RouteLLM, LiteLLM, vLLM's semantic router and others answer this way.

    Args:
        url: URL of the server, with or without `/v1/chat/completions`.
        model: Model name sent to the server, such as `auto` or `router-mf-0.11593`.
        aliases: Name in a reply -> candidate of the release, where they differ.
        concurrency: Number of parallel requests.
        retries: Retries after a temporary failure: no connection, a time-out, status 408, 409, 429 or 5xx.
        timeout: Timeout per attempt, seconds.
        record: JSONL file of all calls: query_id (in an evaluation), position of the prompt, attempts, status, model, seconds,
            error.
        key_variable: Environment variable that holds the API key; by default no key is sent.
        max_tokens: Maximum number of tokens of the answer, which is not used.
    """

    url: str
    _: KW_ONLY
    model: str = "auto"
    aliases: Mapping[str, str] | None = None
    concurrency: int = 8
    retries: int = 3
    timeout: float = 60.0
    record: str | Path | None = None
    key_variable: str | None = None
    max_tokens: int = 1

    def __repr__(self) -> str:
        return f"LiveRouter({public_url(self.url)!r}, model={self.model!r})"

    def decide(self, table: RoutingTable, *, may_decline: bool = False) -> Decisions:
        """The choices for the queries of `table`. A failed call is a fault; an answer without a model declines if it may."""
        made = from_names(self._choices(table.prompts, table.query_ids), table, may_decline=True)
        nameless = np.array([call["error"] == _NO_MODEL for call in self.calls_], bool)
        declined = made.declined & nameless & may_decline
        faults = [
            f"query {table.query_ids[i]}: no choice ({self.calls_[i]['error']})"
            for i in np.flatnonzero(made.declined & ~declined)
        ]
        return replace(made, declined=declined, faults=(*made.faults, *faults))

    def route(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> list[str | None]:
        """The candidate that each reply names, or None. Raises InputError for a bad URL, a refused call or a redirect."""
        return self._choices(prompts, [None] * len(prompts))

    def _choices(self, prompts: Sequence[str | None], query_ids: Sequence[str | None]) -> list[str | None]:
        client = ChatClient(
            self.url,
            model=self.model,
            concurrency=self.concurrency,
            retries=self.retries,
            timeout=self.timeout,
            key_variable=self.key_variable,
            max_tokens=self.max_tokens,
            temperature=None,
        )
        asked = [(place, prompt) for place, prompt in enumerate(prompts) if prompt is not None]
        calls = [_call(place, None) for place in range(len(prompts))]
        refused: list[Reply] = []
        waiting = {place for place, _ in asked}
        try:
            for at, reply in client.attempt_all([{"role": "user", "content": prompt}] for _, prompt in asked):
                calls[asked[at][0]] = _call(asked[at][0], reply)
                waiting.discard(asked[at][0])
                if reply.refused:
                    refused.append(reply)
        finally:  # after an interrupt, calls were made and may have been paid for
            if len(waiting) < len(asked) or not asked:
                self._keep(
                    call if q is None else {**call, "query_id": q}
                    for q, call in zip(query_ids, calls, strict=True)
                    if call["prompt"] not in waiting
                )
        self.calls_ = calls
        if refused:
            raise client.refusal(refused[0], f" for {len(refused)} of {len(calls)} prompts")
        aliases = self.aliases or {}
        return [None if call["model"] is None else aliases.get(call["model"], call["model"]) for call in calls]

    def _keep(self, calls: Iterable[dict[str, Any]]) -> None:
        if self.record is None:
            return
        path = Path(self.record)
        path.parent.mkdir(parents=True, exist_ok=True)
        # A lone surrogate, which UTF-8 cannot hold, is escaped as in JSON.
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(json.dumps(redacted_data(call), ensure_ascii=False, sort_keys=True) + "\n" for call in calls)


def _call(place: int, reply: Reply | None) -> dict[str, Any]:
    """A line of the record; without a reply, the log does not hold the prompt."""
    if reply is None:
        nothing = {"attempts": 0, "status": None, "model": None, "seconds": 0.0}
        return {"prompt": place, **nothing, "error": "the log does not hold the prompt"}
    error = reply.error if reply.model is None else None  # an answer without a text still names a model
    return {
        "prompt": place, "attempts": reply.attempts, "status": reply.status, "model": reply.model, "seconds": reply.seconds,
        "error": _NO_MODEL if reply.model is None and error in (None, "no text in the answer") else error,
    }  # fmt: skip
