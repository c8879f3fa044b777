"""The page of an audit: whole, one style with the report, and safe against what logs can hold."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from llmfusionbench.auditing import Audit, Example, Finding, Place
from llmfusionbench.auditing.page import render
from llmfusionbench.evaluation.report.page import asset
from tests.helpers.page import Page

HOSTILE = '</script><script>pwned()</script><img src=x onerror="pwned()">\x00\x1b[31m\u202egnp.exe &amp; {{footer}}'


def audit_of(*findings: Finding, provenance: str = "collected") -> Audit:
    release = {"source": "table", "revision": None, "schema_version": "2.0", "provenance": [provenance], "digest": "0" * 24}
    return Audit(
        {
            "version": "1.0",
            "tool": {"name": "llmfusionbench", "version": "0"},
            "release": release,
            "rows": {"responses": 100, "queries": 10, "llms": 5},
            "detectors": ["errors"],
            "notes": [],
            "findings": [finding.to_dict() for finding in findings],
        }
    )


def finding(text: str = "plain", **more: Any) -> Finding:
    examples = [Example(f"{text} query", text, text, 2, text, {text: f"{text} answer"}, f"{text} note")] * 5
    facts = {"detector": "errors", "title": text, "what": f"{text} what", "count": 7, "total": 100, "remedy": text}
    return Finding(**{**facts, "severity": "high", "places": [Place("llm", text, 7, 20)], "examples": examples, **more})


def test_the_page_has_everything() -> None:
    page = Page(audit_of(finding(), finding(severity="low")).to_html())
    words = " ".join(" ".join(page.words).split())
    for part in ("Audit: table", "2 findings", "1 of high severity", "plain what", "What to do:", "Example 5:", "plain answer"):
        assert part in words
    assert "replicate 2" in words
    assert "7.0%" in words, "7 of 100 rows"
    assert "35.0%" in words, "7 of 20 at the place"
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    ids = {attributes.get("id") for tag, attributes in page.tags}
    assert {"#finding-1", "#finding-2"} <= links
    assert {link.removeprefix("#") for link in links if link} <= ids


def test_the_style_is_that_of_the_report() -> None:
    page = Page(audit_of(finding()).to_html())
    assert page.raw["style"] == [asset("page.css")]


def test_hostile_texts_stay_texts() -> None:
    html = audit_of(finding(HOSTILE), finding(HOSTILE * 100)).to_html()
    page = Page(html)
    assert sum(tag == "script" for tag, _ in page.tags) == 2
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert "onerror" not in {key for _, attributes in page.tags for key in attributes}
    assert "[U+202E]gnp.exe" in html
    shown = html.replace("&lt;", "<").partition("<main")[2]
    assert "{{footer}}" in shown, "a text is not a part of the template"


def test_nothing_is_loaded_and_only_what_is_hashed_runs() -> None:
    page = Page(audit_of(finding(HOSTILE)).to_html())
    (policy,) = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    for text, rule in ((page.raw["script"][1], "script-src"), (page.raw["style"][0], "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in (policy or "")
    for _, attributes in page.tags:
        assert not {"src", "style", "action"} & attributes.keys()
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))


def test_many_places_are_closed_and_cut() -> None:
    many = [Place("llm", f"llm-{i}", 1, 2) for i in range(500)]
    html = render(audit_of(finding(places=many)).data)
    assert "By LLM: 500 places" in html
    assert "By LLM: 500, the first 200" in html
    assert "and 497 more" in html
    assert html.count("<details") == 6, "five examples and the places"


def test_what_was_not_looked_at_is_listed() -> None:
    data = {**audit_of(finding()).data, "notes": ["Near-duplicates were not looked for."]}
    words = " ".join(Page(render(data)).words)
    assert "Not looked at Near-duplicates were not looked for." in " ".join(words.split())
    assert "Not looked at" not in render(audit_of(finding()).data)


def test_no_finding_is_said_in_a_sentence() -> None:
    page = audit_of().to_html()
    assert "No detector found anything." in page
    assert "findings-table" not in page


def test_simulated_data_is_marked_everywhere() -> None:
    html = audit_of(finding(), provenance="simulated").to_html()
    assert len(re.findall("SIMULATED DATA", html)) == 3, "title, heading and banner"
