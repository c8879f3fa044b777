"""The part of the page about luck: the oracle's gain divided, and the components of variance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.evaluation.report.page.numbers import MINUS, partial, quad, whole_counts
from llmfusionbench.evaluation.report.page.tables import cell, head, table
from llmfusionbench.evaluation.report.page.text import LINE_LIMIT, Html, element, join, named, visible
from llmfusionbench.evaluation.variance.components import COMPONENTS, UNSPLIT

PARTS: Final = {
    "oracle": ("Oracle", "best of one answer per candidate, luck included; the leaderboard's picks by means over replicates"),
    "luck": ("of which luck", "no router can attain it"),
    "attainable": ("Attainable", "always the candidate with the highest expected score"),
    "at_least": ("Attainable, at least", "candidates chosen and scored on different answers; assumes no distribution"),
    "at_most": ("Attainable, at most", "highest mean over all answers, luck included; assumes no distribution"),
}
"""Part of the ceiling -> its name on the page and a description."""

NAMES: Final = {name: name.replace("_x_", " x ").replace("_and_", " and ") for name in (*COMPONENTS, UNSPLIT)}
"""Component -> its name on the page."""


def variance(report: Mapping[str, Any]) -> Html:
    """The conclusion, the gains over the best single candidate, and the components of variance."""
    found: Mapping[str, Any] = report["variance"]
    return join(
        element("p", element("bdi", visible(found.get("conclusion") or "", 2 * LINE_LIMIT)), class_="said"),
        gains(found, report) if found.get("ceiling") else None,
        split(found["components"]) if found.get("components") else None,
    )


def gains(found: Mapping[str, Any], report: Mapping[str, Any]) -> Html:
    """Gains in performance over the best single candidate: the parts of the oracle's, and the routers'."""
    top: Mapping[str, Any] = found["ceiling"]
    whole = whole_counts(report)
    baselines = {router.get("name") for router in report["routers"] if router.get("baseline")}
    lines: list[tuple[object, Any, str]] = [(label, top.get(part), about) for part, (label, about) in PARTS.items()]
    for router in found.get("routers") or ():
        kind = "baseline" if router.get("name") in baselines else "router"
        lines.append((named(router.get("name")), router.get("gain"), kind))
    rows = [
        element(
            "tr", element("th", label, scope="row"), cell(partial(gain, whole), "number"), element("td", about, class_="text")
        )
        for label, gain, about in lines
    ]
    heads = [head("Gain", first="ascending", text=True), head("Performance"), head("What it is", first="ascending", text=True)]
    reference = ", ".join(map(str, found.get("reference") or ()))
    over = f" ({visible(reference, LINE_LIMIT)})" if reference else ""
    return table(f"Gains over the best single candidate{over}, with 95% intervals", heads, rows, "ceiling-table")


def split(components: Mapping[str, Any]) -> Html:
    """The components of variance that could be estimated."""
    rows = []
    for name, label in NAMES.items():
        found = components.get(name) or {}
        value, share = quad(found.get("variance")), quad(found.get("share"))
        if value[0] is None:
            continue
        about = COMPONENTS.get(name, "the two cannot be told apart without replicates")
        rows.append(
            element(
                "tr",
                element("th", label, scope="row"),
                percent(share),
                cell([*value[:3], None], "number"),
                element("td", about, class_="text"),
            )
        )
    heads = [head("Component", first="ascending", text=True), head("Share"), head("Variance")]
    heads += [head("What it is", first="ascending", text=True)]
    return table("How the variance of scores splits, with 95% intervals", heads, rows, "variance-table")


def percent(share: list[float | None]) -> Html:
    """A table cell with a share and its interval, in percent."""
    value, low, high = ("" if part is None else f"{100 * part:.1f}%".replace("-", MINUS) for part in share[:3])
    ends = f"{low} to {high}" if low and high else ""
    return element("td", element("span", value, class_="value"), element("span", ends, class_="interval"), data_v=share[0])
