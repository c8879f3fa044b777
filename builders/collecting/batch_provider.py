"""Files and batches at a provider, through the official client: `/v1/files` and `/v1/batches`. It makes no second attempts.

A batch must never be created twice, and the client would create it again after a lost reply. So its retries are off, and a
failure tells whether the batch may exist all the same.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.collecting.batch_connection import BatchConnection, wait_of
from llmfusionbench.builders.collecting.failure import NO_FUNDS, is_passing
from llmfusionbench.builders.reading.failures import failure_text
from llmfusionbench.llm.requests import REDIRECT
from llmfusionbench.redaction import redacted_message
from llmfusionbench.storage.files import whole_file

NAME: Final = "llmfusionbench"
"""Key in the metadata of a batch that holds its token."""

_CHUNK: Final = 1 << 16
_PAGE: Final = 100


class ProviderError(Exception):
    """A request to the provider that failed. The message holds no secret.

    Args:
        message: What went wrong.
        passing: Whether the failure may pass.
        unsure: Whether the request may have been carried out all the same.
        missing: Whether the provider does not have what was asked for.
        retry_after_s: Seconds that the provider asks to wait.
    """

    def __init__(
        self, message: str, *, passing: bool, unsure: bool = False, missing: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(redacted_message(message))
        self.passing = passing
        self.unsure = unsure
        self.missing = missing
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Problem:
    """Why a provider refuses a batch, or one line of it."""

    code: str | None
    line: int | None
    """Number of the line, from 1; None if the whole batch is meant."""
    message: str


@dataclass(frozen=True)
class State:
    """A batch, as its provider describes it."""

    id: str
    status: str
    output_file_id: str | None
    error_file_id: str | None
    completed: int | None
    """Number of requests that were answered."""
    problems: tuple[Problem, ...]


class Provider:
    """The batches of one account.

    Args:
        connection: The client and its address.
    """

    def __init__(self, connection: BatchConnection) -> None:
        self._connection = connection

    def check(self) -> None:
        """Refuse wrong settings before any request. Raises InputError or MissingExtraError as `BatchConnection.client`."""
        _ = self._connection.client

    async def upload(self, path: Path) -> str:
        """The id of a file that is sent there from the disk."""
        async with self._asking() as client:
            with open(path, "rb") as file:
                found = await client.files.create(file=(path.name, file, "application/jsonl"), purpose="batch")
        return _text(found, "id")

    async def create(self, file_id: str, token: str, address: Any) -> State:
        """Create a batch of an uploaded file; a failure that is `unsure` may have created it."""
        async with self._asking() as client:
            found = await client.batches.create(
                input_file_id=file_id, endpoint=address, completion_window="24h", metadata={NAME: token}
            )
        return _state(found)

    async def find(self, file_id: str | None, token: str, refused: set[str]) -> State | None:
        """The batch of a file or token, if there is one besides those with the ids `refused`. It looks through all batches."""
        async with self._asking() as client:
            async for batch in client.batches.list(limit=_PAGE):
                metadata = getattr(batch, "metadata", None)
                ours = isinstance(metadata, Mapping) and metadata.get(NAME) == token
                ours = ours or (file_id is not None and getattr(batch, "input_file_id", None) == file_id)
                if ours and getattr(batch, "id", None) not in refused:
                    return _state(batch)
        return None

    async def retrieve(self, batch_id: str) -> State | None:
        """How far a batch is; None if the provider has no such batch."""
        try:
            async with self._asking() as client:
                return _state(await client.batches.retrieve(batch_id))
        except ProviderError as error:
            if not error.missing:
                raise
            return None

    async def download(self, file_id: str, path: Path, most: int) -> bool:
        """Bring a file here, whole or not at all; whether the provider still has it.

        Args:
            file_id: Its id at the provider.
            path: Where it goes.
            most: Bytes above which it is refused.
        """
        size = 0
        try:
            async with self._asking() as client, client.files.with_streaming_response.content(file_id) as response:
                with whole_file(path) as part, open(part, "wb") as file:
                    async for chunk in response.iter_bytes(_CHUNK):
                        size += len(chunk)
                        if size > most:
                            raise ProviderError(f"the file {file_id} has more than {most:,} bytes", passing=False)
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
        except ProviderError as error:
            if not error.missing:
                raise
            return False
        return True

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Any]:
        """The client; its errors become ProviderError."""
        import httpx2
        import openai

        client, place = self._connection.client, self._connection.address
        try:
            yield client
        except openai.APIStatusError as error:
            raise _of_status(error, place, wait_of(error.response.headers)) from None
        except openai.APIConnectionError as error:
            cause = "no answer in time" if isinstance(error, openai.APITimeoutError) else str(error.__cause__ or error)
            raise ProviderError(f"{place}: {cause}", passing=True, unsure=True) from None
        except (httpx2.HTTPError, openai.OpenAIError, ValueError) as error:
            raise ProviderError(f"{place}: the answer broke off ({type(error).__name__})", passing=True, unsure=True) from None


def _of_status(error: Any, place: str, wait: float | None) -> ProviderError:
    """The failure that an HTTP status is."""
    status = error.status_code
    if (target := error.response.extensions.get(REDIRECT)) is not None:
        return ProviderError(
            f"{place}: status {status}, a redirect to another server ({target}). Neither prompts nor keys are sent there. "
            "Remedy: give the URL of that server if you trust it",
            passing=False,
        )
    told = "" if status == 401 else failure_text(error.body)  # that text often has a part of the key
    message = f"{place}: status {status}" + (f": {told}" if told else "")
    without_funds = any(getattr(error, name, None) in NO_FUNDS for name in ("code", "type"))
    passing = is_passing(status) and not without_funds
    if not passing:
        message += ". Remedy: check the URL, the model name and the API key, and that the server has /v1/files and /v1/batches"
    return ProviderError(message, passing=passing, unsure=passing and status != 429, missing=status == 404, retry_after_s=wait)


def _state(found: Any) -> State:
    """The fields of a batch, which the client does not check."""
    counts, errors = getattr(found, "request_counts", None), getattr(found, "errors", None)
    completed = getattr(counts, "completed", None)
    listed = getattr(errors, "data", None)
    problems = [
        Problem(_optional(one, "code"), line if type(line := getattr(one, "line", None)) is int else None, _said(one))
        for one in (listed if isinstance(listed, list) else ())
    ]
    return State(
        _text(found, "id"), _text(found, "status"), _optional(found, "output_file_id"), _optional(found, "error_file_id"),
        completed if type(completed) is int else None, tuple(problems),
    )  # fmt: skip


def _said(problem: Any) -> str:
    told = failure_text(getattr(problem, "message", None)) or _optional(problem, "code")
    return redacted_message(told or "no reason is stated")


def _text(found: Any, name: str) -> str:
    value = _optional(found, name)
    if value is None:
        raise ProviderError(f"the provider's reply has no {name}", passing=True, unsure=True)
    return value


def _optional(found: Any, name: str) -> str | None:
    value = getattr(found, name, None)
    return value if isinstance(value, str) and value else None
