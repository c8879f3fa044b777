"""Files of a dataset repository on the Hub: listed at one commit, and downloaded completely or not at all.

Downloads are kept in the cache of huggingface_hub and used again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from huggingface_hub import HfApi, constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # its name for whichever HTTP client it uses
    build_hf_headers,
    httpx,
    logging,
)

from llmfusionbench.errors import HubError
from llmfusionbench.llm.keys import checked_key
from llmfusionbench.manifest import is_inside
from llmfusionbench.redaction import guard_logs, harmless, public_url, redacted
from llmfusionbench.remote.store import BUSY, WAITS_S, UnreachableError
from llmfusionbench.storage.files import sha256

TIMEOUT_S: Final = 10.0
"""Time limit for one answer of the Hub, seconds."""


class HubUnreachableError(HubError, UnreachableError):
    """No answer at all: no network, the Hub is down, or HF_HUB_OFFLINE is set."""


class NoRepositoryError(HubError):
    """The Hub has no such repository, or does not show it to this token."""


class NoRevisionError(HubError):
    """The repository has no such branch, tag or commit."""


@dataclass(frozen=True)
class HubFile:
    """One file of a repository, with what a download is checked against."""

    path: str
    size: int | None
    blob_id: str | None
    """Git's SHA-1 of the contents, for a file that is not in LFS."""
    sha256: str | None
    """SHA-256 of the contents, for a file in LFS."""


@dataclass(frozen=True)
class Listing:
    """The files of a repository at one commit."""

    repo_id: str
    commit: str
    files: dict[str, HubFile]
    private: bool = False


def list_files(repo_id: str, revision: str, *, token: str | bool | None = None) -> Listing:
    """The files of dataset repository `repo_id` at `revision` (a branch, a tag or a commit).

    Raises:
        HubUnreachableError: the Hub does not answer.
        NoRepositoryError, NoRevisionError: it has no such repository or revision, or denies access.
        HubError: it keeps failing, or lists a path outside of the repository.
    """
    token = checked(token)
    api = HfApi(library_name="llmfusionbench")
    for wait in (*WAITS_S, None):
        try:
            info = api.dataset_info(repo_id, revision=revision, files_metadata=True, timeout=TIMEOUT_S, token=token)
        except (LookupError, TypeError, AttributeError) as error:  # of huggingface_hub, for an answer of another shape
            raise HubError(
                f"{repo_id} at {revision}: {endpoint()} did not answer as a Hub does ({type(error).__name__}). "
                "Remedy: check HF_ENDPOINT"
            ) from harmless(error)
        except (OSError, ValueError, httpx.HTTPError) as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            if status not in BUSY or wait is None:
                raise explain(error, f"{repo_id} at {revision}") from harmless(error)
            time.sleep(wait)
        else:
            break
    files = {}
    for entry in info.siblings or ():
        if not is_inside(entry.rfilename):
            raise HubError(f"{repo_id}: the file {entry.rfilename!r} lies outside of it. Remedy: do not trust this repository")
        lfs = None if entry.lfs is None else entry.lfs.sha256
        files[entry.rfilename] = HubFile(entry.rfilename, entry.size, None if lfs else entry.blob_id, lfs)
    if any(redacted(text) != text for text in (info.sha or "", *files)):
        raise HubError(f"{repo_id}: its file names or its commit repeat the token. Remedy: do not trust {endpoint()}")
    if not info.sha:
        raise HubError(f"{repo_id} at {revision}: the Hub did not name a commit. Remedy: check HF_ENDPOINT ({endpoint()})")
    return Listing(repo_id, info.sha, files, bool(info.private))


def cached(repo_id: str, commit: str, path: str) -> Path | None:
    """The path of a file that was downloaded before, or None. Does not use the network."""
    place = try_to_load_from_cache(repo_id, path, repo_type="dataset", revision=commit)
    return Path(place) if isinstance(place, str) else None


def download(listing: Listing, path: str, *, token: str | bool | None = None) -> Path:
    """Download one file of `listing`, and return its path in the cache of huggingface_hub. Its size and digest are checked.

    A file of an earlier download is checked, too, and downloaded again if it is damaged.

    Raises:
        HubError: the file is missing or arrives damaged, or the Hub stops answering. Nothing of it is kept.
    """
    file = listing.files[path]
    place = cached(listing.repo_id, listing.commit, path)
    if place is not None and _damage(place, file) is None:
        return place
    token = checked(token)
    name = f"{path} of {listing.repo_id} at {listing.commit[:12]}"
    try:
        with quiet():
            place = Path(
                hf_hub_download(
                    listing.repo_id,
                    path,
                    repo_type="dataset",
                    revision=listing.commit,
                    token=token,
                    force_download=place is not None,
                    library_name="llmfusionbench",
                )
            )
    # hf_xet, which transfers large files where it is installed, raises RuntimeError.
    except (OSError, RuntimeError, ValueError, httpx.HTTPError) as error:
        raise explain(error, name) from harmless(error)
    problem = _damage(place, file)
    if problem is not None:
        target = place.resolve()
        place.unlink()
        target.unlink(missing_ok=True)
        raise HubError(f"{name}: {problem}. Remedy: try again; if this repeats, the file on the Hub is damaged")
    return place


def _damage(place: Path, file: HubFile) -> str | None:
    size = place.stat().st_size
    if file.size is not None and size != file.size:
        return f"arrived with {size} bytes, expected {file.size}"
    if file.sha256 is not None and sha256(place) != file.sha256:
        return f"arrived with a SHA-256 other than the listed {file.sha256}"
    if file.blob_id is not None:
        digest = hashlib.sha1(b"blob %d\0" % size + place.read_bytes(), usedforsecurity=False).hexdigest()
        if digest != file.blob_id:
            return f"arrived with contents other than the listed {file.blob_id}"
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps huggingface_hub from printing its retries: what comes of them is one error."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)


def explain(error: Exception, what: str) -> HubError:
    """Our error for an error of huggingface_hub, with what the user can do about it."""
    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, OfflineModeIsEnabled):
        return HubUnreachableError(f"{what}: HF_HUB_OFFLINE switches the Hub off. Remedy: unset it")
    if isinstance(error, GatedRepoError):
        return HubError(f"{what}: its terms must be accepted first. Remedy: accept them on the Hub, then run `hf auth login`")
    if isinstance(error, RevisionNotFoundError):
        return NoRevisionError(f"{what}: the repository has no such revision. Remedy: name a branch, tag or commit of it")
    if isinstance(error, EntryNotFoundError):
        return HubError(f"{what}: listed, but the Hub no longer has it. Remedy: try again, or pass another revision")
    if isinstance(error, RepositoryNotFoundError) or status in (401, 403):
        kind = HubError if status == 403 else NoRepositoryError
        return kind(f"{what}: no such dataset at {endpoint()}, or it is private. Remedy: check the name, or set HF_TOKEN")
    if status is not None:
        return HubError(f"{what}: the Hub answered with HTTP status {status}. Remedy: try again later")
    if isinstance(error, httpx.RemoteProtocolError):
        return HubError(f"{what}: the transfer broke off ({error}). Remedy: try again")
    if isinstance(error, httpx.TransportError):
        return HubUnreachableError(
            f"{what}: no answer from {endpoint()} ({error}). Remedy: check the network and HF_ENDPOINT, then try again"
        )
    return HubError(f"{what}: {error}. Remedy: check the name and try again")


def endpoint() -> str:
    """The address of the Hub, without secrets."""
    return public_url(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))


def endpoint_key() -> str:
    """What tells this Hub from all others: no secret of its address can be read from it."""
    return hashlib.sha256(constants.ENDPOINT.encode()).hexdigest()[:16]


def checked(token: str | bool | None) -> str | bool | None:
    """The same token, after what will be sent is kept secret. Raises InputError if a header cannot carry it."""
    endpoint()  # its user info is kept secret too
    guard_logs()
    try:
        kept = build_hf_headers(token=token).get("authorization", "").removeprefix("Bearer ")
    except OSError as error:  # token=True, and there is none
        raise explain(error, "the token of the Hub") from harmless(error)
    checked_key(kept, "the token of the Hub (HF_TOKEN, or the file that `hf auth login` writes)")
    return token.strip() if isinstance(token, str) else token
