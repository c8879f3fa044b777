"""`llmfusionbench quickstart`: a tour of the embedded sample, offline."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmfusionbench.cli.console import interval, progress, say, show_table
from llmfusionbench.cli.info import describe
from llmfusionbench.cli.options import out_path
from llmfusionbench.cli.validate import check
from llmfusionbench.storage.csv_text import csv_text
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.storage.kinds import DirectoryKind

if TYPE_CHECKING:
    from llmfusionbench.release import Release

_BEST = 5
_ROUTERS = ("per_task", "knn")
_TASK = "gsm8k"
_TEMPLATES = 3
_RECORDS = 2
_CORPUS = "corpus"
_CANDIDATES = "candidates.csv"
_SHOWN = 200
"""Characters shown of a text, or of a line of a corpus."""


@click.command(name="quickstart")
@click.option(
    "--out",
    type=out_path(),
    help="Also write the best candidates (CSV), the router report and a corpus to this directory. An earlier tour is replaced.",
)
def command(out: Path | None) -> int:
    """Tour the embedded sample, offline: what is in it, who answers best, and what it can be used for.

    Shows a report of routers, the thought templates of similar queries, and a corpus for training.

    \b
    Example:
      llmfusionbench quickstart --out tour
    """
    from llmfusionbench.evaluation import evaluate
    from llmfusionbench.evaluation.report.report import FILES
    from llmfusionbench.release import open_release
    from llmfusionbench.release.leaderboard import leaderboard
    from llmfusionbench.statistics import counted

    release = open_release("sample")
    issues, checked = check(release.directory)
    if issues:
        say(f"The embedded sample is damaged: {len(issues)} issues, such as {issues[0]}. Remedy: reinstall the package")
        return 1
    describe(release)
    say(f"Validated {checked:,} rows: no issues.")
    say()
    board = leaderboard(release)
    best = board.groupby("domain").head(_BEST).to_dict("records")
    show_table(
        f"The {_BEST} best candidates of each domain: means over the queries, with 95% intervals (SIMULATED)",
        ["domain", "candidate", "performance", "95% interval", "scored", "USD per 1,000 answers", "95% interval"],
        [
            (
                row["domain"],
                row["candidate"],
                row["performance"],
                interval(row["low"], row["high"]),
                f"{row['scored']} of {row['queries']}",
                counted(row["cost_usd"] * 1e3, row["priced"], row["queries"]),
                interval(row["cost_low"] * 1e3, row["cost_high"] * 1e3),
            )
            for row in best
        ],
    )
    with progress() as tell:
        report = evaluate(list(_ROUTERS), release, progress=tell)
    show_table(report.title, report.leaderboard_header(), report.leaderboard_rows())
    _show_templates(release)
    with _folder(out) as folder:
        _show_corpus(release, folder / _CORPUS)
        report.write_files(folder)
        (folder / _CANDIDATES).write_text(csv_text(board), encoding="utf-8")
    if out is not None:
        for name in [*FILES, _CANDIDATES, _CORPUS]:
            say(f"Wrote {out / name}.")
    say("Where to go next:")
    say("  llmfusionbench info sample         the same overview for any release")
    say("  llmfusionbench evaluate --help     measure your own router against these")
    say("  llmfusionbench templates --help    make thought templates from the best answers, retrieve them for new queries")
    say("  llmfusionbench export --help       write corpora for SFT, preference and KTO in the format of your trainer")
    say("  llmfusionbench build --help        turn your own logs into these tables")
    say("  llmfusionbench simulate --help     make logs of any size for tests")
    return 0


def _show_templates(release: Release) -> None:
    """Show what a retriever finds for the first test query of a task."""
    from llmfusionbench.baselines.retrievers import Dense, Queries, TemplateLibrary

    library = TemplateLibrary.of(release)
    queries = Queries.of(release, "test")
    first = queries.tasks.index(_TASK)
    prompt = queries.prompts[first] or ""
    retriever = Dense().fit(library)
    ids, similarities = retriever.topk([prompt], _TEMPLATES, query_ids=[queries.query_ids[first]], tasks=[_TASK], within="task")
    say(f"A test query of {_TASK}: {_short(prompt)}")
    rows = [
        (round(float(similarity), 3), _short(library.templates[library.place[name]]))
        for name, similarity in zip(ids[0], similarities[0], strict=False)
    ]
    title = f"The {_TEMPLATES} thought templates of the train queries most like it (SIMULATED)"
    show_table(title, ["similarity", "template"], rows)


def _show_corpus(release: Release, folder: Path) -> None:
    """Write a corpus of the best answers and show its first records."""
    from llmfusionbench.baselines.exporters import export_sft

    corpus = export_sft(release, folder, format="messages", k=1)
    say(f"A corpus of the best answer to each train query: {corpus.records:,} records (SIMULATED). It begins:")
    with corpus.files[0].open(encoding="utf-8") as lines:
        for line, _ in zip(lines, range(_RECORDS), strict=False):
            say(f"  {_short(line)}")
    say()


def _contents(place: Path) -> set[str]:
    """The files of a tour; ValueError if `place` is none."""
    from llmfusionbench.baselines.exporters.corpora.corpus import CORPUS_DIRECTORY
    from llmfusionbench.evaluation.report.report import REPORT

    corpus = CORPUS_DIRECTORY.contents(place / _CORPUS)
    return {*REPORT.contents(place), _CANDIDATES, *(f"{_CORPUS}/{name}" for name in corpus)}


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """Where the files go: to what becomes `out`, also if an earlier tour is there, or to a temporary directory."""
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    with whole_directory(out, DirectoryKind("tour", _contents), overwrite=True) as path:
        yield path


def _short(text: str) -> str:
    """A text as one line, cut if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}\u2026"
