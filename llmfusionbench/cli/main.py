"""The command `llmfusionbench`: its subcommands, and what happens to errors.

Exit status 0: done. 1: the input or the data is at fault; one line on standard error says what, where, and the remedy.
2: the command was not understood.
"""

from __future__ import annotations

import difflib
import io
import os
import sys
from importlib import import_module
from typing import Any, Final

import click

from llmfusionbench._version import __version__
from llmfusionbench.cli.console import error_line, printable
from llmfusionbench.errors import LLMFusionBenchError

COMMANDS: Final = {
    "build": "Read logs in any known format and write them as a release.",
    "diff": "Say how two releases differ: rows added, removed and changed.",
    "evaluate": "Measure routers on a release, against baselines, with intervals.",
    "evaluate-prompts": "Ask the same queries bare, with examples and with thought templates, and compare.",
    "export": "Write corpora to train LLMs on, and routing data in other projects' formats.",
    "fuse": "Combine several LLMs' answers into one by voting, and measure the gain.",
    "info": "Say what is in a release: counts, tokens, coverage, licences.",
    "plugins": "List the routers, sources and formats that other packages bring.",
    "quickstart": "Tour the embedded sample: open, validate, look.",
    "rescore": "Score the answers of a release anew, as another release.",
    "simulate": "Write simulated logs in the official FusionBench format, at any scale.",
    "templates": "Make thought templates from the best answers, and retrieve them.",
    "tokens": "Count the tokens of a release and price them, as another release.",
    "validate": "Check a release, or one file, against the schemas.",
}
"""Command -> what it does; each is the function `command` of the module of its name, with `_` for `-`."""


class _Commands(click.Group):
    """Imports a command when it is called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name.replace('-', '_')}", __package__).command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            ctx.fail(f'No command "{name}".{hint}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="llmfusionbench")
def cli() -> None:
    """Logs of many LLMs answering the same queries, as one validated, typed dataset.

    \b
    Start here:
      llmfusionbench quickstart
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    sys.exit(run(sys.argv[1:] if args is None else args))


def run(args: list[str]) -> int:
    """Run the command line; its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no `é` is no reason to stop
    try:
        result: Any = cli.main(args, prog_name="llmfusionbench", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        told = io.StringIO()
        error.show(told)
        click.echo(printable(told.getvalue()), err=True, nl=False)
        return 2
    except click.Abort:
        error_line("stopped")
        return 1
    except LLMFusionBenchError as error:
        error_line(str(error))
        return 1
    except BrokenPipeError:
        # The reader has gone, as in `... | head`; keep the interpreter from complaining as it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = error.filename if error.filename2 is None else error.filename2  # of two, as in copying, what is written
        where = "" if place is None else f"{place}: "
        error_line(f"{where}{error.strerror or error}. Remedy: check the path, the rights and the space there")
        return 1
    except ValueError as error:
        arrow = sys.modules.get("pyarrow")
        if arrow is None or not isinstance(error, arrow.ArrowInvalid):
            raise
        error_line(f"a file cannot be read ({str(error).splitlines()[0]}). Remedy: llmfusionbench validate, on each input")
        return 1
    return result if isinstance(result, int) else 0
