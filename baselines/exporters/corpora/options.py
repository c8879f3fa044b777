"""The options that all corpora have, and what they may be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypedDict

from llmfusionbench.baselines.exporters.corpora.reasoning import HOWS, How
from llmfusionbench.baselines.exporters.corpora.repeats import DUPLICATES, Duplicates
from llmfusionbench.baselines.exporters.corpora.writer import CONTAINERS, Container
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import Progress


class Options(TypedDict, total=False):
    """What every export takes beside its own arguments."""

    tasks: Collection[str]
    """Only these tasks."""
    llms: Collection[str]
    """Only answers of these LLMs, named without a mode."""
    modes: Collection[str]
    """Only answers in these modes: `direct`, `think`."""
    licenses: Collection[str]
    """Only queries with these licences; `unknown` for those that state none."""
    llm_licenses: Collection[str]
    """Only answers of LLMs with these licences."""
    scale: str
    """Only answers of LLMs of this scale: `small`, `medium`, `large`, or `all` (the default)."""
    min_tokens: int | None
    max_tokens: int | None
    """Only answers of so many tokens, by the tokenizer of the release."""
    min_judge: float | None
    """Only answers that the judges gave so much on average, 0 to 1."""
    best_of: int | None
    """Look at so many answers of a query alone, drawn by the seed before anything is known of their worth."""
    duplicates: Duplicates
    """What is left out as repeated. `exact` (the default): queries whose prompt is another's in the corpus, and answers with
    the same text as a better one to the same query. `near`: prompts that are nearly alike, too. `keep`: nothing."""
    max_share: float | None
    """The largest share of the records that one task may have."""
    seed: int
    """Random seed; 0 by default."""
    reasoning: How
    """What becomes of `<think>` blocks: `keep` (the default), `strip` or `tag`."""
    include_test: bool
    """Take the test splits as well, and turn the leakage guard off; the corpus says so."""
    container: Container | None
    """`jsonl` or `parquet`; by default what the format's readers expect."""
    shard_rows: int
    """Records a file; 100,000 by default."""
    overwrite: bool
    """Replace a corpus that is there."""
    progress: Progress | None
    """Called as progress(stage, done, total)."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options that are no filter; `Options` says what each means."""

    best_of: int | None = None
    duplicates: Duplicates = "exact"
    max_share: float | None = None
    seed: int = 0
    reasoning: How = "keep"
    include_test: bool = False
    container: Container | None = None
    shard_rows: int = 100_000
    overwrite: bool = False
    progress: Progress | None = None

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            UnknownNameError, InputError: one of them is.
        """
        one_of("way with duplicates", self.duplicates, DUPLICATES)
        one_of("way with reasoning", self.reasoning, HOWS)
        if self.container is not None:
            one_of("container", self.container, CONTAINERS)
        positive("shard_rows", self.shard_rows)
        if self.best_of is not None:
            positive("best_of", self.best_of)
        if self.max_share is not None and not 0 < self.max_share <= 1:
            raise InputError(f"max_share {self.max_share}: expected above 0, up to 1. Remedy: another --max-share")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: expected 0 or above. Remedy: another --seed")


def one_of(noun: str, name: str, known: Collection[str]) -> None:
    """Refuse a name that is not known, with an UnknownNameError."""
    if name not in known:
        raise UnknownNameError(noun, name, known)


def positive(name: str, value: int, option: str = "") -> None:
    """Refuse a number below 1, with an InputError that names the `option`, by default the one of the same name."""
    if value < 1:
        raise InputError(f"{name} {value}: expected 1 or above. Remedy: another {option or '--' + name.replace('_', '-')}")
