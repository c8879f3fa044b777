"""Writing to a dataset repository on the Hub: the account, the repository, its branches, and files in one commit.

`HfApi.upload_folder` is not used: where hf_xet is installed, it commits in several batches, and a reader between two of them
would find half a release.
"""

from __future__ import annotations

import json
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    build_hf_headers,
    disable_progress_bars,
    enable_progress_bars,
    get_session,
    hf_raise_for_status,
    httpx,
)

from llmfusionbench.errors import HubError, InputError
from llmfusionbench.hub import client
from llmfusionbench.redaction import harmless, redacted
from llmfusionbench.remote.store import BUSY, WAITS_S
from llmfusionbench.storage.content import Content
from llmfusionbench.types import Progress

AGAIN: Final = "What arrived is kept. Remedy: run the same command again"

_KIND: Final = "dataset"
_TOGETHER: Final = 8
"""Number of files that are sent side by side."""
_NO_ROOM: Final = (402, 507)
_NO_XET: Final = re.compile(r"\b404\b.*/xet-(?:read|write)-token\b", re.DOTALL)
"""What hf_xet says of a Hub that has no store of its kind."""
_OF_UPLOAD: Final = (OSError, RuntimeError, LookupError, TypeError)
_OF_CLIENT: Final = (OfflineModeIsEnabled, LocalEntryNotFoundError, httpx.HTTPError)
"""Errors of the same kinds that are explained as when something is read."""
_NAMED: Final = re.compile(r"Error while uploading '(.+)' to the Hub")

Result = TypeVar("Result")


class NoTokenError(InputError):
    """There is no token: neither HF_TOKEN nor that of `hf auth login`."""


class StaleError(HubError):
    """The branch has a newer commit than the one that was looked at."""


@dataclass(frozen=True)
class Commit:
    """A commit that the Hub has made."""

    sha: str
    url: str
    """Address of the commit, or of the pull request."""
    revision: str
    """Where its files can be listed: the commit, or the branch of the pull request."""


def check_account(repo_id: str, *, token: str | bool | None = None) -> None:
    """See that the Hub knows the account of `token`, by default that of HF_TOKEN or of `hf auth login`.

    Raises:
        NoTokenError: there is no token.
        InputError: a header cannot carry it.
        HubError: the Hub refuses the token, or does not answer.
    """
    token = client.checked(token)
    if token is False or not (token or get_token()):
        raise NoTokenError(f"{repo_id}: there is no token to write with. Remedy: set HF_TOKEN, or run `hf auth login`")
    with explained(repo_id):
        try:
            _retried(lambda: HfApi(library_name="llmfusionbench").whoami(token=token))
        except httpx.HTTPError as error:
            if _status(error) in (None, 401, *BUSY):
                raise
            # A mirror need not know accounts; what the token may do shows when it is used.


def check_card(text: str, *, token: str | bool | None = None) -> list[str]:
    """Have the Hub check the metadata of a README.md, and return its warnings.

    Raises:
        InputError: the Hub refuses the card.
        HubError: it does not answer.
    """
    api = HfApi()
    headers = build_hf_headers(token=client.checked(token), library_name="llmfusionbench")
    content = {"content": text, "repoType": _KIND}

    def ask() -> Any:
        answer = get_session().post(f"{api.endpoint}/api/validate-yaml", json=content, headers=headers)
        if answer.status_code != 400:
            hf_raise_for_status(answer)
        return answer

    with explained("README.md"):
        answer = _retried(ask)
    errors, noted = (_messages(answer.text, key) for key in ("errors", "warnings"))
    if answer.status_code == 400 or errors:
        why = "; ".join(errors) or "without a reason"
        raise InputError(f"README.md: the Hub refuses this card ({why}). Remedy: correct the metadata at its top, see --card")
    return noted


def _messages(text: str, key: str) -> list[str]:
    """The messages of one kind in an answer of the Hub, one line each; none in an answer that is not JSON."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return []
    rows = said.get(key) if isinstance(said, dict) else None
    texts = [str(row.get("message")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [" ".join(text.split())[:300] for text in texts]


def create(repo_id: str, *, private: bool, token: str | bool | None = None) -> None:
    """Create a dataset repository. Raises HubError if the token has no right to, or if the Hub has it or does not answer."""
    try:
        with explained(f"new repository {repo_id}"):
            HfApi(library_name="llmfusionbench").create_repo(
                repo_id, repo_type=_KIND, private=private, token=client.checked(token)
            )
    except StaleError as error:
        raise HubError(
            f"{repo_id}: exists, but was not there when it was looked at, or this token may not read it. "
            "Remedy: run the same command again, or choose another --repo"
        ) from error


def create_branch(repo_id: str, branch: str, commit: str, *, token: str | bool | None = None) -> None:
    """Create a branch at a commit. Raises as `create`."""
    with explained(f"branch {branch} of {repo_id}"):
        HfApi(library_name="llmfusionbench").create_branch(
            repo_id, branch=branch, revision=commit, repo_type=_KIND, token=client.checked(token)
        )


def send(
    repo_id: str,
    contents: Mapping[str, Content],
    deleted: Sequence[str],
    *,
    parent: str,
    revision: str | None = None,
    pr: bool = False,
    message: str,
    token: str | bool | None = None,
    progress: Progress | None = None,
) -> Commit:
    """Send files, and make one commit of them. What the store of the Hub has already is not sent again.

    Args:
        repo_id: The repository.
        contents: Path in the repository -> what to send.
        deleted: Paths of files that the commit deletes.
        parent: The commit that was looked at; if the branch has a newer one, the Hub refuses the commit.
        revision: The branch; by default `main`.
        pr: Open a pull request against `main` instead.
        message: The first line of the commit.
        token: As for `check_account`.
        progress: Called as progress(stage, done, total), in files.

    Raises:
        StaleError: the branch has a newer commit than `parent`.
        HubError: the token has no right to write, the Hub fails or has no room, the connection breaks, or a .gitignore of the
            repository matches one of the files.
    """
    token = client.checked(token)
    tell = progress or (lambda *_: None)
    api = HfApi(library_name="llmfusionbench")
    where: dict[str, Any] = {"repo_id": repo_id, "repo_type": _KIND, "token": token, "revision": revision, "create_pr": pr}
    additions = {path: CommitOperationAdd(path_in_repo=path, path_or_fileobj=c.source) for path, c in contents.items()}
    gone = [CommitOperationDelete(path_in_repo=path, is_folder=False) for path in deleted]
    once = list({content.sha256: path for path, content in contents.items()}.values())
    ordered = [*once, *sorted(contents.keys() - once)]  # by then the store has the content of the last ones
    with _quiet():
        for first in range(0, len(ordered), _TOGETHER):
            tell("files sent", first, len(ordered))
            together = [additions[path] for path in ordered[first : first + _TOGETHER]]
            with explained(repo_id):
                api.preupload_lfs_files(additions=together, free_memory=False, **where)
            _check_none_is_ignored(repo_id, together)
        tell("files sent", len(ordered), len(ordered))

        def commit() -> Any:
            return api.create_commit(
                operations=[*gone, *additions.values()], commit_message=message, parent_commit=parent, **where
            )

        with explained(repo_id):
            # A second pull request would be one too many; a second commit is refused: its parent is not the newest.
            said = commit() if pr else _retried(commit)
    if not pr:
        return Commit(said.oid, said.commit_url, said.oid)
    return Commit(said.oid, str(said.pr_url), str(said.pr_revision))


def _check_none_is_ignored(repo_id: str, additions: Sequence[CommitOperationAdd]) -> None:
    """Raise HubError if the Hub wants a file left out of the commit, which huggingface_hub would do without a word."""
    ignored = sorted(addition.path_in_repo for addition in additions if addition._should_ignore)
    if ignored:
        raise HubError(
            f"{ignored[0]}: the .gitignore of {repo_id} has the Hub leave this file out. Nothing was changed. "
            "Remedy: delete .gitignore there, or the line that matches"
        )


def _retried(call: Callable[[], Result]) -> Result:
    """What a call returns, made up to three times while the Hub is busy or fails."""
    for wait in WAITS_S:
        try:
            return call()
        except httpx.HTTPError as error:
            if _status(error) not in BUSY:
                raise
            time.sleep(wait)
    return call()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps huggingface_hub from printing bars, its retries and, a second time, what the Hub notes about the card."""
    bars = not are_progress_bars_disabled()
    with client.quiet(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="huggingface_hub")
        disable_progress_bars()
        try:
            yield
        finally:
            if bars:
                enable_progress_bars()


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turns the errors of huggingface_hub into HubError, with what the user can do about it. No code of ours runs within."""
    try:
        yield
    # hf_xet, which transfers large files where it is installed, and the threads that send files raise OSError and RuntimeError.
    # LookupError and TypeError are those of huggingface_hub where an answer has another form than it expects.
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, httpx.HTTPError) as error:
        raise _explain(error, what) from harmless(error)


def _explain(error: BaseException, what: str) -> HubError:
    """Our error for an error of huggingface_hub while something is written."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        if (named := _NAMED.match(str(error))) is not None:
            what = f"{named[1]} to {what}"
        error = error.__cause__
    status = _status(error)
    if status is None and _NO_XET.search(str(error)):
        return HubError(
            f"{what}: {client.endpoint()} has no Xet store, through which hf_xet sends files. "
            "Remedy: set HF_HUB_DISABLE_XET=1, and run the same command again"
        )
    if status == 401:
        return HubError(
            f"{what}: the Hub does not accept the token (HTTP status 401). "
            "Remedy: set HF_TOKEN to a valid token, or run `hf auth login`"
        )
    if status in _NO_ROOM or (status == 403 and re.search("quota|storage", _said(error), re.IGNORECASE)):
        return HubError(
            f"{what}: the Hub has no room for it (HTTP status {status}{_said(error)}). "
            "Remedy: free or buy storage, or publish a smaller release"
        )
    if status == 403:
        return HubError(
            f"{what}: the token has no right to write here (HTTP status 403). "
            "Remedy: use a token that may write to it, or another --repo"
        )
    if status in (409, 412):
        return StaleError(f"{what}: the repository has changed since it was looked at. Remedy: run the same command again")
    if status in BUSY:
        return HubError(f"{what}: the Hub keeps failing (HTTP status {status}). {AGAIN}")
    if status is not None and status != 404:
        return HubError(f"{what}: the Hub refuses this (HTTP status {status}{_said(error)}). Remedy: correct what it names")
    if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.ConnectError):
        return HubError(f"{what}: the connection to {client.endpoint()} broke off ({_line(error)}). {AGAIN}")
    if status is None and isinstance(error, _OF_UPLOAD) and not isinstance(error, _OF_CLIENT):
        return HubError(f"{what}: the upload failed ({type(error).__name__}: {_line(error)}). {AGAIN}")
    return client.explain(error, what)  # type: ignore[arg-type]


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _said(error: BaseException) -> str:
    """What the Hub said about an error, after a colon; empty if it said nothing."""
    text = " ".join((getattr(error, "server_message", None) or "").split())[:200]
    return f": {redacted(text)}" if text else ""


def _line(error: BaseException) -> str:
    return redacted((str(error).splitlines() or [""])[0][:200])
