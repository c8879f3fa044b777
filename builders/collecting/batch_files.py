"""The files of a batch: its requests, as providers and `vllm run-batch` read them, and which call each of them is."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.payload import payload_of
from llmfusionbench.builders.reading.run_files import REPLY_BYTES
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import redacted_data
from llmfusionbench.storage.files import sha256, whole_file
from llmfusionbench.types import DIRECT
from llmfusionbench.validation.issue import shorten

FOLDER: Final = "batches"
"""The folder within that of the run."""
MOST_REQUESTS: Final = 50_000
MOST_BYTES: Final = 200 * 10**6
"""Limits per file of OpenAI's Batch API (reference of `POST /v1/batches`); those of Azure and Groq are no lower."""
ADDRESS: Final = "/v1/chat/completions"
AZURE_ADDRESS: Final = "/chat/completions"

_STREAMING: Final = ("stream", "stream_options")
"""Fields of a request body that batches refuse."""
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME: Final = 60


@dataclass(frozen=True)
class Placed:
    """A call in a batch."""

    key: str
    slot: tuple[str, ...]
    replicate: int
    attempt: int
    """Number of the attempt at this call, from 1."""
    start: int
    """Where its line begins in the file of requests, in bytes."""
    tries: int = 1
    """Number of attempts at this call, this one included, for which an error that may pass was or would be its own."""


@dataclass(frozen=True)
class Written:
    """What was written of a batch."""

    requests: int
    size: int
    """Bytes."""
    sha256: str


def file_name(llm: str, number: int) -> str:
    """The name of a batch: the LLM's name in characters that every file system takes, and a number."""
    return f"{_UNUSUAL.sub('-', llm).strip('-.')[:_LONGEST_NAME] or 'llm'}-{number}"


class BatchFiles:
    """The files of one batch, `RUN/batches/NAME.input.jsonl` and those beside it."""

    def __init__(self, run: Path, name: str) -> None:
        folder = run / FOLDER
        self.name = name
        self.requests = folder / f"{name}.input.jsonl"
        """JSON lines of `custom_id`, the key of a call, and `method`, `url` and `body`."""
        self.calls = folder / f"{name}.calls.jsonl"
        """The slot, replicate and attempt of each request, in the same order."""
        self.output = folder / f"{name}.output.jsonl"
        """The results, where they are downloaded to, or where `vllm run-batch` is to write them."""
        self.errors = folder / f"{name}.errors.jsonl"

    def write(self, calls: Sequence[tuple[Call, int, int]], address: str = ADDRESS) -> Written:
        """Write the requests and whose they are; both files are on the disk when this returns.

        Args:
            calls: Each call with the number of its attempt, and its `tries`.
            address: The path of the API in each line.
        """
        digest, size = hashlib.sha256(), 0
        with ExitStack() as stack:
            requests = stack.enter_context(open(stack.enter_context(whole_file(self.requests)), "wb"))
            beside = stack.enter_context(open(stack.enter_context(whole_file(self.calls)), "wb"))
            for call, attempt, tries in calls:
                line = request_line(call, address)
                one = {"key": call.key, "slot": call.slot, "replicate": call.replicate, "attempt": attempt, "start": size}
                one["tries"] = tries
                beside.write(json.dumps(one).encode() + b"\n")
                requests.write(line)
                digest.update(line)
                size += len(line)
            for file in (requests, beside):
                file.flush()
                os.fsync(file.fileno())
        return Written(len(calls), size, digest.hexdigest())

    @property
    def exist(self) -> bool:
        """Whether the files that were written are still there."""
        return self.requests.is_file() and self.calls.is_file()

    def check(self, expected: str) -> None:
        """Refuse a file of requests that was changed since it was written: its results could not be matched.

        Raises:
            InputError: A file is missing, or its SHA-256 is not `expected`.
        """
        if not self.exist:
            raise InputError(f"{self.requests}: missing, but its batch is under way. Remedy: put back the folder {FOLDER}")
        if sha256(self.requests) != expected:
            raise InputError(f"{self.requests}: changed since it was written. Remedy: put back the file as it was")

    def placed(self) -> dict[str, Placed]:
        """Key -> the call, in the order of the requests.

        Raises:
            InputError: The file is missing or damaged.
        """
        try:
            with open(self.calls, "rb") as lines:
                found = [json.loads(line) for line in lines]
            listed = [Placed(**(one | {"slot": tuple(one["slot"])})) for one in found]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.calls}: cannot be read ({error}). Remedy: put back the file as it was") from error
        return {one.key: one for one in listed}

    def each_call(self, llm: str) -> Iterator[tuple[Call, Placed]]:
        """The calls of the batch with their payloads, one at a time."""
        placed = self.placed()
        with open(self.requests, "rb") as lines:
            for line in lines:
                request = json.loads(line)
                one = placed[request["custom_id"]]
                yield Call(one.slot, llm, one.key, request["body"], one.replicate), one

    @property
    def model(self) -> str:
        """The model that all of its requests name; empty if they name none."""
        return str(self.payload(0).get("model") or "")

    def payload(self, start: int) -> Mapping[str, Any]:
        """The request body of the line that begins at `start`."""
        with open(self.requests, "rb") as lines:
            lines.seek(start)
            body: Mapping[str, Any] = json.loads(lines.readline())["body"]
        return body

    def leave(self) -> None:
        """Remove the downloaded results, whose answers are in the journal."""
        for path in (self.output, self.errors):
            path.unlink(missing_ok=True)


def check_settings(endpoint: Endpoint) -> None:
    """Refuse an LLM with a secret among its settings, which would stand in the files of its batches.

    Raises:
        InputError: A setting, or one of a mode, holds a secret.
    """
    for mode in (DIRECT, *endpoint.modes):
        body = payload_of(endpoint, [], mode)
        for name, value in body.items():
            if redacted_data(value) != value:
                raise InputError(
                    f"{endpoint.name}: its setting {shorten(name)} holds a secret, which the file of a batch would show. "
                    "Remedy: ask it without --batch, or give the secret by key_variable alone"
                )


def request_line(call: Call, address: str = ADDRESS) -> bytes:
    """The line of a call in a file of requests. A batch is never streamed, so these fields of the body stay away."""
    body = {name: value for name, value in call.payload.items() if name not in _STREAMING}
    line = {"custom_id": call.key, "method": "POST", "url": address, "body": body}
    return json.dumps(line, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode() + b"\n"


def lines_in(path: Path) -> int:
    """Number of whole lines of a file: those with an end, and a last one that is a JSON object; 0 if there is no such file."""
    count, end = 0, 0
    try:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                count += chunk.count(b"\n")
                end = file.tell() - len(chunk) + chunk.rfind(b"\n") + 1 if b"\n" in chunk else end
            file.seek(end)
            return count + _is_object(file.read(REPLY_BYTES + 1))
    except FileNotFoundError:
        return 0


def _is_object(line: bytes) -> bool:
    if not line.endswith(b"}") or len(line) > REPLY_BYTES:
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
