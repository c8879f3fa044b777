"""The report as one self-contained HTML page: no network, no server, no other file.

The tables are plain HTML; scripts sort them, draw the charts and run the explorer. A strict Content-Security-Policy allows only
the page's own script and style, by their hashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmfusionbench.errors import InputError
from llmfusionbench.evaluation.report.page.data import page_data
from llmfusionbench.evaluation.report.page.document import asset, banner, document, fact_list, more, simulated, warnings
from llmfusionbench.evaluation.report.page.numbers import chance, number, quad, signed, written
from llmfusionbench.evaluation.report.page.tables import (
    about_performance,
    candidates,
    curve,
    duplicates,
    gains_of,
    headline_of,
    is_reference,
    leaderboard,
    picks,
    ranked,
)
from llmfusionbench.evaluation.report.page.text import Html, element, join, name, named
from llmfusionbench.evaluation.report.page.variance import variance

__all__ = ["asset", "render"]

SCRIPTS = ("common.js", "tables.js", "heat.js", "plane.js", "curve.js", "explorer.js")
"""Concatenated in this order."""

LISTS = ("routers", "candidates", "frontier", "learning_curve", "explorer", "warnings")
MAPPINGS = ("release", "queries", "metrics", "references")
OF_ROUTER = ("metrics", "per_task", "per_domain", "picks", "paired")

FOOTER = """Means are over test queries. Intervals are 95% intervals over queries, each of the kind that fits its figure; a
figure that no interval holds has none. Gains are paired on the same queries. A missing value is shown as – and does not count
in any mean; it is never taken as 0.
Invisible characters are shown as their code, such as [U+202E]."""

NO_SCRIPT = "The charts, the heat map and the explorer need JavaScript; the tables do not."


def render(report: Mapping[str, Any]) -> str:
    """The page of a report.

    Args:
        report: As in report.json. A part without data is left out, and the page says which.

    Returns:
        A whole HTML document, the same for the same report. All texts are escaped, and long ones are shortened.

    Raises:
        InputError: The report is of another major version than 1.
    """
    version = str(report.get("version", "1.0"))
    if version.partition(".")[0] != "1":
        raise InputError(f"report.json: version is {version!r}, expected 1.x. Remedy: evaluate again with this version.")
    whole = completed(report)
    parts = {
        "title": title(whole),
        "banner": banner(whole),
        "facts": facts(whole),
        "warnings": warnings(whole),
        "verdict": verdict(whole),
        "sections": sections(whole),
        "footer": FOOTER,
    }
    return document(parts, SCRIPTS, page_data(whole))


def completed(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report with empty values for missing parts, and with its references among the routers."""
    whole = {**report, **{key: report.get(key) or [] for key in LISTS}, **{key: report.get(key) or {} for key in MAPPINGS}}
    present = {router.get("name") for router in whole["routers"]}
    references = [
        {"name": key, "metrics": figures, "reference": True}
        for key, figures in whole["references"].items()
        if key not in present and whole["routers"]
    ]
    rows = [*whole["routers"], *references]
    return {**whole, "routers": [{**row, **{key: row.get(key) or {} for key in OF_ROUTER}} for row in rows]}


def title(report: Mapping[str, Any]) -> Html:
    """The title of the document."""
    source = report["release"].get("source")
    words = "Routing report" + (f": {name(source)}" if source else "") + (" (SIMULATED DATA)" if simulated(report) else "")
    return join(words)


def facts(report: Mapping[str, Any]) -> Html:
    """The release, protocol, scenario and other settings."""
    release, queries = report["release"], report["queries"]
    protocol = report.get("protocol")
    protocol = protocol if isinstance(protocol, Mapping) else {"name": protocol}
    details = ", ".join(
        f"{key}: {listed(value)}" for key, value in protocol.items() if key != "name" and value not in (None, 0, [])
    )
    counts = " and ".join(f"{number(queries.get(k)):,.0f} {k}" for k in ("train", "test") if number(queries.get(k)) is not None)
    rows = {
        "Release": release.get("source"),
        "Revision": release.get("revision"),
        "Schema": release.get("schema_version"),
        "Answers": " and ".join(map(str, release.get("provenance") or ())),
        "Digest": release.get("digest"),
        "Protocol": f"{protocol.get('name')} ({details})" if details else protocol.get("name"),
        "Scenario": report.get("scenario"),
        "Queries": counts,
        "Failures": failures(report.get("failures") or {}),
        "Best single LLM": listed(report.get("best_single") or ""),
        "Seed": report.get("seed"),
        "Range of cost for AIQ": cost_range(report),
    }
    return fact_list(rows)


def failures(found: Mapping[str, Any]) -> str | None:
    """How many answers failed, and what they count as; None in a report before version 1.2, or without any."""
    answers = number(found.get("answers"))
    return f"{answers:,.0f} answers, counted as {found.get('policy')}" if answers else None


def cost_range(report: Mapping[str, Any]) -> str | None:
    """The range of cost over which AIQ is taken, per 1,000 queries; None in reports without one."""
    ends = [number((report.get("cost_range") or {}).get(end)) for end in ("low", "high")]
    return None if None in ends else f"USD {written(ends[0], 'cost')} to {written(ends[1], 'cost')} per 1,000 queries"


def listed(value: object) -> str:
    """A value, or the values of a list, as text."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def verdict(report: Mapping[str, Any]) -> Html:
    """The result in a sentence: the leading router, its gain over the best single LLM, and whether that is significant."""
    headline = headline_of(report)
    real = [r for r in ranked(report) if not is_reference(r) and quad(r["metrics"].get(headline))[0] is not None]
    if not real:
        return Html("")
    first, label = real[0], headline.replace("_", " ")
    best = quad(first["metrics"].get(headline))
    if headline == "guarded_score" and best[0] == 0:
        missed = "No router has a guarded score above 0: none declines unknown tasks and also answers known ones correctly."
        return element("p", missed, class_="verdict")
    ends = "" if best[1] is None or best[2] is None else f" (95% interval {written(best[1])} to {written(best[2])})"
    said: list[object] = [element("strong", named(first.get("name"))), f" leads with {label} {written(best[0])}{ends}. "]
    asked_for = "performance" if about_performance(report) else "reward"
    where = f" of known tasks that it answers, in {asked_for}" if headline == "guarded_score" else ""
    if first.get("name") == "best_single":
        said.append("No router beats the best single LLM. ")
    for key, noun in (("best_single", "best single LLM"), ("best_baseline", "best baseline")):
        paired = gains_of(first, report).get(key) or {}
        gain, low, high, p = (number(paired.get(part)) for part in ("gain", "low", "high", "p"))
        if gain is None or low is None or high is None or low == high == 0:
            continue  # a missing comparison, or one with itself
        noun += f" ({name(paired['rival'])})" if paired.get("rival") else ""
        sure = "which excludes zero" if low > 0 or high < 0 else "which includes zero (not significant)"
        tail = f", {chance(p)}" if p is not None else ""
        said.append(
            f"Gain over the {noun} on the same queries{where}: {signed(gain)}, "
            f"interval {signed(low)} to {signed(high)}{tail}, {sure}. "
        )
    if len(real) > 2:
        said.append(
            element("small", f"It is the best of {len(real)} routers; the intervals do not account for that selection.")
        )
    return element("p", *said, class_="verdict")


def sections(report: Mapping[str, Any]) -> Html:
    """The parts of the page that have data, and a sentence about the others."""
    per_group = any(router["per_task"] or router["per_domain"] for router in report["routers"])
    picked = any(router["picks"] for router in report["routers"])
    points = page_points(report)
    learning = join(mount("curve"), more("As a table", curve(report)))
    leaders = leaderboard(report) if report["routers"] else None
    chart = join(mount("plane"), extra(report)) if points else None
    repeats = duplicates(report) if report.get("duplicates") else None
    found = {
        "leaderboard": ("Leaderboard", leaders, "routers"),
        "variance": ("Luck and the ceiling", variance(report) if report.get("variance") else None, "a split of the variance"),
        "plane": ("Cost and performance", chart, "costs with a performance"),
        "heat": ("By task", mount("heat") if per_group else None, "figures by task"),
        "picks": ("Picked candidates", picks(report) if picked else None, "picks"),
        "curve": ("Learning curve", learning if report["learning_curve"] else None, "a learning curve"),
        "duplicates": ("Duplicates", repeats, "a search for duplicates"),
        "explorer": ("Queries", mount("explorer") if report["explorer"] else None, "single queries"),
    }
    kept = {key: (label, body) for key, (label, body, _) in found.items() if body}
    links = [element("li", element("a", label, href=f"#{key}")) for key, (label, _) in kept.items()]
    nav = element("nav", element("ul", *links), aria_label="Parts of this page") if len(kept) > 1 else None
    bodies = [
        element("section", element("h2", label, id=f"{key}-title"), body, id=key, aria_labelledby=f"{key}-title")
        for key, (label, body) in kept.items()
    ]
    missing = [absent for _, body, absent in found.values() if not body]
    note = element("p", f"Not in this report: {', '.join(missing)}.", class_="left-out") if missing else None
    return join(nav, element("noscript", element("p", NO_SCRIPT, class_="left-out")), *bodies, note)


def page_points(report: Mapping[str, Any]) -> bool:
    """Whether any candidate or router has both a cost and a performance."""
    pairs = [(c.get("performance"), c.get("cost_usd")) for c in report["candidates"]]
    pairs += [(r["metrics"].get("performance"), r["metrics"].get("cost_usd")) for r in report["routers"]]
    return any(quad(p)[0] is not None and quad(k)[0] is not None for p, k in pairs)


def mount(key: str) -> Html:
    """The place for what a script draws."""
    return element("div", id=f"{key}-mount")


def extra(report: Mapping[str, Any]) -> Html | None:
    """The candidates as a table, below the plane."""
    return more("The candidates as a table", candidates(report)) if report["candidates"] else None
