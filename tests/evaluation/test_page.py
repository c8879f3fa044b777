"""The page of a report: whole, safe against what logs can hold, and usable in a real browser.

The browser tests drive a headless Chromium through playwright; they are skipped where either is missing.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.evaluation.report.page import SCRIPTS, asset, render
from llmfusionbench.evaluation.report.page.numbers import chance, interval, metric, number, signed, written
from llmfusionbench.evaluation.report.page.text import Html, element, embedded_json, name, shorten, visible
from tests.helpers.page import Page
from tests.helpers.page_report import CANDIDATES, sample_report
from tests.helpers.waiting import BOUND_S

HOSTILE = (
    '</script><script>window.pwned = 1</script><img src=x onerror="window.pwned = 2">'
    "\x00\x1b[31m\u202egnp.exe\u2066 \ud800 &amp;"
)
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
EMPTY = {"routers": [], "candidates": [], "frontier": [], "learning_curve": [], "explorer": [], "warnings": []}


def hostile_report() -> dict[str, Any]:
    """The sample with hostile text wherever a report holds text."""

    def spoil(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            keep = {
                "version",
                "release",
                "protocol",
                "routers",
                "candidates",
                "metrics",
                "value",
                "low",
                "high",
                "n",
                "explorer",
            }
            named = key in {"per_task", "per_domain", "picks", "scores", "choices"}
            return {
                (f"{HOSTILE}{k}" if named else k): v if k in keep and not isinstance(v, dict | list) else spoil(v, k)
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [spoil(v, key) for v in value]
        return f"{HOSTILE}{value}" if isinstance(value, str) and key not in {"version", "provenance"} else value

    report = spoil(copy.deepcopy(sample_report()))
    report["explorer"][0]["prompt"] = HOSTILE + "x" * 1_000_000
    return report


# The page as text


def test_the_page_is_whole_and_small() -> None:
    html = render(sample_report())
    assert html.startswith("<!DOCTYPE html>")
    assert html.count("<section") == 8
    empty = render(EMPTY)
    assert len(empty) < 60_000, "what every page carries"
    assert len(html) < 400_000
    assert render(sample_report()) == html, "the same report is the same page"
    assert "{{" not in html.replace("}}", "")


def test_the_policy_names_the_hashes_of_what_is_there_and_allows_nothing_else() -> None:
    page = Page(render(sample_report()))
    (policy,) = [a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    script, style = page.raw["script"][1], page.raw["style"][0]
    for text, rule in ((script, "script-src"), (style, "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_nothing_is_loaded_and_nothing_is_inline_but_what_is_hashed() -> None:
    page = Page(render(sample_report()))
    for tag, attributes in page.tags:
        assert tag not in {"img", "iframe", "object", "embed", "audio", "video", "base", "form"}
        assert not {"src", "srcset", "style", "action", "poster"} & attributes.keys()
        assert not [key for key in attributes if key.startswith("on")]
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))
    assert sum(tag == "script" for tag, _ in page.tags) == 2
    assert not re.search(r"url\(|@import", page.raw["style"][0])


def test_scripts_make_no_markup_from_text() -> None:
    script = "".join(asset(s) for s in SCRIPTS)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch(", "XMLHttp"):
        assert word not in script
    assert "</script" not in script
    assert "<!--" not in script


def test_hostile_text_stays_text() -> None:
    html = render(hostile_report())
    page = Page(html)
    assert sum(tag == "script" for tag, _ in page.tags) == 2
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)
    html.encode("utf-8")
    data = json.loads(page.raw["script"][0])
    prompt = data["explorer"]["rows"][0]["p"]
    assert prompt.startswith("</script><script>")
    assert "[U+0000][U+001B][31m[U+202E]gnp.exe[U+2066] [U+D800]" in prompt
    assert len(prompt) < 5_000
    assert "996,1" in prompt, "says how much was left out"


def test_names_that_are_shortened_alike_stay_apart() -> None:
    report = copy.deepcopy(sample_report())
    one, two = "a" * 80 + "1" + "b" * 80, "a" * 80 + "2" + "b" * 80
    report["explorer"] = [
        {"query_id": "q", "task": "t", "prompt": "p", "scores": {one: 1.0, two: 0.0}, "choices": {"r": two}},
    ]
    report["candidates"] = []
    explorer = json.loads(Page(render(report)).raw["script"][0])["explorer"]
    assert explorer["candidates"][0] == explorer["candidates"][1]
    assert explorer["rows"][0]["s"] == [1, 0]
    assert explorer["rows"][0]["c"] == [1]


def test_simulated_data_is_said_and_real_data_is_not_called_so() -> None:
    report = copy.deepcopy(sample_report())
    assert render(report).count("SIMULATED DATA") >= 3
    report["release"]["provenance"] = ["collected"]
    assert "SIMULATED" not in render(report)
    report["release"]["provenance"] = ["collected", "simulated"]
    assert "Some of these answers were made up" in render(report)


def test_what_is_empty_is_left_out_with_a_sentence() -> None:
    html = render(EMPTY)
    assert "<section" not in html
    sentence = "routers, a split of the variance, costs with a performance, figures by task, picks, a learning curve, "
    sentence += "a search for duplicates, single queries."
    assert f"Not in this report: {sentence}" in html
    assert "</nav>" not in html


@pytest.mark.parametrize("part", ["routers", "candidates", "frontier", "learning_curve", "explorer", "warnings"])
def test_any_part_may_be_missing(part: str) -> None:
    report = {key: value for key, value in sample_report().items() if key != part}
    assert render(report).endswith("</html>\n")


def test_missing_values_are_never_zero() -> None:
    report = copy.deepcopy(sample_report())
    knn = next(r for r in report["routers"] if r["name"] == "knn")
    knn["metrics"]["performance"] = {"value": None, "low": None, "high": None, "n": 0}
    knn["metrics"]["judge"] = {"value": float("nan"), "low": None, "high": float("inf"), "n": 3}
    knn["paired"]["best_single"] = {"gain": None, "low": None, "high": None, "p": None}
    html = render(report)
    row = html[html.index("<bdi>knn</bdi>") :].split("</tr>")[0]
    assert row.count("–</span>") >= 2
    assert "NaN" not in html.split('id="data">')[1].split("</script>")[0]
    assert html.index("<bdi>cheapest</bdi>") < html.index("<bdi>knn</bdi>"), "without a value comes last"


def test_duplicates_and_what_they_change() -> None:
    html = render(sample_report())
    part = html[html.index('id="duplicates"') : html.index('id="explorer"')]
    assert "5 of 1,120 test queries are in train word for word, 18 nearly" in part
    knn = next(e for e in sample_report()["duplicates"]["effect"] if e["router"] == "knn")
    row = part[part.index("<bdi>knn</bdi>") :].split("</tr>")[0]
    assert f"{knn['with']:.3f}" in row
    assert f"{knn['without']:.3f}" in row
    assert f"{abs(knn['difference']):.3f}" in row
    assert "1,097" in row
    none = {**sample_report(), "duplicates": {"threshold": 0.8, "exact": 0, "near": 0, "queries": [], "effect": []}}
    page = render(none)
    part = page[page.index('id="duplicates"') : page.index('id="explorer"')]
    assert "0 of 1,120 test queries" in part
    assert "<table" not in part


def test_references_of_the_report_stand_beside_the_routers() -> None:
    report = copy.deepcopy(sample_report())
    oracle = next(r for r in report["routers"] if r["name"] == "oracle")
    report["routers"] = [r for r in report["routers"] if r["name"] in {"knn", "ridge"}]
    report["references"] = {"oracle": oracle["metrics"]}
    html = render(report)
    assert "2 routers by performance" in html
    assert '<bdi>oracle</bdi><span class="tag" title="No router can exceed it">bound</span>' in html
    verdict = html.split('class="verdict">')[1].split("</p>")[0]
    assert verdict.startswith("<strong><bdi>ridge</bdi></strong> leads")
    kinds = {p["name"]: p["kind"] for p in json.loads(Page(html).raw["script"][0])["plane"]}
    assert kinds["oracle"] == "oracle"
    assert kinds["knn"] == "router"


def test_the_verdict_says_how_sure_it_is() -> None:
    html = render(sample_report())
    verdict = html.split('class="verdict">')[1].split("</p>")[0]
    assert "per_<wbr>task" in verdict
    assert "which excludes zero" in verdict
    assert "the best of 24 routers" in verdict


def test_nobody_leads_a_guarded_track_in_which_nobody_declines() -> None:
    report = copy.deepcopy(sample_report())
    for router in report["routers"]:
        router["metrics"]["guarded_score"] = {"value": 0.0, "low": 0.0, "high": 0.0, "n": 200}
    verdict = render(report).split('class="verdict">')[1].split("</p>")[0]
    assert verdict.startswith("No router has a guarded score above 0")
    assert "leads" not in verdict


def test_gains_are_in_what_the_scenario_asks_for() -> None:
    """Reward is scaled by task: where performance is asked for, the gain is that of the performance beside it."""
    report = copy.deepcopy(sample_report())
    for router in report["routers"]:
        router["paired_performance"] = {key: {**paired, "gain": 0.4321} for key, paired in router["paired"].items()}
    assert "+0.432" in render(report)
    assert "+0.432" not in render({**report, "scenario": "balance"})


def test_another_major_version_is_refused() -> None:
    with pytest.raises(InputError, match=r"version is '2\.0', expected 1\.x"):
        render({**EMPTY, "version": "2.0"})


# Its parts


def test_numbers_as_they_are_written() -> None:
    assert written(0.71234) == "0.712"
    assert written(None) == "–"
    assert written(0.000123, "cost") == "0.123"
    assert written(0.0, "cost") == "0"
    assert written(1.2345, "cost") == "1,234"
    assert written(-0.5) == "−0.500"
    assert interval([0.5, 0.4, 0.6]) == "0.400 to 0.600"
    assert interval([0.5, None, 0.6]) == ""
    assert signed(0.02) == "+0.020"
    assert chance(0.0001) == "p < 0.001"
    assert number(True) is None
    assert number(float("inf")) is None
    assert metric("cost_usd").better == -1
    assert metric("odd_one", {"better": None, "description": "odd"}).better == 0


def test_texts_as_they_are_shown() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("x" * 100, 20) == "x" * 15 + "…" + "x" * 5
    assert visible("a\r\nb\tc\u200b", 10) == "a\nb\tc[U+200B]"
    assert name("  \n ") == "(no name)"
    assert element("td", "<", Html("<b>"), title='"') == '<td title="&quot;">&lt;<b></td>'
    assert embedded_json(["</script>", "&"]) == '["\\u003c/script\\u003e","\\u0026"]'


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=BOUND_S * 1000)
        yield found
        found.close()


class Visit:
    """A page opened in a browser, with everything it said and asked for."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        self.context.set_default_timeout(BOUND_S * 1000)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.url = path.as_uri()
        self.page.goto(self.url)

    def __enter__(self) -> Any:
        return self.page

    def __exit__(self, kind: type | None, *_: object) -> None:
        self.context.close()
        if kind is None:
            assert self.said == []
            assert [url for url in self.asked if not url.startswith(("data:", self.url))] == []


@pytest.fixture(scope="module")
def sample_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(sample_report()), encoding="utf-8")
    return path


def first_column(page: Any) -> list[str]:
    return [text.strip() for text in page.locator("#leaderboard-table tbody th bdi").all_text_contents()]


def test_open_and_sort(browser: Any, sample_page: Path) -> None:
    with Visit(browser, sample_page) as page:
        heads = page.locator("#leaderboard-table thead th")
        assert heads.nth(1).get_attribute("aria-sort") == "descending"
        assert first_column(page)[0] == "oracle"
        heads.nth(2).get_by_role("button").click()
        assert heads.nth(2).get_attribute("aria-sort") == "ascending"
        assert heads.nth(1).get_attribute("aria-sort") is None
        assert first_column(page)[0] == "cheapest"
        heads.nth(2).get_by_role("button").click()
        assert first_column(page)[-1] == "cheapest"
        heads.nth(0).get_by_role("button").click()
        assert first_column(page) == sorted(first_column(page), key=str.lower)
        assert "Sorted by Router, ascending" in page.locator("#leaderboard [aria-live]").text_content()
        hidden = page.locator("#leaderboard-table th.more").first
        assert not hidden.is_visible()
        page.get_by_label("All metrics").check()
        assert hidden.is_visible()


def test_charts_are_drawn_and_read_by_keyboard(browser: Any, sample_page: Path) -> None:
    with Visit(browser, sample_page) as page:
        chart = page.locator("#plane-mount .chart svg")
        assert chart.locator(".point").count() == 65
        assert chart.locator(".point.oracle, .point.single").count() == 2
        assert chart.locator(".front-line").count() == 1
        chart.focus()
        page.keyboard.press("Home")
        assert "performance 0." in page.locator(".readout").text_content()
        before = page.locator(".readout").text_content()
        page.keyboard.press("ArrowRight")
        assert page.locator(".readout").text_content() != before
        assert chart.locator(".sweep-line").count() == 3
        while "knn," not in page.locator(".readout").text_content():
            page.keyboard.press("ArrowRight")
        assert chart.locator(".sweep-line.chosen").get_attribute("data-name") == "knn"
        page.get_by_label("Routers", exact=True).uncheck()
        assert chart.locator(".point").count() == 42
        assert chart.locator(".sweep-line").count() == 0
        page.get_by_label("Routers", exact=True).check()
        page.get_by_label("Trade-off of routers").uncheck()
        assert chart.locator(".sweep-line").count() == 0
        assert page.locator("#curve-mount polyline").count() == 5
        assert page.locator("svg.picks").count() == 25


def test_heat_map_switches(browser: Any, sample_page: Path) -> None:
    with Visit(browser, sample_page) as page:
        cells = page.locator("table.heat tbody td")
        assert cells.count() == 25 * 14
        assert "best single" not in page.locator("table.heat caption").text_content()
        page.get_by_label("Difference from the best single LLM").check()
        assert "minus that of the best single LLM" in page.locator("table.heat caption").text_content()
        page.get_by_label("Across").select_option("domain")
        assert cells.count() == 25 * 6


def test_filter_the_queries(browser: Any, sample_page: Path) -> None:
    with Visit(browser, sample_page) as page:
        count = page.locator("#explorer .count")
        assert count.text_content() == "200 of 200 queries"
        page.get_by_label("Find in query").fill("WHICH OF THESE")
        page.get_by_text("50 of 200 queries").wait_for()
        page.get_by_label("Outcome").select_option("missed")
        missed = int(count.text_content().split()[0])
        page.get_by_label("Outcome").select_option("best")
        assert 0 < missed < 50
        assert missed + int(count.text_content().split()[0]) <= 50
        page.get_by_label("Outcome").select_option("any")
        page.get_by_role("button", name="Next").click()
        assert "Page 2 of 3" in page.locator(".pager").text_content()
        first = page.locator("details.query").first
        first.locator("summary").focus()
        page.keyboard.press("Enter")
        assert first.locator("pre").text_content().startswith("Which of these is warmest?\nA. ice")
        assert first.locator("tbody tr").count() >= 39
        assert first.locator(".chip").count() == 25
        page.get_by_label("Find in query").fill("nothing of the kind")
        page.get_by_text("0 of 200 queries", exact=True).wait_for()


def test_a_query_that_a_router_declined_is_said_to_be(browser: Any, tmp_path: Path) -> None:
    report = copy.deepcopy(sample_report())
    for row in report["explorer"][:3]:
        row["choices"]["ridge"] = None
    path = tmp_path / "report.html"
    path.write_text(render(report), encoding="utf-8")
    with Visit(browser, path) as page:
        page.get_by_label("Outcome").select_option("declined")
        page.get_by_text("0 of 200 queries", exact=True).wait_for()
        page.get_by_label("Router", exact=True).select_option(label="ridge")
        page.get_by_text("3 of 200 queries", exact=True).wait_for()
        assert page.locator("details.query .outcome").all_inner_texts() == ["none chosen"] * 3


def test_all_of_it_is_reached_by_keyboard(browser: Any, sample_page: Path) -> None:
    with Visit(browser, sample_page) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
        seen = set()
        for _ in range(75):
            page.keyboard.press("Tab")
            found = "((e) => e.tagName + ' ' + getComputedStyle(e).outlineStyle)(document.activeElement)"
            seen.add(page.evaluate(found))
        assert {kind.split()[0].lower() for kind in seen} >= {"a", "button", "div", "input", "summary", "svg", "select"}
        assert {kind.split()[1] for kind in seen if not kind.startswith("BODY")} == {"solid"}
        page.locator("#leaderboard-table thead button").nth(2).focus()
        page.keyboard.press("Space")
        assert first_column(page)[0] == "cheapest"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_fits_and_can_be_read(browser: Any, sample_page: Path, width: int, scheme: str) -> None:
    with Visit(browser, sample_page, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width
        colours = "(e) => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor]"
        for chosen in ("body", ".interval", ".count", "a[href='#plane']", ".mark.up", ".mark.down", ".readout"):
            assert contrast(*page.locator(chosen).first.evaluate(colours)) >= 4.5, chosen
        assert (luminance(page.locator("body").evaluate(colours)[1]) < 0.1) == (scheme == "dark")
        assert page.locator(".chart svg").first.evaluate("(e) => e.getBoundingClientRect().width") <= width


def test_prints_light_and_whole(browser: Any, sample_page: Path) -> None:
    with Visit(browser, sample_page, color_scheme="dark") as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert luminance(page.locator("body").evaluate("(e) => getComputedStyle(e).backgroundColor")) > 0.9
        assert not page.locator("nav").is_visible()
        assert page.locator(".banner").is_visible()
        assert page.locator("#leaderboard .scroll").evaluate("(e) => getComputedStyle(e).overflow") == "visible"


def test_hostile_text_does_nothing_in_a_browser(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(render(hostile_report()), encoding="utf-8")
    with Visit(browser, path) as page:
        page.locator("details.query summary").first.click()
        assert page.locator("details.query pre").first.text_content().startswith("</script><script>")
        assert page.evaluate("window.pwned") is None
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_an_empty_report_opens(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    path.write_text(render(EMPTY), encoding="utf-8")
    with Visit(browser, path) as page:
        assert page.get_by_text("Not in this report").is_visible()


def test_costs_of_zero_have_a_place_of_their_own(browser: Any, tmp_path: Path) -> None:
    report = copy.deepcopy(sample_report())
    free = next(c for c in report["candidates"] if c["candidate"] == CANDIDATES[3])
    free["cost_usd"] = {"value": 0.0, "low": 0.0, "high": 0.0, "n": 10}
    path = tmp_path / "free.html"
    path.write_text(render(report), encoding="utf-8")
    with Visit(browser, path) as page:
        page.locator("#plane-mount .chart svg").focus()
        page.keyboard.press("Home")
        assert "USD per 1,000 queries 0 (0 to 0)" in page.locator(".readout").text_content()
        assert page.locator("#plane-mount svg", has_text="NaN").count() == 0


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2) of `rgb(r, g, b)`."""
    parts = [int(c) / 255 for c in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    """Contrast ratio (WCAG 2) of two colours."""
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)
