"""Options that the commands about retrieval share, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import UnknownNameError
from .console import say
from .embedders import kept_embedder

if TYPE_CHECKING:
    from ..baselines.retrievers import Retriever, TemplateLibrary
    from ..release import Release

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--retriever", default="dense", show_default=True, metavar="NAME", help="Retriever: dense, bm25 or hybrid."),
    click.option(
        "--k", default=3, show_default=True, type=click.IntRange(min=1), help="Maximum number of templates per query."
    ),
    click.option(
        "--within",
        default="any",
        show_default=True,
        metavar="WHAT",
        help="Where templates may come from: the query's task, its domain, or any.",
    ),
    click.option(
        "--criterion",
        default="performance",
        show_default=True,
        metavar="NAME",
        help="How the answers behind the templates were chosen: performance, judge or hybrid.",
    ),
    click.option(
        "--pool",
        default="all",
        show_default=True,
        metavar="NAME",
        help="Pool of the answers behind the templates: small or all.",
    ),
    click.option("--summarizer", metavar="NAME", help="Summarizer of the templates; required if the release has several."),
    click.option(
        "--embedder",
        metavar="SPEC",
        help="Embedder for dense and hybrid: tfidf (default), minilm, module:Class or path.py:Class.",
    ),
    click.option("--split", default="test", show_default=True, metavar="NAME", help="Split of the queries."),
    click.option(
        "--budget-tokens",
        default=2048,
        show_default=True,
        type=click.IntRange(min=1),
        help="Maximum number of tokens per prompt.",
    ),
)


def retrieval_options(function: Function) -> Function:
    """Give a command the options that say what is retrieved, and how."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def make_retriever(name: str, embedder: str | None) -> Retriever:
    """The retriever that the options ask for.

    Raises:
        UnknownNameError: there is none of this name.
        InputError: the embedder is none, or the retriever uses none.
    """
    from ..baselines import RETRIEVERS

    if name not in RETRIEVERS:
        raise UnknownNameError("retriever", name, RETRIEVERS)
    if embedder is not None and name == "bm25":
        raise click.UsageError("bm25 uses no --embedder: leave it out, or --retriever dense or hybrid.")
    made: Retriever = RETRIEVERS[name](**{} if embedder is None else {"embedder": kept_embedder(embedder)})
    return made


def library_of(release: Release, criterion: str, pool: str, summarizer: str | None) -> TemplateLibrary:
    """The templates that the options ask for."""
    from ..baselines.retrievers import TemplateLibrary

    return TemplateLibrary.of(release, criterion=criterion, pool=pool, summarizer=summarizer)


def say_left_out(left_out: dict[str, str]) -> None:
    """Queries without a prompt, some by name."""
    if not left_out:
        return
    some = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
    more = f"; and {len(left_out) - 3:,} more" if len(left_out) > 3 else ""
    say(f"Left out, {len(left_out):,} queries ({some}{more}). Remedy for long ones: --budget-tokens")
