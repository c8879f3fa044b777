"""Sampling: the order of the rows decides nothing, and what is added takes one place at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.tasks import CATALOG
from llmfusionbench.builders.tasks.sampling import Candidate, choose
from llmfusionbench.builders.tasks.task import Task
from llmfusionbench.errors import UnknownNameError

SPLITS = (None, "train", "test", "partial_test")


def task(train: int, partial: int = 3, per_group: bool = False) -> Task:
    draft = CATALOG["gsm8k"].draft
    return Task(name="t", metric="em", draft=draft, fields=(), train=train, partial_test=partial, train_per_group=per_group)


@st.composite
def pools(draw: st.DrawFn) -> list[Candidate]:
    ids = draw(st.lists(st.integers(0, 10_000), unique=True, max_size=40))
    return [Candidate(f"{i:024x}", draw(st.sampled_from([None, "train", "test"])), draw(st.sampled_from("ab"))) for i in ids]


@given(pools(), st.randoms(use_true_random=False), st.integers(0, 3), st.integers(0, 20), st.booleans())
def test_another_order_of_rows_gives_the_same_queries(
    rows: list[Candidate], random: object, seed: int, train: int, per_group: bool
) -> None:
    mixed = list(rows)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    for split in SPLITS:
        kept = [choose(order, task(train, per_group=per_group), seed=seed, split=split) for order in (rows, mixed)]
        assert kept[0] == kept[1]


@given(pools(), st.integers(0, 3), st.integers(0, 20), st.booleans())
def test_no_query_is_in_two_splits_and_none_is_lost(rows: list[Candidate], seed: int, train: int, per_group: bool) -> None:
    record = task(train, per_group=per_group)
    in_train = choose(rows, record, seed=seed, split="train")
    in_test = choose(rows, record, seed=seed, split="test")
    part = choose(rows, record, seed=seed, split="partial_test")
    assert not {name for _, name in in_train} & {name for _, name in in_test}
    assert {name for _, name in part} <= {name for _, name in in_test}
    assert choose(rows, record, seed=seed, split=None) == in_train + part
    official = {one.query_id for one in rows if one.pool == "test"}
    rest = {one.query_id for one in rows if one.pool is None} - {name for _, name in in_train}
    assert {name for _, name in in_test} == official | rest


@given(pools(), st.integers(0, 3), st.integers(1, 20))
def test_a_new_row_takes_one_place_at_most(rows: list[Candidate], seed: int, train: int) -> None:
    before = choose(rows, task(train), seed=seed, split="train")
    after = choose([*rows, Candidate("f" * 24, "train", "a")], task(train), seed=seed, split="train")
    groups = {one.group for one in rows} | {"a"}
    assert len(set(before) - set(after)) <= len(groups)


@given(pools(), st.integers(0, 3), st.integers(1, 8), st.integers(1, 8))
def test_a_lower_limit_takes_the_first_ones(rows: list[Candidate], seed: int, low: int, more: int) -> None:
    few, many = (choose(rows, task(20), seed=seed, split="train", limit=limit) for limit in (low, low + more))
    assert many[: len(few)] == few
    assert len(few) == min(low, len(many))


def test_another_seed_gives_other_queries() -> None:
    rows = [Candidate(f"{i:024x}", None) for i in range(200)]
    assert choose(rows, task(50), seed=0, split="train") != choose(rows, task(50), seed=1, split="train")


def test_a_count_per_group() -> None:
    rows = [Candidate(f"{i:024x}", "train", "abc"[i % 3]) for i in range(60)]
    groups = {one.query_id: one.group for one in rows}
    found = choose(rows, task(4, per_group=True), seed=0, split="train")
    assert Counter(groups[name] for _, name in found) == {"a": 4, "b": 4, "c": 4}
    first = choose(rows, task(4, per_group=True), seed=0, split="train", limit=3)
    assert {groups[name] for _, name in first} == {"a", "b", "c"}


@pytest.mark.parametrize("split", ["validation", "", "Train"])
def test_an_unknown_split(split: str) -> None:
    rows: Sequence[Candidate] = []
    with pytest.raises(UnknownNameError, match="No split"):
        choose(rows, task(1), seed=0, split=split)
