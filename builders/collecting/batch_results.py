"""Results of a batch, line by line: which request each is of, and what came of it.

The lines are those of OpenAI's output and error files, and of `vllm run-batch`. A body is read as that of any other answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.collecting.answer import answer_fields, error_text, one_line
from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.failure import body_failure, status_failure
from llmfusionbench.builders.reading.batch_lines import RESULT, id_of, kind_of
from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.loose import loose_count
from llmfusionbench.builders.reading.run_files import REPLY_BYTES
from llmfusionbench.redaction import redacted
from llmfusionbench.storage.files import limited_lines, open_binary, reading

LONGEST: Final = REPLY_BYTES
"""Bytes of a line from which it is not read."""

_NOT_MADE: Final = ("batch_expired", "batch_cancelled")
"""Codes of requests that the provider did not come to. Source: OpenAI's reference of the output file of a batch."""
_PASSING: Final = ("request_timeout", "rate_limit_exceeded", "server_error", "internal_error", "service_unavailable")
_OK: Final = 200
_FAILED_FROM: Final = 300


@dataclass(frozen=True)
class Result:
    """What came of one request."""

    key: str
    attempt: Attempt
    made: bool = True
    """Whether the provider came to it before the batch expired or was cancelled."""


def results_of(path: Path) -> Iterator[Result | None]:
    """The results in a file; None for each line that is damaged, too long, or not a result.

    Raises:
        InputError: The file cannot be read.
    """
    with reading(path), open_binary(path) as file:
        for line in limited_lines(file, LONGEST):
            if isinstance(line, int):
                yield None
            elif line.strip():
                yield result_of(line)


def result_of(line: bytes) -> Result | None:
    """The result in a line; None if it is not one."""
    try:
        record = json.loads(line)
        if kind_of(record) != RESULT:
            return None
        key = id_of(record)
    except (ValueError, RecursionError, BadRecordError):
        return None
    response, error = record.get("response"), record.get("error")
    if not isinstance(response, dict):
        return _without_response(key, error)
    body = response.get("body", response if "choices" in response else None)
    status = loose_count(response.get("status_code"))
    status = (_OK if body is not None else None) if status is None else status
    about = {"http_status": status, "request_id": _text(response.get("request_id"))}
    if status is None or (status < _FAILED_FROM and body is None):
        return _without_response(key, error)
    if status >= _FAILED_FROM:
        told = body if body not in (None, "", {}) else error
        told = told if isinstance(told, dict) else {"error": told}
        failed = status_failure(status, json.dumps(told).encode(), None)
        return Result(key, Attempt(**(failed | about | {"charged": False})))
    fields = answer_fields(body)
    fields = body_failure(fields, body) if fields["status"] == "error" else fields
    fields["request_id"] = fields.get("request_id") or about["request_id"]
    return Result(key, Attempt(**(fields | {"http_status": status, "charged": True})))


def _without_response(key: str, error: Any) -> Result:
    """The result of a request that has no answer, but perhaps the code of an error."""
    code = error.get("code") if isinstance(error, dict) else None
    said = error_text({"error": error}) or (one_line(code) if isinstance(code, str) else "") or "the result has no response"
    if code in _NOT_MADE:
        return Result(key, Attempt("error", error=said, passing=True), made=False)
    passing = code in _PASSING or error is None
    return Result(key, Attempt("error", error=said, passing=passing, charged=error is None))


def _text(value: Any) -> str | None:
    return redacted(value) if isinstance(value, str) and value else None
