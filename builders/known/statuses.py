"""The words by which logs state whether a call gave an answer."""

from __future__ import annotations

from typing import Final

_WORDS: Final = {
    "ok": ("ok", "success", "succeeded", "successful", "completed", "complete", "done", "finished"),
    "empty": ("empty",),
    "error": (
        "error",
        "errored",
        "failed",
        "failure",
        "fail",
        "timeout",
        "timed_out",
        "exception",
        "rate_limited",
        "cancelled",
        "canceled",
    ),
    "missing": ("missing", "skipped", "not_run", "pending", "not_asked"),
}
STATUS_OF: Final = {word: status for status, words in _WORDS.items() for word in words}
STATUS_WORDS: Final = "; ".join(f"`{status}` ({', '.join(words[1:])})" for status, words in _WORDS.items() if words[1:])
"""The words for a status that logs use, in words."""


def status_word(word: str) -> str:
    """The status that a log's word stands for, such as `error` for `Timed out`; the word in small letters if none."""
    said = word.strip().lower()
    return STATUS_OF.get("_".join(said.replace("-", " ").split()), said)
