"""Whether two names stand for the same model: the one that was asked for and the one that an endpoint states."""

from __future__ import annotations

import re
from typing import Final

_SNAPSHOT: Final = re.compile(r"[-@:](?:\d{4}-\d{2}-\d{2}|\d{6,8}|\d{3,4}|latest)")
"""What names of models add for a dated version: `-2024-08-06`, `-20240620`, `@20240229`, `-0613`, `-001`, `-latest`."""


def same_model(asked: str, served: str) -> bool:
    """Whether `served` is `asked`, or a dated version of it, whatever the case and the provider's prefix (`openai/`)."""
    wanted, found = _bare(asked), _bare(served)
    if wanted == found:
        return True
    if not found.startswith(wanted):
        return False
    return _SNAPSHOT.fullmatch(found, len(wanted)) is not None


def _bare(name: str) -> str:
    return name.strip().lower().rpartition("/")[2]
