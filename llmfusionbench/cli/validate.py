"""`llmfusionbench validate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmfusionbench.cli.console import progress, say, say_json
from llmfusionbench.redaction import is_url

if TYPE_CHECKING:
    from llmfusionbench.validation import Issue


@click.command(name="validate")
@click.argument("path")
@click.option("--schema", metavar="TABLE", help="Table that a single file holds, if its name does not tell.")
@click.option("--max-errors", type=click.IntRange(min=1), default=100, help="Maximum number of issues to report.")
@click.option("--json", "as_json", is_flag=True, help="Print the issues as JSON lines.")
def command(path: str, schema: str | None, max_errors: int, as_json: bool) -> int:
    """Check a release, or one Parquet, JSONL or CSV file, against the schemas.

    Prints every issue with its file, row, column and value, and what was expected. Exit status 1 if there are any. A release
    on the Hub or at a URL is downloaded first.

    \b
    Example:
      llmfusionbench validate sample
      llmfusionbench validate my-release --json
      llmfusionbench validate answers.jsonl --schema responses
    """
    from llmfusionbench.release.opening import EMBEDDED, find_release, is_repository

    elsewhere = path in EMBEDDED or is_url(path) or (is_repository(path) and not Path(path).exists())
    place = find_release(path) if elsewhere else path
    issues, checked = check(place, schema=schema, max_errors=max_errors + 1)
    more = len(issues) > max_errors
    issues = issues[:max_errors]
    if as_json:
        for issue in issues:
            say_json(issue.to_dict(), indent=None)
        return 1 if issues else 0
    if not issues:
        say(f"{path}: valid, {checked:,} rows checked.")
        return 0
    counted = f"more than {max_errors:,} issues; the first are" if more else f"{len(issues):,} issue{'s' * (len(issues) > 1)}"
    say(f"Found {counted} in {path}:")
    for issue in issues:
        say(f"  {issue}")
    return 1


def check(path: str | Path, *, schema: str | None = None, max_errors: int | None = None) -> tuple[list[Issue], int]:
    """Validate behind a progress bar; the issues and the number of rows checked."""
    from llmfusionbench.validation import validate

    checked = 0
    with progress() as tell:

        def count(stage: str, done: int, total: int | None, /) -> None:
            nonlocal checked
            checked = done
            tell(stage, done, total)

        return validate(path, schema=schema, max_errors=max_errors, progress=count), checked
