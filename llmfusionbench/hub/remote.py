"""A published release on the Hub, read from afar: one request for the listing at a commit, one for the manifest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from huggingface_hub import hf_hub_url
from huggingface_hub.utils import build_hf_headers, httpx  # type: ignore[attr-defined]  # as in `client`

from llmfusionbench.errors import HubError, InputError
from llmfusionbench.hub.client import HubUnreachableError, cached, checked, endpoint_key, explain, list_files
from llmfusionbench.hub.releases import COMMIT, DEFAULT_REVISION, fetch_release, fetched, listed_release, pin, pinned
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.redaction import guard_logs, keep_secret
from llmfusionbench.release.opening import is_repository
from llmfusionbench.release.place import LocalPlace, ReleasePlace
from llmfusionbench.release.remote_place import RemotePlace
from llmfusionbench.remote.http_store import HttpStore
from llmfusionbench.remote.store import warn_cached
from llmfusionbench.storage.address import Address

_URL: Final = re.compile(r"(?i:hf)://datasets/([^/@]+/[^/@]+)(?:@([^/]+))?(?:/(.*))?")


class Named(NamedTuple):
    """What the name of a release on the Hub says."""

    repo_id: str
    revision: str | None
    folder: str
    """Empty, or a folder of the repository and a slash."""


def named(where: str, revision: str | None = None) -> Named:
    """Read `org/name` or `hf://datasets/org/name@revision/folder`. Raises InputError if it is neither."""
    if is_repository(where):
        return Named(where, revision, "")
    match = _URL.fullmatch(where)
    folder = (match[3] or "").strip("/") if match else ""
    if match is None or not is_repository(match[1]) or ".." in folder.split("/"):
        raise InputError(f"{where}: not a release on the Hub. Remedy: write hf://datasets/org/name@revision/folder")
    stated = None if match[2] is None else unquote(match[2])
    if stated is not None and revision not in (None, stated):
        raise InputError(f"{where}: names revision {stated!r}, and so does revision={revision!r}. Remedy: name one")
    return Named(match[1], stated or revision, f"{folder}/" if folder else "")


@dataclass(frozen=True)
class HubServer:
    """The files of a dataset repository at a commit; see `http_store.Server`."""

    repo_id: str
    commit: str
    folder: str
    token: str | bool | None = None

    def __repr__(self) -> str:
        return str(self.address)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self.token, str):
            keep_secret(self.token.strip())
        guard_logs()

    @property
    def address(self) -> Address:
        folder = f"/{self.folder.rstrip('/')}" if self.folder else ""
        return Address(f"hf://datasets/{self.repo_id}@{self.commit[:12]}{folder}")

    @property
    def origin(self) -> str:
        return f"{endpoint_key()} {self.repo_id} {self.commit} {self.folder}"

    def url(self, name: str) -> str:
        return hf_hub_url(self.repo_id, self.folder + name, repo_type="dataset", revision=self.commit)

    def headers(self) -> dict[str, str]:
        return build_hf_headers(token=checked(self.token), library_name="llmfusionbench")

    def explain(self, error: Exception, what: str) -> HubError:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(error, httpx.HTTPStatusError) and status == 404:
            return HubError(f"{what}: listed, but the Hub no longer has it. Remedy: try again, or pass another revision")
        return explain(error, what)


def hub_place(where: str, revision: str | None = None, *, token: str | bool | None = None) -> ReleasePlace:
    """The place of a release on the Hub. A release that was downloaded completely is its directory.

    Args:
        where: As for `named`.
        revision: Branch, tag or commit; by default `main`.
        token: As for huggingface_hub.

    Raises:
        HubError: the Hub does not answer, or has no such repository, revision or release; or a file has another size or SHA-256
            there than in the manifest.
        InputError: `where` is not a release on the Hub.
    """
    repo_id, stated, folder = named(where, revision)
    wanted = stated or DEFAULT_REVISION
    if COMMIT.fullmatch(wanted) and (whole := fetched(repo_id, wanted, folder)) is not None:
        return LocalPlace(whole)
    try:
        listing = list_files(repo_id, wanted, token=token)
    except HubUnreachableError as error:
        commit = wanted if COMMIT.fullmatch(wanted) else pinned(repo_id, wanted)
        manifest = None if commit is None else cached(repo_id, commit, folder + MANIFEST)
        if commit is None or manifest is None:
            raise
        if commit != wanted:
            warn_cached(f"{repo_id} at {wanted}", f"the copy of commit {commit}", error)
        verified: set[str] = set()
    else:
        commit = listing.commit
        place, entries = listed_release(listing, folder, token=token)
        manifest = place / MANIFEST
        digests = {name: file.sha256 for name, file in listing.files.items()}
        verified = {name for name, entry in entries["files"].items() if digests.get(folder + name) == entry["sha256"]}
        pin(repo_id, wanted, commit)
    if (whole := fetched(repo_id, commit, folder)) is not None:
        return LocalPlace(whole)
    store = HttpStore(HubServer(repo_id, commit, folder, token))
    download = partial(fetch_release, repo_id, commit, folder=folder, token=token)
    return RemotePlace(store, manifest.read_bytes(), download, verified=verified, stated_by=endpoint_key())
