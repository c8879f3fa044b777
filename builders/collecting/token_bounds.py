"""The tokens of a request before it is sent: a bound that no server exceeds, and a likely number.

The bound is for a budget, the likely number for rate limits and forecasts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from llmfusionbench.builders.collecting.endpoint import Endpoint

AROUND: Final = 256
"""Most tokens that a server's chat template adds to a request besides the texts in it, such as a system prompt of its own."""
AROUND_MESSAGE: Final = 16
"""Most tokens that it adds to each message, tool or other object in the request."""
IMAGE: Final = 65_536
"""Most tokens of an image. The dearest known is 48,169, an image at high detail for gpt-4o-mini."""
_LIKELY_IMAGE: Final = 1_500
_LIKELY_AROUND, _LIKELY_MESSAGE = 8, 4
_BYTES_PER_TOKEN: Final = 4
"""Of English with the tokenizers of today. Other languages take more tokens per character, but also more bytes."""

_IMAGES: Final = frozenset({"image_url", "image", "input_image"})
"""Types of the parts that are images."""
_ATTACHED: Final = frozenset({"audio", "document", "file", "input_audio", "input_file", "video", "video_url", "input_video"})
_MOST: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_THINKING: Final = ("thinking_budget", "budget_tokens")
"""Fields that allow tokens of reasoning, which some servers do not count within the maximum."""
_ANSWERS: Final = ("n", "best_of")


def most_input_tokens(payload: Mapping[str, Any]) -> int:
    """An upper bound of the tokens that a request is charged for, without those of the answer.

    Every token of a byte-level BPE or a SentencePiece tokenizer with byte fallback stands for at least one byte of the text, so
    that a text has at most as many tokens as UTF-8 bytes. A tokenizer may normalise the text first, so the longer of the text
    and its NFKD form counts. All strings of the request count, also names, tools and schemas. An image counts as `IMAGE` tokens
    whatever its size, but the texts beside its data count too; any other attachment counts as `IMAGE` plus its bytes.
    """
    return AROUND + _most(payload)


def likely_input_tokens(payload: Mapping[str, Any], count: Callable[[str], int] | None = None) -> int:
    """About the tokens of a request: those of the texts of its messages, and 1,500 per image.

    Args:
        payload: The request body.
        count: Counts the tokens of a text; None for a quarter of its UTF-8 bytes.
    """
    messages = payload.get("messages")
    asked = messages if isinstance(messages, list | tuple) else [payload.get("prompt")]
    return _LIKELY_AROUND + _likely(asked, count or _quarter)


def most_output_tokens(payload: Mapping[str, Any], endpoint: Endpoint) -> int | None:
    """The tokens that an answer has at most, those of the reasoning included; None if the request sets no maximum.

    A budget for reasoning in the request counts on top, because some servers do not count it within the maximum. `n` answers
    count `n` times. A maximum that is not a number is unknown, for servers may read a text as one.
    """
    most = [_count(payload[name]) for name in (*_MOST, endpoint.max_tokens_field) if name in payload]
    answers = [_count(payload[name]) for name in _ANSWERS if name in payload]
    known = [n for n in most if n is not None]
    if not known or None in most or None in answers:
        return None
    return (max(known) + _thinking(payload)) * max([n for n in answers if n is not None], default=1)


def _most(value: Any, *, picture: bool = False) -> int:
    if isinstance(value, str):
        return 0 if picture and value.startswith("data:") else _bytes(value)
    if isinstance(value, dict):
        kind, attached = value.get("type"), 0
        if isinstance(kind, str):
            picture = picture or kind in _IMAGES
            attached = IMAGE if kind in _IMAGES or kind in _ATTACHED else 0
        total = AROUND_MESSAGE + attached
        for key, part in value.items():
            pixels = picture and key == "data" and isinstance(part, str)
            total += _bytes(str(key)) + (0 if pixels else _most(part, picture=picture))
        return total
    if isinstance(value, list | tuple):
        return sum(_most(part, picture=picture) for part in value)
    return len(str(value))


def _likely(value: Any, count: Callable[[str], int]) -> int:
    if isinstance(value, str):
        return count(value)
    if isinstance(value, dict):
        kind = value.get("type")
        if isinstance(kind, str) and kind in _IMAGES:
            return _LIKELY_IMAGE
        own = _likely(value["content"] if "content" in value else value.get("text"), count)
        return own + (_LIKELY_MESSAGE if "role" in value else 0)
    return sum(_likely(part, count) for part in value) if isinstance(value, list | tuple) else 0


def _quarter(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)


def _bytes(text: str) -> int:
    if text.isascii():
        return len(text)
    return max(len(form.encode("utf-8", "surrogatepass")) for form in (text, unicodedata.normalize("NFKD", text)))


def _thinking(payload: Mapping[str, Any]) -> int:
    """Tokens of reasoning that a request allows, at whatever depth its server wants them."""
    total = 0
    for name, value in payload.items():
        if isinstance(value, dict):
            own = _count(value.get("max_tokens")) if name == "reasoning" else None
            total += _thinking(value) if own is None else own
        elif name in _THINKING:
            total += _count(value) or 0
    return total


def _count(value: object) -> int | None:
    """A whole number of at least 0, also one such as 1000.0; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
