"""What an audit reports: a finding, the places where it occurs, and answers to look at."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Severity = Literal["high", "medium", "low"]

SEVERITIES: Final[tuple[Severity, ...]] = ("high", "medium", "low")
"""The worst first."""
EXAMPLES: Final = 5
"""Maximum number of examples of a finding."""


@dataclass(frozen=True)
class Example:
    """One answer to look at."""

    query_id: str
    llm: str | None
    """None if the example is a query, not an answer."""
    mode: str | None
    replicate: int | None
    task: str | None
    texts: dict[str, str]
    """Label -> a short excerpt, such as `answer` and `ground truth`; see `counting.excerpt`."""
    note: str | None = None
    """The figures of this answer that make it an example."""


@dataclass(frozen=True)
class Place:
    """Where a finding occurs, and how often."""

    kind: str
    """What `name` names: `llm`, `task`, `llm / task`, `judge`, `split` or `reason`."""
    name: str
    count: int
    """Number of rows of the finding there."""
    total: int
    """Number of rows looked at there."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a log."""

    detector: str
    """Name of the detector in `DETECTORS`."""
    title: str
    """A few words: what it is."""
    what: str
    """One or two sentences with figures: what was found, and why it matters."""
    count: int
    """Number of rows that it concerns."""
    total: int
    """Number of rows that the detector looked at."""
    remedy: str
    """What to do about it: a verb with an object."""
    severity: Severity
    places: list[Place] = field(default_factory=list)
    """Most affected first."""
    examples: list[Example] = field(default_factory=list)
    """At most `EXAMPLES`, the most telling first."""

    @property
    def share(self) -> float:
        """The share of the rows looked at; 0 if there are none."""
        return self.count / self.total if self.total else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Finding:
        """The finding that `to_dict` made `data` from."""
        places = [Place(**place) for place in data["places"]]
        examples = [Example(**example) for example in data["examples"]]
        return cls(**{**data, "places": places, "examples": examples})
