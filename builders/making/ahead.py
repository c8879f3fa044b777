"""Reads on in a second thread while the parts before are taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The items in order; each is made while the caller works on the one before. What making one raises is raised here.

    Parsers of Arrow and hashes of large texts leave the lock of Python to the other thread. The items are made with the context
    variables of the caller.
    """
    source, context = iter(items), copy_context()
    with ThreadPoolExecutor(1, "reading") as pool:
        following = pool.submit(context.run, _next, source)
        while item := following.result():
            following = pool.submit(context.run, _next, source)
            yield from item


def _next(source: Iterator[Item]) -> tuple[Item, ...]:
    """The next item, if there is one."""
    for item in source:
        return (item,)
    return ()
