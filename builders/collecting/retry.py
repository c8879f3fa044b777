"""Asking again: only the answers of a run that were cut off, failed, are empty, or were refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.payload import MAX_TOKENS
from llmfusionbench.builders.collecting.plan import call_of, query_calls
from llmfusionbench.builders.collecting.records import attempt_record
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.making.stated import finish_reason
from llmfusionbench.builders.reading.run_files import JOURNAL
from llmfusionbench.builders.reading.run_journal import Place, RunAnswers
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.redaction import MARK, redacted_data

KINDS: Final = ("length", "error", "empty", "refusal")
"""What can be asked again: cut-off answers, failures, answers without a text, and answers that a filter or the LLM refused."""


@dataclass
class Retry:
    """The calls that ask again.

    Args:
        run: The run.
        endpoints: The LLMs to ask.
        kinds: Names of `KINDS`.
        max_tokens: Most tokens of the new answers; None: as before.

    Raises:
        UnknownNameError: there is no such kind.
        InputError: cut-off answers would be asked again with the same maximum, or the journal cannot be read.
    """

    run: Run
    endpoints: Sequence[Endpoint]
    kinds: Sequence[str]
    max_tokens: int | None = None
    again: set[str] = field(default_factory=set, init=False)
    """Keys of the calls so far that are the same requests as before, or as a retry that has failed."""
    enough: set[str] = field(default_factory=set, init=False)
    """Keys of cut-off answers so far that had `max_tokens` or more, and are left as they are."""

    def __post_init__(self) -> None:
        check_kinds(self.kinds, KINDS, self.max_tokens)
        path = self.run.folder / JOURNAL
        if not path.is_file():
            raise InputError(f"{path}: no such file, so nothing was asked yet. Remedy: run collect without --retry first")

    @cached_property
    def _answers(self) -> RunAnswers:
        """The answers so far, read when the first call is taken: batches of earlier runs may bring some before that."""
        return RunAnswers(self.run.folder / JOURNAL)

    def calls(self) -> Iterator[Call]:
        """All calls, LLM by LLM."""
        for endpoint in self.endpoints:
            yield from self.calls_to(endpoint)

    def calls_to(self, endpoint: Endpoint) -> Iterator[Call]:
        """The calls to one LLM, query by query."""
        address = Caller(endpoint).address
        for query_id, query in self.run.queries():
            for _, place, record in self._answers.of(query_id, endpoint.name):
                if not self._is_wanted(record):
                    continue
                kept = self._kept(endpoint, address, query_id, query, place, record)
                payload = self._payload(endpoint, query.prompts.get(place.mode) or query.prompts["direct"], kept)
                call = call_of(query_id, place.llm, place.mode, place.replicate, address, payload)
                if call.key == record["key"] or self._answers.has_failed(call.key):
                    self.again.add(call.key)
                yield call

    def counts(self) -> None:
        """The number of calls is not known before they are looked at."""

    def by_llm(self) -> dict[str, Iterable[Call]]:
        """LLM -> its calls."""
        return {endpoint.name: self.calls_to(endpoint) for endpoint in self.endpoints}

    def _is_wanted(self, record: Mapping[str, Any]) -> bool:
        found = kinds_of(record) & {*self.kinds}
        if has_enough(found, most_tokens(record), self.max_tokens):
            self.enough.add(record["key"])
            return False
        return bool(found)

    def _kept(
        self, endpoint: Endpoint, address: str, query_id: str, query: Query, place: Place, record: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The record with its model and settings as they were sent: the journal keeps no secret, but the file of LLMs may.

        Raises:
            InputError: The file has other settings than the record.
        """
        sent: dict[str, Any] = {"requested_model": record.get("requested_model"), "settings": record.get("settings") or {}}
        if MARK not in json.dumps(sent, ensure_ascii=False):
            return record
        *_, call = query_calls(query_id, query, endpoint, address, (place.mode,), place.replicate + 1)
        now = attempt_record(call, Attempt("ok"), number=1, final=True, cost_usd=None, at="")
        now["settings"] |= {name: sent["settings"][name] for name in MAX_TOKENS if name in sent["settings"]}
        if redacted_data({name: now[name] for name in sent}) != sent:
            raise InputError(
                f"{endpoint.name}: a setting of an answer to ask again holds a secret, which no journal keeps, and the file of "
                "LLMs has other settings. Remedy: name with --llms the file with the settings of that answer"
            )
        return {**record, **{name: now[name] for name in sent}}

    def _payload(self, endpoint: Endpoint, messages: Sequence[Any], record: Mapping[str, Any]) -> dict[str, Any]:
        """The request body as it was sent, with another maximum of tokens. Its model may be that of a mode."""
        settings = dict(record.get("settings") or {})
        if self.max_tokens is not None:
            sent = [name for name in MAX_TOKENS if name in settings]
            settings = {name: value for name, value in settings.items() if name not in MAX_TOKENS}
            settings |= dict.fromkeys(sent or [endpoint.max_tokens_field], self.max_tokens)
        model = record.get("requested_model", endpoint.model)
        return ({} if model is None else {"model": model}) | {"messages": [dict(message) for message in messages]} | settings


def check_kinds(kinds: Sequence[str], known: Sequence[str], max_tokens: int | None) -> None:
    """Check what is to be asked again.

    Raises:
        UnknownNameError: a kind is not known.
        InputError: cut-off answers would be asked again with the same maximum.
    """
    for kind in kinds:
        if kind not in known:
            raise UnknownNameError("kind of answer to retry", kind, known)
    if "length" in kinds and max_tokens is None:
        raise InputError("--retry length: the same maximum would cut the answers off again. Remedy: set --max-tokens")


def most_tokens(record: Mapping[str, Any]) -> int | None:
    """Most tokens that the answer in a record could have, if that was stated."""
    return min((n for name in MAX_TOKENS if isinstance(n := (record.get("settings") or {}).get(name), int)), default=None)


def has_enough(found: Collection[str], most: int | None, max_tokens: int | None) -> bool:
    """Whether an answer with at most `most` tokens, wanted for the kinds `found`, was only cut off, at `max_tokens` or more."""
    return {*found} == {"length"} and most is not None and max_tokens is not None and most >= max_tokens


def kinds_of(record: Mapping[str, Any]) -> set[str]:
    """What can be asked again of the record of a final attempt."""
    status, reason = record.get("status"), record.get("finish_reason")
    why = finish_reason(reason) if isinstance(reason, str) else None
    found: set[str] = {kind for kind in ("error", "empty") if kind == status}
    if status != "error":
        found |= {"length"} if why == "length" else set()
        found |= {"refusal"} if why == "content_filter" else set()
    return found
