"""Files in which a judge compares two answers: AlpacaEval's annotations, battles of an arena, MT-Bench's judgements of pairs.

A comparison is a judgement of either answer against the other one, and neither a performance nor a score of an answer alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.cells import Cells
from llmfusionbench.builders.reading.comparison_layouts import LAYOUTS, Layout
from llmfusionbench.builders.reading.factors import expression
from llmfusionbench.builders.reading.judge_names import judge_names, turn_ids
from llmfusionbench.builders.reading.log_records import Reading
from llmfusionbench.builders.reading.mapping import TableMapping
from llmfusionbench.builders.reading.paths import find_path
from llmfusionbench.builders.reading.table_files import TableFile
from llmfusionbench.builders.reading.tables import Chunk
from llmfusionbench.builders.reading.verdicts import Winners, second_shares
from llmfusionbench.builders.records import LOG, Note, Part, Records, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate
from llmfusionbench.validation.issue import shorten

REFERENCE: Final = "reference"
"""The opponent in a file that does not name it."""
_QUERY: Final = (
    "task", "domain", "split", "source_id", "prompt", "messages", "ground_truth", "choices", "metric", "license",
    "judge", "judge_reason", "judge_rubric", "judge_served_model", "judge_prompt_sha256", "judge_created_at",
)  # fmt: skip
"""Our columns that a mapping may fill: they are of the query or of the judgement, not of one of the two answers."""
_MADE: Final = ("llm", "response", "judge_score", "judge_opponent", "judge_order")


def read_comparisons(table: TableFile, mapping: TableMapping, split: str | None) -> Iterator[Part] | None:
    """The judgements in a file: a record of each answer against the other. None if it holds no comparisons.

    Raises:
        InputError: the mapping makes something else of the verdicts, or of a column of one answer.
    """
    columns = table.columns
    layout = next((layout for layout in LAYOUTS if layout.fits(columns)), None)
    if layout is None:
        return None
    found = _Comparisons(table, layout, columns, mapping, split)
    found.check()
    return found.read()


@dataclass(frozen=True)
class _Comparisons:
    """The comparisons of one file."""

    table: TableFile
    layout: Layout
    columns: Sequence[str]
    mapping: TableMapping
    split: str | None

    @property
    def path(self) -> Path:
        return self.table.path

    @property
    def file(self) -> str:
        return self.table.file

    def read(self) -> Iterator[Part]:
        other = "the other" if self.layout.llms[0] in self.columns else f"that of an opponent, {self._reference}"
        yield Note(self.file, f"{self.layout.title} are taken as a judge's scores of each answer against {other}")
        sources = self._sources()
        derived = {"prompt": self._asked(), "judge_reason": any(reason in self.columns for *_, reason in self.layout.verdicts)}
        names = dict.fromkeys([*sources, *(name for name, made in derived.items() if made), *_MADE])
        judged = {} if "judge" in sources else {"judge": "unknown"}
        constants = {"task": self.layout.task, "metric": "judge", **judged}
        constants = {c: v for c, v in constants.items() if c not in sources}
        constants |= {c: v for c, v in self.mapping.constants.items() if c not in _MADE}
        mapping = TableMapping(columns={n: n for n in names}, constants=constants, split=self.mapping.split, own_names=False)
        reading = Reading.of(self.path, self.file, list(names), mapping, self.split)
        said: set[tuple[int | None, str]] = set()
        for part in replace(reading, scales={"judge_score": (0.0, 1.0)}).read(chunks=self._chunks(sources)):
            if isinstance(part, Rejected):  # what is wrong with a whole comparison is found for each of its answers
                if (part.row, part.reason) in said:
                    continue
                said.add((part.row, part.reason))
            yield replace(part, paired=True, repeats=True) if isinstance(part, Records) else part

    def check(self) -> None:
        own = {*self.layout.llms, *self.layout.answers, *(verdict for verdict, *_ in self.layout.verdicts)}
        for ours, mapped in self.mapping.columns.items():
            theirs, factor = expression(mapped, self.columns, ours)
            if find_path(theirs, self.columns) is None:
                self.mapping.check(self.columns, str(self.path))
            if ours in _QUERY or (ours in _MADE and theirs in own and factor is None):
                continue
            raise InputError(
                f"{self.path}: {ours} cannot be {theirs}, for the file has {self.layout.title}: a verdict is of two answers, "
                f"and is read as a judge's score of each against the other. Remedy: drop --map {ours}"
            )
        unnamed = self.layout.llms[1] not in self.columns
        if unnamed and "llm" not in self.mapping.constants:
            raise InputError(
                f"{self.path}: no column {self.layout.llms[1]} names the LLM of {self.layout.title}. "
                "Remedy: name it with --map llm==NAME"
            )
        for ours in (*self.mapping.constants, *self.mapping.wide):
            free = {"llm": unnamed, "judge_opponent": self.layout.llms[0] not in self.columns}.get(ours, False)
            if ours not in (*_QUERY, "provenance") and not free:
                raise InputError(
                    f"{self.path}: {ours} cannot be mapped, for the file has {self.layout.title}: each record has two answers. "
                    f"Remedy: drop the mapping of {ours}"
                )

    @property
    def _reference(self) -> str:
        """The opponent, where a record does not name it."""
        return self.mapping.constants.get("judge_opponent", REFERENCE)

    def _asked(self) -> bool:
        """Whether the prompt is what the conversations hold of it."""
        stated = {*self._sources(), *self.mapping.constants}
        return self.layout.talks[0] in self.columns and not stated & {"prompt", "messages"}

    def _sources(self) -> dict[str, str]:
        """Our column -> theirs, of the query and of the judgement."""
        known = {c: next((n for n in names if n in self.columns), None) for c, names in self.layout.query.items()}
        found = {c: c for c in _QUERY if c in self.columns} | {c: n for c, n in known.items() if n}
        mapped = {c: n for c, n in self.mapping.columns.items() if c in _QUERY}
        return {c: n for c, n in (found | mapped).items() if c not in self.mapping.constants}

    def _chunks(self, sources: Mapping[str, str]) -> Iterator[Chunk | Rejected]:
        layout = self.layout
        read = [*sources.values(), *layout.llms, *layout.answers, *layout.talks, "turn", "winner_model_a", "winner_tie"]
        read += [name for verdict in layout.verdicts for name in (verdict[0], verdict[2])]
        needed = [name for name in dict.fromkeys(read) if find_path(name, self.columns)]
        winners = {verdict: Winners() for verdict, *_ in layout.verdicts}
        for chunk in self.table.chunks(needed):
            if isinstance(chunk, Rejected):
                yield chunk
                continue
            for verdict, place, reason in layout.verdicts:
                if verdict in needed and not (verdict == "winner_model_b" and "winner" in needed):
                    yield from self._judged(chunk, sources, verdict, place, reason, winners[verdict])
        for verdict, found in winners.items():
            found.check(str(self.path), verdict, layout.llms)

    def _judged(
        self, chunk: Chunk, sources: Mapping[str, str], verdict: str, place: str | None, reason: str, winners: Winners
    ) -> Iterator[Chunk | Rejected]:
        """The chunk as records of the second answers, and of the first ones if the file names who gave them."""
        cells = Cells(chunk.batch, nested=chunk.nested)
        llms = [cells.column("llm", name, pa.string()) for name in self.layout.llms]
        if "llm" in self.mapping.constants:
            llms[1] = pa.array([self.mapping.constants["llm"]] * len(llms[1]), pa.string())
        talks = [self._talk(cells, name) for name in self.layout.talks]
        answers = [
            pc.coalesce(cells.column("response", name, pa.string()), said)
            for name, (_, said) in zip(self.layout.answers, talks, strict=True)
        ]
        scores = second_shares(cells, verdict, self.layout.llms, llms, str(self.path), chunk.rows, winners)
        for i, name in self._with_itself(llms):
            same = " and ".join(self.layout.llms)
            cells.problems.setdefault(i, []).append(f"{same} are both {shorten(name)}, expected two LLMs")
        rejected = {i: "; ".join(found) for i, found in cells.problems.items()}
        common = self._common(chunk, sources, reason) | ({"prompt": talks[0][0]} if self._asked() else {})
        sides = (0, 1) if self.layout.llms[0] in self.columns else (1,)
        for side in sides:
            shown = place if side == 0 else {"first": "second", "second": "first"}.get(place or "")
            made = {
                "llm": llms[side],
                "response": answers[side],
                "judge_score": pa.array(scores if side else 1 - scores, pa.float64(), from_pandas=True),
                "judge_opponent": pc.if_else(pc.equal(pc.coalesce(llms[1 - side], ""), ""), self._reference, llms[1 - side]),
                "judge_order": pa.array([shown] * len(scores), pa.string()),
            }
            whole = Chunk(pa.record_batch({**common, **made}), chunk.rows)
            kept, refused = whole.refuse(rejected, self.file, ["llm"])
            yield from refused if side == sides[0] else ()
            yield kept

    def _with_itself(self, llms: Sequence[pa.Array]) -> Iterator[tuple[int, str]]:
        """Place and name of each candidate that is compared with itself."""
        names = zip(*(array.to_pylist() for array in llms), strict=True)
        return (
            (i, one) for i, (one, other) in enumerate(names) if one and other and Candidate.parse(one) == Candidate.parse(other)
        )

    def _talk(self, cells: Cells, name: str) -> tuple[pa.Array, pa.Array]:
        """What the user asked, and the answer to the last turn, up to the turn that was judged."""
        talks = cells.column("messages", name, LOG.field("messages").type).to_pylist()
        numbers = cells.column("turn", "turn", pa.int64()).to_pylist()
        asked: list[str | None] = []
        answers: list[str | None] = []
        for talk, number in zip(talks, numbers, strict=True):
            said = [[turn["content"] for turn in talk or () if turn["role"] == role] for role in ("user", "assistant")]
            said = said if number is None or number < 1 else [texts[:number] for texts in said]
            asked.append("\n\n".join(said[0]) or None)
            answers.append(said[1][-1] if said[1] and len(said[1]) == len(said[0]) else None)
        return pa.array(asked, pa.string()), pa.array(answers, pa.string())

    def _common(self, chunk: Chunk, sources: Mapping[str, str], reason: str) -> dict[str, pa.Array]:
        found = {ours: chunk.batch.column(theirs) for ours, theirs in sources.items()}
        if "judge" in found:
            found["judge"] = judge_names(found["judge"])
        if "source_id" in found and "turn" in chunk.batch.schema.names and sources["source_id"] == "question_id":
            found["source_id"] = turn_ids(found["source_id"], chunk.batch.column("turn"))
        if any(name in self.columns for *_, name in self.layout.verdicts):
            there = reason in chunk.batch.schema.names
            found["judge_reason"] = chunk.batch.column(reason) if there else pa.nulls(len(chunk.rows), pa.string())
        return found
