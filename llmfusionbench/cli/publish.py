"""`llmfusionbench publish`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmfusionbench.cli.console import progress, say, show_table
from llmfusionbench.cli.info import SIMULATED

if TYPE_CHECKING:
    from llmfusionbench.builders.publishing.publish import Published


@click.command(name="publish")
@click.argument("release")
@click.option("--repo", "repo_id", required=True, metavar="ORG/NAME", help="Dataset repository; created if it does not exist.")
@click.option("--private", is_flag=True, help="Create the repository as a private one.")
@click.option("--revision", metavar="BRANCH", help="Branch to publish to; created from main if it does not exist.")
@click.option("--pr", is_flag=True, help="Open a pull request against main.")
@click.option("--dry-run", is_flag=True, help="Check everything and show what would be sent; write nothing.")
@click.option(
    "--allow",
    multiple=True,
    metavar="NAME",
    help="Publish although it was found: existing, large_rows, personal_data or simulated. Repeatable.",
)
@click.option("--card", type=click.Path(path_type=Path), metavar="FILE", help="Markdown file with the text of the card.")
@click.option("--licence", metavar="ID", help="Licence for the card, such as cc-by-4.0.")
def command(release: str, repo_id: str, **options: Any) -> None:
    """Publish RELEASE as a dataset repository on the Hugging Face Hub.

    The release is validated and audited, and then sent in one commit: the shards of every table, the card (README.md), the
    manifest, croissant.json and the schemas. Files that the repository has already are not sent again. At the end every file
    is compared with what the Hub holds. After an interruption, run the same command again.

    The token is that of HF_TOKEN, or of `hf auth login`. RELEASE is the directory of a release, "sample", "full", or a
    repository on the Hub.

    \b
    Examples:
      llmfusionbench publish my-release --repo my-name/my-logs --dry-run
      llmfusionbench publish my-release --repo my-name/my-logs --private
      llmfusionbench publish my-release --repo my-org/logs --pr --card card.md
      llmfusionbench publish sample --repo my-name/try --allow simulated
    """
    from llmfusionbench.builders.publishing.publish import MAIN, publish

    if options["pr"] and options["revision"] not in (None, MAIN):
        raise click.UsageError(f"--pr opens a pull request against {MAIN}: drop it, or drop --revision.")
    with progress() as tell:
        done = publish(release, repo_id, progress=tell, **options)
    show(done)


def show(done: Published) -> None:
    """Print what was published, or what would be."""
    from llmfusionbench.builders.publishing.comparison import STATUSES

    if done.audit.simulated:
        say(SIMULATED)
    findings = len(done.audit.findings)
    say(f"Checked {done.release}: valid; {findings} finding{'s' * (findings != 1)} of the audit, see `llmfusionbench audit`.")
    if done.left_out:
        say(f"Not published, because no audit has looked at it: {', '.join(done.left_out)}.")
    for note in done.notes:
        say(f"Note: {note}.")
    counts = [f"{done.counts.get(status, 0):,} {status}" for status in STATUSES]
    rows = [(n, c.status, None if c.status == "deleted" else c.size) for n, c in done.files.items() if c.status != "unchanged"]
    if rows:
        show_table("Files of this commit" if not done.dry_run else "Files to send", ["file", "status", "bytes"], rows)
    kind = "private" if done.private else "public"
    say(f"{done.repo_id} ({kind}): {', '.join(counts)}; the new and changed files have {done.bytes_new:,} bytes.")
    if done.dry_run:
        say("Dry run: nothing was written.")
        return
    there = len(done.files) - done.counts.get("deleted", 0)
    say(f"All {there:,} files on the Hub have the size and the hash of the files here.")
    if done.url is None:
        say(f"Published before: all of it is there, at commit {done.commit}.")
    else:
        say(f"Published: {done.url}")
