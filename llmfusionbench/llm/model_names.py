"""Whether two names stand for the same model: the one that was asked for and the one that an endpoint states."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_OWNER: Final = re.compile(r"(?:[a-z]{2,4}\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)\.")
"""The head of a name on a platform that hosts the models of several owners: `us.anthropic.`."""
_SNAPSHOT: Final = re.compile(
    r"-(?:\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{2}-\d{4}|\d{3,4}|\d{6}|\d{8})(?:-v\d{1,2}(?:-\d)?)?|-v\d{1,2}-\d"
)
"""What names of models add for a dated version: `-2024-08-06`, `-20240620`, `-05-06`, `-0613`, `-001`, `-v1:0`."""


@lru_cache(maxsize=4096)
def same_model(asked: str, served: str) -> bool:
    """Whether two names are of one model, whatever the case and the prefix of the provider (`openai/`, `us.anthropic.`).

    One name may state a dated version where the other does not. Two different versions are not the same.
    """
    wanted, found = _bare(asked), _bare(served)
    if wanted == found:
        return True
    longer, shorter = (found, wanted) if len(found) > len(wanted) else (wanted, found)
    return longer.startswith(shorter) and _SNAPSHOT.fullmatch(longer, len(shorter)) is not None


def _bare(name: str) -> str:
    """The name without prefixes, folders and `.gguf`, in lower case, with `-` before a version, and without `-latest`."""
    short = re.sub("[@:]", "-", name.strip().lower().replace("\\", "/").rpartition("/")[2].removesuffix(".gguf"))
    return re.sub(rf"^{_OWNER.pattern}", "", short).removesuffix("-latest")
