"""`llmfusionbench quickstart`: the tour. Offline, on the embedded sample."""

from __future__ import annotations

from pathlib import Path

import click

from .console import progress, say, show_table
from .info import describe

_BEST = 5
_ROUTERS = ("per_task", "knn")


@click.command(name="quickstart")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Also write there: the best candidates as CSV, and the report of the routers.",
)
def command(out: Path | None) -> int:
    """Tour the embedded sample: open it, validate it, look at what is in it, at who answers best, and at some routers.

    \b
    Example:
      llmfusionbench quickstart --out tour
    """
    from ..evaluation import evaluate
    from ..leaderboard import leaderboard
    from ..release import open_release
    from ..validation import validate

    release = open_release("sample")
    checked = 0
    with progress() as tell:

        def count(rows: int) -> None:
            nonlocal checked
            checked += rows
            tell("rows checked", checked)

        issues = validate(release.path, progress=count)
    if issues:
        say(f"The embedded sample is damaged, {len(issues)} issues; the first: {issues[0]}. Remedy: install the package again")
        return 1
    describe(release)
    say(f"Validated {checked:,} rows: no issues.")
    say()
    board = leaderboard(release)
    best = board.groupby("domain").head(_BEST).to_dict("records")
    show_table(
        f"The {_BEST} best candidates of each domain: means over the queries, with 95% intervals (SIMULATED)",
        ["domain", "candidate", "performance", "95% interval", "scored", "USD per 1,000 answers", "95% interval"],
        [
            (
                row["domain"],
                row["candidate"],
                row["performance"],
                f"{row['low']:.3f} to {row['high']:.3f}",
                f"{row['scored']} of {row['queries']}",
                row["cost_usd"] * 1e3,
                f"{row['cost_low'] * 1e3:.3f} to {row['cost_high'] * 1e3:.3f}",
            )
            for row in best
        ],
    )
    with progress() as tell:
        report = evaluate(list(_ROUTERS), release, progress=tell)
    show_table(report.title, report.leaderboard_header(), report.leaderboard_rows())
    if out is not None:
        for path in report.write(out):
            say(f"Wrote {path}.")
        board.to_csv(out / "candidates.csv", index=False)
        say(f"Wrote {out / 'candidates.csv'}.")
    say("Where to go next:")
    say("  llmfusionbench info sample         what you have just seen, of any release")
    say("  llmfusionbench evaluate --help     a router of your own, measured against these")
    say("  llmfusionbench build --help        your own logs, as the same tables")
    say("  llmfusionbench simulate --help     logs of any size, to try things on")
    return 0
