"""What is publicly known of some LLMs, for logs that do not state it: family and number of parameters.

For an LLM that is not listed, these are read from its name ("70B"), if possible.
"""

from __future__ import annotations

import re
from typing import Any, Final

# name, without its organisation and in lower case: (family, parameters in billions, all experts counted)
_KNOWN: Final[dict[str, tuple[str, float | None]]] = {
    "athene-70b": ("llama", 70),
    "codegemma-7b": ("gemma", 7),
    "command-r": ("command", 35),
    "deepseek-chat": ("deepseek", 236),
    "deepseek-coder": ("deepseek", 236),
    "deepseek-coder-v2-0724": ("deepseek", 236),
    "deepseek-r1": ("deepseek", 671),
    "deepseek-v2.5-0908": ("deepseek", 236),
    "gpt-3.5-turbo-0125": ("gpt", None),
    "mistral-large-2": ("mistral", 123),
    "mistral-large-2407": ("mistral", 123),
    "mistral-nemo-instruct-2407": ("mistral", 12),
    "mixtral-8x22b-instruct-v0.1": ("mistral", 141),
    "mixtral-8x7b-instruct-v0.1": ("mistral", 47),
    "palmyra-creative-122b": ("palmyra", 122),
    "phi-3-mini-128k-instruct": ("phi", 3.8),
    "phi-3.5-mini-instruct": ("phi", 3.8),
    "reka-flash-20240226": ("reka", 21),
}

_FAMILIES: Final = ("llama", "gemma", "qwen", "granite", "mixtral", "mistral", "nemotron", "phi", "yi", "deepseek")
_SIZE: Final = re.compile(r"(?<![a-z0-9.])(\d{1,4}(?:\.\d{1,2})?)b(?![a-z0-9])")


def known_llm(name: str) -> dict[str, Any]:
    """The known columns of table `llms` for an LLM; `llm` is always among them."""
    short = name.rsplit("/", 1)[-1].split("@")[0].lower()
    if short in _KNOWN:
        family, parameters = _KNOWN[short]
    else:
        sizes = _SIZE.findall(short)
        parameters = float(sizes[0]) if len(sizes) == 1 else None
        family = next((f for f in _FAMILIES if f in short), "")
    found: dict[str, Any] = {"llm": name}
    if family:
        found["family"] = {"mixtral": "mistral"}.get(family, family)
    if parameters is not None:
        found |= {"parameters_b": float(parameters), "scale": scale_of(parameters)}
    return found


def scale_of(parameters_b: float) -> str:
    """`small` up to 12B parameters, `medium` up to 70B, `large` above."""
    return "small" if parameters_b <= 12 else "medium" if parameters_b <= 70 else "large"
