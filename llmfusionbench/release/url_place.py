"""The place of a release at a URL: of a web server, or of a store that fsspec knows."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from llmfusionbench.errors import ReleaseError
from llmfusionbench.manifest import MANIFEST, MAX_BYTES, Difference, parsed
from llmfusionbench.release.place import LocalPlace, ReleasePlace
from llmfusionbench.release.remote_place import RemotePlace
from llmfusionbench.remote.cache import RangeCache
from llmfusionbench.remote.http_store import HttpStore, WebServer
from llmfusionbench.remote.object_store import ObjectStore
from llmfusionbench.remote.store import Store, UnreachableError, warn_cached
from llmfusionbench.storage.cache import cache_directory
from llmfusionbench.storage.files import sha256, whole_file
from llmfusionbench.storage.kinds import CARD

_BLOCK_BYTES: Final = 32 * 2**20
"""Bytes of a file that one request asks for when a release is downloaded."""


_CARD_BYTES: Final = 16 * 2**20
"""Largest card that is downloaded."""


def url_place(url: str) -> ReleasePlace:
    """The place of the release at a URL. If the server does not answer, its manifest is the one that was read last.

    Raises:
        InputError: the URL cannot be read, or its protocol is not known.
        MissingExtraError: the package for the protocol is not installed.
        ReleaseError: a release does not exist there, or the store denies access or does not answer.
    """
    protocol, mark, rest = url.partition("://")
    protocol = protocol.lower()
    url = protocol + mark + rest
    if protocol in ("file", "local"):
        return LocalPlace(Path(unquote(rest)))
    store: Store = HttpStore(WebServer(url)) if protocol in ("http", "https") else ObjectStore(url)
    cache, key = RangeCache.of_user(), f"manifest-{_hash(store.origin)}"
    try:
        manifest = store.read_whole(MANIFEST, MAX_BYTES)
    except UnreachableError as error:
        kept = cache.get(key)
        if kept is None:
            raise
        warn_cached(str(store.address), "the manifest", error)
        manifest = kept
    if len(manifest) > MAX_BYTES:
        raise ReleaseError(f"{store.address / MANIFEST}: more than {MAX_BYTES:,} bytes. Remedy: check the address")
    place = RemotePlace(store, manifest, partial(_download, store, manifest))
    cache.put(key, manifest)  # after it was read as one
    return place


def _download(store: Store, manifest: bytes) -> Path:
    """The directory of a release, with each file downloaded unless it is there, and its SHA-256 checked.

    Raises:
        ReleaseError: a file cannot be read, or is not as the manifest has it.
    """
    place = cache_directory() / "downloaded" / f"{_hash(store.origin)[:32]}-{hashlib.sha256(manifest).hexdigest()[:32]}"
    if (place / MANIFEST).is_file():
        return place
    for name, entry in parsed(manifest, store.address / MANIFEST)["files"].items():
        target, size = place / name, entry["bytes"]
        if target.is_file() and sha256(target) == entry["sha256"]:
            continue
        with whole_file(target) as file:
            if name == CARD:  # people write into it
                file.write_bytes(_read_card(store))
                continue
            with open(file, "wb") as out:
                for start in range(0, size, _BLOCK_BYTES):
                    end = min(start + _BLOCK_BYTES, size)
                    block = store.read(name, start, end + (end == size))  # one more byte shows that the file is longer
                    if len(block) != end - start:
                        found = f"{start + len(block):,} bytes" if len(block) < end - start else f"more than {size:,} bytes"
                        raise Difference(name, None, found, f"{size:,} bytes").error(store.address)
                    out.write(block)
            if (digest := sha256(file)) != entry["sha256"]:
                raise Difference(name, None, f"sha256 {digest}", f"sha256 {entry['sha256']}").error(store.address)
    with whole_file(place / MANIFEST) as file:
        file.write_bytes(manifest)
    return place


def _read_card(store: Store) -> bytes:
    card = store.read_whole(CARD, _CARD_BYTES)
    if len(card) > _CARD_BYTES:
        raise ReleaseError(f"{store.address / CARD}: more than {_CARD_BYTES:,} bytes. Remedy: shorten the card")
    return card


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
