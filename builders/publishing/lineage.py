"""Whether a release is a next version of the one that a repository holds: the two share a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from llmfusionbench.builders.publishing.checks import Refusal
from llmfusionbench.errors import LLMFusionBenchError
from llmfusionbench.release import Release

if TYPE_CHECKING:
    from llmfusionbench.hub.repository import Repository

_REMEDY = "choose another --repo"


def another_release(release: Release, repository: Repository, token: str | bool | None) -> Iterator[Refusal]:
    """The release of ours that a repository holds, if it is not a version of `release` before or after this one.

    The same release again, a rescored one, an appended one and one that was built again from more records all share queries
    with it. Ids of queries are the same in every build. One column of its queries is read, unless a shard of them is the same.
    """
    theirs = (repository.manifest or {}).get("files")
    if repository.listing is None or not isinstance(theirs, dict):
        return
    place = f"{repository.repo_id} at {repository.listing.commit[:12]}"
    digests = {entry["sha256"] for entry in theirs.values()}
    if any(release.manifest["files"][name]["sha256"] in digests for name in release.names("queries")):
        return
    try:
        shared = _shares_a_query(release, repository.repo_id, repository.listing.commit, token)
    except LLMFusionBenchError as error:
        why = str(error).partition(". Remedy:")[0]
        yield Refusal("existing", f"{place} holds a release that cannot be read ({why}), and would lose it", _REMEDY)
        return
    if not shared:
        yield Refusal("existing", f"{place} holds another release, without a query of this one, and would lose it", _REMEDY)


def _shares_a_query(release: Release, repo_id: str, commit: str, token: str | bool | None) -> bool:
    """Whether some query of a release is in that of a repository, too, or that one has none."""
    from llmfusionbench.hub.remote import hub_place

    mine = release.rows("queries", columns=["query_id"])["query_id"]
    there = Release(hub_place(repo_id, commit, token=token))
    rows = 0
    for batch in there.batches("queries", columns=["query_id"]):
        rows += batch.num_rows
        if pc.any(pc.is_in(batch.column("query_id"), value_set=mine)).as_py():
            return True
    return rows == 0
