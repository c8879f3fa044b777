"""FusionFactory's router JSON: queries, each with the performance and cost of all candidates.

The published files hold performance and cost scaled within each task, the cost by extremes that nobody knows any more: it is
taken only where the record says that it is in USD, as those that we export do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmfusionbench.builders.reading.fields import BadRecordError, fields, number, required_text, text
from llmfusionbench.builders.reading.file_names import known_provenance
from llmfusionbench.builders.records import Rejected
from llmfusionbench.types import Candidate


def is_router_record(record: dict[str, Any]) -> bool:
    """Whether a record is of this format."""
    return "query" in record and isinstance(record.get("candidates"), list)


def candidate_records(
    record: dict[str, Any], place: dict[str, Any], unknown: str, made: str | None
) -> Iterator[dict[str, Any] | Rejected]:
    """The log records of a query's candidates, and those that cannot be taken.

    Args:
        record: The query as the file has it.
        place: file, row and split of the record.
        unknown: The task of a query that states none.
        made: The provenance of records that state none.

    Raises:
        BadRecordError: the query has no text, or no candidates.
    """
    in_usd = record.get("cost_unit") == "USD"
    query = place | {
        "prompt": required_text(record, "query"),
        "task": text(record, "task_name") or unknown,
        "metric": unknown,
        "provenance": made or known_provenance(record.get("provenance")),
    }
    if not record["candidates"]:
        raise BadRecordError("candidates is empty, expected a list with LLMs in it")
    for value in record["candidates"]:
        try:
            said = fields(value)
            name = required_text(said, "candidate_name")
            candidate = Candidate.parse(name)
            performance = number(said, "performance")
            cost = number(said, "cost") if in_usd else None
        except BadRecordError as error:
            yield Rejected(place["file"], place["row"], f"candidate: {error}", {})
            continue
        nothing = performance is None and cost is None
        yield query | {
            "llm": candidate.llm,
            "mode": candidate.mode,
            "performance": performance,
            "cost_usd": cost,
            "status": "missing" if nothing else None,
        }
