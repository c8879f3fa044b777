"""Text that looks like personal data: e-mail addresses, keys of services, private keys and card numbers; found and masked."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from llmfusionbench.texts.lazy_pattern import lazy_pattern

CANDIDATES: Final = (
    r"[A-Za-z0-9]@[A-Za-z0-9-]|\b(?:sk-|sk_live_|rk_live_|gh[pousr]_|github_pat_|glpat-|hf_|xox[abprs]-|AKIA|ASIA|AIza|SG\.|npm_|pypi-"
    r"|gsk_|r8_|dop_v1_|eyJ)|-----BEGIN [A-Z ]*PRIVATE KEY|\b[3-6]\d{3}[ -]?\d{4}"
)
"""RE2 pattern that every text with such data matches."""
_SEEN: Final = lazy_pattern(CANDIDATES)
_EMAIL: Final = lazy_pattern(
    r"(?<![\w.+%-])[A-Za-z0-9](?:[\w.+%-]{0,62}[\w+%-])?@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![\w@-])"
)
_KEY: Final = lazy_pattern(
    r"(?<![\w-])(?:sk-(?:ant-|proj-|or-v1-|svcacct-)?[\w-]{20,200}|(?:sk|rk)_live_\w{16,200}|gh[pousr]_\w{30,200}"
    r"|github_pat_\w{30,200}|glpat-[\w-]{18,100}|hf_[A-Za-z0-9]{30,60}|xox[abprs]-[\w-]{20,200}|A(?:KIA|SIA)[A-Z0-9]{16}"
    r"|AIza[\w-]{35}|SG\.[\w-]{16,40}\.[\w-]{20,80}|npm_\w{36}|pypi-[\w-]{50,250}|gsk_\w{40,80}|r8_\w{36,40}|dop_v1_[0-9a-f]{64}"
    r"|eyJ[\w-]{15,2000}+\.eyJ[\w-]{15,2000}+\.[\w-]{20,1000})(?![\w-])"
)
_BLOCK: Final = lazy_pattern(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[\sA-Za-z0-9+/=\\]{64,8000}")
_CARD: Final = lazy_pattern(
    r"(?<![\w.,/=+-])(?:[3-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\w]|[.,-]\d)"
)

_STATED: Final = lazy_pattern(
    r"(?i:\b(?:[a-z_-]{0,20}(?:password|passwd|api[_-]?key|account_?key|secret|access_?token))[\"']?\s{0,3}[=:]\s{0,3}[\"']?"
    r"|\bBearer\s{1,3})(?!\S{0,4}…\[[a-z -]{3,14}, \d+ characters\]|\[secret\])(?P<secret>[^\s\"'&,;<>]{6,400})"
    r"|://(?P<user>[^\s/@:]{1,100}:[^\s/@]{1,100})@"
)
"""A secret by what stands before it, unless it is masked: masked in examples, and not found, as most are placeholders."""

_AGAIN: Final = 100
"""Different finds in one text whose other occurrences are masked, too."""
_MADE_UP: Final = lazy_pattern(
    r"@(?:[\w-]+\.)*(?:example|test|invalid|localhost|domain|email|mail|sample|company|yourdomain|yourcompany|mydomain|website|site|xyz"
    r"|acme|fake|dummy|demo|placeholder|your-?\w+|my-?\w+)\.[a-z.]{2,8}$"
    r"|@(?:[\w-]+\.)*(?:example|test|invalid|local|localhost|internal|lan|corp|home|htb)$"
    r"|^(?:your|my|user|username|name|first|firstname|j(?:ohn|ane)?\.?(?:doe|smith)|foo|bar|test|example|someone|email|recipient|sender)[\w.+-]*@"
    r"|^(?:info|support|contact|help|sales|admin|noreply|no-reply|hello|press|service|customerservice|office|webmaster|git|privacy)@"
    r"|^([\w-]+)@\1\.",
    re.IGNORECASE,
)
"""Addresses that no person has: of reserved and made-up domains, of placeholders, and of offices."""
_FILE: Final = lazy_pattern(r"\.(?:png|jpe?g|gif|svg|webp|js|css|py|json|txt|md|html?)$", re.IGNORECASE)
_LEAST_BITS: Final = 3.2
"""Entropy of the characters of a key, in bits per character; `sk-xxxxxxxx` and `sk-your-key-here` have less."""
_MIXED: Final = lazy_pattern(r"\d|hf_(?=[A-Za-z]*[a-z][A-Z][A-Za-z]*[a-z][A-Z])")
"""A digit, which all keys have but those of Hugging Face; those change between small and large letters."""
_WORDY: Final = lazy_pattern(
    r"your|example|placeholder|xxxx|1234567|abcdef|replace|insert|dummy|test_?key|secret_?key|api_?key", re.IGNORECASE
)
_TEST_CARDS: Final = lazy_pattern(
    r"^(?:4111|4242|5555555555554444|378282246310005|371449635398431|6011111111111117|4012888888881881|(\d)\1{11})"
)
"""Numbers that payment services publish for tests."""


def personal_data(text: str) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of everything in a text that looks like an e-mail address, a key or a card number."""
    for found in _EMAIL.finditer(text):
        if not _MADE_UP.search(found[0]) and not _FILE.search(found[0]):
            yield "e-mail address", *found.span()
    for found in _KEY.finditer(text):
        random = _bits(found[0]) >= _LEAST_BITS and (_MIXED.search(found[0]) is not None)
        if random and not _WORDY.search(found[0]):
            yield "key", *found.span()
    for found in _BLOCK.finditer(text):
        yield "private key", *found.span()
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if _passes_luhn(digits) and _issued(digits) and not _TEST_CARDS.search(digits):
            yield "card number", *found.span()


def masked(text: str) -> str:
    """A text in which all that looks like personal data shows its first characters at most, made-up data too."""
    seen = _SEEN.search(text) or _STATED.search(text)
    return "".join(part for _, part in _masked_parts(text)) if seen else text


def masked_around(text: str, place: int, width: int) -> str:
    """The masked text around what was found at `place`, with `width` characters on either side."""
    parts = list(_masked_parts(text))
    before = sum(len(part) for start, part in parts if start < place)
    return masked(text)[max(before - width, 0) : before + width]


def _masked_parts(text: str) -> Iterator[tuple[int, str]]:
    """(place in the text, what is shown of it) of each part between and of the finds, in order."""
    end = 0
    for start, stop, kind in sorted(_spans(text)):
        if stop > end:
            start = max(start, end)
            yield end, text[end:start]
            yield start, _mask(text[start:stop], kind)
            end = stop
    yield end, text[end:]


def _spans(text: str) -> set[tuple[int, int, str]]:
    """(start, end, kind) of all that looks like personal data, made up or not, and of its other occurrences within words."""
    found = {
        (*match.span(), kind)
        for kind, pattern in (("e-mail address", _EMAIL), ("key", _KEY), ("private key", _BLOCK), ("card number", _CARD))
        for match in pattern.finditer(text)
    }
    for match in _STATED.finditer(text):
        found.add((*match.span("secret" if match["secret"] else "user"), "secret"))
    for secret, kind in sorted({(text[start:end], kind) for start, end, kind in found})[:_AGAIN]:
        found |= {(*match.span(), kind) for match in re.finditer(re.escape(secret), text)}
    return found


def _mask(secret: str, kind: str) -> str:
    shown = {"card number": 2, "e-mail address": 1, "secret": 0}.get(kind, 4)
    return f"{secret[:shown]}…[{kind}, {len(secret)} characters]"


def _bits(text: str) -> float:
    """Shannon entropy of the characters, in bits per character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _passes_luhn(digits: str) -> bool:
    """The checksum of card numbers (Luhn 1960, ISO/IEC 7812-1)."""
    doubled = [int(digit) * (1 + i % 2) for i, digit in enumerate(reversed(digits))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def _issued(digits: str) -> bool:
    """Whether a network issues numbers of that beginning and length: Visa, Mastercard, American Express, Discover."""
    if len(digits) == 15:
        return digits[:2] in ("34", "37")
    return digits[0] == "4" or 51 <= int(digits[:2]) <= 55 or digits[:4] == "6011" or digits[:2] == "65"
