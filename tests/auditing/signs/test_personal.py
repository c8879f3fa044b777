"""What looks like personal data is found; what is made up is not; neither is shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.auditing.signs.personal import CANDIDATES, masked, masked_around, personal_data

# Put together here, so that no scanner takes this file for one with secrets in it.
KEYS = [
    "sk-" + "proj-" + "Zk3vQ9xLw7Rt2Bn8Yc5Ha1Ud6Se4Gf0Jm",
    "gh" + "p_" + "q8Zt3Lk9Wv2Xr7Bn5Yc1Ha6Ud4Se0Gf3JmP",
    "AK" + "IA" + "Q3LK9WV2XR7BN5YC",
    "h" + "f_" + "QzTtLkWvXrBnYcHaUdSeGfJmPqRsKdVw",
    "h" + "f_" + "Qz7tLkWv2rBnYcHa4dSeGf9mPqRsKd3w",
    "xox" + "b-" + "482916357201-Zk3vQ9xLw7Rt2Bn8Yc5H",
    "AI" + "za" + "SyQ8Zt3Lk9Wv2Xr7Bn5Yc1Ha6Ud4Se0Gf3J",
]
CARDS = ["4929 4212 3460 0821", "5425-2334-3010-9903", "374245455400126", "6011000990139424"]
PEOPLE = ["mara.stein@bodensee-boote.ch", "t.ferry+log@lake.co.uk", "INES_42@uni-hafen.de"]
MADE_UP = [
    "jane.doe@example.com",
    "your-email@gmail.com",
    "user@domain.com",
    "support@lake.co.uk",
    "lake@lake.co.uk",
    "jsmith@uni-hafen.de",
    "icon@2x.png",
    "a@b",
    "sk-" + "your-api-key-here-0000000",
    "sk-" + "x" * 30,
    "4111 1111 1111 1111",
    "4929 4212 3460 0822",
    "0.4929421234600821",
    "49294212346008210000",
    "@decorator and user@host",
]


def kinds(text: str) -> list[str]:
    return [kind for kind, _, _ in personal_data(text)]


@pytest.mark.parametrize("secret", PEOPLE)
def test_addresses(secret: str) -> None:
    text = f"Write to {secret}, please."
    assert kinds(text) == ["e-mail address"]
    ((_, start, end),) = personal_data(text)
    assert text[start:end] == secret


@pytest.mark.parametrize("secret", KEYS)
def test_keys(secret: str) -> None:
    assert kinds(f'client = Client(key="{secret}")') == ["key"]


def test_a_private_key() -> None:
    text = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAx3\n" * 12
    assert kinds(text) == ["private key"]
    assert "MIIEow" not in masked(text)


@pytest.mark.parametrize("secret", CARDS)
def test_cards(secret: str) -> None:
    assert kinds(f"My card is {secret}.") == ["card number"]


@pytest.mark.parametrize("text", MADE_UP)
def test_what_is_made_up(text: str) -> None:
    assert kinds(f"Take {text} for it") == []


@pytest.mark.parametrize("secret", [*KEYS, *CARDS, *PEOPLE])
def test_secrets_are_masked_wherever_they_stand(secret: str) -> None:
    for text in (secret, f"({secret})", f"{PEOPLE[0]} and {secret}\n{secret} {CARDS[0]}", f'"{secret}"' * 3):
        shown = masked(text)
        for hidden in (secret, PEOPLE[0] if PEOPLE[0] in text else secret, CARDS[0] if CARDS[0] in text else secret):
            assert hidden not in shown
        assert masked(shown) == shown
        assert secret[len(secret) // 2 :] not in masked_around(text, text.index(secret), 40)


@pytest.mark.parametrize("secret", [*KEYS, *CARDS, *PEOPLE])
def test_the_cheap_filter_lets_everything_through(secret: str) -> None:
    assert re.search(CANDIDATES, f"x {secret} x")


@given(st.text(max_size=300))
def test_texts_without_data_stay_as_they_are(text: str) -> None:
    if not list(personal_data(text)) and not re.search(CANDIDATES, text):
        assert masked(text) == text
    assert all(0 <= start < end <= len(text) for _, start, end in personal_data(text))


@given(st.lists(st.sampled_from([*KEYS, *CARDS, *PEOPLE, " ", "\n", ", ", "-", "x", "="]), max_size=12))
def test_no_order_of_secrets_shows_one(parts: list[str]) -> None:
    text = "".join(parts)
    for _, start, end in personal_data(text):
        assert text[start:end] not in masked(text)
        assert text[start:end] not in masked_around(text, start, 30)
