"""The data of the page's scripts: visible texts, rounded numbers, and names as indices."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from llmfusionbench.evaluation.report.page.numbers import number, partial, quad, rounded, whole_counts
from llmfusionbench.evaluation.report.page.tables import is_bound, is_reference, metrics_of, ranked
from llmfusionbench.evaluation.report.page.text import PROMPT_LIMIT, name, visible


def page_data(report: Mapping[str, Any]) -> dict[str, Any]:
    """The data of plane, heat map, curve and explorer, for JSON: no NaN and no long texts."""
    return {"plane": plane(report), "heat": heat(report), "curve": curve(report), "explorer": explorer(report)}


def plane(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Candidates and routers with a cost and a performance, and the kind of each."""
    front, whole = set(report["frontier"]), whole_counts(report)
    points: list[dict[str, Any]] = []
    for c in report["candidates"]:
        kind = "front" if c.get("candidate") in front else "candidate"
        p, k = (partial(c.get(key), whole) for key in ("performance", "cost_usd"))
        points.append({"name": name(c.get("candidate")), "kind": kind, "p": p, "k": k})
    for i, router in enumerate(sorted(ranked(report), key=is_reference)):
        kind = "oracle" if is_bound(router) else "single" if router.get("name") == "best_single" else "router"
        p, k = (partial(router["metrics"].get(key), whole) for key in ("performance", "cost_usd"))
        points.append({"name": name(router.get("name")), "kind": kind, "p": p, "k": k, "rank": i, "sweep": sweep(router)})
    return [point for point in points if point["p"][0] is not None and point["k"][0] is not None]


def sweep(router: Mapping[str, Any]) -> list[list[float | None]]:
    """Cost and performance along the sweep over willingness to pay, where both are known."""
    steps = [(number(step.get("cost_usd")), number(step.get("performance"))) for step in router.get("sweep") or ()]
    return [[rounded(k), rounded(p)] for k, p in steps if k is not None and p is not None]


def heat(report: Mapping[str, Any]) -> dict[str, Any]:
    """Values by task and by domain: for every metric one row per router, in the leaderboard's order.

    `counts` has the numbers of queries behind the values, where they are not all of the group; a metric without any lacks it.
    """
    rows = [r for r in ranked(report) if r["per_task"] or r["per_domain"]]
    by: dict[str, Any] = {}
    for key, noun in (("per_task", "task"), ("per_domain", "domain")):
        groups = sorted({group for router in rows for group in router[key]})
        if not groups:
            continue
        whole = {g: {max(n for router in rows for n in known_counts(router[key].get(g)))} for g in groups}
        metrics = []
        for m in metrics_of(report):
            cells = [[partial((router[key].get(g) or {}).get(m.key), whole[g]) for g in groups] for router in rows]
            values, counts = ([[f(cell) for cell in row] for row in cells] for f in (shortened, itemgetter(3)))
            if any(v is not None for row in values for v in row):
                found = {"label": m.label, "kind": m.kind, "better": m.better, "values": values}
                metrics.append(found | ({"counts": counts} if any(map(any, counts)) else {}))
        if metrics:
            by[noun] = {"groups": [name(g) for g in groups], "metrics": metrics}
    single = next((i for i, router in enumerate(rows) if router.get("name") == "best_single"), -1)
    return {
        "routers": [name(router.get("name")) for router in rows],
        "bounds": [int(is_bound(router)) for router in rows],
        "single": single,
        "by": by,
    }


def known_counts(figures: Mapping[str, Any] | None) -> list[float]:
    """The numbers of queries behind the figures of a router in a group, or 0 without any."""
    return [n for figure in (figures or {}).values() if (n := quad(figure)[3]) is not None] or [0.0]


def shortened(estimate: list[float | None]) -> float | None:
    """The value of an estimate, with four digits."""
    return rounded(estimate[0], 4)


def curve(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One line per router: [train queries, value, low, high, n or null], by train queries; the best end first."""
    whole = whole_counts(report)
    lines: dict[Any, list[list[float | None]]] = {}
    for point in report["learning_curve"]:
        size = number(point.get("train_queries"))
        if size is not None and number(point.get("value")) is not None:
            lines.setdefault(point.get("router"), []).append([rounded(size), *partial(point, whole)])
    found = [{"name": name(router), "points": sorted(points, key=lambda p: p[0] or 0)} for router, points in lines.items()]
    return sorted(found, key=lambda line: -float(line["points"][-1][1]))


def explorer(report: Mapping[str, Any]) -> dict[str, Any]:
    """Queries with the score of every candidate and the choice of every router, candidates and routers as indices.

    A score that is missing is null; a choice that is missing is -1.
    """
    rows = report["explorer"]
    candidates: dict[Any, int] = {c.get("candidate"): i for i, c in enumerate(report["candidates"])} if rows else {}
    routers: dict[Any, int] = {}
    tasks: dict[Any, int] = {}
    for row in rows:
        tasks.setdefault(row.get("task"), len(tasks))
        for candidate in (*(row.get("scores") or {}), *(row.get("choices") or {}).values()):
            if candidate is not None:
                candidates.setdefault(candidate, len(candidates))
    own = [r.get("name") for r in ranked(report) if not is_bound(r)]
    chosen = {router for row in rows for router in row.get("choices") or {}}
    for router in (*own, *sorted(chosen, key=str)):
        if router in chosen:
            routers.setdefault(router, len(routers))
    made = []
    for row in rows:
        scores, choices = row.get("scores") or {}, row.get("choices") or {}
        made.append(
            {
                "id": name(row.get("query_id")),
                "t": tasks[row.get("task")],
                "p": None if row.get("prompt") is None else visible(row["prompt"], PROMPT_LIMIT),
                "s": [rounded(scores.get(c), 4) for c in candidates],
                "c": [-1 if choices.get(r) is None else candidates[choices[r]] for r in routers],
            }
        )
    return {
        "candidates": [name(c) for c in candidates],
        "routers": [name(r) for r in routers],
        "tasks": [name(t) for t in tasks],
        "rows": made,
    }
