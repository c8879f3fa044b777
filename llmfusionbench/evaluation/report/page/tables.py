"""The tables of the page: leaderboard, candidates, picks, learning curve and duplicates."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llmfusionbench.evaluation.report.page.numbers import (
    NONE,
    PRIMARY,
    Metric,
    chance,
    interval,
    metric,
    number,
    partial,
    quad,
    signed,
    whole_counts,
    written,
)
from llmfusionbench.evaluation.report.page.text import Html, element, join, name, named

COLOURS = 8
"""Number of candidates with their own colour among the picks, as in the style sheet."""

PAIRED = {"best_single": "Gain over best single", "best_baseline": "Gain over best baseline"}


def metrics_of(report: Mapping[str, Any]) -> list[Metric]:
    """Every metric of the routers: the headline first, then the primary ones, then the others in their order."""
    keys = dict.fromkeys(key for router in report["routers"] for key in router["metrics"])
    headline = headline_of(report)
    found = [metric(key, report["metrics"].get(key)) for key in keys]
    if about_performance(report):
        found = [replace(m, primary=m.primary and m.key != "reward") for m in found]
    rank = {key: i for i, key in enumerate(PRIMARY)}
    return sorted(found, key=lambda m: (m.key != headline, not m.primary, rank.get(m.key, len(rank))))


def headline_of(report: Mapping[str, Any]) -> str:
    """The main metric: the guarded score in the guarded track, else the reward, or the performance if the two are the same."""
    keys = dict.fromkeys(key for router in report["routers"] for key in router["metrics"])
    wanted = ("performance", "reward") if about_performance(report) else ("reward", "performance")
    return next((key for key in ("guarded_score", *wanted, *keys) if key in keys), "performance")


def about_performance(report: Mapping[str, Any]) -> bool:
    """Whether the scenario weighs only performance, so that the reward adds no information."""
    return report.get("scenario") in (None, "performance_first")


def gains_of(router: Mapping[str, Any], report: Mapping[str, Any]) -> Mapping[str, Any]:
    """The paired gains of a router, in performance or in reward, as the scenario weighs them."""
    found = router.get("paired_performance") if about_performance(report) else None
    gains: Mapping[str, Any] = found or router["paired"]
    return gains


def is_bound(router: Mapping[str, Any]) -> bool:
    """Whether a row is a bound that no router can exceed."""
    return str(router.get("name")).split("(")[0] == "oracle"


def is_reference(router: Mapping[str, Any]) -> bool:
    """Whether a row is a baseline that the user did not name."""
    return bool(router.get("reference")) or is_bound(router)


def tag_of(router: Mapping[str, Any]) -> Html | None:
    """The kind of a row that is not the user's own router."""
    if is_bound(router):
        return element("span", "bound", class_="tag", title="No router can exceed it")
    word = "reference" if router.get("reference") else "baseline" if router.get("baseline") else None
    return element("span", word, class_="tag") if word else None


def ranked(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Routers by regret, in the guarded track and in old reports by the headline metric; best first, without a value last."""
    key = headline_of(report)
    if key != "guarded_score" and all("regret" in router["metrics"] for router in report["routers"]):
        key = "regret"
    sign = metric(key, report["metrics"].get(key)).better or 1

    def place(router: Mapping[str, Any]) -> tuple[bool, float, float, str]:
        value, _, _, n = quad(router["metrics"].get(key))
        return value is None, -sign * (value or 0.0), -(n or 0.0), str(router.get("name"))

    return sorted(report["routers"], key=place)


def in_order(rows: Sequence[Mapping[str, Any]], main: Metric) -> bool:
    """Whether rows are in the order of the main metric, as they are unless some choices have no score."""
    values = [v for row in rows if (v := quad(row["metrics"].get(main.key))[0]) is not None]
    return values == sorted(values, key=lambda v: -(main.better or 1) * v)


def cell(estimate: Sequence[float | None], kind: str, more: bool = False, extra: Html | None = None) -> Html:
    """A table cell with a value, its interval, and the number of queries if given; sorts by `data-v`."""
    value = element("span", written(estimate[0], kind), class_="value")
    ends = interval(estimate, kind)
    small = element("span", ends, class_="interval") if ends else None
    return element("td", value, small, extra, count(estimate[3]), data_v=estimate[0], class_="more" if more else None)


def count(n: float | None) -> Html | None:
    """The number of queries behind a mean, below it."""
    return None if n is None else element("span", f"n = {n:,.0f}", class_="interval short")


def whisker(estimate: Sequence[float | None], low: float, high: float) -> Html | None:
    """A dot on its interval, on the common scale `low` to `high`."""
    value, *ends = estimate[:3]
    if value is None or high <= low:
        return None

    def at(x: float) -> str:
        return f"{2 + 96 * (x - low) / (high - low):.2f}%"

    line = None
    if ends[0] is not None and ends[1] is not None:
        line = element("line", x1=at(ends[0]), x2=at(ends[1]), y1="5", y2="5")
    return element("svg", line, element("circle", cx=at(value), cy="5", r="3"), class_="whisker", aria_hidden="true")


def head(label: str, *, first: str = "descending", more: bool = False, text: bool = False, about: str = "") -> Html:
    """A column head; `first` is the sort order of the first click."""
    kind = " ".join(k for k, on in (("more", more), ("text", text)) if on)
    return element("th", label, scope="col", data_first=first, class_=kind or None, title=about or None)


def paired_cell(paired: Mapping[str, Any] | None, whole: Collection[float]) -> Html:
    """The gain over another router on the same queries, and whether its interval excludes zero."""
    gain, low, high, p = (number((paired or {}).get(part)) for part in ("gain", "low", "high", "p"))
    if gain is None:
        return element("td", NONE)
    if gain == low == high == 0:
        return element("td", "no difference", data_v=gain)
    sure = None
    if low is not None and high is not None:
        mark = ("up", "\N{BLACK UP-POINTING TRIANGLE}", "ahead") if low > 0 else None
        mark = ("down", "\N{BLACK DOWN-POINTING TRIANGLE}", "behind") if high < 0 else mark
        sure = mark or ("level", "\N{ALMOST EQUAL TO}", "not significant")
    tag = element("span", sure[1], class_=f"mark {sure[0]}", title=sure[2]) if sure else None
    spoken = element("span", f" {sure[2]}", class_="spoken") if sure else None
    ends = f"{signed(low)} to {signed(high)}" if sure else ""
    note = ", ".join(part for part in (ends, chance(p)) if part)
    rival = (paired or {}).get("rival")
    over = element("span", "over ", named(rival), class_="interval") if rival else None
    value = element("span", signed(gain), class_="value")
    n = number((paired or {}).get("n"))
    fewer = None if n in whole else count(n)
    return element("td", tag, value, spoken, element("span", note, class_="interval"), over, fewer, data_v=gain)


def leaderboard(report: Mapping[str, Any]) -> Html:
    """Every router with every metric; only the primary ones are shown at first."""
    metrics, rows = metrics_of(report), ranked(report)
    paired = [key for key in PAIRED if any(number((gains_of(r, report).get(key) or {}).get("gain")) is not None for r in rows)]
    if not any(m.primary for m in metrics):
        metrics = [replace(m, primary=i < 5) for i, m in enumerate(metrics)]
    main = metrics[0] if metrics else metric("performance")
    ends = [e for r in rows for e in quad(r["metrics"].get(main.key))[:3] if e is not None]
    scale = (min(ends), max(ends)) if ends else (0.0, 1.0)
    total, whole = report["queries"].get("test"), whole_counts(report)
    shown = [m for m in metrics if m.primary or m is main]
    hidden = [m for m in metrics if m not in shown]

    def order(m: Metric) -> str:
        return "ascending" if m.better < 0 else "descending"

    heads = [head("Router", first="ascending", text=True)]
    heads += [head(m.label, first=order(m), about=m.description) for m in shown]
    unit = "" if about_performance(report) else ", reward"
    heads += [head(PAIRED[key] + unit) for key in paired]
    heads += [head(m.label, first=order(m), more=True, about=m.description) for m in hidden]
    heads += [head("Queries")]
    body = []
    for router in rows:
        estimates = {m.key: partial(router["metrics"].get(m.key), whole) for m in metrics}
        cells = [element("th", named(router.get("name")), tag_of(router), scope="row")]
        drawn = whisker(estimates[main.key], *scale) if main.key in estimates else None
        cells += [cell(estimates[m.key], m.kind, extra=drawn if m is main else None) for m in shown]
        cells += [paired_cell(gains_of(router, report).get(key), whole) for key in paired]
        cells += [cell(estimates[m.key], m.kind, more=True) for m in hidden]
        cells.append(counted(quad(router["metrics"].get(main.key))[3], total))
        body.append(element("tr", *cells, class_="bound" if is_reference(router) else None))
    asked = sum(not r.get("reference") for r in rows)
    label = main.label.lower() if main.label[1:2].islower() else main.label
    label = label if in_order(rows, main) else "regret"
    caption = f"{asked} router{'s' if asked != 1 else ''} by {label}, with 95% intervals"
    return join(table(caption, heads, body, "leaderboard-table"), without_intervals(metrics, rows))


def without_intervals(metrics: Sequence[Metric], routers: Sequence[Mapping[str, Any]]) -> Html | None:
    """The metrics of which a router's figure has no interval, with the reason."""
    reasons: dict[str, list[str]] = {}
    for m in metrics:
        figures = [quad(router["metrics"].get(m.key)) for router in routers]
        if m.why and any(value is not None and low is None for value, low, *_ in figures):
            reasons.setdefault(m.why, []).append(m.label)
    parts = [f"{', '.join(labels)}: {why}." for why, labels in reasons.items()]
    return element("p", f"Without an interval: {' '.join(parts)}", class_="left-out") if parts else None


def counted(n: float | None, total: Any) -> Html:
    """The number of queries behind a mean, of all test queries."""
    if n is None:
        return element("td", NONE)
    of = number(total)
    text = f"{n:,.0f}" if of is None or of == n else f"{n:,.0f} of {of:,.0f}"
    return element("td", text, data_v=n, class_="short" if of is not None and n < of else None)


def table(caption: str, heads: Sequence[Html], body: Sequence[Html], id_: str) -> Html:
    """A sortable table in its own scrolling region, which the keyboard reaches too."""
    made = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
        class_="sortable",
        id=id_,
    )
    return element("div", made, class_="scroll", tabindex="0", role="region", aria_label=caption)


def candidates(report: Mapping[str, Any]) -> Html:
    """Every candidate with its means, and whether it is on the Pareto front."""
    front, whole = set(report["frontier"]), whole_counts(report)
    rows = sorted(report["candidates"], key=lambda c: -(quad(c.get("performance"))[0] or 0.0))
    figures = [metric(key) for key in ("performance", "cost_usd", "judge")]
    heads = [head("Candidate", first="ascending", text=True)]
    heads += [head(m.label, first="ascending" if m.better < 0 else "descending") for m in figures]
    heads += [head("Queries"), head("Pareto front", text=True)]
    body = [
        element(
            "tr",
            element("th", named(c.get("candidate")), scope="row"),
            *(cell(partial(c.get(m.key), whole), m.kind) for m in figures),
            counted(quad(c.get("performance"))[3], report["queries"].get("test")),
            element("td", "on the front" if c.get("candidate") in front else "", class_="text"),
        )
        for c in rows
    ]
    return table(f"{len(rows)} candidates, each on the test queries for which it has a score", heads, body, "candidates-table")


def favourites(report: Mapping[str, Any]) -> list[str]:
    """The candidates picked most over all routers; they get the colours."""
    total: dict[str, float] = {}
    for router in report["routers"]:
        for candidate, share in router["picks"].items():
            total[candidate] = total.get(candidate, 0.0) + (number(share) or 0.0)
    return sorted(total, key=lambda c: (-total[c], c))[:COLOURS]


def picks(report: Mapping[str, Any]) -> Html:
    """One bar per router, divided by the share of queries that each candidate gets."""
    known = favourites(report)
    colour = {candidate: f"c{i}" for i, candidate in enumerate(known)}
    keys = [element("li", swatch(colour[c]), named(c)) for c in known]
    keys.append(element("li", swatch("rest"), "any other"))
    rows = []
    for router in ranked(report):
        shares = {c: number(s) or 0.0 for c, s in router["picks"].items()}
        by_share = sorted((c for c in shares if shares[c] > 0), key=lambda c: (-shares[c], c))
        if not by_share:
            continue
        in_order = [c for c in known if c in by_share] + [c for c in by_share if c not in colour]
        cuts, x = [], 0.0
        for c in in_order:
            label = element("title", f"{name(c)}: {shares[c]:.1%}")
            kind = colour.get(c, "rest")
            cuts.append(element("rect", label, x=f"{x:.3f}", width=f"{100 * shares[c]:.3f}", y="0", height="1", class_=kind))
            x += 100 * shares[c]
        bar = element("svg", *cuts, viewBox="0 0 100 1", preserveAspectRatio="none", class_="picks", aria_hidden="true")
        top = ", ".join(f"{name(c)} {shares[c]:.0%}" for c in by_share[:3])
        used = element("summary", f"{top}{f' and {len(by_share) - 3} more' if len(by_share) > 3 else ''}")
        entries = [element("li", named(c), f" {shares[c]:.1%}") for c in by_share]
        full = element("details", used, element("ul", *entries, class_="shares"))
        rows.append(element("li", element("h3", named(router.get("name"))), bar, full))
    return join(element("ul", *keys, class_="legend"), element("ul", *rows, class_="bars"))


def swatch(kind: str) -> Html:
    """A colour swatch for a legend."""
    return element(
        "svg", element("rect", width="12", height="12", rx="2", class_=kind), width="12", height="12", aria_hidden="true"
    )


def curve(report: Mapping[str, Any]) -> Html:
    """The learning curve as a table."""
    heads = [head("Router", first="ascending", text=True), head("Train queries", first="ascending"), head("Value")]
    whole = whole_counts(report)
    body = [
        element(
            "tr",
            element("th", named(point.get("router")), scope="row"),
            element("td", f"{number(point.get('train_queries')) or 0:,.0f}", data_v=number(point.get("train_queries"))),
            cell(partial(point, whole), "number"),
        )
        for point in report["learning_curve"]
    ]
    return table("Results with fewer train queries", heads, body, "curve-table")


def duplicates(report: Mapping[str, Any]) -> Html:
    """How many test queries have a duplicate in train, and how the rewards change without them."""
    found: Mapping[str, Any] = report["duplicates"]
    exact, near = (int(number(found.get(part)) or 0) for part in ("exact", "near"))
    total = number(report["queries"].get("test"))
    of = "" if total is None else f" of {total:,.0f}"
    like = number(found.get("threshold"))
    kind = "" if like is None else f" (a Jaccard similarity of word triples of {like:g} or more)"
    said = element("p", f"{exact:,}{of} test queries are in train word for word, {near:,} nearly{kind}.")
    if not found.get("effect"):
        return said
    heads = [head("Router", first="ascending", text=True)]
    heads += map(head, ("All", "Without them", "Change", "Queries left"))
    body = []
    for row in found["effect"]:
        all_of_them, rest, n = (number(row.get(part)) for part in ("with", "without", "n"))
        low, high = number(row.get("low")), number(row.get("high"))
        ends = "" if low is None or high is None else f"{signed(low)} to {signed(high)}"
        change = number(row.get("difference"))
        body.append(
            element(
                "tr",
                element("th", named(row.get("router")), scope="row"),
                element("td", written(all_of_them), data_v=all_of_them),
                element("td", written(rest), data_v=rest),
                element("td", signed(change), element("span", ends, class_="interval"), data_v=change),
                element("td", NONE if n is None else f"{n:,.0f}", data_v=n),
            )
        )
    return join(said, table("Mean reward with and without the test queries that are in train", heads, body, "duplicates-table"))
