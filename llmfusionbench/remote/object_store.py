"""Ranges of files of a store that fsspec knows, such as S3. fsspec's own read-ahead is not used."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from huggingface_hub import is_offline_mode

from llmfusionbench.errors import InputError, MissingExtraError, ReleaseError
from llmfusionbench.redaction import guard_logs, harmless, is_secret_name, keep_urls_secret, public_url
from llmfusionbench.remote.store import UnreachableError, origin_of
from llmfusionbench.remote.store_errors import fault_of, said, store_errors
from llmfusionbench.storage.address import Address
from llmfusionbench.storage.files import sha256

_EXTRAS: Final = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3"), "gs": ("gcsfs", "gcs"), "gcs": ("gcsfs", "gcs")}
"""Protocol -> the package for it, and our extra with that package."""

_OF_THIS_MACHINE: Final = ("memory",)

_PLACES: Final = (
    "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "STORAGE_EMULATOR_HOST",
    "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_CONNECTION_STRING",
)  # fmt: skip
"""Environment variables that decide which store an address leads to."""


class ObjectStore:
    """A directory at a URL such as `s3://bucket/path`. Credentials and endpoints are those that fsspec finds.

    Raises:
        InputError: the protocol is not known, or the URL cannot be read.
        MissingExtraError: the package for the protocol is not installed.
        ReleaseError: the store is one that must be connected to first, and that fails.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.address = Address(public_url(self.url))
        self._opened: tuple[int, Any, str] | None = None
        self.origin = origin_of(self.url, *_settings(self.files()[0], self.url))
        guard_logs()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        keep_urls_secret([self.url])
        guard_logs()

    def files(self) -> tuple[Any, str]:
        """The file system of fsspec and the path of the directory in it. A forked process opens it again."""
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]

        if self._opened is None or self._opened[0] != os.getpid():
            protocol = self.url.partition("://")[0]
            try:
                files, root = url_to_fs(self.url)
            except ImportError as error:
                if protocol in _EXTRAS:
                    raise MissingExtraError(*_EXTRAS[protocol]) from error
                raise InputError(
                    f"{self.address}: a package for {protocol}:// is missing ({error}). Remedy: install it"
                ) from error
            except ValueError as error:
                raise InputError(f"{self.address}: cannot be opened ({error}). Remedy: check the address") from harmless(error)
            except store_errors() as error:  # some stores connect at once
                raise self._explain(error, str(self.address)) from harmless(error)
            self._opened = os.getpid(), files, root.rstrip("/")
        return self._opened[1:]

    def read(self, name: str, start: int, end: int) -> bytes:
        files, root = self.online(name)
        try:
            return bytes(files.cat_file(f"{root}/{name}", start=start, end=end))
        except store_errors() as error:
            if "InvalidRange" in f"{error} {error.__cause__}":
                return b""
            raise self._explain(error, f"{self.address / name}") from harmless(error)

    def read_whole(self, name: str, limit: int) -> bytes:
        files, root = self.online(name)
        try:
            return bytes(files.cat_file(f"{root}/{name}", start=0, end=limit + 1))
        except store_errors() as error:
            raise self._explain(error, f"{self.address / name}") from harmless(error)

    def forget(self, name: str) -> None:
        """No file leaves a trace here."""

    def online(self, name: str = "") -> tuple[Any, str]:
        """As `files`, to reach the file `name`. Raises UnreachableError if the network is switched off."""
        files, root = self.files()
        if is_offline_mode() and not self.url.startswith(tuple(f"{own}://" for own in _OF_THIS_MACHINE)):
            raise UnreachableError(
                f"{self.address / name if name else self.address}: HF_HUB_OFFLINE switches the network off. Remedy: unset it"
            )
        return files, root

    def _explain(self, error: Exception, what: str) -> ReleaseError:
        fault = fault_of(error)
        if fault == "missing":
            return ReleaseError(f"{what}: no such file. Remedy: check the address of the release")
        if fault == "denied":
            return ReleaseError(f"{what}: the store denies access ({said(error)}). Remedy: check your credentials and rights")
        if fault == "unreachable":
            return UnreachableError(
                f"{what}: no answer ({said(error)}). Remedy: check the address and the network, then try again"
            )
        return ReleaseError(f"{what}: cannot be read ({said(error)}). Remedy: try again later")


def _settings(files: Any, url: str) -> list[str]:
    """What decides, beside a URL, which store it leads to: settings of fsspec, variables, and the file of settings of S3."""
    named = sorted((k, v) for k, v in _plain(files.storage_options) if not is_secret_name(k.rpartition(".")[2]))
    found = [f"{key}={value}" for key, value in named]
    found += [f"{name}={os.environ[name]}" for name in _PLACES if name in os.environ]
    if url.partition("://")[0] in ("s3", "s3a"):
        with suppress(OSError, RuntimeError):  # no such file, or no home
            found.append(sha256(Path(os.environ.get("AWS_CONFIG_FILE", "~/.aws/config")).expanduser()))
    return found


def _plain(options: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Names and values of settings, those within others with both names."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _plain(value, f"{before}{name}.")
        elif isinstance(value, str | int | float | bool):
            yield f"{before}{name}", str(value)
