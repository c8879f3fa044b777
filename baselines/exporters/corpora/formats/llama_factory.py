"""The entries of LLaMA-Factory's dataset_info.json, one per shape of record, without the file name.

Every entry names its columns and tags in full, because another version of the loader may have other defaults.
"""

from __future__ import annotations

from typing import Any, Final

_ROLES: Final = ("role_tag", "content_tag", "user_tag", "assistant_tag", "system_tag")


def _alpaca(columns: dict[str, str], *, ranking: bool = False) -> dict[str, Any]:
    return {"formatting": "alpaca", **({"ranking": True} if ranking else {}), "columns": columns}


def _messages(columns: dict[str, str], *tags: str, ranking: bool = False) -> dict[str, Any]:
    # Not `"formatting": "openai"`: in 0.9.5 that one puts "detailed thinking off" into every system prompt.
    tagged = dict(zip(_ROLES, tags or ("from", "value", "human", "gpt", "system"), strict=True))
    return {**_alpaca(columns, ranking=ranking), "formatting": "sharegpt", "tags": tagged}


_SIDES: Final = {"chosen": "chosen", "rejected": "rejected"}
_PROMPT: Final = {"prompt": "instruction", "query": "input"}
_TURNS: Final = {"messages": "conversations"}

ALPACA: Final = _alpaca({**_PROMPT, "response": "output"})
ALPACA_PAIR: Final = _alpaca({**_PROMPT, **_SIDES}, ranking=True)
ALPACA_LABEL: Final = _alpaca({**_PROMPT, "response": "output", "kto_tag": "kto_tag"})
SHAREGPT: Final = _messages(_TURNS)
SHAREGPT_PAIR: Final = _messages({**_TURNS, **_SIDES}, ranking=True)
SHAREGPT_LABEL: Final = _messages({**_TURNS, "kto_tag": "kto_tag"})
MESSAGES: Final = _messages({"messages": "messages"}, "role", "content", "user", "assistant", "system")
FLAT: Final = _alpaca({"prompt": "prompt", "response": "response"})
FLAT_PAIR: Final = _alpaca({"prompt": "prompt", **_SIDES}, ranking=True)
FLAT_LABEL: Final = _alpaca({"prompt": "prompt", "response": "completion", "kto_tag": "label"})
