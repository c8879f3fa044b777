"""Which answers may enter a corpus at all, by what is known of their query, their LLM and their length."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from llmfusionbench.baselines.exporters.corpora.answers import Answers, Places, Queries
from llmfusionbench.baselines.exporters.corpora.drops import Drops
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import MODES

SCALES: Final = ("small", "medium", "large")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Conditions that an answer must all meet; an empty one asks for nothing."""

    tasks: Collection[str] = ()
    llms: Collection[str] = ()
    """Names without a mode."""
    modes: Collection[str] = ()
    licenses: Collection[str] = ()
    """Licences of the queries; `unknown` for queries that state none."""
    llm_licenses: Collection[str] = ()
    scale: str = "all"
    """`small` (up to 12B parameters), `medium` (up to 70B), `large` or `all`; an LLM of unknown scale is in `all` alone."""
    min_tokens: int | None = None
    """Minimum length of an answer, in tokens of the release's tokenizer."""
    max_tokens: int | None = None
    min_judge: float | None = None
    """Mean score of the judges, 0 to 1; an answer without one does not meet it."""

    def __post_init__(self) -> None:
        for name in ("tasks", "llms", "modes", "licenses", "llm_licenses"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))

    def stated(self) -> dict[str, Any]:
        """What was asked for, as JSON can hold it."""
        given = {name: sorted(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {name: value for name, value in given.items() if value not in ([], None, "all")}

    def check(self, answers: Answers) -> None:
        """Refuse what no answer can meet.

        Raises:
            UnknownNameError: a name that the release does not have.
            InputError: bounds that exclude each other, or a score beyond 0 to 1.
        """
        queries = answers.queries
        known: dict[str, tuple[Collection[str], Iterable[str]]] = {
            "task": (self.tasks, queries.task.names),
            "LLM": (self.llms, answers.llms),
            "mode": (self.modes, MODES),
            "licence": (self.licenses, queries.license.names),
            "licence of an LLM": (self.llm_licenses, answers.llm_licenses),
            "scale": ((self.scale,), (*SCALES, "all")),
        }
        for noun, (wanted, names) in known.items():
            for name in wanted:
                if name not in set(names):
                    raise UnknownNameError(noun, name, set(names))
        low, high = self.min_tokens, self.max_tokens
        if low is not None and high is not None and low > high:
            raise InputError(
                f"--min-tokens {low:,} is greater than --max-tokens {high:,}. Remedy: lower one or raise the other"
            )
        if self.min_judge is not None and not 0 <= self.min_judge <= 1:
            raise InputError(
                f"--min-judge {self.min_judge}, expected a judge score from 0 to 1. Remedy: choose a score in that range"
            )

    def queries(self, queries: Queries, rows: Places, drops: Drops) -> Places:
        """Those of the queries `rows` that pass."""
        for reason, wanted, column in (("task", self.tasks, queries.task), ("license", self.licenses, queries.license)):
            if wanted:
                rows = drops.keep(rows, column.among(list(wanted))[rows], reason)
        return rows

    def answers(self, answers: Answers, rows: Places, drops: Drops) -> Places:
        """Those of the answers `rows` that pass and whose status is `ok`; their queries are taken to pass, and see `judged`."""
        by_llm: dict[str, tuple[Collection[str], Sequence[str | None]]] = {
            "llm": (self.llms, answers.llms),
            "llm_license": (self.llm_licenses, answers.llm_licenses),
            "scale": (() if self.scale == "all" else (self.scale,), answers.scales),
        }
        for reason, (wanted, values) in by_llm.items():
            if wanted:
                met = np.array([value in wanted for value in values], np.bool_)
                rows = drops.keep(rows, met[answers.llm[rows]], reason)
        if self.modes:
            met = np.array([mode in self.modes for mode in MODES], np.bool_)
            rows = drops.keep(rows, met[answers.think[rows].astype(np.int64)], "mode")
        rows = drops.keep(rows, answers.ok[rows], "not_ok")
        if self.min_tokens is not None or self.max_tokens is not None:
            rows = drops.keep(rows, ~np.isnan(answers.output_tokens[rows]), "no_tokens")
            tokens = answers.output_tokens[rows]
            inside = (tokens >= (self.min_tokens or 0)) & (tokens <= (np.inf if self.max_tokens is None else self.max_tokens))
            rows = drops.keep(rows, inside, "tokens")
        return rows

    def judged(self, answers: Answers, rows: Places, drops: Drops) -> Places:
        """Those of the answers `rows` that the judges found good enough."""
        if self.min_judge is not None:
            rows = drops.keep(rows, ~np.isnan(answers.judge[rows]), "unjudged")
            rows = drops.keep(rows, answers.judge[rows] >= self.min_judge, "judge")
        return rows
