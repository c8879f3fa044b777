"""`llmfusionbench diff`."""

from __future__ import annotations

from dataclasses import asdict

import click

from llmfusionbench.cli.console import progress, say, say_json, show_table
from llmfusionbench.cli.info import warn_of_differences


@click.command(name="diff")
@click.argument("a")
@click.argument("b")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def command(a: str, b: str, as_json: bool) -> int:
    """Compare release B with release A: rows added, removed and changed, matched by key.

    Exit status 1 if they differ. A release whose files differ from its manifest is compared, too, and reported.

    \b
    Example:
      llmfusionbench diff sample my-release
    """
    from llmfusionbench.release import diff_releases, open_release
    from llmfusionbench.validation.issue import shorten

    before, after = open_release(a, damaged=True), open_release(b, damaged=True)
    with progress() as tell:
        diffs = diff_releases(before, after, progress=tell)
    for opened in (before, after):
        warn_of_differences(opened)
    differ = any(diffs)
    if as_json:
        say_json([asdict(d) for d in diffs], default=str)
        return int(differ)
    if not differ:
        say("The releases have the same rows.")
        return 0
    rows = [(d.table, d.added, d.removed, d.changed, ", ".join(f"{c} {n:,}" for c, n in d.columns.items())) for d in diffs]
    show_table(f"From {a} to {b}", ["table", "added", "removed", "changed", "columns that changed"], rows)
    examples = []
    for d in diffs:
        for example in d.examples:
            key = ", ".join(str(v) for v in example["key"].values())
            change = ""
            if "column" in example:
                change = f"{example['column']}: {shorten(example['before'])} -> {shorten(example['after'])}"
            examples.append((d.table, example["what"], key, change))
    show_table("Examples", ["table", "what", "key", "change"], examples)
    return 1
