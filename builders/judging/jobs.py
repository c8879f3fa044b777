"""The requests to judges: which are missing, what is sent, and the rows that a reply makes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.calls import Call, call_key
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.payload import payload_of
from llmfusionbench.builders.judging.answers import Item
from llmfusionbench.builders.judging.prompts import Shown, judge_prompt
from llmfusionbench.builders.judging.reply_form import Form, response_format
from llmfusionbench.builders.judging.rubric import Rubric
from llmfusionbench.builders.judging.verdict import Verdict
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.release.retests import retest_name
from llmfusionbench.types import ANSWER_KEY

MODE: Final = "judge"
"""The mode of an endpoint whose fields a request to a judge has, such as `response_format` and `logprobs`."""
ORDERS: Final = ("first", "second")
KEY: Final = (*ANSWER_KEY, "judge", "opponent", "order")
"""The columns of a `RowKey`."""

RowKey = tuple[str, str, str, int, str, str | None, str | None]
"""The key of a row of `judge_scores`."""


@dataclass(frozen=True)
class Judge:
    """An LLM that judges by one rubric."""

    endpoint: Endpoint
    name: str
    """In the column `judge`: the name of the LLM, and that of the rubric where it has judged by another one before."""
    rubric: Rubric
    reference: bool
    pairwise: bool

    @cached_property
    def form(self) -> Form:
        """JSON if the endpoint's fields for judging ask for it, else what the rubric asks for."""
        return "json" if _kind(self.endpoint) in ("json_schema", "json_object") else self.rubric.reply

    @cached_property
    def address(self) -> str:
        """URL of the endpoint, without secrets."""
        return Caller(self.endpoint).address

    @cached_property
    def rubric_text(self) -> str:
        """What the column `rubric` holds."""
        return self.rubric.text(reference=self.reference, pairwise=self.pairwise)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Fields of the request that the rubric needs. What the endpoint states for judging counts more."""
        own = self.endpoint.modes.get(MODE, {})
        settings: dict[str, Any] = {}
        if self.rubric.temperature is not None and "temperature" not in own:
            settings["temperature"] = self.rubric.temperature
        told = own.get("response_format")
        if _kind(self.endpoint) == "json_schema" and isinstance(told, Mapping) and "json_schema" not in told:
            settings["response_format"] = response_format(self.rubric, pairwise=self.pairwise)
        return settings

    def prompt(self, item: Item) -> str:
        """The text that is sent about an item."""
        return judge_prompt(self.rubric, Shown(item.query, tuple(a.text for a in item.answers), item.reference), self.form)

    def payload(self, prompt: str, max_tokens: int | None = None) -> dict[str, Any]:
        """The request body; `max_tokens` counts more than what the rubric and the endpoint state."""
        messages = [{"role": "user", "content": prompt}]
        most = self.rubric.max_tokens if max_tokens is None else max_tokens
        return payload_of(self.endpoint, messages, MODE, max_tokens=most, settings=self.settings)


@dataclass(frozen=True)
class Job:
    """One question to one judge. `replicate` above 0 makes it a retest."""

    judge: Judge
    item: Item
    replicate: int

    @property
    def name(self) -> str:
        """In the column `judge`."""
        return retest_name(self.judge.name, self.replicate)

    def call(self, max_tokens: int | None = None) -> Call:
        """The request; `max_tokens`: with another maximum of tokens."""
        payload = self.judge.payload(self.judge.prompt(self.item), max_tokens)
        key = call_key(self.judge.address, payload, self.replicate)
        slot = tuple("" if part is None else str(part) for part in self.row_keys()[0])
        return Call(slot, self.judge.endpoint.name, key, payload, self.replicate)

    def keys(self, maxima: Sequence[int | None]) -> tuple[str, ...]:
        """The keys of the requests with each of these maxima of tokens; None: as the rubric and the endpoint state."""
        prompt = self.judge.prompt(self.item)
        return tuple(call_key(self.judge.address, self.judge.payload(prompt, most), self.replicate) for most in maxima)

    def row_keys(self) -> list[RowKey]:
        """The keys of the rows that it makes: one, or one for each answer of a pair."""
        answers = self.item.answers
        if len(answers) == 1:
            return [(*answers[0].key, self.name, None, None)]
        return [
            (*own.key, self.name, other.candidate, order)
            for own, other, order in zip(answers, reversed(answers), ORDERS, strict=True)
        ]

    def rows(self, verdict: Verdict, served_model: str | None, created_at: str | None) -> Iterator[dict[str, Any]]:
        """The rows of `judge_scores`. The second answer of a pair has the rest of 1."""
        digest = hashlib.sha256(self.judge.prompt(self.item).encode()).hexdigest()
        found = verdict.distribution
        for place, key in enumerate(self.row_keys()):
            score, listed = verdict.score, None if found is None else found.rows()
            if place and score is not None:
                score = 1.0 - score
            if place and listed is not None:
                listed = [{**part, "score": 1.0 - part["score"]} for part in reversed(listed)]
            yield {
                **dict(zip(KEY, key, strict=True)),
                "score": score, "reason": verdict.reason, "rubric": self.judge.rubric_text, "served_model": served_model,
                "prompt_sha256": digest, "distribution": listed, "created_at": created_at,
            }  # fmt: skip


class Unscored(NamedTuple):
    """A row without a score."""

    has_text: bool
    created_at: str | None


class Existing(NamedTuple):
    """The judgements that a release has of the chosen judges."""

    judges: list[Judge]
    keys: Collection[RowKey]
    """Those of the rows of these judges that stay."""
    unscored: Mapping[RowKey, Unscored]
    """The rows that may be replaced."""


def with_names(
    release: Release,
    endpoints: Sequence[Endpoint],
    rubric: Rubric,
    *,
    reference: bool,
    pairwise: bool,
    replace_unscored: bool = False,
) -> Existing:
    """The judges under the names that their rows get, and the keys of the rows that the release has of them.

    A judge whose name has rows by another rubric judges under `NAME/RUBRIC`: a key holds one score. With `replace_unscored`,
    rows without a score do not stay.

    Raises:
        InputError: that name too has rows by another rubric.
        ReleaseError: a file differs from the manifest.
    """
    columns = [*KEY, "rubric"]
    rows = release.rows("judge_scores", columns=columns) if "judge_scores" in release.tables else None
    if rows is not None:
        rows = rows.filter(pc.is_valid(rows["opponent"]) if pairwise else pc.is_null(rows["opponent"]))
    stated = {} if rows is None else _rubrics(rows)
    judges = []
    for endpoint in endpoints:
        judge = Judge(endpoint, endpoint.name, rubric, reference, pairwise)
        if stated.get(judge.name, {judge.rubric_text}) != {judge.rubric_text}:
            judge = Judge(endpoint, f"{endpoint.name}/{rubric.name}", rubric, reference, pairwise)
        if stated.get(judge.name, {judge.rubric_text}) != {judge.rubric_text}:
            renamed = "the LLM" if rubric.file is None else f"the rubric of {rubric.file} or the LLM"
            raise InputError(
                f"{release.path}: {judge.name} has judged by another rubric of the name {rubric.name}. "
                f"Remedy: give {renamed} another name"
            )
        judges.append(judge)
    if rows is None:
        return Existing(judges, frozenset(), {})
    names = {judge.name for judge in judges}
    mine = [name for name in pc.unique(rows["judge"]).to_pylist() if name in names or name.rpartition("#")[0] in names]
    kept = rows.filter(pc.is_in(rows["judge"], pa.array(mine, pa.string()))).drop_columns(["rubric"]).to_pylist()
    unscored = _unscored(release, mine, pairwise) if replace_unscored else {}
    return Existing(judges, {key for row in kept if (key := tuple(row.values())) not in unscored}, unscored)


def missing_jobs(existing: Existing, items: Sequence[Item], replicates: int) -> Iterator[Job]:
    """The questions whose rows the release lacks, item by item, so that judges take turns."""
    for item in items:
        for judge in existing.judges:
            for replicate in range(replicates):
                job = Job(judge, item, replicate)
                if not all(key in existing.keys for key in job.row_keys()):
                    yield job


def _unscored(release: Release, judges: Sequence[str], pairwise: bool) -> dict[RowKey, Unscored]:
    """The rows of judges that have no score."""
    wanted = pc.field("score").is_null() & pc.field("judge").isin(pa.array(judges, pa.string()))
    wanted &= pc.field("opponent").is_valid() if pairwise else pc.field("opponent").is_null()
    rows = release.rows("judge_scores", columns=[*KEY, "reason", "created_at"], filter=wanted).to_pylist()
    return {tuple(row[name] for name in KEY): Unscored(bool(row["reason"]), row["created_at"]) for row in rows}


def _rubrics(rows: pa.Table) -> dict[str, set[str | None]]:
    """Name of a judge -> the rubrics of its rows."""
    pairs = rows.group_by(["judge", "rubric"]).aggregate([]).to_pylist()
    found: dict[str, set[str | None]] = {}
    for pair in pairs:
        found.setdefault(pair["judge"], set()).add(pair["rubric"])
    return found


def _kind(endpoint: Endpoint) -> str | None:
    told = endpoint.modes.get(MODE, {}).get("response_format")
    kind = told.get("type") if isinstance(told, Mapping) else None
    return kind if isinstance(kind, str) else None
