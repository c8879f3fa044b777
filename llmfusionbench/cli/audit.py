"""`llmfusionbench audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmfusionbench.cli.console import progress, say, say_json_text, show_table
from llmfusionbench.cli.info import SIMULATED
from llmfusionbench.cli.options import engine_option, out_path
from llmfusionbench.storage.directories import whole_directory

if TYPE_CHECKING:
    from llmfusionbench.auditing import Audit


@click.command(name="audit")
@click.argument("release")
@click.option("--out", type=out_path(file_okay=False), metavar="DIR", help="Write audit.json and audit.html to this directory.")
@click.option("--json", "as_json", is_flag=True, help="Print the audit as JSON.")
@click.option("--strict", is_flag=True, help="Exit with status 1 if there is any finding.")
@click.option("--no-near-duplicates", is_flag=True, help="Do not compare all prompts with each other, which takes longest.")
@engine_option
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Number of processes. Default: one per core.")
@click.option("--overwrite", is_flag=True, help="Replace an existing audit.")
def command(
    release: str,
    out: Path | None,
    as_json: bool,
    strict: bool,
    no_near_duplicates: bool,
    engine: str,
    workers: int | None,
    overwrite: bool,
) -> int:
    """Find what is wrong with a log before you train or route on it.

    Each finding is listed with the number of rows, the places where it occurs and what to do about it; the page in --out
    also has examples to look at. RELEASE is "sample", "full", the directory of a release, or a repository on the Hub. Nothing
    in RELEASE is changed, and no answer is executed.

    \b
    Examples:
      llmfusionbench audit sample
      llmfusionbench audit my-release --out audit
      llmfusionbench audit my-release --no-near-duplicates --json
    """
    from llmfusionbench.auditing import audit
    from llmfusionbench.auditing.result import AUDIT, FILES
    from llmfusionbench.release import open_release

    opened = open_release(release).local()

    def run() -> Audit:
        with progress() as tell:
            return audit(opened, workers=workers, engine=engine, near_duplicates=not no_near_duplicates, progress=tell)

    if out is None:
        found = run()
    else:
        with whole_directory(out, AUDIT, overwrite=overwrite, inputs=opened.inputs) as folder:
            found = run()
            found.write_files(folder)
    if as_json:
        say_json_text(found.to_json())
    else:
        show(found)
    for name in FILES if out is not None else ():
        say(f"Wrote {Path(out or '') / name}.", err=as_json)
    return int(strict and bool(found.findings))


def show(found: Audit) -> None:
    """Print the findings as a table, and what was not looked at."""
    if found.simulated:
        say(SIMULATED)
    show_table(found.title, found.table_header(), found.table_rows())
    for note in found.data["notes"]:
        say(f"Note: {note}")
