"""Recognises responses that are missing: null, empty, or an error message of the service."""

from __future__ import annotations

import re

_ERROR = re.compile(
    r"\s{0,4}(?:(?:litellm|openai|anthropic|httpx|requests)\.[\w.]{0,60}(?:Error|Exception|Timeout)\b"
    r"|(?:API|Connection|RateLimit|Timeout|BadRequest|InternalServer|Authentication|HTTP|Read|APIConnection|APITimeout)"
    r"Error\s?[:(]|Error code: \d{3}\b|HTTP(?:/1\.1)? (?:error )?[45]\d\d\b|\[?(?:API[_ ])?ERROR\]?\s{0,4}\Z"
    r"|(?:API[_ ])?Error: (?:rate limit|request timed out|time(?:d)? ?out|connection|the server|service|bad gateway|"
    r"internal server|too many requests|no response|failed to|HTTP|[45]\d\d\b)"
    r"|<?error>?\s?(?:request|response) (?:failed|timed out))",
    re.IGNORECASE,
)
_ERROR_LIMIT = 4000
EMPTY = "empty response"
_STATUS = {"empty": EMPTY, "error": "the request failed", "missing": "no response"}


def why_missing(response: str | None, ground_truth: str, status: object = None) -> str | None:
    """Why there is nothing to score, or None if there is. `status` comes from the log, if it has one."""
    if isinstance(status, str) and status in _STATUS:
        return _STATUS[status]
    if response is None:
        return "no response"
    if not response or response.isspace():
        return EMPTY
    if len(response) <= _ERROR_LIMIT and _ERROR.match(response) and response.strip() != ground_truth.strip():
        return "the request failed"
    return None
