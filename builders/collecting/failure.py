"""Failed attempts: whether a further one is worth it, whether all are refused, and whether the provider may charge."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.collecting.answer import Fields, error_text

_PASSING: Final = (408, 409, 429)
_REFUSED: Final = (401, 402, 403, 404)
_LATE: Final = (504, 524)
"""A gateway gave up on a model that may have answered."""
NO_FUNDS: Final = (
    "insufficient_quota", "insufficient_balance", "insufficient_credits", "billing_hard_limit_reached", "billing_not_active",
)  # fmt: skip
"""Codes of errors that come with status 429 although waiting does not help."""
NO_KEY: Final = "the server does not accept the API key"
"""Said in place of the server's own words, which often have a part of the key."""
_KEY_FAULT: Final = re.compile(
    r"\bapi[ _-]?key\b.{0,40}\b(?:expired|invalid|not valid|incorrect|revoked|disabled)\b"
    r"|\b(?:expired|invalid|incorrect|revoked|missing) api[ _-]?key\b"
    r"|\b(?:key|token) (?:has |is |was )?(?:been )?(?:expired|revoked)\b",
    re.IGNORECASE,
)
"""What servers say of a key with status 400 or 403: `API key expired`, `Incorrect API key provided`."""


def is_passing(status: int) -> bool:
    """Whether a failure with this HTTP status may pass: 408, 409, 429 and 5xx."""
    return status in _PASSING or 500 <= status < 600


def status_failure(status: int, data: bytes, redirect: str | None) -> Fields:
    """The fields of an attempt that was answered by a status of 300 or more.

    Args:
        status: HTTP status.
        data: The body, or its beginning.
        redirect: The place of a redirect that is not followed.
    """
    if 300 <= status < 400:
        place = "" if redirect is None else f", a redirect to another server ({redirect})"
        return _failure(f"status {status}{place}") | {"refused": True}
    body = _json(data)
    said = NO_KEY if _is_key_fault(status, body) else error_text(body)
    fields = _failure(f"status {status}: {said}" if said else f"status {status}") | by_code(status, body)
    return fields | {"charged": status in _LATE}


def body_failure(fields: Fields, body: Any) -> Fields:
    """The fields of an answer with status 200 that holds an error: by the code in it, as gateways pass the status on.

    It is not charged if it has such a code, and neither a count nor a piece of an answer.
    """
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code", error.get("status")) if isinstance(error, dict) else None
    code = int(code) if isinstance(code, str) and code.isdecimal() and len(code) == 3 else code
    known = isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600
    if not known:
        return fields | {"passing": True}
    fate = by_code(code, body)  # type: ignore[arg-type]  # a number here
    fate |= {"error": f"an error in the answer: {NO_KEY}"} if _KEY_FAULT.search(error_text(body)) and fate["refused"] else {}
    return fields | fate | ({} if body.get("usage") or _has_pieces(body.get("choices")) else {"charged": code in _LATE})


def by_code(status: int, body: Any) -> Fields:
    """`passing` and `refused` of a status and the error in its body."""
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    without_funds = any(error.get(name) in NO_FUNDS for name in ("code", "type"))
    refused = (status in _REFUSED or without_funds or _is_key_fault(status, body)) and not (
        status == 403 and _is_moderated(error)
    )
    return {"passing": is_passing(status) and not refused, "refused": refused}


def _is_key_fault(status: int, body: Any) -> bool:
    """Whether a key is refused: by status 401, or by what the server says with 400 or 403."""
    return status == 401 or (status in (400, 403) and _KEY_FAULT.search(error_text(body)) is not None)


def _is_moderated(error: Mapping[str, Any]) -> bool:
    """Whether only this request was refused, for its content: OpenRouter does so with status 403."""
    about = error.get("metadata")
    return isinstance(about, dict) and bool(about.keys() & {"reasons", "flagged_input"})


def _has_pieces(choices: Any) -> bool:
    """Whether a message has anything but its role."""
    listed = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    messages = [message for choice in listed if isinstance(message := choice.get("message"), dict)]
    return any(value for message in messages for name, value in message.items() if name != "role")


def _failure(reason: str) -> Fields:
    return {"status": "error", "error": reason}


def _json(data: bytes) -> Any:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return body[0] if isinstance(body, list) and len(body) == 1 else body  # as Google wraps its errors
