"""`publish`: a release becomes a dataset repository on the Hub, or the next commit of one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmfusionbench import _version
from llmfusionbench.auditing import Audit, audit
from llmfusionbench.builders.publishing.card import published_card, stated_licence
from llmfusionbench.builders.publishing.checks import (
    check_allowances,
    check_refusals,
    check_valid,
    clashing,
    existing,
    refusals_of,
)
from llmfusionbench.builders.publishing.comparison import COMMITTED, SENT, Change, changes, check_arrived
from llmfusionbench.builders.publishing.croissant import croissant, dump
from llmfusionbench.builders.publishing.eval_yaml import eval_yaml
from llmfusionbench.builders.publishing.lineage import another_release
from llmfusionbench.builders.publishing.staging import left_out, own_text, staged_files
from llmfusionbench.builders.publishing.texts import look, look_at_files
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.release.opening import find_release, is_repository
from llmfusionbench.storage.content import Content
from llmfusionbench.storage.kinds import CARD, CROISSANT, EVAL_YAML
from llmfusionbench.types import Progress

if TYPE_CHECKING:
    from llmfusionbench.hub.repository import Repository
    from llmfusionbench.hub.writing import Commit

MAIN: Final = "main"

_BRANCH: Final = re.compile(r"(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)))[A-Za-z0-9_][A-Za-z0-9_./-]{0,127}(?<![./])")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Published:
    """What was published, or what would be."""

    release: Path
    repo_id: str
    private: bool
    dry_run: bool
    commit: str | None
    """The commit that holds the files; None in a dry run, or if the repository does not exist yet."""
    url: str | None
    """Address of the commit or the pull request; None if there is none, for example if all files are there already."""
    files: dict[str, Change]
    """Path -> status (new, changed, unchanged, deleted, renamed) and size in bytes."""
    left_out: list[str]
    """Files of the release that are not published."""
    audit: Audit
    notes: list[str] = field(default_factory=list)
    """What the user should know: why nothing was compared, warnings of the Hub."""

    @property
    def counts(self) -> dict[str, int]:
        """Status -> number of files."""
        return dict(Counter(change.status for change in self.files.values()))

    @property
    def bytes_new(self) -> int:
        """Size of the new and changed files, bytes. A store that holds parts of them is sent less."""
        return sum(change.size for change in self.files.values() if change.status in SENT)


def publish(
    release: str | Path,
    repo_id: str,
    *,
    private: bool = False,
    revision: str | None = None,
    pr: bool = False,
    dry_run: bool = False,
    allow: Collection[str] = (),
    card: str | Path | None = None,
    licence: str | None = None,
    token: str | bool | None = None,
    progress: Progress | None = None,
) -> Published:
    """Publish a release as a dataset repository on the Hub: in one commit, of which every file is compared at the end.

    The release is validated and audited first. Files that the repository has already are not sent. Shards of an earlier
    release of ours that this one does not have are deleted; files of others stay.

    Args:
        release: The directory of a release, `"sample"`, `"full"`, or a release on the Hub, which is downloaded.
        repo_id: The repository, `org/name`; it is created if it does not exist.
        private: Create it as a private repository.
        revision: The branch, by default `main`; it is created from `main` if it does not exist.
        pr: Open a pull request against `main`.
        dry_run: Check and compare everything, and write nothing.
        allow: What is published although it was found; see `checks.ALLOWANCES`.
        card: A Markdown file that becomes the text of the card.
        licence: Identifier of the licence, for the card.
        token: Token of the Hub; by default that of HF_TOKEN or of `hf auth login`.
        progress: Called as progress(stage, done, total).

    Raises:
        InputError: a name or an option cannot be used, there is no token, the Hub refuses the card, or the release holds what
            is not allowed.
        UnknownNameError: `allow` has an unknown name.
        ReleaseError: the release cannot be opened, or does not validate.
        HubError: the Hub refuses the token or the commit, fails, has changed meanwhile, or has other files than were sent.
    """
    from llmfusionbench.hub.repository import read_repository

    _check_target(repo_id, revision, pr)
    check_allowances(allow)
    opened = Release(find_release(release, token=token))
    text = own_text(opened, None if card is None else Path(card))
    repository = read_repository(repo_id, revision or MAIN, token=token, offline_too=dry_run)
    if private and repository.listing is not None and not repository.listing.private:
        raise InputError(
            f"{repo_id}: is public, and --private was given. Remedy: make it private on the Hub, or drop --private"
        )
    check_valid(opened.directory, progress)
    audited = audit(opened, progress=progress)
    texts = {CARD: published_card(opened, repo_id, audited, text=text, edited=card is None, licence=licence)}
    texts[CROISSANT] = dump(croissant(opened, repo_id, licence=stated_licence(texts[CARD])))
    if (tasks := eval_yaml(opened, repo_id)) is not None:
        texts[EVAL_YAML] = tasks
    staged = staged_files(opened, texts)
    found = look(opened, progress)
    written = {name: file.source.decode("utf-8") for name, file in staged.items() if isinstance(file.source, bytes)}
    look_at_files(found, written, own=text)
    refusals = [*refusals_of(opened, audited, found), *existing(repository.listing, repository.is_ours)]
    refusals += another_release(opened, repository, token)
    files = changes(staged, repository.listing, repository.earlier_files)
    refusals += clashing(repository.listing, opened, files)
    check_refusals(opened.directory, refusals, allow)

    commit, notes = None, [*repository.notes]
    if dry_run:
        notes += repository.to_make()
    else:
        commit, warned = _write(repository, staged, files, private=private, pr=pr, token=token, progress=progress)
        notes += warned
    return Published(
        release=opened.directory,
        repo_id=repo_id,
        private=private if repository.listing is None else repository.listing.private,
        dry_run=dry_run,
        commit=repository.commit if commit is None else commit.sha,
        url=None if commit is None else commit.url,
        files=files,
        left_out=left_out(opened),
        audit=audited,
        notes=notes,
    )


def _check_target(repo_id: str, revision: str | None, pr: bool) -> None:
    """Raise InputError if the repository or the branch cannot have this name."""
    name = repo_id.partition("/")[2]
    if (
        not is_repository(repo_id)
        or len(repo_id) > 96
        or ".." in repo_id
        or "--" in repo_id
        or name.endswith((".git", ".", "-"))
    ):
        raise InputError(f"{repo_id}: not the name of a repository. Remedy: name it org/name, such as my-name/my-logs")
    if pr and revision not in (None, MAIN):
        raise InputError(f"{revision}: a pull request is against {MAIN} only. Remedy: drop --revision or --pr")
    if revision is not None and (_COMMIT.fullmatch(revision) or not _BRANCH.fullmatch(revision)):
        raise InputError(f"{revision}: not the name of a branch. Remedy: name one, such as {MAIN} or v2")


def _write(
    repository: Repository,
    staged: dict[str, Content],
    files: dict[str, Change],
    *,
    private: bool,
    pr: bool,
    token: str | bool | None,
    progress: Progress | None,
) -> tuple[Commit | None, list[str]]:
    """The commit that holds the files, and the warnings of the Hub; no commit if all files are there already."""
    from llmfusionbench.hub import writing
    from llmfusionbench.hub.repository import list_all

    sent = {name: staged[name] for name, change in files.items() if change.status in COMMITTED}
    deleted = [name for name, change in files.items() if change.status == "deleted"]
    warned = []
    card = staged[CARD].source
    if CARD in sent and isinstance(card, bytes):
        warned = [f"The Hub about README.md: {text}" for text in writing.check_card(card.decode("utf-8"), token=token)]
    parent = repository.make(private=private, token=token)
    commit = None
    if sent or deleted:
        commit = writing.send(
            repository.repo_id,
            sent,
            deleted,
            parent=parent,
            revision=None if pr else repository.branch,
            pr=pr,
            message=f"Publish a release with {_version.NAME} {_version.__version__}",
            token=token,
            progress=progress,
        )
    at = parent if commit is None else commit.revision
    listing = list_all(repository.repo_id, at, token=token)
    check_arrived(staged, deleted, listing)
    return commit, warned
