"""Output of the commands: tables, numbers, progress, and text that is safe to print."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from llmfusionbench.types import Progress

_STRAY_LINE_END: Final = re.compile(r"\n(?!  |Remedy: )")
"""A line break inside a name, not one between the items of a list."""


def printable(text: str) -> str:
    """`text` without control characters, which could move a terminal's cursor; line breaks and tabs stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def error_line(message: str) -> None:
    """Print an error on standard error: one line, or one per fault if it lists several."""
    message = _STRAY_LINE_END.sub(r"\\n", message)
    click.echo(f"llmfusionbench: error: {printable(message)}", err=True)


def say(message: str = "", *, err: bool = False) -> None:
    """Print a line on standard output, or on standard error."""
    click.echo(printable(message), err=err)


def show_table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on standard output; columns of numbers are aligned to the right. Only a terminal cuts long lines."""
    rows = list(rows)
    table = Table(header_style="bold", box=None, pad_edge=False)
    for i, name in enumerate(header):
        numeric = bool(rows) and all(row[i] is None or isinstance(row[i], int | float) for row in rows)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(number(cell))) for cell in row))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
    console.print(Text(title, style="bold underline"))
    console.print(table)
    console.print()


def number(value: object) -> str:
    """A figure for people to read; `-` if it is missing."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def interval(low: float | None, high: float | None, sign: str = "") -> str:
    """A confidence interval; `-` if it is missing."""
    return "-" if low is None or high is None else f"{low:{sign}.3f} to {high:{sign}.3f}"


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar on standard error, if that is a terminal; removed when the task is done."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {}

        def tell(what: str, done: int, total: int | None = None, /) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield tell
