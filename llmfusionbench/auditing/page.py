"""The page of an audit: the findings in a table, and each with its places and examples. Its frame is that of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from llmfusionbench.auditing.finding import SEVERITIES, Example, Finding, Place
from llmfusionbench.evaluation.report.page.document import banner, document, fact_list, more, noted, simulated
from llmfusionbench.evaluation.report.page.tables import head, table
from llmfusionbench.evaluation.report.page.text import LINE_LIMIT, PROMPT_LIMIT, Html, element, join, name, named, visible

SCRIPTS: Final = ("common.js", "tables.js")
FOOTER: Final = (
    "Shares are of the rows that a detector looked at. Places are sorted by the lower end of the 95% interval of their share. "
    "Long texts are shown without their middle. Invisible characters are shown as their code, such as [U+202E]."
)
OPEN_PLACES: Final = 10
"""Number of places shown at once; the others are in a part to open."""
MOST_PLACES: Final = 200
"""Number of places of a kind on the page; audit.json has them all."""


def render(data: Mapping[str, Any]) -> str:
    """The page of an audit, as a whole HTML document. All texts are escaped, and long ones are shortened.

    Args:
        data: As in audit.json.
    """
    release, rows = data["release"], data["rows"]
    findings = [Finding.from_dict(finding) for finding in data["findings"]]
    source = release.get("source")
    title = "Audit" + (f": {name(source)}" if source else "") + (" (SIMULATED DATA)" if simulated(data) else "")
    facts = {
        "Release": source,
        "Revision": release.get("revision"),
        "Schema": release.get("schema_version"),
        "Answers": f"{rows['responses']:,} ({', '.join(release['provenance'])})",
        "Queries": f"{rows['queries']:,}",
        "LLMs": f"{rows['llms']:,}",
        "Digest": release.get("digest"),
        "Detectors": len(data["detectors"]),
    }
    parts = {
        "title": title,
        "banner": banner(data),
        "facts": fact_list(facts),
        "verdict": verdict(findings),
        "warnings": noted("Not looked at", data["notes"]),
        "sections": join(overview(findings), *(section(f, i) for i, f in enumerate(findings, start=1))),
        "footer": FOOTER,
    }
    return document(parts, SCRIPTS, {})


def verdict(findings: Sequence[Finding]) -> Html:
    """The result in a sentence."""
    if not findings:
        return element("p", "No detector found anything.", class_="verdict")
    high = sum(finding.severity == "high" for finding in findings)
    grave = f", {high} of high severity" if high else ""
    return element("p", element("strong", f"{len(findings)} finding{'s' * (len(findings) > 1)}"), f"{grave}.", class_="verdict")


def overview(findings: Sequence[Finding]) -> Html | None:
    """Every finding in a row, with a link to its part of the page."""
    if not findings:
        return None
    heads = [head("Finding", first="ascending", text=True), *map(head, ("Severity", "Rows", "Of", "Share"))]
    heads += [head("Where", text=True), head("What to do", text=True)]
    body = [
        element(
            "tr",
            element("th", element("a", finding.title, href=f"#finding-{i}"), scope="row"),
            element("td", finding.severity, data_v=len(SEVERITIES) - SEVERITIES.index(finding.severity)),
            *figures(finding.count, finding.total),
            element("td", places_in_words(finding), class_="text"),
            element("td", finding.remedy, class_="text"),
        )
        for i, finding in enumerate(findings, start=1)
    ]
    return element("section", element("h2", "Findings"), table("The worst first", heads, body, "findings-table"))


def places_in_words(finding: Finding) -> Html:
    """The three most affected places of the first kind."""
    kinds = dict.fromkeys(place.kind for place in finding.places)
    first = [place for place in finding.places if place.kind == next(iter(kinds))]
    parts = [element("div", named(place.name), f" {place.count:,}") for place in first[:3]]
    return join(*parts, element("div", f"and {len(first) - 3:,} more") if len(first) > 3 else None)


def figures(count: int, total: int) -> list[Html]:
    """The cells of a count, what it is of, and its share."""
    share = count / total if total else 0.0
    return [
        element("td", f"{count:,}", data_v=count),
        element("td", f"{total:,}", data_v=total),
        element("td", f"{share:.1%}", data_v=f"{share:.6f}"),
    ]


def section(finding: Finding, number: int) -> Html:
    """A finding with its places and examples."""
    key = f"finding-{number}"
    kinds = dict.fromkeys(place.kind for place in finding.places)
    return element(
        "section",
        element("h2", finding.title, " ", element("span", finding.severity, class_="tag"), id=f"{key}-title"),
        element("p", element("bdi", visible(finding.what, 4 * LINE_LIMIT))),
        element("p", element("strong", "What to do: "), finding.remedy + "."),
        *(places([place for place in finding.places if place.kind == kind], f"{key}-{i}") for i, kind in enumerate(kinds)),
        *(example(shown, i) for i, shown in enumerate(finding.examples, start=1)),
        id=key,
        aria_labelledby=f"{key}-title",
    )


def places(found: Sequence[Place], key: str) -> Html:
    """The places of one kind as a table, closed if they are many."""
    kind = found[0].kind.replace("llm", "LLM")
    heads = [head(kind, first="ascending", text=True), *map(head, ("Rows", "Of", "Share"))]
    body = [
        element("tr", element("th", named(place.name), scope="row"), *figures(place.count, place.total))
        for place in found[:MOST_PLACES]
    ]
    shown = f", the first {MOST_PLACES}" if len(found) > MOST_PLACES else ""
    made = table(f"By {kind}: {len(found):,}{shown}", heads, body, f"{key}-table")
    return (
        element("div", made, class_="as-table")
        if len(found) <= OPEN_PLACES
        else more(f"By {kind}: {len(found):,} places", made)
    )


def example(shown: Example, number: int) -> Html:
    """An example, closed at first."""
    about = [part for part in (shown.llm, shown.mode, shown.task) if part]
    replicate = f", replicate {shown.replicate}" if shown.replicate else ""
    texts = [
        part
        for label, text in shown.texts.items()
        for part in (element("h3", name(label)), element("pre", visible(text, PROMPT_LIMIT)))
    ]
    return element(
        "details",
        element(
            "summary",
            element("span", f"Example {number}: ", *(join(named(part), " ") for part in about), class_="snippet"),
        ),
        element(
            "div",
            element("p", f"query {name(shown.query_id)}{replicate}", class_="id"),
            element("p", element("bdi", visible(shown.note, LINE_LIMIT))) if shown.note else None,
            *texts,
            class_="body",
        ),
        class_="query",
    )
