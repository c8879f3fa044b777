"""Texts of servers in one line: no part of a secret stays where a long one is cut."""

from __future__ import annotations

import pytest

from llmfusionbench.builders.collecting.answer import one_line
from llmfusionbench.redaction import keep_secret

KEY = "j3rboa.and-9ibex"


@pytest.mark.parametrize("form", [KEY, KEY.replace("-", "\\u002d").replace(".", "\\u002e"), KEY.encode().hex()])
@pytest.mark.parametrize("before", range(19_900, 20_010, 3))
def test_a_secret_at_the_cut(form: str, before: int) -> None:
    keep_secret(KEY)
    for text in (" " * before + form, " " * before + form + " and more" * 500, (form + " ") * 3000):
        assert not any(form[:n] in one_line(text) for n in range(3, len(form)))


def test_a_text_that_is_hardly_longer_loses_nothing() -> None:
    keep_secret(KEY)
    assert one_line(" " * 19_990 + f"x: {KEY}") == "x: [secret]"


def test_a_long_text_keeps_its_beginning() -> None:
    keep_secret(KEY)
    assert one_line("word " * 10_000) == ("word " * 60) + "..."
    assert one_line(f"{KEY} " + "x" * 30_000).startswith("[secret] xxx")
