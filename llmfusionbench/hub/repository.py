"""The repository that a release is published to, as it was looked at before anything is written."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from huggingface_hub import HfApi
from huggingface_hub.hf_api import RepoFile

from llmfusionbench._version import NAME
from llmfusionbench.errors import HubError
from llmfusionbench.hub import client, writing
from llmfusionbench.hub.client import HubFile, HubUnreachableError, Listing, NoRepositoryError, NoRevisionError, download
from llmfusionbench.manifest import MANIFEST, examine
from llmfusionbench.storage.files import sha256
from llmfusionbench.storage.kinds import CARD

_MAIN = "main"
_ATTRIBUTES = ".gitattributes"
"""A file of the Hub's own, which is never deleted."""


@dataclass(frozen=True)
class Repository:
    """A repository and what was seen of it."""

    repo_id: str
    branch: str
    listing: Listing | None = None
    """Its files on the branch, or on `main` if there is no such branch; None if there is no repository, or it was not read."""
    has_branch: bool = True
    manifest: dict[str, object] | None = None
    """The manifest of a release of ours that it holds."""
    notes: list[str] = field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        """Whether it holds a release of this package."""
        return self.manifest is not None

    @property
    def earlier_files(self) -> Collection[str]:
        """The files of the release that it holds."""
        files = (self.manifest or {}).get("files")
        return set(files) - {_ATTRIBUTES} if isinstance(files, dict) else ()

    @property
    def commit(self) -> str | None:
        """The commit that was looked at."""
        return None if self.listing is None else self.listing.commit

    def to_make(self) -> list[str]:
        """What does not exist yet, for people."""
        if self.listing is None:
            return [] if self.notes else [f"{self.repo_id} does not exist yet"]
        return [] if self.has_branch else [f"{self.repo_id} has no branch {self.branch} yet"]

    def make(self, *, private: bool, token: str | bool | None) -> str:
        """Create the repository and its branch if they do not exist, and return the commit to build on. Raises HubError."""
        commit, has_branch = self.commit, self.has_branch
        if commit is None:
            writing.create(self.repo_id, private=private, token=token)
            commit, has_branch = list_all(self.repo_id, _MAIN, token=token).commit, self.branch == _MAIN
        if not has_branch:
            writing.create_branch(self.repo_id, self.branch, commit, token=token)
        return commit


def list_all(repo_id: str, revision: str, *, token: str | bool | None = None) -> Listing:
    """As `client.list_files`, with the digest of every file, which some mirrors of the Hub give only in another place."""
    listing = client.list_files(repo_id, revision, token=token)
    if all(file.sha256 or file.blob_id for file in listing.files.values()):
        return listing
    with writing.explained(f"{repo_id} at {revision}"):
        api = HfApi(library_name="llmfusionbench")
        rows = api.list_repo_tree(repo_id, repo_type="dataset", revision=listing.commit, recursive=True, token=token)
        files = {
            row.path: HubFile(row.path, row.size, None if row.lfs else row.blob_id, row.lfs.sha256 if row.lfs else None)
            for row in rows
            if isinstance(row, RepoFile) and row.path in listing.files
        }
    return replace(listing, files={**listing.files, **files})


def read_repository(repo_id: str, branch: str, *, token: str | bool | None, offline_too: bool) -> Repository:
    """Look at a repository.

    Args:
        repo_id: Its name.
        branch: The branch to look at.
        token: As for `publish`.
        offline_too: If there is no token, or no answer, return a repository without files, and a note why.

    Raises:
        InputError: there is no token, or a header cannot carry it.
        HubError: the Hub refuses the token, does not answer, or answers with an error.
    """
    try:
        writing.check_account(repo_id, token=token)
    except writing.NoTokenError:
        if not offline_too:
            raise
        return _anonymous(repo_id, branch)
    except HubUnreachableError as error:
        if not offline_too:
            raise
        return _unread(repo_id, branch, str(error))
    try:
        return _read(repo_id, branch, token)
    except NoRepositoryError:
        return Repository(repo_id, branch)


def _anonymous(repo_id: str, branch: str) -> Repository:
    """What can be read without a token."""
    try:
        return _read(repo_id, branch, False)
    except HubError as error:
        return _unread(repo_id, branch, f"there is no token, and {error}")


def _unread(repo_id: str, branch: str, why: str) -> Repository:
    return Repository(repo_id, branch, notes=[f"Not compared with the repository, every file counts as new: {why}"])


def _read(repo_id: str, branch: str, token: str | bool | None) -> Repository:
    has_branch = True
    try:
        listing = list_all(repo_id, branch, token=token)
    except NoRevisionError:
        if branch == _MAIN:
            raise
        has_branch, listing = False, list_all(repo_id, _MAIN, token=token)
    manifest: dict[str, object] | None = None
    if MANIFEST in listing.files:
        manifest, faults = examine(download(listing, MANIFEST, token=token).parent)
        tool = manifest.get("tool")
        if faults or not isinstance(tool, dict) or tool.get("name") != NAME:
            manifest = None
    notes = []
    if manifest is not None and _card_was_edited(manifest, listing, token):
        notes.append(
            f"{CARD} was edited on the Hub since it was published. It is replaced, and stays in the history. "
            f"To keep it, download it and name it with --card"
        )
    return Repository(repo_id, branch, listing, has_branch, manifest, notes)


def _card_was_edited(manifest: dict[str, object], listing: Listing, token: str | bool | None) -> bool:
    files = manifest.get("files")
    entry = files.get(CARD) if isinstance(files, dict) else None
    if entry is None or CARD not in listing.files:
        return False
    edited: bool = sha256(download(listing, CARD, token=token)) != entry["sha256"]
    return edited
