"""The options that `collect` and `judge` share, which say how calls are made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from llmfusionbench.builders.collecting.collect import Batches

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option("--batch", is_flag=True, help="Ask in batches of the provider (/v1/batches), at their discount."),
    click.option("--batch-files", multiple=True, metavar="LLM,...", help="LLMs whose batches are files for vllm run-batch."),
    click.option(
        "--batch-results",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Take the results of a batch from a file, and ask nothing. Repeatable.",
    ),
    click.option("--no-wait", is_flag=True, help="With --batch: submit, take what is done, and do not wait for the rest."),
    click.option("--halt-on-drift", is_flag=True, help="Stop when another model answers than was requested."),
)


def call_options(command: Command) -> Command:
    """Add the options of batches, and --halt-on-drift."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_batches(options: dict[str, Any], asking: Sequence[str]) -> None:
    """Check the options of batches.

    Args:
        options: All options.
        asking: Names of those that do not go with results from files.

    Raises:
        click.UsageError: two options do not go together.
    """
    names = [*asking, "batch"]
    if options["batch_results"] and any(options[name] for name in names):
        flags = [f"--{name.replace('_', '-')}" for name in names]
        raise click.UsageError(f"--batch-results asks nothing: drop {', '.join(flags[:-1])} and {flags[-1]}.")
    for name in ("batch_files", "no_wait"):
        if options[name] and not options["batch"]:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --batch.")


def batches_of(options: dict[str, Any], noun: str, known: Collection[str]) -> Batches | None:
    """How batches are handled; None without --batch.

    Raises:
        UnknownNameError: an LLM is not one of `known`.
    """
    from llmfusionbench.builders.collecting.collect import Batches

    files = known_names(options["batch_files"], noun, known)
    return Batches(wait=not options["no_wait"], files=frozenset(files)) if options["batch"] else None


def names_in(texts: Sequence[str]) -> list[str]:
    """The names in lists that commas separate."""
    return list(dict.fromkeys(name for text in texts for part in text.split(",") if (name := part.strip())))


def known_names(texts: Sequence[str], noun: str, known: Collection[str]) -> list[str]:
    """The same, each of them known.

    Raises:
        UnknownNameError: one is not.
    """
    from llmfusionbench.errors import UnknownNameError

    names = names_in(texts)
    for name in names:
        if name not in known:
            raise UnknownNameError(noun, name, known)
    return names
