"""Battles of an arena: a user or a judge compares the answers of two LLMs to the same prompt.

Chatbot Arena's `clean_battle_*.json`, the data sets of human preferences that LMSYS and LMArena publish, MT-Bench's human
judgements, and other files with two LLMs and a winner, in JSON, JSONL, CSV or Parquet. Ids of users are never read on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from llmfusionbench.builders.known.tasks import canonical_task
from llmfusionbench.builders.reading.battles import WANTED, Battle, Names
from llmfusionbench.builders.reading.fields import identity_of
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.json_records import Place, read_records
from llmfusionbench.builders.reading.judge_names import HUMAN
from llmfusionbench.builders.reading.numbering import Answers, Votes
from llmfusionbench.builders.reading.replicates import query_key
from llmfusionbench.builders.reading.sides import Side, both_sides, candidate_name
from llmfusionbench.builders.reading.tables import read_rows
from llmfusionbench.builders.reading.verdicts import Winners
from llmfusionbench.builders.records import Note, Part


@dataclass(frozen=True, kw_only=True)
class Arena:
    """Reads battles of two LLMs.

    Args:
        task: The task of every query.
        split: The split of every query.
        judge: Name of the judge of every battle. By default that of an LLM which the file names as judge, else `human`.
    """

    FILES: ClassVar[tuple[str, ...]] = (
        "*battle*.json", "*battle*.jsonl", "*battle*.csv", "*arena*.json", "*arena*.jsonl", "*arena*.csv", "*.parquet",
    )  # fmt: skip

    task: str = "arena"
    split: str = "train"
    judge: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        numbers = _Numbers()
        for path, file in labelled(paths):
            yield from self._file(path, file, numbers)

    def _file(self, path: Path, file: str, numbers: _Numbers) -> Iterator[Part]:
        names, items = Names.found(path, read_rows(path, file, WANTED))
        winners, counts, place = Winners(), Counter[str](), Place()
        task = canonical_task(self.task)

        def read(record: dict[str, Any]) -> list[dict[str, Any]]:
            battle = Battle.of(record, names, winners, self.judge)
            nameless = not battle.asked and battle.source_id is None
            source = f"{file}#{place.row}" if nameless else battle.source_id
            if nameless:
                counts["nameless"] += 1
            if battle.user:
                counts["unnamed"] += 1
            query = query_key(task, battle.asked, source)
            sides, judge = numbers.of(query, battle)
            common = {**battle.asked, "source_id": source, "judge": judge, "judge_created_at": battle.moment}
            if battle.domain or battle.reason or battle.rubric:
                rare = {"domain": battle.domain, "judge_reason": battle.reason, "judge_rubric": battle.rubric}
                common |= {name: value for name, value in rare.items() if value is not None}
            return both_sides(*sides, battle.share, "first", common)

        shared = {"task": self.task, "split": self.split, "metric": "judge"}
        identity = partial(identity_of, names={"source_id": names.id or "", "llm": names.llms[0]})
        yield from read_records(
            path,
            file,
            read,
            shared,
            identity=identity,
            items=place.watched(items),
            required="battle",
            scales={"judge_score": (0.0, 1.0)},
            paired=True,
        )
        winners.check(str(path), names.winner, names.llms)
        if counts["unnamed"]:
            yield Note(
                file,
                f"judge is taken as {HUMAN} in {_records(counts['unnamed'])}: a name that is not that of an LLM may identify a "
                "user. Another name is set with --option judge=NAME",
            )
        if counts["nameless"]:
            nameless = _records(counts["nameless"])
            yield Note(file, f"{nameless} without a prompt and an id: each is a query named by its place in the file")


@dataclass(frozen=True)
class _Numbers:
    """Replicates of answers, and names of judges, in all files."""

    answers: Answers = field(default_factory=Answers)
    votes: Votes = field(default_factory=Votes)

    def of(self, query: int, battle: Battle) -> tuple[tuple[Side, Side], str]:
        """The two sides of a battle with their replicates, and its judge."""
        one = self.answers.side(query, battle.llms[0], battle.answers[0])
        other = self.answers.side(query, battle.llms[1], battle.answers[1])
        a, b = candidate_name(one.llm), candidate_name(other.llm)
        sides = (query, a, one.replicate, b, "first"), (query, b, other.replicate, a, "second")
        stated = None if battle.vote is None else (sides, battle.vote)
        return (one, other), self.votes.name(battle.judge, sides, stated)


def _records(count: int) -> str:
    return f"{count:,} record{'s' * (count != 1)}"
