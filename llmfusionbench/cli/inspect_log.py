"""`llmfusionbench inspect-log`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmfusionbench.cli.console import progress, say, show_table, write
from llmfusionbench.cli.options import out_path
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import public_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmfusionbench.builders.recognising.fields import Field
    from llmfusionbench.builders.recognising.signature import Match

_LISTED = 200
"""The most fields in the table."""


@click.command(name="inspect-log")
@click.argument("file")
@click.option("--records", type=click.IntRange(min=1, max=100_000), default=200, help="Number of records to look at.")
@click.option("--out", type=out_path(), help="Write the proposed mapping to this YAML file.")
@click.option("--overwrite", is_flag=True, help="Replace the file of --out if it is there.")
def command(file: str, records: int, out: Path | None, overwrite: bool) -> None:
    """Show what is in the log FILE: its fields with types and examples, its format, and a proposed mapping for `build table`.

    FILE is JSON, JSONL, CSV, TSV or Parquet, `.gz` and `.zst` too, or the URL of one. Only its first records are read. Values
    that are secret or name a person are not shown. The mapping is a guess by names and values: check it, then build with it.

    \b
    Examples:
      llmfusionbench inspect-log answers.jsonl
      llmfusionbench inspect-log answers.jsonl --out my.yaml
      llmfusionbench build table answers.jsonl --mapping my.yaml --out my-release
    """
    from llmfusionbench.builders.reading.fetched import fetched

    if out is not None and out.exists() and not overwrite:
        raise InputError(f"{out}: it exists. Remedy: set --overwrite, or choose another file")
    with ExitStack() as stack:
        with progress() as tell:
            paths = stack.enter_context(fetched([file], tell))
        if len(paths) > 1:
            raise InputError(f"{public_url(file)}: {len(paths):,} files, expected one. Remedy: name one of them")
        _inspect(paths[0], records, out)


def _inspect(path: Path, records: int, out: Path | None) -> None:
    from llmfusionbench.builders.reading.comparison_layouts import LAYOUTS
    from llmfusionbench.builders.reading.fetched import origin
    from llmfusionbench.builders.recognising.fields import fields_of
    from llmfusionbench.builders.recognising.head import read_head
    from llmfusionbench.builders.recognising.mapping_file import mapping_text
    from llmfusionbench.builders.recognising.proposal import propose
    from llmfusionbench.builders.recognising.recognition import matches_of
    from llmfusionbench.storage.files import whole_file

    if path.is_dir():
        raise InputError(f"{path}: a directory, expected a file. Remedy: name one of the files in it")
    if path.exists() and not path.is_file():  # a pipe would never end
        raise InputError(f"{path}: not a file. Remedy: check the path")
    head = read_head(path, records, rows=True)
    if head.fault is not None:
        raise InputError(f"{path}: {head.fault}. Remedy: check the file")
    shown = origin(path) or str(path)
    _show_format(shown, matches_of(head))
    fields = fields_of(head.records, cells=head.is_delimited)
    if fields:
        _show_fields(fields, len(head.records))
    judged = any(layout.fits([*head.fields]) for layout in LAYOUTS)
    if judged:
        say("It holds comparisons of two answers, which the source table reads without a mapping, too.")
    if judged or not head.is_table:
        if out is not None:
            why = "no mapping is needed" if judged else "the source table cannot read it"
            raise InputError(f"{path}: {why}, so none is written. Remedy: use its own source")
        return
    text = mapping_text(propose(head), path, len(head.records))
    if out is None:
        say("The proposed mapping; --out my.yaml writes it:")
        say()
        write(text, nl=False)
        return
    with whole_file(out) as part:
        part.write_text(text, encoding="utf-8")
    say(f"Wrote {out}: check it, then run llmfusionbench build table {shown} --mapping {out} --out DIR")


def _show_format(path: str, matches: Sequence[Match]) -> None:
    fitting = [match for match in matches if match.fits]
    if not fitting:
        near = next((match for match in matches if match.score > 0), None)
        nearest = (
            f"; the nearest is {near.source}, score {near.score:.2f}, which lacks {', '.join(near.missing[:4])}" if near else ""
        )
        say(f"{path}: its format is not known{nearest}.")
        return
    best = fitting[0]
    say(f"{path}: {best.signature.title}, score {best.score:.2f}. Build it with llmfusionbench build {best.source}.")


def _show_fields(fields: Sequence[Field], records: int) -> None:
    rows = [(one.path, _types(one), f"{one.count / records:.0%}", one.example() or "-") for one in fields[:_LISTED]]
    show_table(f"Fields of the first {records:,} records", ("field", "types", "records", "example"), rows)
    if len(fields) > _LISTED:
        say(f"and {len(fields) - _LISTED:,} more fields.")


def _types(one: Field) -> str:
    """The types of a field, the most frequent first."""
    return ", ".join(kind for kind, _ in one.types.most_common())
