from collections.abc import Iterator
from contextvars import ContextVar
from threading import current_thread, main_thread

import pytest

from llmfusionbench.builders.making.ahead import ahead

NUMBER: ContextVar[int] = ContextVar("number", default=0)


def test_items_come_in_order_from_another_thread_with_the_variables_of_the_caller() -> None:
    def made() -> Iterator[tuple[int, int, bool]]:
        for i in range(5):
            yield i, NUMBER.get(), current_thread() is main_thread()

    token = NUMBER.set(7)
    try:
        assert list(ahead(made())) == [(i, 7, False) for i in range(5)]
    finally:
        NUMBER.reset(token)
    assert list(ahead([])) == []
    assert list(ahead([None, (), 0])) == [None, (), 0]


def test_what_is_raised_comes_after_the_items_before_it() -> None:
    def made() -> Iterator[int]:
        yield 1
        raise KeyError("here")

    items = ahead(made())
    assert next(items) == 1
    with pytest.raises(KeyError, match="here"):
        next(items)


def test_no_more_than_one_item_is_made_ahead() -> None:
    made: list[int] = []

    def source() -> Iterator[int]:
        for i in range(9):
            made.append(i)
            yield i

    items = ahead(source())
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert made == [0, 1]
