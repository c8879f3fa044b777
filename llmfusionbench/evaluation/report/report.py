"""The report of an evaluation as plain data, tables and files, and its comparison with another."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pandas as pd

from llmfusionbench.errors import InputError
from llmfusionbench.redaction import redacted_data
from llmfusionbench.statistics import counted
from llmfusionbench.storage.csv_text import csv_text
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.storage.kinds import DirectoryKind, read_marker
from llmfusionbench.validation.document import check_document

FILES: Final = ("report.json", "leaderboard.csv", "report.html")

_GUARDED: Final = ("guarded_score", "ood_declined", "wrongly_declined")
"""The metrics of the guarded track, in order."""


class Report:
    """The result of an evaluation. `data` is the content of report.json, without secrets; InputError if it violates
    report_schema.json.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        data = redacted_data(data)
        check_report(data)
        self.data = data

    def __repr__(self) -> str:
        names = ", ".join(r["name"] for r in self.data["routers"])
        mark = ", SIMULATED" if self.simulated else ""
        return f"Report({self.data['scenario']}, {self.data['protocol']['name']}, {names}{mark})"

    def __str__(self) -> str:
        return self.to_text()

    @property
    def simulated(self) -> bool:
        """Whether any of the answers is simulated."""
        return "simulated" in self.data["release"]["provenance"]

    @property
    def summary(self) -> pd.DataFrame:
        """One row per router, least regret first: every metric with `_low`, `_high` and `_n`, and the paired gains."""
        rows = []
        for router in self.data["routers"]:
            row = {"router": router["name"], "baseline": router["baseline"], **_columns(router["metrics"], router["metrics"])}
            for kind, prefix in (("paired_performance", "performance_gain_over_"), ("paired", "gain_over_")):
                for rival, paired in router[kind].items():
                    row[f"{prefix}{rival}"] = paired["gain"]
                    row |= {f"{prefix}{rival}_{k}": paired[k] for k in ("low", "high", "p", "n")}
            row["provenance"] = "+".join(self.data["release"]["provenance"])
            rows.append(row)
        frame = pd.DataFrame(rows)
        order = {"regret": True, "regret_n": False} if "regret" in frame else {"reward": False}  # reports before 1.2 lack it
        order["router"] = True
        return frame.sort_values(list(order), ascending=list(order.values()), na_position="last", ignore_index=True)

    @property
    def per_task(self) -> pd.DataFrame:
        """One row per router and task: router, task, metric columns each with `_low`, `_high` and `_n`."""
        return self._broken_down("per_task", "task")

    @property
    def per_domain(self) -> pd.DataFrame:
        """One row per router and domain, in the same form."""
        return self._broken_down("per_domain", "domain")

    @property
    def candidates(self) -> pd.DataFrame:
        """One row per candidate: the result of always choosing it."""
        names = ("performance", "cost_usd", "judge")
        return pd.DataFrame([{"candidate": c["candidate"], **_columns(c, names)} for c in self.data["candidates"]])

    @property
    def variance(self) -> pd.DataFrame:
        """One row per component of the variance of scores: component, variance and share, each with `_low`, `_high`, `_n`."""
        found = (self.data.get("variance") or {}).get("components") or {}
        rows = [(name, parts["variance"], parts["share"]) for name, parts in found.items() if parts["share"] is not None]
        return pd.DataFrame(
            [{"component": name, **_columns({"variance": v, "share": s}, ("variance", "share"))} for name, v, s in rows]
        )

    def about_variance(self) -> list[str]:
        """The shares of the components of variance in a line, and the sentence about the attainable ceiling."""
        if not self.data.get("variance"):
            return []  # a report of version 1.0
        found = self.data["variance"]["components"] or {}
        known = {name: parts["share"]["value"] for name, parts in found.items() if parts["share"] is not None}
        shares = ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, share in known.items() if share is not None)
        return [*([f"Variance of scores: {shares}."] if shares else []), self.data["variance"]["conclusion"]]

    def to_json(self) -> str:
        """The report as JSON: keys sorted, one value per line, the same bytes for the same evaluation."""
        return json.dumps(self.data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    def to_html(self) -> str:
        """The report as one self-contained page."""
        from llmfusionbench.evaluation.report.page import render

        return render(self.data)

    def to_text(self) -> str:
        """The leaderboard as text, for a terminal."""
        lines = ["\t".join(self.leaderboard_header()), *("\t".join(map(_shown, row)) for row in self.leaderboard_rows())]
        cells = [line.split("\t") for line in lines]
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
        return "\n".join([self.title, *table, *self.about_variance(), *(f"note: {line}" for line in self.data["warnings"])])

    @property
    def title(self) -> str:
        """The title of the leaderboard."""
        d = self.data
        mark = " (SIMULATED)" if self.simulated else ""
        known = f" ({self._asked:,} of known tasks)" if self._guarded else ""
        return (
            f"Routers in scenario {d['scenario']}, protocol {d['protocol']['name']}, "
            f"{d['queries']['test']:,} test queries{known}, 95% intervals{mark}"
        )

    def leaderboard_header(self) -> list[str]:
        """The columns of `leaderboard_rows`."""
        levels = ["performance", "interval", *self._partial_header(), "USD / 1,000", *self._reward_header()]
        if self._guarded:
            return ["router", "guarded score", "interval", "OOD declined", "known declined", *levels]
        return ["router", *levels, "gap closed", "vs best single", "interval", "p", "vs best baseline", "interval", "p"]

    def leaderboard_rows(self) -> list[tuple[Any, ...]]:
        """Routers by regret, in the guarded track by its score, then the references; None without a figure. Gains
        (not in the guarded track) are in reward, or in performance if the scenario weighs nothing else.

        A mean over fewer queries than the title names is a `PartialMean`, with their number. Where some choices have no
        score, a row has the oracle's performance on the same queries.
        """
        rows: list[tuple[Any, ...]] = []
        old = any("regret" not in router["metrics"] for router in self.data["routers"])
        ranked_by = {**({"guarded_score": -1} if self._guarded else {}), **({"reward": -1} if old else {"regret": 1})}

        def place(router: dict[str, Any]) -> tuple[Any, ...]:
            values = [(_value(router["metrics"], name), sign) for name, sign in ranked_by.items()]
            count = 0 if old else router["metrics"]["regret"]["n"]
            return *((v is None, sign * (v or 0.0)) for v, sign in values), -count, router["name"]

        for router in sorted(self.data["routers"], key=place):
            metrics, paired = router["metrics"], router["paired" if self._reward_header() else "paired_performance"]
            single, rival = paired["best_single"], paired["best_baseline"]
            gain, margin = (counted(found["gain"], found["n"], self._asked) for found in (single, rival))
            pairs = (gain, _interval(single), single["p"], margin, _interval(rival), rival["p"])
            gains = () if self._guarded else (self._mean(metrics, "gap_closed"), *pairs)
            rows.append((router["name"], *self._levels(metrics), *gains))
        for name, metrics in self.data["references"].items():
            rows.append((f"({name.replace('_', ' ')})", *self._levels(metrics), *[None] * (0 if self._guarded else 7)))
        return rows

    def write(self, out: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write the directory `out` atomically: report.json, leaderboard.csv and report.html. Returns their paths.

        Raises:
            InputError: `out` cannot be written, or exists and is not an empty directory or a report to overwrite.
        """
        with whole_directory(out, REPORT, overwrite=overwrite) as folder:
            self.write_files(folder)
        return [Path(out) / name for name in FILES]

    def write_files(self, folder: Path) -> None:
        """Write the files of `write` into a directory."""
        folder.mkdir(exist_ok=True)
        texts = (self.to_json(), csv_text(self.summary), self.to_html())
        for name, text in zip(FILES, texts, strict=True):
            (folder / name).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path: str | Path) -> Report:
        """A report from its report.json, or from the directory of it. Raises InputError if it cannot be read."""
        place = Path(path)
        place = place / "report.json" if place.is_dir() else place
        try:
            data = json.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{place}: cannot be read as a report ({error}). Remedy: name a report.json") from error
        return cls(data)

    @staticmethod
    def compare(a: Report, b: Report) -> pd.DataFrame:
        """The changes from report a to report b; see `compare`."""
        return compare(a, b)

    def _reward_header(self) -> list[str]:
        """Empty if the reward is the performance."""
        return [] if self.data["scenario"] == "performance_first" else ["reward", "interval"]

    def _partial_header(self) -> list[str]:
        """Empty if all choices have a performance."""
        counts = {router["metrics"]["performance"]["n"] for router in self.data["routers"]}
        counts |= {found["performance"]["n"] for found in self.data["references"].values()}
        return ["oracle there"] if counts != {self._asked} else []

    @property
    def _guarded(self) -> bool:
        return bool(self.data["protocol"]["name"] == "guarded")

    @property
    def _asked(self) -> int:
        """Number of tested rows of known tasks, over which a figure is taken if each of them has a value."""
        return max((router["metrics"]["answered"]["n"] for router in self.data["routers"]), default=0)

    def _mean(self, metrics: dict[str, Any], name: str, unit: float = 1.0) -> float | None:
        """A figure, with its number of queries if it is not that of all."""
        if name not in metrics or metrics[name]["value"] is None:
            return None
        return counted(metrics[name]["value"] * unit, metrics[name]["n"], self._asked)

    def _levels(self, metrics: dict[str, Any]) -> tuple[Any, ...]:
        declined = (self._mean(metrics, name) for name in _GUARDED[1:])
        guarded = (_value(metrics, "guarded_score"), _interval(metrics.get("guarded_score")), *declined)
        reward = (self._mean(metrics, "reward"), _interval(metrics.get("reward")))
        return (
            *(guarded if self._guarded else ()),
            self._mean(metrics, "performance"),
            _interval(metrics.get("performance")),
            *((_value(metrics, "oracle_performance"),) if self._partial_header() else ()),
            self._mean(metrics, "cost_usd", 1e3),
            *reward[: len(self._reward_header())],
        )

    def _broken_down(self, key: str, noun: str) -> pd.DataFrame:
        groups = [(router["name"], name, metrics) for router in self.data["routers"] for name, metrics in router[key].items()]
        return pd.DataFrame([{"router": router, noun: name, **_columns(m, m)} for router, name, m in groups])


def _contents(place: Path) -> tuple[str, ...]:
    try:
        check_report(read_marker(place / FILES[0]))
    except InputError as error:
        raise ValueError(f"its {FILES[0]} is not one of ours: {error}") from error
    return FILES


def _contents_of_each(place: Path) -> list[str]:
    names: list[str] = []
    for folder in sorted(place.iterdir()):
        try:
            names += [f"{folder.name}/{file}" for file in _contents(folder)]
        except ValueError as error:
            raise ValueError(f"{folder.name}: {error}") from error
    return names


REPORT: Final = DirectoryKind("report", _contents)
REPORTS: Final = DirectoryKind("directory of reports", _contents_of_each)
"""One report in each of its directories."""


def compare(a: Report, b: Report) -> pd.DataFrame:
    """The changes from report a to report b: router, metric, a, b, difference, and whether the 95% intervals are `apart`.

    One row per router and metric in either report; values are missing if only one report has them.
    """
    rows = []
    left, right = ({r["name"]: r["metrics"] for r in report.data["routers"]} for report in (a, b))
    for name in sorted({*left, *right}):
        mine, theirs = left.get(name, {}), right.get(name, {})
        for metric in [*mine, *(m for m in theirs if m not in mine)]:
            x, y = mine.get(metric), theirs.get(metric)
            known = x is not None and y is not None and None not in (x["value"], y["value"])
            apart = known and None not in (x["low"], y["low"]) and (x["high"] < y["low"] or y["high"] < x["low"])
            values = (None if x is None else x["value"], None if y is None else y["value"])
            change = (y["value"] - x["value"], bool(apart)) if known else (None, None)
            rows.append((name, metric, *values, *change))
    return pd.DataFrame(rows, columns=["router", "metric", "a", "b", "difference", "apart"])


def check_report(data: Any) -> None:
    """Check plain data against report_schema.json. Raises InputError that names every violation."""
    schema = json.loads(resources.files(__package__).joinpath("report_schema.json").read_text(encoding="utf-8"))
    check_document("report", data, schema)


def _columns(metrics: dict[str, Any], names: Any) -> dict[str, Any]:
    parts = {"value": "", "low": "_low", "high": "_high", "n": "_n"}
    return {f"{name}{suffix}": metrics[name][part] for name in names for part, suffix in parts.items()}


def _value(metrics: dict[str, Any], name: str) -> float | None:
    value: float | None = metrics[name]["value"] if name in metrics else None
    return value


def _interval(figure: dict[str, Any] | None) -> str | None:
    return None if figure is None or figure["low"] is None else f"{figure['low']:.3f} to {figure['high']:.3f}"


def _shown(cell: Any) -> str:
    if cell is None:
        return "-"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
