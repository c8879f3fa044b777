"""The frame of a page and the parts that all pages share: one self-contained HTML file, in one style.

A strict Content-Security-Policy allows only the page's own script and style, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from llmfusionbench.evaluation.report.page.text import LINE_LIMIT, Html, element, embedded_json, join, visible


def document(parts: Mapping[str, object], scripts: Sequence[str], data: Any) -> str:
    """A whole page.

    Args:
        parts: title, banner, facts, verdict, warnings, sections and footer; texts are escaped, None is left out.
        scripts: Script files next to this module, concatenated in this order.
        data: What the scripts read, as plain data.
    """
    script, style = "".join(asset(s) for s in scripts), asset("page.css")
    own = {"policy": policy(script, style), "data": embedded_json(data), "style": Html(style), "script": Html(script)}
    filled = {**parts, **own}
    page = []
    for i, piece in enumerate(asset("page.html").split("{{")):
        key, found, rest = piece.partition("}}") if i else ("", "", piece)
        page.append(join(filled[key.strip()]) + rest if found else rest)
    return "".join(page)


@cache
def asset(file: str) -> str:
    """The text of a file next to this module."""
    return resources.files(__package__).joinpath(file).read_text(encoding="utf-8")


def policy(script: str, style: str) -> Html:
    """The Content-Security-Policy: only this script and style, and no markup made from text."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    rules = (
        "default-src 'none'",
        f"script-src {digest(script)}",
        f"style-src {digest(style)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return Html("; ".join(rules))


def simulated(report: Mapping[str, Any]) -> bool:
    """Whether any answer is simulated."""
    return "simulated" in (report["release"].get("provenance") or ())


def banner(report: Mapping[str, Any]) -> Html:
    """The banner that the numbers say nothing about real LLMs."""
    if not simulated(report):
        return Html("")
    others = [p for p in report["release"]["provenance"] if p != "simulated"]
    text = "Some of these answers were" if others else "These answers were"
    return element(
        "div",
        element("strong", "SIMULATED DATA"),
        f" {text} made up by a simulator, not given by LLMs. Nothing on this page ranks real LLMs or routers.",
        class_="banner",
        role="note",
    )


def fact_list(rows: Mapping[str, object]) -> Html:
    """Labels with their values; a missing one is left out."""
    pairs = [
        element("div", element("dt", label), element("dd", element("bdi", visible(value, LINE_LIMIT))))
        for label, value in rows.items()
        if value not in (None, "")
    ]
    return element("dl", *pairs, class_="facts")


def warnings(report: Mapping[str, Any]) -> Html:
    """The warnings of the evaluation."""
    count = len(report["warnings"])
    return noted(f"{count} warning" + ("s" if count > 1 else ""), report["warnings"])


def noted(heading: str, texts: Sequence[str]) -> Html:
    """A box with a heading and some texts; nothing if there is none."""
    if not texts:
        return Html("")
    items = [element("li", element("bdi", visible(text, LINE_LIMIT))) for text in texts]
    return element("div", element("h2", heading), element("ul", *items), class_="warnings")


def more(label: str, body: Html) -> Html:
    """A collapsible part."""
    return element("details", element("summary", label), body, class_="as-table")
