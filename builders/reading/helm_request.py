"""A request of a HELM run as log records: the question, its options and references, and the answers to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    answer_text,
    identifier,
    named,
    number,
    text,
    writable,
)
from llmfusionbench.builders.reading.helm_stats import Key, key_of
from llmfusionbench.builders.reading.loose import loose_moment
from llmfusionbench.builders.reading.objects import sampling
from llmfusionbench.builders.reading.splits import split_of_word
from llmfusionbench.types import Turn, is_plain_prompt, rendered

SEPARATE: Final = "multiple_choice_separate"
JOINT: Final = "multiple_choice_joint"
_CORRECT: Final = "correct"
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FINISHED: Final = {"endoftext": "stop", "unknown": None}


@dataclass(frozen=True)
class Request:
    """One request, and what it is about."""

    state: Mapping[str, Any]
    instance: Mapping[str, Any]
    key: Key
    reference: int | None
    """Number of the reference that it is about."""
    kinds: Counter[str] = field(default_factory=Counter)
    """What else than text it holds, such as `image/png`."""

    @property
    def is_calibration(self) -> bool:
        """Whether it only measures how likely a reference is without its question."""
        return self.state.get("request_mode") == "calibration"

    @property
    def perturbed(self) -> bool:
        """Whether the instance is a changed copy of one of the dataset."""
        return bool(self.key[1])


def read_request(state: dict[str, Any]) -> Request:
    """A request. Raises BadRecordError if it is about no instance."""
    instance = state.get("instance")
    if not isinstance(instance, dict):
        raise BadRecordError(f"instance is {named(instance)}, expected an object with input and references")
    reference = number(state, "reference_index")
    key = key_of(identifier(instance, "id"), instance.get("perturbation"), state.get("train_trial_index"))
    return Request(state, instance, key, None if reference is None else int(reference))


def question(request: Request, wanted: str) -> dict[str, Any]:
    """prompt, messages, choices, ground_truth and split of the instance of a request.

    Args:
        request: The request.
        wanted: `sent`, the prompt as it was sent, or `instance`, the input of the dataset.
    """
    instance, mapping = request.instance, request.state.get("output_mapping")
    references = [_reference(r, i) for i, r in enumerate(_list(instance, "references"))]
    labels = _labels(mapping)
    separate = request.reference is not None and not labels
    if labels:
        choices = [writable(str(mapping[label]), "output_mapping") for label in labels]  # type: ignore[index]
    else:
        choices = [said for said, _ in references] if separate else []
    true = list(dict.fromkeys(said for said, is_correct in references if is_correct))
    if choices:
        truth: Any = [_LETTERS[i] for i, said in enumerate(choices) if said in true and i < len(_LETTERS)]
    else:
        truth = true
    asked = _sent(request) if wanted == "sent" and not separate else {"prompt": _input(request)}
    return {
        **asked,
        "choices": choices or None,
        "ground_truth": answer_text(truth[0] if len(truth) == 1 else truth) if truth else None,
        "split": split_of_word(instance.get("split")) or "train",
    }


def answers(request: Request) -> Iterator[dict[str, Any]]:
    """The answers to a request, the one that HELM scores first: that with the highest log probability."""
    result, sent = request.state.get("result"), _object(request.state, "request")
    shared: dict[str, Any] = {
        "requested_model": text(sent, "model"),
        "endpoint": text(sent, "model_deployment"),
        "sampling": sampling(sent, "request"),
    }
    if result is None:
        yield shared | {"status": "missing"}
        return
    result = _object(request.state, "result")
    shared |= {"latency_s": number(result, "request_time"), "created_at": loose_moment(result.get("request_datetime"))}
    completions = [c for c in _list(result, "completions") if isinstance(c, dict)]
    if result.get("success") is False or (not completions and result.get("error")):
        yield shared | {"status": "error", "error": text(result, "error") or "the request failed, without a reason"}
        return
    ranked = sorted(completions, key=lambda c: -(number(c, "logprob") or 0.0))
    for completion in ranked:
        finish, thinking, tokens = (completion.get(name) for name in ("finish_reason", "thinking", "tokens"))
        reason = finish.get("reason") if isinstance(finish, dict) else finish
        yield shared | {
            "response": text(completion, "text"),
            "reasoning": text(thinking, "text") if isinstance(thinking, dict) else None,
            "finish_reason": _FINISHED.get(reason, reason) if isinstance(reason, str) else None,
            "output_tokens": len(tokens) if isinstance(tokens, list) and tokens else None,
        }
    if not ranked:
        yield shared | {"response": ""}


def likeliest(requests: Sequence[Request], is_calibrated: bool) -> int | None:
    """The reference that the LLM finds the most likely: by the log probability of its tokens, per token or calibrated.

    None where the log does not hold the tokens of every reference. Formulas as in HELM's `BasicReferenceMetric`.
    """
    found: dict[tuple[int, bool], tuple[float, int]] = {}
    for request in requests:
        measured = _measure(request)
        if measured is None or request.reference is None:
            return None
        found[request.reference, request.is_calibration] = measured
    scores: dict[int, float] = {}
    for (reference, calibration), (total, tokens) in found.items():
        if not calibration:
            base = found.get((reference, True)) if is_calibrated else None
            if is_calibrated and base is None:
                return None
            scores[reference] = total - base[0] if base else total / tokens
    return max(sorted(scores), key=scores.__getitem__) if scores else None


def _measure(request: Request) -> tuple[float, int] | None:
    """(log probability, number of tokens) of the reference at the end of a completion that repeats the prompt."""
    completions = _list(_object(request.state, "result"), "completions") if request.state.get("result") else []
    references = _list(request.instance, "references")
    if len(completions) != 1 or request.reference is None or not 0 <= request.reference < len(references):
        return None
    wanted, total, length = len(_reference(references[request.reference], request.reference)[0]), 0.0, 0
    listed = completions[0].get("tokens") if isinstance(completions[0], dict) else None
    for used, token in enumerate(reversed(listed) if isinstance(listed, list) else (), 1):
        if not isinstance(token, dict) or not isinstance(token.get("text"), str):
            return None
        total, length = total + (number(token, "logprob") or 0.0), length + len(token["text"])
        if length >= wanted:
            return total, used
    return None


def _sent(request: Request) -> dict[str, Any]:
    """prompt and messages of the request; parts that are not text are written as `[image/png]`."""
    sent = _object(request.state, "request")
    messages = sent.get("messages")
    if isinstance(messages, list) and messages:
        said = [_turn(request, message, i) for i, message in enumerate(messages)]
        return {"prompt": rendered(said), "messages": None if is_plain_prompt(said) else said}
    parts = sent.get("multimodal_prompt")
    if isinstance(parts, dict):
        return {"prompt": _media(request, parts) or text(sent, "prompt")}
    return {"prompt": text(sent, "prompt") or _input(request)}


def _turn(request: Request, message: Any, place: int) -> Turn:
    name = f"request.messages[{place}]"
    role = message.get("role") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(role, str) or not role:
        raise BadRecordError(f"{name} is {named(message)} without a role, expected {{role, content}}")
    content = message.get("content")
    if isinstance(content, list):
        parts = [p for p in content if isinstance(p, dict)]
        for part in parts:
            request.kinds[str(part.get("type"))[:40]] += part.get("type", "text") != "text"
        content = "\n".join(p["text"] if isinstance(p.get("text"), str) else f"[{str(p.get('type'))[:40]}]" for p in parts)
    return Turn(role=writable(role, name), content=text({"content": content}, "content") or "")


def _input(request: Request) -> str | None:
    """The input of the instance: its text, or the texts of its parts. HELM 0.1 has the text in its place."""
    if isinstance(request.instance.get("input"), str):
        return text(request.instance, "input")
    given = _object(request.instance, "input")
    parts, said = given.get("multimedia_content"), given.get("messages")
    if not given.get("text") and isinstance(said, list) and said:
        return rendered([_turn(request, message, i) for i, message in enumerate(said)])
    return (_media(request, parts) if isinstance(parts, dict) else "") or text(given, "text")


def _media(request: Request, parts: Mapping[str, Any]) -> str:
    found = []
    for part in parts.get("media_objects") or parts.get("media_objects_list") or ():
        kind = part.get("content_type") if isinstance(part, dict) else None
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            found.append(part["text"])
        elif isinstance(kind, str):
            request.kinds[kind[:40]] += 1
            found.append(f"[{kind[:40]}]")
    return writable("\n".join(found), "media_objects")


def _labels(mapping: Any) -> list[str]:
    """The labels of the options in their order; none without options."""
    return sorted(map(str, mapping), key=lambda label: (len(label), label)) if isinstance(mapping, dict) else []


def _reference(value: Any, place: int) -> tuple[str, bool]:
    """(text, whether it is correct)."""
    if not isinstance(value, dict):
        raise BadRecordError(f"references[{place}] is {named(value)}, expected {{output, tags}}")
    output = value.get("output")
    said = output.get("text") if isinstance(output, dict) else output
    tags = value.get("tags")
    return text({"output": said}, "output") or "", isinstance(tags, list) and _CORRECT in tags


def _object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    if not isinstance(value, dict):
        raise BadRecordError(f"{name} is {named(value)}, expected an object")
    return value


def _list(record: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = record.get(name)
    if value is not None and not isinstance(value, list):
        raise BadRecordError(f"{name} is {named(value)}, expected a list")
    return value or []
