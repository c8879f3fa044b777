"""The secrets that this process has read, and the one filter that keeps them out of what it writes, prints and raises."""

from __future__ import annotations

import base64
import html
import logging
import re
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, unquote_plus, urlsplit, urlunsplit

MARK: Final = "[secret]"
"""Written in place of a secret."""
HIDDEN: Final = "[hidden URL]"
"""Shown in place of a URL in which it is not clear where the secret ends."""

SHORTEST: Final = 6
"""Length from which a value is replaced, in characters. Shorter ones, such as `EMPTY`, are parts of ordinary texts."""

_LONGEST_FORM: Final = 6
"""Characters that one of a secret takes in a text, as `\\u002d`."""

_PLAIN_WORD: Final = re.compile(r"[A-Za-z._-]{1,15}")
_PLAIN_QUERY: Final = ("api-version", "version", "model", "deployment", "region")
"""Query parameters that are not secret; their values are hidden with the query, but not replaced in other texts."""

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]*")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^\s/?#@]+(?=@)|(?<=[?&])([\w.-]+=)[^\s&#'\")]+")

_SECRET_NAME: Final = re.compile("key|token|secret|sig|password|auth|policy|credential", re.IGNORECASE)

_SIGNATURES: Final = ("signature", "sig", "x-amz-signature", "x-goog-signature")

_LOGGERS: Final = (
    "openai", "httpx", "httpx2", "httpcore", "httpcore2", "huggingface_hub", "urllib3", "fsspec", "s3fs", "aiohttp", "botocore",
    "aiobotocore",
)  # fmt: skip


class _Secrets:
    """The values, and the pattern of every form in which they can appear."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.pattern: re.Pattern[str] | None = None
        self.lock = threading.Lock()

    def add(self, values: Iterable[str]) -> None:
        with self.lock:
            new = {value for value in values if len(value) >= SHORTEST and value != MARK} - self.values
            if new:
                self.values |= new
                patterns = (_pattern_of(value) for value in sorted(self.values, key=len, reverse=True))
                # The mark comes first: a second pass leaves it as it is.
                self.pattern = re.compile("|".join([re.escape(MARK), *patterns]))


_SECRETS: Final = _Secrets()


def keep_secret(*values: str) -> None:
    """From now on, replace these values wherever this process writes, prints or raises a text; see SHORTEST."""
    _SECRETS.add(values)


def redacted(text: str) -> str:
    """`text` with `[secret]` for every secret, also where it is escaped for a URL, JSON, HTML, Python, or in base64."""
    return text if _SECRETS.pattern is None else _SECRETS.pattern.sub(MARK, text)


def redacted_start(text: str, length: int) -> str:
    """About the first `length` characters of a text, in which no secret is cut in two, so that no part of it stays."""
    margin = _LONGEST_FORM * max(map(len, _SECRETS.values), default=0)
    if len(text) <= length + margin or not margin:
        return redacted(text[: length + margin])
    return redacted(text[: length + margin])[:-margin]


def redacted_data(value: Any) -> Any:
    """The same for all texts in plain data; names of fields stay."""
    if _SECRETS.pattern is None:
        return value
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {key: redacted_data(item) for key, item in value.items()}
    return [redacted_data(item) for item in value] if isinstance(value, list | tuple) else value


def redacted_message(text: str) -> str:
    """The same for the message of an error, where the user info of any URL is replaced too, and query values named as keys."""

    def hidden(found: re.Match[str]) -> str:
        name = found[1]
        return MARK if name is None else name + MARK if is_secret_name(name) else found[0]

    return _CREDENTIALS.sub(hidden, redacted(text))


def redacted_traceback(error: BaseException) -> str:
    """The traceback of an exception, without secrets."""
    return redacted_message("".join(traceback.format_exception(error)))


def harmless(error: BaseException) -> BaseException | None:
    """The exception, to be named as the cause of another; None if its traceback would show a secret."""
    shown = "".join(traceback.format_exception(error))
    return error if redacted_message(shown) == shown else None


def is_signature(name: str) -> bool:
    """Whether a query parameter of this name is the signature of an address, as of S3, CloudFront, Google or Azure."""
    return name.lower() in _SIGNATURES


def is_secret_name(name: str) -> bool:
    """Whether the value of a setting or parameter of this name may be secret."""
    return _SECRET_NAME.search(name) is not None


def is_url(text: str) -> bool:
    """Whether `text` starts as a URL does."""
    return _URL.match(text) is not None


def keep_urls_secret(texts: Iterable[str]) -> None:
    """Keep secret what may be so in the URLs within these texts: the user info, the query and the fragment."""
    for text in texts:
        for url in _URL.findall(text):
            _SECRETS.add(_secrets_of(url))


def url_parts(url: str) -> SplitResult | None:
    """The parts of a URL, whose secrets are kept from now on; None if it is not clear which part is which."""
    url = url.strip()
    _SECRETS.add(_secrets_of(url))
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # a broken host or port
        return None
    return None if not parts.hostname or "@" in parts.path + parts.query + parts.fragment else parts


def public_url(url: str) -> str:
    """A URL as it may be shown: without user info, query and fragment, which are kept secret from now on."""
    parts = url_parts(url)
    if not re.search("[@?#]", url):
        return url
    return HIDDEN if parts is None else urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def guard_logs() -> None:
    """Redact what the HTTP clients log, if their logs are switched on. Queries of URLs are hidden, for they may be signed."""
    for name in (*_LOGGERS, *(n for n in logging.root.manager.loggerDict if n.partition(".")[0] in _LOGGERS)):
        logging.getLogger(name).addFilter(_redact_record)


def _redact_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = _redacted_log(record.getMessage()), ()
    if record.exc_info and record.exc_info[1] is not None:
        record.exc_text = _redacted_log(redacted_traceback(record.exc_info[1]))
    return True


def _redacted_log(text: str) -> str:
    def hidden(found: re.Match[str]) -> str:
        name = found[1] or ""
        return found[0] if name[:-1].lower() in _PLAIN_QUERY else name + MARK

    return _CREDENTIALS.sub(hidden, redacted(text))


def _secrets_of(url: str) -> Iterator[str]:
    """The user info of a URL, its password and its user, unless that is a plain word; the values of its query and fragment."""
    rest = url.partition("://")[2] or url
    host, tail = re.fullmatch(r"([^/?#]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]  # always matches
    info, at, _ = (host if "@" in host else rest).rpartition("@")
    user, colon, password = info.partition(":")
    found = [info, password] if at and (colon or "@" in host) else []
    if "@" in host and not (password and _PLAIN_WORD.fullmatch(user)):
        found.append(user)
    for pair in re.split("[?#&;]", tail)[1:]:
        name, equals, value = pair.partition("=")
        if name.lower() not in _PLAIN_QUERY:
            found.append(value if equals else name)
    for value in found:
        yield from (value, unquote_plus(value), unquote_plus(value.replace("+", "%2B")))


def _pattern_of(secret: str) -> str:
    """A pattern of every form in which a text can hold a secret: escaped, also several times, in hex, or in base64."""
    raw = secret.encode("utf-8", "surrogatepass")
    forms = ["".join(map(_pattern_of_part, re.findall(r"\\+|.", secret, re.DOTALL))), raw.hex(), raw.hex().upper()]
    for before in range(3):  # bytes before it in its group of three; digits that its neighbours share are left
        digits = base64.b64encode(bytes(before) + raw).decode()[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
        forms += [re.escape(digits), re.escape(digits.replace("+", "-").replace("/", "_"))]
    return "|".join(forms)


def _pattern_of_part(part: str) -> str:
    """A pattern of one character, or of several backslashes, as itself or escaped for a URL, Python, JSON or HTML."""
    if part.isascii() and part.isalnum():
        return part
    one, code, slashes = part[0], ord(part[0]), r"\\{1,32}"
    units, raw = one.encode("utf-16-be", "surrogatepass").hex(), one.encode("utf-8", "surrogatepass").hex()
    escaped = ["".join(f"%(?:25)*{raw[i : i + 2]}" for i in range(0, len(raw), 2))]
    escaped += ["".join(f"{slashes}x{raw[i : i + 2]}" for i in range(0, len(raw), 2)), f"{slashes}x{code:02x}"]
    escaped += ["".join(f"{slashes}u{units[i : i + 4]}" for i in range(0, len(units), 4)), f"{slashes}U{code:08x}"]
    escaped += [f"&#{code};", f"&#x{code:x};", *([re.escape(html.escape(one))] if html.escape(one) != one else [])]
    itself = slashes if one == "\\" else r"\\{0,32}" + re.escape(one) + (r"|\+" if one == " " else "")
    return f"(?:{itself}|(?i:{'|'.join(escaped)}){{{len(part)}}})"
