"""The filter itself: every form of a secret is replaced, and nothing else."""

from __future__ import annotations

import base64
import html
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench import redaction
from llmfusionbench.redaction import (
    HIDDEN,
    MARK,
    guard_logs,
    harmless,
    keep_secret,
    keep_urls_secret,
    public_url,
    redacted,
    redacted_data,
    redacted_message,
)

SECRETS = st.text(st.characters(min_codepoint=32), min_size=redaction.SHORTEST, max_size=20)
TEXTS = st.text(max_size=9)


@given(SECRETS, TEXTS, TEXTS)
def test_every_form_is_replaced_and_a_second_pass_changes_nothing(secret: str, before: str, after: str) -> None:
    redaction._SECRETS = redaction._Secrets()
    keep_secret(secret)
    raw = secret.encode("utf-8", "surrogatepass")
    forms = [secret, quote(raw), quote(raw, safe=""), quote(quote(raw)), quote_plus(raw), html.escape(secret), raw.hex()]
    forms += [json.dumps(secret), json.dumps(secret, ensure_ascii=False), json.dumps(json.dumps(secret))]
    forms += [json.dumps(secret).replace("/", "\\/"), repr(secret), repr(raw), repr([repr(raw)])]
    for form in forms:
        once = redacted(f"{before} {form} {after}")
        assert MARK in once, form
        assert redacted(once) == once
    for width in range(3):
        data = b"user:"[:width] + raw + b"and more"
        assert MARK in redacted(base64.b64encode(data).decode())
        assert MARK in redacted(base64.urlsafe_b64encode(data).decode())


def test_long_runs_of_backslashes_and_names_are_read_to_their_end() -> None:
    """A pattern with nested repeats would never end here."""
    keep_secret("\\a\\\\b\\'\\\"\\<\\>&" + "\\" * 40)
    for text in ("\\" * 100_000, "\\a" + "\\" * 100_000 + "b", "\\'" * 50_000):
        assert redacted(text) == text
    names = "https://host/?" + "key" * 100_000
    assert redacted_message(names) == names
    assert redacted_message(f"{names}=abc&mode=x") == f"{names}=[secret]&mode=x"


def test_short_values_and_ordinary_words_stay() -> None:
    keep_secret("", "a", "EMPTY")
    keep_urls_secret(["--url=http://router:secret-password@host/v1?model=gpt-4o-mini&api-version=2024-10-21&limit=5"])
    text = "a router of gpt-4o-mini, EMPTY at 2024-10-21, limit=5"
    assert redacted(text) == text
    assert redacted("the secret-password") == f"the {MARK}"


def test_data_keeps_its_shape() -> None:
    keep_secret("123456", "router")
    data = {"router": "router", "value": 123456, "x": [0.123456, "a 123456", None, True], "y": {"z": ("router",)}}
    expected = {"router": MARK, "value": 123456, "x": [0.123456, f"a {MARK}", None, True], "y": {"z": [MARK]}}
    assert redacted_data(data) == expected


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h.org:8443/v1", "https://h.org:8443/v1"),
        ("https://user:pass@h.org:8443/v1?x=y#z", "https://h.org:8443/v1"),
        ("https://token@[::1]:80/", "https://[::1]:80/"),
        ("https://h.org/?a=b@c", HIDDEN),
        ("https://user:pa/ss@h.org", HIDDEN),
        ("https://user:12/34@h.org", HIDDEN),
        ("https://user:pa#ss@h.org", HIDDEN),
        ("user:pass@h.org", HIDDEN),
        ("localhost:4000", "localhost:4000"),
        ("", ""),
    ],
)
def test_a_url_as_it_may_be_shown(url: str, shown: str) -> None:
    assert public_url(url) == shown


def test_values_of_urls_are_secret_as_written_and_as_meant() -> None:
    keep_urls_secret(["x=https://us%40er9-long:pass%2Fword%201@h/?key=a%2Bb+c%2Fd&flag-alone#fragment"])
    for value in ("us@er9-long", "pass/word 1", "pass%2Fword%201", "a+b c/d", "a%2Bb+c%2Fd", "flag-alone", "fragment"):
        assert redacted(f"<{value}>") == f"<{MARK}>", value


def test_a_message_shows_no_user_info_even_of_an_unknown_url() -> None:
    text = "see http://u:p@host/x?a=1&api_key=k&sig=s and https://docs.example/page?x=1#y, me@example.org"
    expected = f"see http://{MARK}@host/x?a=1&api_key={MARK}&sig={MARK} and https://docs.example/page?x=1#y, me@example.org"
    assert redacted_message(text) == expected


def test_a_cause_that_shows_a_secret_is_left_out() -> None:
    keep_secret("canary-value")
    assert harmless(ValueError("fine")) is not None
    outer = ValueError("fine")
    outer.__cause__ = OSError("canary-value")
    assert harmless(outer) is None


def test_logs_of_the_clients_are_redacted_with_their_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    keep_secret("canary-value")
    guard_logs()
    for name in ("openai", "openai._base_client", "httpx2", "huggingface_hub"):
        logger = logging.getLogger(name)
        guard_logs()
        try:
            raise ValueError("canary-value")
        except ValueError:
            logger.exception("with %s", "canary-value")
    assert caplog.text.count(f"with {MARK}") == 4
    assert "canary-value" not in caplog.text


def test_a_log_of_a_client_shows_no_query(caplog: pytest.LogCaptureFixture) -> None:
    """An address may be signed by any parameter."""
    guard_logs()
    with caplog.at_level(logging.INFO, "httpx2"):
        logging.getLogger("httpx2").info("GET %s", "https://cdn.example/x?Policy=abc&se=def&region=eu&api-version=2 (200)")
        logging.getLogger("httpx2").info("[(b'Location', b'https://cdn.example/x?X-Amz-Credential=ghi')]")
    assert [record.message for record in caplog.records] == [
        f"GET https://cdn.example/x?Policy={MARK}&se={MARK}&region=eu&api-version=2 (200)",
        f"[(b'Location', b'https://cdn.example/x?X-Amz-Credential={MARK}')]",
    ]
