"""The options that all corpora share, and the filters among them: which answers may enter a corpus at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np

from llmfusionbench.baselines.exporters.corpora.answers import Answers
from llmfusionbench.baselines.exporters.corpora.chosen import Chosen, scored
from llmfusionbench.baselines.exporters.corpora.drops import Drops
from llmfusionbench.baselines.exporters.corpora.formats.format import Kind
from llmfusionbench.baselines.exporters.corpora.option import (
    ONE_OR_ABOVE,
    SCORE,
    SHARE,
    ZERO_OR_ABOVE,
    check_options,
    option,
    options_of,
)
from llmfusionbench.baselines.exporters.corpora.prompts import Duplicates
from llmfusionbench.baselines.exporters.corpora.queries import Floats, Places, Queries
from llmfusionbench.baselines.exporters.corpora.reasoning import How
from llmfusionbench.baselines.exporters.corpora.writer import Container
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.types import Progress

Scale = Literal["small", "medium", "large", "all"]


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Conditions that every answer in a corpus meets."""

    tasks: Collection[str] = option((), "Use only this task. Repeatable.", flag="--task", metavar="NAME")
    llms: Collection[str] = option(
        (), "Use only answers of this LLM, named without a mode. Repeatable.", flag="--llm", metavar="NAME"
    )
    modes: Collection[str] = option(
        (), "Use only answers in this mode, such as direct or think. Repeatable.", flag="--mode", metavar="NAME"
    )
    licenses: Collection[str] = option(
        (), "Use only queries under this licence, or `unknown`. Repeatable.", flag="--license", metavar="NAME"
    )
    llm_licenses: Collection[str] = option(
        (), "Use only answers of LLMs under this licence. Repeatable.", flag="--llm-license", metavar="NAME"
    )
    scale: Scale = option(
        "all", "Use only LLMs of this scale: small (up to 12B parameters), medium (up to 70B), large, or all.", metavar="NAME"
    )
    min_tokens: int | None = option(None, "Use only answers of at least N tokens.", metavar="N", bounds=ZERO_OR_ABOVE)
    max_tokens: int | None = option(None, "Use only answers of at most N tokens.", metavar="N", bounds=ZERO_OR_ABOVE)
    min_judge: float | None = option(
        None, "Use only answers with at least this mean judge score, 0 to 1.", metavar="SCORE", bounds=SCORE
    )

    def __post_init__(self) -> None:
        for f in fields(Filters):
            if f.default == ():
                value = getattr(self, f.name) or ()
                object.__setattr__(self, f.name, (value,) if isinstance(value, str) else tuple(value))

    def stated(self) -> dict[str, Any]:
        """The filters that are set, as JSON can hold them."""
        given = {f.name: getattr(self, f.name) for f in fields(Filters)}
        given = {name: sorted(value) if isinstance(value, tuple) else value for name, value in given.items()}
        return {name: value for name, value in given.items() if value not in ([], None, "all")}

    def check_names(self, answers: Answers) -> None:
        """Refuse names that the release does not have (UnknownNameError), and bounds that exclude each other (InputError)."""
        queries = answers.queries
        known: dict[str, tuple[Collection[str], Iterable[str]]] = {
            "task": (self.tasks, queries.task.names),
            "LLM": (self.llms, answers.llms),
            "mode": (self.modes, answers.modes),
            "licence": (self.licenses, queries.license.names),
            "licence of an LLM": (self.llm_licenses, answers.llm_licenses),
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

    def queries(self, queries: Queries, rows: Places, drops: Drops) -> Places:
        """Those of the queries `rows` that pass."""
        for reason, wanted, column in (("task", self.tasks, queries.task), ("license", self.licenses, queries.license)):
            if wanted:
                rows = drops.keep(rows, column.among(list(wanted))[rows], reason)
        return rows

    def answers(self, answers: Answers, rows: Places, drops: Drops) -> Places:
        """Those of the answers `rows` with status `ok` that pass all filters of answers but `min_judge`, see `judged`."""
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
            asked = np.array([mode in self.modes for mode in answers.modes], np.bool_)
            rows = drops.keep(rows, asked[answers.mode[rows]], "mode")
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
            rows = scored(answers, rows, "judge", drops)
            rows = drops.keep(rows, answers.judge[rows] >= self.min_judge, "judge")
        return rows


@dataclass(frozen=True, kw_only=True)
class Settings(Filters, ABC):
    """The options of every corpus; each kind adds its own, and says what it chooses."""

    kind: ClassVar[Kind]
    best_of: int | None = option(None, "Consider only N randomly drawn answers per query.", metavar="N", bounds=ONE_OR_ABOVE)
    duplicates: Duplicates = option(
        "exact", "How to treat duplicates: drop exact ones, drop near ones too, or keep all (exact, near, keep).",
        metavar="NAME", noun="treatment of duplicates",
    )  # fmt: skip
    max_share: float | None = option(
        None, "Maximum share of the records that one task may have.", metavar="SHARE", bounds=SHARE
    )
    seed: int = option(0, "Random seed.", bounds=ZERO_OR_ABOVE)
    reasoning: How = option(
        "keep", "How to treat `<think>` blocks: keep, strip or tag.", metavar="NAME", noun="treatment of reasoning"
    )
    include_test: bool = option(False, "Include test splits and switch the leakage guard off; the corpus records this.")
    container: Container | None = option(
        None, "File type: jsonl or parquet. Default: what readers of the format expect.", metavar="NAME"
    )
    shard_rows: int = option(100_000, "Number of records per file.", bounds=ONE_OR_ABOVE)
    engine: str = option(
        "local", "What reads the answers of a large release: local (this machine) or ray (a Ray cluster).", metavar="NAME"
    )
    workers: int | None = option(
        None, "Number of files that are read in parallel. Default: one per core.", metavar="N", bounds=ONE_OR_ABOVE
    )
    overwrite: bool = option(False, "Replace an existing corpus.")
    format: str = ""
    progress: Progress | None = None
    """Called as progress(stage, done, total)."""

    def check(self) -> None:
        """Refuse values that no release can be exported with: an UnknownNameError or an InputError."""
        check_options(self)

    @property
    def takes_answers(self) -> bool:
        """Whether the records hold answers, and not ground truths alone."""
        return True

    def truths(self, release: Release, answers: Answers, queries: Places, drops: Drops) -> Places:
        """Those of the queries whose ground truth is a record."""
        return queries[:0]

    @abstractmethod
    def may_enter(self, answers: Answers, rows: Places, drops: Drops) -> Places:
        """Those of the answers that have the score this kind needs, and whose score lets them in."""

    @abstractmethod
    def merit(self, answers: Answers) -> list[Floats]:
        """The keys [N] that rank the answers to a query, from high to low."""

    @abstractmethod
    def choose(self, answers: Answers, truths: Places, rows: Places, drops: Drops) -> Chosen:
        """The records, of the queries `truths` and the answers `rows` in order of merit."""

    def trim(self, chosen: Chosen, drops: Drops) -> Chosen:
        """The records that may stay beside each other."""
        return chosen

    def selection(self) -> dict[str, Any]:
        """How the records are chosen, as corpus.json records it; options without a value are not in it."""
        shared = ("best_of", "duplicates", "max_share")
        names = [o.name for o in options_of(type(self), own=True) if o.name != "format"]
        return {n: getattr(self, n) for n in (*names, *shared) if getattr(self, n) is not None}
