"""A rubric: what a judge looks at, on which scale, and how it is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from llmfusionbench.builders.judging.scale import Scale, in_digits


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One thing that gets a score of its own."""

    name: str
    """Small letters, digits and underscores."""
    description: str
    weight: float = 1.0
    """Its part in the mean, relative to the others."""


@dataclass(frozen=True, kw_only=True)
class Rubric:
    """The instructions of a judge. With `criteria`, the score is their weighted mean."""

    name: str
    instructions: str
    scale: Scale = field(default_factory=Scale)
    anchors: tuple[tuple[float, str], ...] = ()
    """(number of the scale, what it stands for), in ascending order."""
    criteria: tuple[Criterion, ...] = ()
    reference: bool = False
    """Whether the judge sees the query's ground truth, unless the user states otherwise."""
    temperature: float | None = None
    """None: that of the endpoint."""
    max_tokens: int | None = None
    """None: those of the endpoint."""
    reply: Literal["tag", "json", "number"] = "tag"
    """The form that the judge is asked to reply in, unless its endpoint wants JSON."""
    max_characters: int = 16000
    """Most characters of a quoted text."""
    prompt: str | None = None
    """A template in place of the built-in one, with `{query}`, `{answer}` and so on."""
    pair_prompt: str | None = None
    """The same for pairs, with `{answer_a}` and `{answer_b}`."""
    file: str | None = field(default=None, compare=False)
    """Where it was read from, for messages; None for one of this package."""

    @property
    def sha256(self) -> str:
        """Digest of all that it says, in hexadecimal: rubrics that differ in a word are two rubrics."""
        said = asdict(self)
        del said["file"]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def text(self, *, reference: bool, pairwise: bool) -> str:
        """What the column `rubric` holds: the name, how it was used, its digest, the instructions and the scale."""
        how = [f"sha256 {self.sha256[:16]}", "with reference" if reference else "without reference"]
        how += ["pairs in both orders"] if pairwise else []
        scale = "Verdict: A, B or tie." if pairwise else f"Scale: {self.scale.words()}."
        listed = "".join(f" {c.name} (weight {c.weight:g}): {c.description.strip()}" for c in self.criteria)
        meanings = "" if pairwise else "".join(f" {in_digits(value)}: {words.strip()}" for value, words in self.anchors)
        return f"{self.name} ({', '.join(how)}). {self.instructions.strip()}{listed} {scale}{meanings}"

    def mean(self, shares: Mapping[str, float]) -> float:
        """The weighted mean of the criteria's scores."""
        return sum(c.weight * shares[c.name] for c in self.criteria) / sum(c.weight for c in self.criteria)

    def described(self) -> dict[str, Any]:
        """Its entry in the manifest."""
        return {"name": self.name, "sha256": self.sha256}
