"""Options that several commands share, and what is made of them: retrieval, spending, embedders."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from llmfusionbench.cli.console import say
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.redaction import keep_urls_secret
from llmfusionbench.storage.address import is_elsewhere, local_path

if TYPE_CHECKING:
    from llmfusionbench.baselines.retrievers import Retriever
    from llmfusionbench.llm.chat import ChatClient
    from llmfusionbench.llm.spending import Spending, Usage
    from llmfusionbench.texts.embedding import Embedder

Function = TypeVar("Function", bound=Callable[..., Any])


def with_options(*options: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """Give a command several options."""
    return lambda function: reduce(lambda made, option: option(made), reversed(options), function)


class OutPath(click.Path):
    """A file or directory to write, whose name every file that we write can hold. A URL of this machine is its path."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        near = local_path(value) if isinstance(value, str) else value
        path = Path(os.fsdecode(super().convert(near, param, ctx)))
        try:
            str(path.absolute()).encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(f"{path}: the name of the place to write is not UTF-8. Remedy: choose another name") from error
        return path


class ReleaseOut(OutPath):
    """The directory of a release to write, or its URL in a store."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if is_elsewhere(value):
            keep_urls_secret([value])
            return value
        return super().convert(value, param, ctx)


def release_out(what: str = "the release") -> Callable[[Function], Function]:
    """Give a command the option --out of a release."""
    return click.option(
        "--out",
        required=True,
        type=ReleaseOut(path_type=Path),
        metavar="PLACE",
        help=f"Directory for {what}, or its URL in a store, such as s3://bucket/name. It appears complete or not at all.",
    )


out_path = partial(OutPath, path_type=Path)

failures_option = click.option(
    "--failures",
    default="zero",
    metavar="NAME",
    help="What a failed answer (error, empty) counts as: zero (default), or missing, as if it had not been asked for.",
)

engine_option = click.option(
    "--engine",
    default="local",
    metavar="NAME",
    help="What runs the shards: local (processes of this machine) or ray (a Ray cluster: that of RAY_ADDRESS, else a new one).",
)

retrieval_options = with_options(
    click.option("--retriever", default="dense", metavar="NAME", help="Retriever: dense, bm25 or hybrid."),
    click.option("--k", default=3, type=click.IntRange(min=1), help="Maximum number of templates per query."),
    click.option(
        "--within", default="any", metavar="WHAT", help="Where templates may come from: the query's task, its domain, or any."
    ),
    click.option(
        "--criterion",
        default="performance",
        metavar="NAME",
        help="How the answers behind the templates were chosen: performance, judge or hybrid.",
    ),
    click.option("--pool", default="all", metavar="NAME", help="Pool of the answers behind the templates: small or all."),
    click.option("--summarizer", metavar="NAME", help="Summarizer of the templates; required if the release has several."),
    click.option(
        "--embedder",
        metavar="SPEC",
        help="Embedder for dense and hybrid: tfidf (default), minilm, module:Class or path.py:Class.",
    ),
    click.option("--split", default="test", metavar="NAME", help="Split of the queries."),
    click.option("--budget-tokens", default=2048, type=click.IntRange(min=1), help="Maximum number of tokens per prompt."),
)


def make_retriever(name: str, embedder: str | None) -> Retriever:
    """The retriever that the options describe.

    Raises:
        UnknownNameError: There is none of this name.
        InputError: The embedder cannot be made.
    """
    from llmfusionbench.baselines import RETRIEVERS

    if name not in RETRIEVERS:
        raise UnknownNameError("retriever", name, RETRIEVERS)
    if embedder is not None and name == "bm25":
        raise click.UsageError("bm25 uses no --embedder: drop it, or choose --retriever dense or hybrid.")
    made: Retriever = RETRIEVERS[name](**{} if embedder is None else {"embedder": kept_embedder(embedder)})
    return made


def take(options: dict[str, Any], *names: str) -> dict[str, Any]:
    """Move the options of these names out of `options`."""
    return {name: options.pop(name) for name in names}


def say_left_out(left_out: dict[str, str]) -> None:
    """Report queries without a prompt, some by name."""
    if not left_out:
        return
    some = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
    more = f"; and {len(left_out) - 3:,} more" if len(left_out) > 3 else ""
    say(f"Skipped {len(left_out):,} queries ({some}{more}). Remedy for long ones: raise --budget-tokens")


def endpoint_options(max_tokens: int) -> Callable[[Function], Function]:
    """Give a command the options of a server, of the requests to it, and of what they may cost; see `endpoint`."""
    return with_options(
        click.option("--model", metavar="NAME", help="Model name sent to the server."),
        click.option(
            "--key-variable", metavar="NAME", help="Environment variable that holds the API key. Default: no key is sent."
        ),
        click.option("--input-price", type=float, metavar="USD", help="Price per million input tokens, USD."),
        click.option("--output-price", type=float, metavar="USD", help="Price per million output tokens, USD."),
        click.option("--max-cost", type=float, metavar="USD", help="Maximum cost of this run, USD; needs both prices."),
        click.option("--max-requests", type=int, metavar="N", help="Maximum number of requests in this run."),
        click.option(
            "--max-total-tokens", type=int, metavar="N", help="Maximum number of tokens in this run, input plus output."
        ),
        click.option("--concurrency", default=8, help="Number of parallel requests."),
        click.option("--retries", default=3, help="Retries after a temporary failure."),
        click.option("--timeout", default=60.0, help="Timeout per attempt, seconds."),
        click.option("--max-tokens", default=max_tokens, help="Maximum number of tokens per reply."),
        click.option("--temperature", default=0.0, help="Sampling temperature."),
    )


def endpoint(url: str, seed: int | None, options: dict[str, Any]) -> tuple[ChatClient, Spending]:
    """The client and the budget that the options describe."""
    from llmfusionbench.llm.chat import ChatClient
    from llmfusionbench.llm.spending import Spending

    spending = Spending(**take(options, "input_price", "output_price", "max_cost", "max_requests", "max_total_tokens"))
    return ChatClient(url, seed=seed, **options), spending


def usage_rows(usage: Usage) -> list[list[object]]:
    """What a run spent: figure and count."""
    rows: list[list[object]] = [["requests", usage.requests], ["replies resumed from an earlier run", usage.resumed]]
    rows += [["input tokens", usage.input_tokens], ["output tokens", usage.output_tokens]]
    return rows + ([["requests with estimated tokens", usage.estimated]] if usage.estimated else [])


def cost_line(usage: Usage) -> str | None:
    """What a run cost; None without prices."""
    return None if usage.cost_usd is None else f"Cost of this run: {usage.cost_usd:.6f} USD at the prices given."


def kept_embedder(spec: str) -> Embedder:
    """The embedder of a spec; the vectors of a fixed model are cached on disk.

    A fitted embedder is fast, and its vectors depend on the train prompts; they are not cached.

    Raises:
        UnknownNameError: There is none of this name.
        InputError: It cannot be imported or made, or is not an embedder.
    """
    from llmfusionbench.storage.cache import cache_directory
    from llmfusionbench.texts.embedding import CachedEmbedder

    embedder = make_embedder(spec)
    return embedder if hasattr(embedder, "fit") else CachedEmbedder(embedder, cache_directory() / "embeddings")


def make_embedder(spec: str) -> Embedder:
    """The embedder that a spec names.

    Raises:
        UnknownNameError: There is none of this name.
        InputError: It cannot be imported or made, or is not an embedder.
    """
    from llmfusionbench.evaluation.routers.by_name import load_named
    from llmfusionbench.texts.embedding import Embedder, MiniLMEmbedder, TfidfSvdEmbedder

    known: dict[str, Any] = {"tfidf": TfidfSvdEmbedder, "minilm": MiniLMEmbedder}
    if ":" not in spec and spec not in known:
        raise UnknownNameError("embedder", spec, known)
    kind = known[spec] if spec in known else load_named(spec)
    try:
        made = kind()
    except TypeError as error:
        raise InputError(f"{spec}: cannot be made without arguments ({error}). Remedy: give its arguments defaults") from error
    if not isinstance(made, Embedder):
        raise InputError(
            f"{spec}: is not an embedder. Remedy: give it id and encode(prompts), see llmfusionbench.texts.embedding.Embedder"
        )
    return made
