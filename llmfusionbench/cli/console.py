"""Output of the commands: tables, numbers, progress, and text that is safe to print."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from llmfusionbench.redaction import redacted, redacted_traceback
from llmfusionbench.texts.printable import one_line, printable
from llmfusionbench.types import Progress

_STRAY_LINE_END: Final = re.compile(r"\n(?!  |Remedy: )")
"""A line break inside a name, not one between the items of a list."""


def write(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print `text` on standard output or standard error. All that this package prints goes through here, or is a table."""
    with _to_a_reader():
        # The stream is named, because click would write past one that a live table has replaced to stay below all lines.
        click.echo(printable(text), file=sys.stderr if err else sys.stdout, nl=nl)


def error_line(message: str) -> None:
    """Print an error on standard error: one line, or one per fault if it lists several."""
    message = _STRAY_LINE_END.sub(r"\\n", message)
    write(f"llmfusionbench: error: {message}", err=True)


def say(message: str = "", *, err: bool = False) -> None:
    """Print one line on standard output, or on standard error; a line break in it, as in a name, is shown escaped."""
    write(message.replace("\n", r"\n"), err=err)


def say_json(value: object, *, indent: int | None = 2, default: Callable[[object], object] | None = None) -> None:
    """Print a value as JSON in ASCII; `default` converts what JSON has no place for."""
    write(json.dumps(value, indent=indent, ensure_ascii=True, default=default))


def say_json_text(text: str) -> None:
    """Print a JSON document that ends its last line; characters that are not printable become escapes of JSON."""
    write("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in redacted(text)), nl=False)


class _Record(logging.LogRecord):
    """A log line without what could move a terminal's cursor."""

    def getMessage(self) -> str:  # noqa: N802  (the base class names it)
        return printable(super().getMessage())


def print_all_like_us() -> None:
    """Have warnings, log lines and tracebacks of this process printed by `write`, or made printable like it."""

    def warn(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        write(warnings.formatwarning(message, category, filename, lineno, line), err=True, nl=False)

    def crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        write(redacted_traceback(error), err=True, nl=False)

    sys.excepthook, warnings.showwarning = crash, warn
    logging.setLogRecordFactory(_Record)


def prepare_output() -> None:
    """Have standard output and standard error take any text, also if they are closed or cannot encode it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed, as by `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 for as long as the process lasts
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def flush() -> None:
    """Send what was printed."""
    with _to_a_reader():
        sys.stdout.flush()


@contextmanager
def _to_a_reader() -> Iterator[None]:
    """Where the reader has gone, as in `... | head`, the command goes on with its work, and what it prints is dropped."""
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            if not stream.isatty():
                os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def show_table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on standard output; columns of numbers are aligned to the right. Only a terminal cuts long lines."""
    rows = list(rows)
    table = Table(header_style="bold", box=None, pad_edge=False)
    for i, name in enumerate(header):
        numeric = bool(rows) and all(row[i] is None or isinstance(row[i], int | float) for row in rows)
        table.add_column(_cell(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(number(cell)) for cell in row))
    console = _Console(highlight=False, width=None if sys.stdout.isatty() else 240)
    with _to_a_reader():
        console.print(_cell(title, style="bold underline"))
        console.print(table)
        console.print()


def _cell(text: str, style: str = "") -> Text:
    """A text in a table: not markup, and without line breaks and tabs, with which a name could pass for another row."""
    return Text(one_line(text), style=style)


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


def shows_bars() -> bool:
    """Whether standard error is a terminal, where a bar shows the progress."""
    return Console(stderr=True).is_terminal


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar on standard error, if that is a terminal; removed when the task is done."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {}

        def tell(what: str, done: int, total: int | None = None, /) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(_cell(what).plain, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield tell
