"""The command `llmfusionbench`: its subcommands and its error handling.

Exit status 0: success. 1: the input is faulty; one line on standard error states what, where and the remedy.
2: the command line is invalid.
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
from llmfusionbench.cli.console import error_line, flush, prepare_output, print_all_like_us, write
from llmfusionbench.errors import LLMFusionBenchError
from llmfusionbench.redaction import keep_urls_secret

COMMANDS: Final = {
    "append": "Write the next version of a release, with the rows of another one and a changelog.",
    "audit": "Find what is wrong with a log before you train or route on it.",
    "build": "Read logs in any known format and write them as a release.",
    "collect": "Ask many LLMs the queries of tasks, in a run that no crash loses, within a budget.",
    "diff": "Compare two releases: rows added, removed and changed.",
    "evaluate": "Measure routers on a release against baselines, with confidence intervals.",
    "evaluate-prompts": "Compare prompts for the same queries: bare, with examples, with thought templates.",
    "export": "Write corpora for training LLMs, and routing data in other projects' formats.",
    "fuse": "Combine several LLMs' answers into one by voting, and measure the gain.",
    "info": "Show what is in a release: counts, tokens, coverage, licences.",
    "inspect-log": "Show the fields of a log with types and examples, its format, and a proposed mapping.",
    "judge": "Have LLMs judge the answers of a release, and report how far each judge can be trusted.",
    "merge": "Join releases of different tools by query into one release.",
    "plugins": "List the routers, sources and formats that other packages add.",
    "publish": "Publish a release as a dataset repository on the Hugging Face Hub.",
    "quickstart": "Tour the embedded sample, offline.",
    "rescore": "Score the answers of a release again and write a new release.",
    "simulate": "Write simulated logs in the official FusionBench format, at any scale.",
    "status": "Show how far a run is: shards done and failed, rate, time left, and how to resume it.",
    "templates": "Make thought templates from the best answers, or retrieve them.",
    "tokens": "Count and price the tokens of a release and write a new release.",
    "validate": "Check a release or a single file against the schemas.",
}
"""Command -> its help. The function is `command` in the module of that name, with `_` for `-`."""


_VALIDATE: Final = "Remedy: run llmfusionbench validate on each input; if it finds nothing, report a bug of this package"


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

    def invoke(self, ctx: click.Context) -> Any:
        from llmfusionbench.storage.command_line import running

        with running(ctx.obj or ()):
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__, prog_name="llmfusionbench")
def cli() -> None:
    """Logs of many LLMs answering the same queries, as one validated, typed dataset.

    \b
    Start here:
      llmfusionbench quickstart
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its status. No Python process below it imports from the current directory."""
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    print_all_like_us()
    sys.exit(run(sys.argv[1:] if args is None else args))


def run(args: list[str]) -> int:
    """Run the command line and return its exit status."""
    keep_urls_secret(args)
    prepare_output()
    try:
        result: Any = cli.main(args, prog_name="llmfusionbench", standalone_mode=False, obj=tuple(args))
        flush()
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        write(shown.getvalue(), err=True, nl=False)
        return 2
    except click.Abort:
        error_line("stopped")
        return 1
    except LLMFusionBenchError as error:
        error_line(str(error))
        return 1
    except OSError as error:
        place = error.filename if error.filename2 is None else error.filename2  # the target, where there are two
        where = f"{place}: " if place is not None else "" if _is_somewhere() else "the current directory: "
        error_line(f"{where}{error.strerror or error}. Remedy: check the path, its permissions and the free disk space")
        return 1
    except MemoryError:
        error_line("this needs more memory than there is. Remedy: use a smaller input, or a machine with more memory")
        return 1
    except _arrow_errors() as error:
        error_line(f"a file cannot be read ({_first_line(error)}). {_VALIDATE}")
        return 1
    except UnicodeError as error:  # bytes or halves of surrogate pairs that came in from outside
        error_line(f"a text is not UTF-8 ({_first_line(error)}). {_VALIDATE}")
        return 1
    return result if isinstance(result, int) else 0


def _is_somewhere() -> bool:
    """Whether the current directory still exists."""
    try:
        return bool(os.getcwd())
    except OSError:
        return False


def _arrow_errors() -> tuple[type[BaseException], ...]:
    """What pyarrow raises; nothing if it was not imported. Most of its errors are also of a kind that a bug of ours raises."""
    arrow = sys.modules.get("pyarrow")
    return () if arrow is None else (arrow.ArrowException,)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:300] or type(error).__name__
