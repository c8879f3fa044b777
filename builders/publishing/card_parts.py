"""The parts of a published card that need more than the manifest: defects of the source, the audit, licences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing import Audit
from llmfusionbench.auditing.detectors import DETECTORS, RELEASE_DETECTORS
from llmfusionbench.auditing.finding import Finding
from llmfusionbench.auditing.signs.personal import masked
from llmfusionbench.builders.known.defects import DEFECTS
from llmfusionbench.builders.known.licences import TASK_LICENCES
from llmfusionbench.release.card_text import ROWS, counted, counts_table, named, plain, table

NOT_STATED: Final = "not stated"
_SENTENCE: Final = 320
"""Characters of a sentence of a finding that a card shows; audit.json has it all."""
_FINDINGS: Final = 60


def defects_part(sources: Sequence[str | None]) -> str:
    """What is known to be wrong with the logs of some sources, and what the tables do about it."""
    parts = []
    for source in dict.fromkeys(source or "unknown" for source in sources):
        known = DEFECTS.get(source, ())
        if known:
            title = f"Logs of the source {named(source)}:\n\n" if len(set(sources)) > 1 else ""
            parts.append(title + table(["in the logs", "in the tables"], [(f"{d.what}.", f"{d.done}.") for d in known]))
        else:
            parts.append(f"No defects of the source {named(source)} are known to us. The audit below looks for them.")
    return "\n\n".join(parts)


def audit_part(audit: Audit, *, rows: Mapping[str, int] | None = None, of: str = "this release") -> str:
    """What an audit found, and what it did not look at. Personal data is masked.

    Args:
        audit: The audit.
        rows: Table -> rows of the release that the card is of; an audit of other numbers is called so. None is not compared.
        of: What was audited, in words.
    """
    data = audit.data
    seen, found = data["rows"], audit.findings
    looked = (
        f"`llmfusionbench audit` looked at {counted(seen['responses'], 'answer')} of {counted(seen['llms'], 'LLM')} to "
        f"{counted(seen['queries'], 'query', 'queries')} of {of}, with {counted(len(data['detectors']), 'detector')}."
    )
    lines = [looked]
    if any(seen[name] != count for name, count in (rows or {}).items()):
        lines += ["", "**The audit is of another state of this release.** Audit it again before you rely on it."]
    lines += ["", _verdict(found)]
    if found:
        lines += ["", _findings_table(found)]
    if unseen := list(_unseen(data)):
        lines += ["", "Not audited:", "", *(f"- {words}" for words in unseen)]
    return "\n".join(lines)


def _verdict(found: Sequence[Finding]) -> str:
    if not found:
        return "**No findings.** This does not prove that the data are good: the detectors know some kinds of faults, not all."
    high = sum(finding.severity == "high" for finding in found)
    grave = f", {high} of high severity" if high else ""
    return f"**{counted(len(found), 'finding')}**{grave}:"


def _findings_table(found: Sequence[Finding]) -> str:
    cells: list[tuple[str, ...]] = [
        (
            finding.severity,
            f"`{finding.detector}`: {_safe(finding.title)}",
            f"{finding.count:,} of {finding.total:,}",
            f"{_sentence(finding.what)} {_sentence(finding.remedy)}",
        )
        for finding in found[:_FINDINGS]
    ]
    if len(found) > _FINDINGS:
        cells.append(("", f"{len(found) - _FINDINGS:,} more", "", "See the audit."))
    return table(["severity", "detector and finding", "rows", "what it means, and what to do"], cells)


def _safe(text: str) -> str:
    """Words of a finding, which can quote the log: masked, and without markup."""
    return plain(masked(text), _SENTENCE)


def _sentence(text: str) -> str:
    """The start of a text, up to the end of a clause."""
    whole = masked(text)
    if len(whole) > _SENTENCE:
        clauses = [found.start() for found in re.finditer(r"[.;] ", whole[:_SENTENCE])]
        whole = whole[: clauses[-1]] if clauses else whole
    safe = plain(whole, _SENTENCE)
    return safe if safe.endswith((".", "?", "…")) else f"{safe}."


def _unseen(data: Mapping[str, Any]) -> Iterator[str]:
    """What an audit did not look at."""
    yield from (plain(note, _SENTENCE) for note in data["notes"])
    known = {**dict.fromkeys(DETECTORS), **dict.fromkeys(RELEASE_DETECTORS)}
    if absent := [name for name in known if name not in data["detectors"]]:
        yield f"by the detectors {', '.join(f'`{name}`' for name in absent)}, which were left out"


def licences_part(queries: pa.Table, llms: pa.Table, *, simulated: bool = False) -> str:
    """The licences that queries and LLMs state, and those of the datasets that known tasks come from.

    Args:
        queries: Table `queries` with the columns task and license.
        llms: Table `llms` with the column license.
        simulated: Whether all queries were made up.
    """
    of_queries, of_llms = licence_counts(queries["license"]), licence_counts(llms["license"])
    parts = [
        "Tables and texts have several owners: who wrote a query, who made the LLM that answered, and who ran it. "
        "Each keeps its own terms.",
        "**Queries**, as their source states it:\n\n" + counts_table("licence", "queries", of_queries),
        "**LLMs**, as the log states it (weights or service):\n\n" + counts_table("licence", "LLMs", of_llms),
    ]
    tasks = pc.unique(queries["task"]).to_pylist()
    if simulated:
        parts.append(
            "A program wrote the queries of this release. The datasets below have tasks of the same names, and other queries."
        )
    return "\n\n".join([*parts, task_licences(tasks)])


def licence_counts(stated: pa.ChunkedArray) -> dict[str, int]:
    """Licence -> rows; rows without one count as `NOT_STATED`."""
    return {
        NOT_STATED if pair["values"] is None else pair["values"]: pair["counts"] for pair in pc.value_counts(stated).to_pylist()
    }


def task_licences(tasks: Sequence[str]) -> str:
    """The datasets that tasks come from, with the licence that each states."""
    known = [task for task in TASK_LICENCES if task in tasks]
    other = sorted(set(tasks) - set(known))
    parts = []
    if known:
        rows = [
            (f"`{task}`", f"[{entry.dataset}]({entry.link})", entry.licence or "unknown", entry.note)
            for task, entry in ((task, TASK_LICENCES[task]) for task in known)
        ]
        parts.append("**Datasets that the tasks come from**, as these state it:\n\n")
        parts[0] += table(["task", "dataset", "licence", "note"], rows)
    if other:
        shown = ", ".join(map(named, other[:ROWS])) + (f" and {len(other) - ROWS:,} more" if len(other) > ROWS else "")
        parts.append(f"The licence of the source is not known to us for the {'tasks' if len(other) > 1 else 'task'} {shown}.")
    return "\n\n".join(parts)
