"""What headers state about rate limits, as each provider words it."""

from __future__ import annotations

import time

import pytest

from llmfusionbench.builders.collecting.calls import Limits
from llmfusionbench.builders.collecting.rate_headers import limits_of, retry_after, wait_s


def openai(kind: str, limit: str, left: str, reset: str) -> dict[str, str]:
    head = "x-ratelimit-"
    return {f"{head}limit-{kind}": limit, f"{head}remaining-{kind}": left, f"{head}reset-{kind}": reset}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (openai("requests", "5000", "4999", "12ms"), Limits(5000.0, None, 4999, None, 0.012)),
        (
            openai("requests", "60", "59", "1s") | openai("tokens", "150000", "149984", "6m0s"),
            Limits(60.0, None, 59, 149_984, 1.0, 360.0),
        ),
        (openai("tokens", "200000", "100000", "30s"), Limits(None, 200_000.0, None, 100_000, None, 30.0)),
        # Groq states requests per day: 30 of them come back in three minutes.
        (openai("requests", "14400", "14370", "2m59.56s"), Limits(None, None, 14_370, None, 179.56)),
        (openai("requests-minute", "30", "29", "95.5"), Limits(30.0, None, 29, None, 95.5)),
        (openai("tokens-minute", "60000", "0", "59.1"), Limits(None, 60_000.0, None, 0, None, 59.1)),
        ({"x-ratelimit-limit-req-minute": "20", "x-ratelimit-remaining-req-minute": "19"}, Limits(20.0, None, 19)),
        # Azure states these where it does not know them.
        (openai("tokens", "-1", "-1", "0"), Limits(tokens_reset_s=0.0)),
        (openai("requests", "0", "0", "0"), None),
        ({"x-ratelimit-limit": "10", "x-ratelimit-remaining": "3", "x-ratelimit-reset": "2"}, Limits(None, None, 3, None, 2.0)),
        ({"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "nan"}, None),
        ({"x-ratelimit-limit-requests": "1e9"}, None),
        ({"content-type": "application/json"}, None),
    ],
)
def test_limits(headers: dict[str, str], expected: Limits | None) -> None:
    assert limits_of(headers) == expected


def test_limits_of_anthropic() -> None:
    headers = {
        "date": "Mon, 01 Jan 2024 00:00:00 GMT",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2024-01-01T00:00:10Z",
        "anthropic-ratelimit-input-tokens-limit": "40000",
        "anthropic-ratelimit-input-tokens-remaining": "39000",
        "anthropic-ratelimit-input-tokens-reset": "2024-01-01T00:00:01.500Z",
    }
    assert limits_of(headers) == Limits(50.0, 40_000.0, 49, 39_000, 10.0, 1.5)
    headers["anthropic-ratelimit-tokens-limit"] = "90000"
    found = limits_of(headers)
    assert found is not None
    assert found.tokens_per_minute == 90_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0.0), ("7", 7.0), (" 2.5 ", 2.5), ("12ms", 0.012), ("1.5s", 1.5), ("6m0s", 360.0), ("1h2m3s", 3723.0),
        ("1d", 86_400.0), ("1m", 60.0), ("1000000060", 60.0), ("1000000060000", 60.0), ("1000000000", 0.0),
        ("Sun, 09 Sep 2001 01:47:00 GMT", 20.0), ("2001-09-09T01:47:00Z", 20.0), ("2001-09-09T02:47:00+01:00", 20.0),
        ("Sun, 09 Sep 2001 01:46:00 GMT", 0.0), ("", None), ("soon", None), ("-5", None), ("nan", None), ("inf", None),
        ("9" * 400, None), ("1e308", None), ("٣", None), ("Xyz, 99 Sep 2001 01:47:00 GMT", None), (None, None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
    ],
)  # fmt: skip
def test_times_to_wait(text: str | None, expected: float | None) -> None:
    assert wait_s(text, 1_000_000_000.0) == expected


def test_the_clock_of_the_server_counts_where_it_states_it(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"date": "Mon, 01 Jan 2024 00:00:00 GMT", "retry-after": "Mon, 01 Jan 2024 00:01:00 GMT"}
    for moment in (0.0, 4e9):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        assert retry_after(headers) == 60.0
    del headers["date"]
    assert retry_after(headers) == 0.0


def test_hostile_headers_cost_no_time() -> None:
    for text in ("1m" * 500_000, "9" * 1_000_000, "1.5s" + " " * 1_000_000 + "x", "1d1h" * 200_000 + "x"):
        assert wait_s(text, 0.0) is None
    assert limits_of({"x-ratelimit-limit-requests": "1" * 1_000_000}) is None
