"""What must not be published without being allowed by name, and what must not be published at all."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmfusionbench.auditing import Audit
from llmfusionbench.auditing.signs.personal import masked
from llmfusionbench.builders.publishing.staging import shards_of
from llmfusionbench.builders.publishing.texts import MAX_ROW_BYTES, Found
from llmfusionbench.errors import InputError, ReleaseError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.storage.kinds import CARD
from llmfusionbench.types import Progress
from llmfusionbench.validation import validate

if TYPE_CHECKING:
    from llmfusionbench.hub.client import Listing

ALLOWANCES: Final = {
    "existing": "Files of others in the repository, which stay unless one of the release has their name; or another release.",
    "large_rows": "Rows of more than 2 MB.",
    "personal_data": "What looks like e-mail addresses, keys or card numbers.",
    "simulated": "Rows that no LLM has answered.",
}
"""Name -> what `--allow NAME` lets through."""

MAX_SHARD_BYTES: Final = 500_000_000
"""Largest Parquet file that is published, bytes."""

_MAX_ISSUES: Final = 1_000
_SHOWN: Final = 3
_OF_THE_HUB: Final = (".gitattributes",)
"""Files that the Hub itself puts into a new repository."""


@dataclass(frozen=True)
class Refusal:
    """One reason not to publish a release."""

    name: str
    what: str
    remedy: str
    allowance: bool = True
    """Whether `--allow` with its name lets it through."""

    def __str__(self) -> str:
        end = f", or add --allow {self.name}" if self.allowance else ""
        return f"{self.name}: {self.what}. Remedy: {self.remedy}{end}"


def check_allowances(names: Collection[str]) -> None:
    """Raise UnknownNameError if one of the names is not an allowance."""
    for name in names:
        if name not in ALLOWANCES:
            raise UnknownNameError("allowance", name, ALLOWANCES)


def check_valid(path: Path, progress: Progress | None = None) -> None:
    """Validate a release, of which its user may have edited the card. Raises ReleaseError if there are issues."""
    found = validate(path, max_errors=_MAX_ISSUES, progress=progress)
    issues = [issue for issue in found if issue.file != CARD]
    if issues:
        more = "at least " if len(found) == _MAX_ISSUES else ""
        count = f"{more}{len(issues):,} issue{'s' * (len(issues) > 1)}"
        lines = "".join(f"\n  {issue}" for issue in issues[:_SHOWN])
        raise ReleaseError(
            f"{path}: not published, because it does not validate. Remedy: repair the release; "
            f"`llmfusionbench validate` lists every issue. Found {count}, such as:{lines}"
        )


def check_refusals(path: Path, refusals: Collection[Refusal], allow: Collection[str]) -> None:
    """Raise InputError if there are refusals that are not allowed; the message lists all of them, one line each."""
    left = [refusal for refusal in refusals if not (refusal.allowance and refusal.name in allow)]
    if len(left) == 1:
        raise InputError(f"{path}: not published, {left[0]}")
    if left:
        raise InputError(f"{path}: not published, for {len(left)} reasons:" + "".join(f"\n  {refusal}" for refusal in left))


def refusals_of(release: Release, audit: Audit, found: Found) -> Iterator[Refusal]:
    """What is in a release that must not be published without being allowed, or at all."""
    yield from _personal_data(audit, found)
    yield from _simulated(release, found)
    if found.large:
        size, place = found.largest
        yield Refusal(
            "large_rows",
            f"{_rows(found.large)} of more than {MAX_ROW_BYTES // 10**6} MB, the largest {size:,} bytes, in {place}",
            "shorten the text",
        )
    sizes = {name: release.manifest["files"][name]["bytes"] for name in shards_of(release)}
    large = {name: size for name, size in sizes.items() if size > MAX_SHARD_BYTES}
    if large:
        name = max(large, key=lambda name: large[name])
        yield Refusal(
            "large_shards",
            f"{len(large):,} file{'s' * (len(large) > 1)} of more than {MAX_SHARD_BYTES // 10**6} MB, such as {name} "
            f"with {large[name]:,} bytes",
            "write the release again with this version, which makes smaller files (`llmfusionbench build`, or `rescore`)",
            allowance=False,
        )


def _personal_data(audit: Audit, found: Found) -> Iterator[Refusal]:
    """Its counts by kind, and one example, masked."""
    counts: dict[str, int] = {}
    rows, example = 0, None
    for finding in (f for f in audit.findings if f.detector == "personal_data"):
        rows += finding.count
        counts |= {place.name: place.count for place in finding.places if place.kind == "reason"}
        if example is None and finding.examples:
            first = finding.examples[0]
            text = next(iter(first.texts.values()), "")
            of = "" if first.llm is None else f", {first.llm} {first.mode}"
            example = masked(f"logs (query_id {first.query_id}{of})"), text
    counts |= found.personal
    if counts:
        place, text = example or found.personal_example or ("", "")
        shown = "; ".join(f"{kind}: {count:,}" for kind, count in sorted(counts.items()))
        yield Refusal(
            "personal_data",
            f"{_rows(rows)} of the logs and {_counted(found.personal_texts, 'other text')} hold what looks like personal data "
            f'({shown}), such as {place}: "{" ".join(text.split())}"',
            "replace it where it comes from (the logs or the card), and build the release again",
        )


def _simulated(release: Release, found: Found) -> Iterator[Refusal]:
    """Rows that are marked, or a manifest that names such rows."""
    if found.simulated:
        table, count = found.simulated.most_common(1)[0]
        what = f"{_rows(count)} of {table} {'is' if count == 1 else 'are'} simulated, such as {found.first_simulated}"
    elif "simulated" in release.provenance:
        what = "the manifest names simulated rows"
    else:
        return
    yield Refusal("simulated", what, "publish a release of collected answers")


def existing(listing: Listing | None, ours: bool) -> Iterator[Refusal]:
    """The files of a repository that is not a release of ours."""
    names = [] if listing is None or ours else sorted(set(listing.files) - set(_OF_THE_HUB))
    if listing is not None and names:
        yield Refusal(
            "existing",
            f"{listing.repo_id} has {len(names):,} file{'s' * (len(names) > 1)} and is not a release of this package, "
            f"such as {names[0]}",
            "choose another --repo",
        )


def clashing(listing: Listing | None, release: Release, files: Collection[str]) -> Iterator[Refusal]:
    """Files that would stay in the repository and be read as rows of the release, by their folder and name.

    Args:
        listing: The repository.
        release: The release.
        files: What the commit writes or deletes.
    """
    splits = {table: "|".join(entry["splits"]) for table, entry in release.manifest["tables"].items()}
    shards = [re.compile(rf"{table}/(?:{names})-[^/]*\.parquet") for table, names in splits.items() if names]
    others = sorted(set(listing.files) - set(files)) if listing is not None else []
    names = [name for name in others if any(shard.fullmatch(name) for shard in shards)]
    if listing is not None and names:
        yield Refusal(
            "files of others",
            f"{listing.repo_id} has {_counted(len(names), 'file')} that readers would take for shards of the release, "
            f"such as {names[0]}",
            "delete them there, or choose another --repo",
            allowance=False,
        )


def _rows(count: int) -> str:
    return _counted(count, "row")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
