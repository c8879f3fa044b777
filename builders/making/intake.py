"""Takes the parts that a source yields: writes the records to disk, and makes the small tables of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.known.llms import known_llm, scale_of
from llmfusionbench.builders.making.contradictions import ZeroTokens
from llmfusionbench.builders.making.indices import Numbers
from llmfusionbench.builders.making.normalise import normalise
from llmfusionbench.builders.making.path_names import PathNames
from llmfusionbench.builders.making.spill import Settled, Spill
from llmfusionbench.builders.making.tally import Tally, places_of
from llmfusionbench.builders.making.vectors import Vectors
from llmfusionbench.builders.reading.limits import MOST_REJECTED
from llmfusionbench.builders.records import SCORES, Embeddings, Llms, Note, Part, Records, Rejected, Templates, leave_out
from llmfusionbench.errors import InputError, RejectedError
from llmfusionbench.schema import table_schema
from llmfusionbench.scoring import METRICS
from llmfusionbench.types import template_id
from llmfusionbench.validation.explain import explain

_MOST_LLMS: Final = 100_000
_PRICES: Final = {"input_price", "output_price", "prices"}


def _completed(before: dict[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """What was stated of an LLM, with what another row states beside it."""
    said = {k: v for k, v in row.items() if v is not None}
    if _PRICES & before.keys():  # prices of two origins would not fit together
        said = {k: v for k, v in said.items() if k not in _PRICES}
    return said | before


def _with_remedy(rejected: Rejected, own: Mapping[str, str]) -> Rejected:
    """A rejected record with what can be done about values of columns that were not mapped."""
    said = [ours for ours in own if ours not in SCORES and f"; {ours} is " in f"; {rejected.reason}"]
    return replace(rejected, reason=rejected.reason + leave_out(said[0])) if said else rejected


class Intake:
    """What has been read of a source."""

    def __init__(self, spill: Spill, rescore_as: str | None = None) -> None:
        self.spill = spill
        self.rescore_as = rescore_as
        """Our metric of queries whose own metric is not ours; by default they keep that."""
        self.scored = 0
        """Number of records with a score."""
        self.zeros = ZeroTokens()
        self.tally = Tally()
        self.numbers = Numbers()
        self.rejected: list[Rejected] = []
        self.vectors = Vectors(spill.directory)
        self.provenance: set[str] = set()
        self.llms = PathNames("llm", "LLMs")
        self.judges = PathNames("judge", "Judges")
        self._llms: dict[str, dict[str, Any]] = {}
        """Name or path of each LLM -> what is stated of it."""
        self._templates: list[dict[str, Any]] = []
        self._notes: dict[Note, list[str]] = {}
        """Each note without its file, and the files that have it."""
        self._pairs: set[tuple[str, int | None, str]] = set()
        """Place of each rejected comparison and what is wrong with it."""

    def take(self, part: Part) -> None:
        """Write records to disk, and keep any other part in memory."""
        match part:
            case Records(table):
                for batch in table.combine_chunks().to_batches():
                    self._records(batch, part)
            case Note():
                self._notes.setdefault(replace(part, file=""), []).append(part.file)
            case Llms(rows):
                for row in rows:
                    self._llms[row["llm"]] = _completed(self._llms.get(row["llm"], {}), row)
            case Templates(rows):
                self._templates += rows
            case Embeddings(table):
                self.vectors.add(table)
            case Rejected():
                self._reject([part])

    def _once(self, rejected: Sequence[Rejected]) -> list[Rejected]:
        """Those that the other side of a comparison has not shown, each once."""
        new = {(r.file, r.row, r.reason): r for r in reversed(rejected) if (r.file, r.row, r.reason) not in self._pairs}
        self._pairs |= new.keys()
        return [*reversed(new.values())]

    def _reject(self, rejected: Sequence[Rejected]) -> None:
        self.rejected += rejected
        if len(self.rejected) > MOST_REJECTED:
            first = self.rejected[0]
            raise RejectedError(
                f"More than {MOST_REJECTED:,} records cannot be taken, the first of {first.file}: {first.reason}. "
                "Remedy: check the files, or use another source"
            )

    def _records(self, batch: pa.RecordBatch, part: Records) -> None:
        normal, rejected = normalise(batch, part.repeats)
        rejected = [_with_remedy(r, part.own) for r in rejected] if part.own else rejected
        self._reject(self._once(rejected) if part.paired else rejected)
        if not normal.num_rows:
            return
        if self.rescore_as is not None:
            normal = _with_metric(normal, self.rescore_as)
        normal = self.zeros.apply(normal)
        self.spill.add(normal)
        stated = (normal.column(name).is_valid() for name in SCORES)
        self.scored += pc.sum(pc.or_(*stated)).as_py() or 0
        self.numbers.add(normal)
        self.tally.read(places_of(normal))
        self.judges.add(normal)
        for llm in self.llms.add(normal):
            self._llms.setdefault(llm, {"llm": llm})
        if len(self._llms) > _MOST_LLMS:
            raise InputError(f"more than {_MOST_LLMS:,} LLMs. Remedy: check which column or field names the LLM")
        asked = normal.column("provenance").filter(normal.column("llm").is_valid())
        self.provenance |= set(pc.unique(asked).to_pylist())

    def notes(self, *, warnings: bool = False) -> list[str]:
        """What was made of whole columns, or the warnings about them, a line for each; the same in several files once."""
        places = {
            note.text: files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1:,} more files"
            for note, files in self._notes.items()
            if note.warning is warnings
        }
        of_names = () if warnings else (*self.llms.notes(), *self.judges.notes())
        return [*(f"{place}: {text}" for text, place in places.items()), *of_names]

    def llm_table(self) -> pa.Table:
        """The table `llms`: what the source states of each, completed with what is publicly known."""
        schema = table_schema("llms").arrow
        rows = []
        names = self.llms.settled(self._llms)
        stated: dict[str, dict[str, Any]] = {}
        for llm, row in self._llms.items():
            name = names[llm]
            stated[name] = _completed(stated.get(name, {}), row | {"llm": name})
        for name in sorted(stated):
            row = known_llm(name) | stated[name]
            if row.get("parameters_b") is not None and row.get("scale") is None:
                row["scale"] = scale_of(row["parameters_b"])
            wrong = list(explain(table_schema("llms").json_schema, row))
            nameless = any(column == "llm" for column, _, _ in wrong)
            for column, value, expected in wrong:
                instead = "the LLM is left out" if nameless else "the LLM is kept without it"
                words = f"{column} is {value}, expected {expected}; {instead}"
                self.rejected.append(Rejected("LLMs", None, words, {"llm": name}))
            if not nameless:
                rows.append(row | dict.fromkeys(column for column, _, _ in wrong if column is not None))
        return pa.Table.from_pylist(rows, schema=schema)

    def template_table(self, settled: Settled) -> pa.Table:
        """The table `thought_templates`. A repeated template, or one whose query is not in the release, is rejected."""
        schema = table_schema("thought_templates")
        rows: dict[str, dict[str, Any]] = {}
        for template in self._templates:
            key = (str(template.get(name)) for name in ("query_id", "criterion", "pool", "summarizer"))
            row = {"template_id": template_id(*key), **template}
            wrong = "; ".join(
                f"{column} is {value}, expected {expected}" for column, value, expected in explain(schema.json_schema, row)
            )
            if not wrong and settled.split_of(pa.array([row["query_id"]]))[0].as_py() is None:
                wrong = "its query is not in the release"
            if not wrong and rows.setdefault(row["template_id"], row) is not row:
                wrong = "there is one of its query, criterion, pool and summariser already"
            if wrong:
                record = {k: row.get(k) for k in ("query_id", "criterion", "pool", "summarizer")}
                self.rejected.append(Rejected("thought templates", None, wrong, record))
        return pa.Table.from_pylist(list(rows.values()), schema=schema.arrow)


def _with_metric(normal: pa.RecordBatch, ours: str) -> pa.RecordBatch:
    """Normal records with our metric in place of those that are not ours."""
    known = pc.is_in(normal.column("metric"), value_set=pa.array(sorted(METRICS)))
    place = normal.schema.get_field_index("metric")
    return normal.set_column(place, "metric", pc.if_else(known, normal.column("metric"), ours))
