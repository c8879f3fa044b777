"""Numbers of answers and votes: every vote has a key of its own, and every text of an answer one number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.reading.numbering import Answers, Votes
from llmfusionbench.builders.reading.replicates import query_key

NAMES = st.sampled_from(("x", "y", "x_think", "z@high"))
TEXTS = st.sampled_from(("", "a", " a", "a\n", "b", "\ud83d"))
BATTLES = st.lists(st.tuples(st.sampled_from(("Q", "Q ", "R")), NAMES, TEXTS, NAMES, TEXTS, st.none() | st.integers(0, 3)))


@given(BATTLES)
def test_no_vote_shares_its_key_with_another(battles: list[tuple[str, str, str, str, str, int | None]]) -> None:
    answers, votes = Answers(), Votes()
    texts: dict[tuple[str, str, int], str] = {}
    keys: dict[tuple[object, ...], object] = {}
    for i, (asked, one, said, other, replied, number) in enumerate(battles):
        if one == other:
            continue
        query = query_key("t", {"prompt": asked})
        a, b = answers.side(query, one, said), answers.side(query, other, replied)
        for side, text in ((a, said), (b, replied)):
            assert texts.setdefault((asked.strip(), side.llm, side.replicate), text.strip()) == text.strip()
            assert (side.response is None) == (side.status is not None)
        sides = ((query, one, a.replicate, other, "first"), (query, other, b.replicate, one, "second"))
        record = None if number is None else (sides, number)
        judge = votes.name("human", sides, record)
        for side_key in sides:
            assert keys.setdefault((judge, side_key), record or i) == (record or i)


def test_queries_that_have_one_id_have_one_key() -> None:
    turns = [{"role": "user", "content": "Hi. "}, {"role": "user", "content": "Why?\r\n"}]
    bare = [{"role": "user", "content": "Hi."}, {"role": "user", "content": "Why?"}]
    assert query_key("t", {"messages": turns}) == query_key("t", {"messages": bare})
    assert query_key("t", {"prompt": "Hi."}) == query_key("t", {"prompt": " Hi. Let's think step by step."})
    assert (
        len({query_key("t", {}, "1"), query_key("t", {}, "2"), query_key("u", {}, "1"), query_key("t", {"prompt": "1"})}) == 4
    )
