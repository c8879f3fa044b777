"""FusionFactory's router JSON: queries, each with the performance and cost of all candidates.

In the published files, performance and cost are scaled within each task. The extremes that the cost was scaled by are not
known, so a cost is read only if its record states that it is in USD, as our own exports do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmfusionbench.builders.reading.fields import BadRecordError, fields, number, required_text, text
from llmfusionbench.builders.reading.file_names import known_provenance
from llmfusionbench.types import Candidate


def is_router_record(record: dict[str, Any]) -> bool:
    """Whether a record is in this format."""
    return "query" in record and isinstance(record.get("candidates"), list)


def candidate_records(
    record: dict[str, Any], unknown: str, provenance: str | None
) -> Iterator[dict[str, Any] | BadRecordError]:
    """The log records of a query's candidates, and an error for each candidate that is rejected.

    A query that states no task has the task `unknown`. Without `provenance`, each record has its own.

    Raises:
        BadRecordError: the query has no text, or no candidates.
    """
    if not is_router_record(record):
        raise BadRecordError("the record has no query with a list of candidates")
    in_usd = record.get("cost_unit") == "USD"
    query = {
        "prompt": required_text(record, "query"),
        "task": text(record, "task_name") or unknown,
        "metric": unknown,
        "provenance": provenance or known_provenance(record.get("provenance")),
    }
    if not record["candidates"]:
        raise BadRecordError("candidates is empty, expected a list with LLMs in it")
    for value in record["candidates"]:
        try:
            said = fields(value)
            llm, mode = Candidate.parse(required_text(said, "candidate_name"))
            performance = number(said, "performance")
            cost = number(said, "cost") if in_usd else None
        except BadRecordError as error:
            yield BadRecordError(f"candidate: {error}")
            continue
        status = "missing" if performance is None and cost is None else None
        yield {**query, "llm": llm, "mode": mode, "performance": performance, "cost_usd": cost, "status": status}
