"""A sample of an Inspect log as a log record: what was asked, what the LLM answered, and how it was scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    answer_text,
    count,
    identifier,
    named,
    number,
    option_texts,
    text,
)
from llmfusionbench.builders.reading.inspect_content import Texts, called
from llmfusionbench.builders.reading.inspect_header import Header
from llmfusionbench.builders.reading.inspect_model import model_name
from llmfusionbench.builders.reading.inspect_score import choose, is_letter, keys_of, metric_of_scorer, scores_of
from llmfusionbench.builders.reading.loose import loose_moment
from llmfusionbench.types import is_plain_prompt, rendered

PROMPTS: Final = ("sent", "input")
_CUT_OFF: Final = ("token", "message", "context")


@dataclass
class Seen:
    """What the samples of a log hold that no column of ours has, for its notes."""

    kinds: Counter[str] = field(default_factory=Counter)
    """Parts other than text, such as `image`."""
    words: Counter[str] = field(default_factory=Counter)
    """Values of scores that are not numbers."""
    scorers: dict[str, int] = field(default_factory=dict)
    """All that the option `scorer` may name, and how many samples have it."""
    chosen: Counter[str] = field(default_factory=Counter)
    outside: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    """Scorer -> number of its values outside 0 to 1, the least, and the greatest of them."""
    limits: Counter[str] = field(default_factory=Counter)
    more_choices: int = 0
    unscored: int = 0
    """Samples without an error that have no score."""
    lost_texts: int = 0
    """References to attachments that the samples lack."""
    lost_answers: int = 0
    """Samples that ended in an error after an answer."""

    def add_outside(self, scorer: str, value: float) -> None:
        """Count a value outside 0 to 1."""
        seen, low, high = self.outside.get(scorer, (0, value, value))
        self.outside[scorer] = seen + 1, min(low, value), max(high, value)


@dataclass(frozen=True)
class SampleReader:
    """Makes records of the samples of one log."""

    header: Header
    prompt: str = "sent"
    scorer: str | None = None
    words: Mapping[str, float] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)

    def read(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """The record of a sample, without the columns that all samples of a log share.

        Raises:
            BadRecordError: a field holds something else than Inspect writes.
        """
        epoch = count(sample, "epoch")
        if epoch is not None and epoch < 1:
            raise BadRecordError(f"epoch is {epoch}, expected 1 or more")
        transcript = sample.get("transcript")  # where older logs keep the attachments
        texts = Texts(sample.get("attachments") or (transcript.get("content") if isinstance(transcript, dict) else None))
        options = option_texts(sample.get("choices"))
        target = _target(sample.get("target"), texts)
        record = {
            "source_id": identifier(sample, "id"),
            "replicate": None if epoch is None else epoch - 1,
            "choices": None if options is None else [texts.text(option, "choices") for option in options],
            "ground_truth": answer_text(target, "target") or None,
            "created_at": loose_moment(sample.get("started_at")) or self.header.created,
            **self._asked(sample, texts),
            **self._answer(sample, texts),
            **self._scored(sample, texts, is_letter(target, options)),
        }
        self.seen.kinds += texts.kinds
        self.seen.lost_texts += len(texts.lost)
        return record

    def _asked(self, sample: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
        """prompt and messages: what was sent before the first generated message, or the input of the dataset."""
        messages, given = _messages(sample), sample.get("input")
        wanted = _before_generation(messages, given, texts) if self.prompt == "sent" else []
        said = texts.turns(wanted, "messages") if wanted else None
        if said is None and isinstance(given, list):
            said = texts.turns(given, "input") if given else None
        elif said is None:
            return {"prompt": texts.text(given, "input")}
        return {"prompt": rendered(said) if said else None, "messages": None if not said or is_plain_prompt(said) else said}

    def _answer(self, sample: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
        output = sample.get("output")
        if output is not None and not isinstance(output, dict):
            raise BadRecordError(f"output is {named(output)}, expected an object")
        output = output or {}
        choices = output.get("choices")
        choices = choices if isinstance(choices, list) else []
        first = choices[0] if choices and isinstance(choices[0], dict) else {}
        self.seen.more_choices += len(choices) > 1
        message = first.get("message")
        message = message if isinstance(message, dict) else {}
        content = texts.content(message.get("content"), "output.choices[0].message.content", marked=False)
        completion = texts.text(output.get("completion"), "output.completion")
        answer = completion or content or called(message, "output.choices[0].message")
        error = sample.get("error")
        failure: str | None
        if isinstance(error, dict):
            failure = text(error, "message") or "an error without a message"
        else:
            failure = texts.text(error, "error")
        self.seen.lost_answers += bool(failure and answer)
        limit = sample.get("limit")
        limited = limit.get("type") if isinstance(limit, dict) else limit
        if isinstance(limited, str):
            self.seen.limits[limited[:40]] += 1
        stop = text(first, "stop_reason") or text(output, "stop_reason")
        return {
            "response": answer if choices or completion else None,
            "reasoning": texts.reasoning(message, "output.choices[0].message"),
            "status": "error" if failure else None,
            "error": failure or text(output, "error"),
            "finish_reason": "length" if limited in _CUT_OFF else None if stop == "unknown" else stop,
            "served_model": text(output, "model"),
            "latency_s": _latency(sample, output),
            **_usage(sample, output, self.header.requested_model),
        }

    def _scored(self, sample: Mapping[str, Any], texts: Texts, has_letter: bool) -> dict[str, Any]:
        """The score, its metric, and for a model's score the judgement; an unscored sample has no score."""
        scores = scores_of(sample, self.header.names)
        for key in keys_of(scores):
            self.seen.scorers[key] = self.seen.scorers.get(key, 0) + 1
        chosen = choose(scores, self.header.names, self.scorer, self.words, self.header.beyond)
        if self.scorer is None and chosen.value is not None and not 0 <= chosen.value <= 1:
            self.seen.add_outside(chosen.scorer or "", chosen.value)
            chosen = chosen._replace(value=None)
        elif chosen.odd is not None:
            self.seen.words[chosen.odd] += 1
        elif chosen.value is None and not sample.get("error"):
            self.seen.unscored += 1
        if chosen.scorer is not None:
            self.seen.chosen[chosen.scorer] += chosen.value is not None
        made: dict[str, Any] = {
            "metric": metric_of_scorer(chosen.scorer, has_letter),
            "performance": chosen.value,
        }
        grader = self.header.grader(chosen.scorer)
        if grader is not None and chosen.value is not None:
            said = chosen.explanation
            made |= {
                **grader.judge(),
                "judge_score": chosen.value,
                "judge_reason": texts.text(said, "explanation") if isinstance(said, str) else None,
                "judge_rubric": chosen.scorer,
            }
        return made


def _target(value: Any, texts: Texts) -> Any:
    """The target: a text, or a list of the accepted ones; a list of one is that one."""
    if isinstance(value, list):
        found = [texts.text(str(part) if isinstance(part, (int, float)) else part, "target") for part in value]
        return found[0] if len(found) == 1 else [part for part in found if part is not None] or None
    return texts.text(str(value) if isinstance(value, (int, float)) else value, "target")


def _before_generation(messages: Sequence[Any], given: Any, texts: Texts) -> Sequence[Any]:
    """The messages before the first one that the LLM generated.

    Inspect marks generated messages. In a log without such marks, the first message of the assistant that follows the input
    of the dataset is taken for generated, so that an assistant's part in examples stays in the prompt.
    """
    roles = [m.get("role") if isinstance(m, dict) else None for m in messages]
    marks = [m.get("source") if isinstance(m, dict) and m.get("role") == "assistant" else None for m in messages]
    if "generate" in marks:
        return messages[: marks.index("generate")]
    asked = [i for i, m in enumerate(messages) if isinstance(m, dict) and m.get("source") == "input"]
    if not asked and isinstance(given, str):
        wanted = texts.text(given, "input")
        asked = [i for i, role in enumerate(roles) if role == "user" and wanted and wanted in _plain(messages[i], texts)]
    if not asked and isinstance(given, list):
        asked = [min(len(given), len(messages)) - 1]
    if not asked and "assistant" in roles:
        asked = [len(roles) - 2 - roles[::-1].index("assistant")]
    start = asked[-1] + 1 if asked else 0
    return messages[: roles.index("assistant", start)] if "assistant" in roles[start:] else messages


def _plain(message: Mapping[str, Any], texts: Texts) -> str:
    content = message.get("content")
    return texts.text(content, "messages.content") or "" if isinstance(content, str) else ""


def _latency(sample: Mapping[str, Any], output: Mapping[str, Any]) -> float | None:
    """Seconds: of the call where there was one, else of all work on the sample, else of the sample with its waits."""
    made = [m for m in _messages(sample) if isinstance(m, dict) and m.get("role") == "assistant" and m.get("source") != "input"]
    own, work = number(output, "time"), number(sample, "working_time")
    found = (own, work) if len(made) <= 1 else (work, own)
    return next((seconds for seconds in (*found, number(sample, "total_time")) if seconds is not None), None)


def _messages(sample: Mapping[str, Any]) -> Sequence[Any]:
    messages = sample.get("messages")
    if messages is not None and not isinstance(messages, list):
        raise BadRecordError(f"messages is {named(messages)}, expected a list of messages")
    return messages or []


def _usage(sample: Mapping[str, Any], output: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The tokens and the cost of the evaluated LLM in the whole sample, without those of a grader.

    Inspect counts cached tokens apart from the input where its total states it so; ours are a part of the input.
    """
    by_model = sample.get("model_usage")
    by_model = by_model if isinstance(by_model, dict) else {}
    usage = by_model.get(model)
    if usage is None:
        same = [u for name, u in by_model.items() if model_name(name).llm == model_name(model).llm]
        usage = same[0] if same else output.get("usage")
    if usage is None:
        return {}
    if not isinstance(usage, dict):
        raise BadRecordError(f"the usage of {model[:80]} is {named(usage)}, expected an object of counts")
    given, made = count(usage, "input_tokens"), count(usage, "output_tokens")
    read, written = count(usage, "input_tokens_cache_read"), count(usage, "input_tokens_cache_write")
    apart = (read or 0) + (written or 0)
    if given is not None and apart and count(usage, "total_tokens") == given + (made or 0) + apart:
        given += apart
    return {
        "input_tokens": given,
        "output_tokens": made,
        "reasoning_tokens": count(usage, "reasoning_tokens"),
        "cached_tokens": read,
        "cost_usd": number(usage, "total_cost"),
    }
