"""What is asked again of judges: judgements without a score, by why they have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llmfusionbench.builders.collecting.retry import KINDS as ANSWER_KINDS
from llmfusionbench.builders.collecting.retry import check_kinds, kinds_of

KINDS: Final = (*ANSWER_KINDS, "unparsed")
"""What can be asked again: as for answers, and whole replies in which no score was found."""


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Which judgements are asked for again. One with a score never is."""

    kinds: Sequence[str]
    """Names of `KINDS`."""
    max_tokens: int | None = None
    """Most tokens of the new replies; None: as before."""

    def check(self) -> None:
        """Check the settings.

        Raises:
            UnknownNameError: there is no such kind.
            InputError: replies that were cut off would be asked for again with the same maximum.
        """
        check_kinds(self.kinds, KINDS, self.max_tokens)

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {"kinds": list(self.kinds), "max_tokens": self.max_tokens}


def kinds_without_score(record: Mapping[str, Any]) -> frozenset[str]:
    """What can be asked again of the record of a final reply in which no score was found.

    A reply that a filter or a refusal ended is of that kind, whatever text it has.
    """
    found = kinds_of(record)
    if "refusal" in found:
        return frozenset(found - {"empty"})
    return frozenset(found | ({"unparsed"} if record.get("status") == "ok" and "length" not in found else set()))
