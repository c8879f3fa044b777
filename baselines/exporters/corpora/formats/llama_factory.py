"""What LLaMA-Factory's dataset_info.json says of each of its record shapes, less the name of the file.

Every entry names its columns and tags in full: a loader of another version may have other defaults.
"""

from __future__ import annotations

from typing import Any, Final

_SHAREGPT_TAGS: Final = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "system_tag": "system",
}
_OPENAI_TAGS: Final = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}
_ALPACA_PROMPT: Final = {"prompt": "instruction", "query": "input"}

ALPACA: Final[dict[str, Any]] = {"formatting": "alpaca", "columns": {**_ALPACA_PROMPT, "response": "output"}}
ALPACA_PAIR: Final[dict[str, Any]] = {
    "formatting": "alpaca",
    "ranking": True,
    "columns": {**_ALPACA_PROMPT, "chosen": "chosen", "rejected": "rejected"},
}
ALPACA_LABEL: Final[dict[str, Any]] = {
    "formatting": "alpaca",
    "columns": {**_ALPACA_PROMPT, "response": "output", "kto_tag": "kto_tag"},
}
SHAREGPT: Final[dict[str, Any]] = {
    "formatting": "sharegpt",
    "columns": {"messages": "conversations"},
    "tags": _SHAREGPT_TAGS,
}
SHAREGPT_PAIR: Final[dict[str, Any]] = {
    "formatting": "sharegpt",
    "ranking": True,
    "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
    "tags": _SHAREGPT_TAGS,
}
SHAREGPT_LABEL: Final[dict[str, Any]] = {
    "formatting": "sharegpt",
    "columns": {"messages": "conversations", "kto_tag": "kto_tag"},
    "tags": _SHAREGPT_TAGS,
}
# Not `"formatting": "openai"`: in 0.9.5 that one puts "detailed thinking off" into every system prompt.
MESSAGES: Final[dict[str, Any]] = {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": _OPENAI_TAGS}
FLAT: Final[dict[str, Any]] = {"formatting": "alpaca", "columns": {"prompt": "prompt", "response": "response"}}
FLAT_PAIR: Final[dict[str, Any]] = {
    "formatting": "alpaca",
    "ranking": True,
    "columns": {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"},
}
FLAT_LABEL: Final[dict[str, Any]] = {
    "formatting": "alpaca",
    "columns": {"prompt": "prompt", "response": "completion", "kto_tag": "label"},
}
