"""Draws findings of the text detectors on real logs at random and prints them, to be read and judged by hand.

    python benchmarks/figures/audit_precision.py --logs DIR [--detector NAME] [--draw 20] [--seed 0]

DIR holds public logs: zeroeval_gsm8k, wildbench, llmrouter, scored_sets and formats. Releases are built from them in a
temporary directory, or in `--releases DIR`, which is used again. For each detector the number of findings per log is printed,
then the drawn ones: key, note, and the start and end of the texts. Verdicts are written into docs/audit_precision.md by hand.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pyarrow.compute as pc

from llmfusionbench.auditing import counting
from llmfusionbench.auditing.batches import shard_batches
from llmfusionbench.auditing.detectors import DETECTORS, cut_off, near_duplicates
from llmfusionbench.auditing.finding import Example, Finding
from llmfusionbench.auditing.run import columns_of
from llmfusionbench.builders import build
from llmfusionbench.builders.revising.rescore import rescore
from llmfusionbench.cli.console import write
from llmfusionbench.release import Release, open_release

SHOWN = 350
"""Characters that are printed of the start and of the end of a text."""
TEXTS = (
    "cut_off",
    "broken_json",
    "loops",
    "refusals",
    "reasoning_left",
    "chat_tokens",
    "template_prompts",
    "same_text",
    "other_language",
    "truth_in_prompt",
    "personal_data",
    "near_duplicates",
)
"""The detectors that read texts."""


class Log(NamedTuple):
    """How a release is built from a log."""

    source: str
    files: tuple[str, ...]
    map: dict[str, str] | None = None
    scored: bool = False
    """Whether our scorer scores it."""
    prompts: bool = True
    """Whether it has prompts; else they are ids, and detectors of prompts have nothing to look at."""


ROWS = {"llm": "model", "task": "task", "response": "response", "ground_truth": "ground_truth", "metric": "=em"}
IDS = {**ROWS, "prompt": "id"}
LOGS = {
    "zeroeval_gsm8k": Log("zeroeval", ("zeroeval_gsm8k/*.json.gz",), scored=True),
    "crux": Log("zeroeval", ("formats/crux/*.json.gz",)),
    "wildbench": Log("wildbench", ("wildbench/judge=gpt-4o-2024-05-13/*.json.gz",)),
    "llmrouter": Log("llmrouter", ("llmrouter/dcrouter_train.json.gz", "llmrouter/default_query_train.jsonl.gz")),
    "mmlu_pro": Log(
        "table", ("scored_sets/mmlu_pro/rows.jsonl.gz",), {**ROWS, "prompt": "id", "metric": "=em_mc"}, prompts=False
    ),
    "evouna": Log("table", ("scored_sets/evouna/rows.jsonl.gz",), {**ROWS, "prompt": "prompt"}),
    "openqa_eval": Log("table", ("scored_sets/openqa_eval/rows.jsonl.gz",), {**ROWS, "prompt": "prompt"}),
    "ldb_code": Log(
        "table", ("scored_sets/ldb_code/rows.jsonl.gz",), {**ROWS, "prompt": "id", "metric": "=code_eval"}, prompts=False
    ),
    "alpaca_eval": Log(
        "table",
        ("formats/alpaca_eval/alpaca-7b.model_outputs.json.gz",),
        {"llm": "generator", "prompt": "instruction", "response": "output", "task": "dataset", "metric": "=judge"},
    ),
    "routerarena": Log(
        "table",
        ("formats/routerarena/gemini-2.0-flash-001.jsonl.gz",),
        {"llm": "llm_selected", "prompt": "question", "response": "generated_answer", "task": "=routerarena", "metric": "=em"},
    ),
}


def release_of(name: str, logs: Path, releases: Path) -> Release:
    """The release of a log, built if it is not there yet."""
    path, log = releases / name, LOGS[name]
    if not path.exists():
        files = [file for pattern in log.files for file in sorted(logs.glob(pattern))]
        out = releases / f"{name}-unscored" if log.scored else path
        build(log.source, files, out, options=log.map and {"map": log.map}, overwrite=True)
        if log.scored:
            rescore(out, path)
    return open_release(path)


def findings_of(release: Release, prompts: bool) -> list[Finding]:
    """The findings of the text detectors, with all hits as examples; near-duplicates only if there are prompts."""
    with patch.object(counting, "EXAMPLES", sys.maxsize), patch.object(cut_off, "EXAMPLES", 10**5):
        detectors = {name: DETECTORS[name]() for name in TEXTS if name in DETECTORS}
        for split in release.splits:
            for path in release.checked(release.files("logs", split)):
                for batch in shard_batches(path, (), columns_of(dict(detectors))):
                    for detector in detectors.values():
                        detector.look(batch)
        found = [finding for detector in detectors.values() for finding in detector.findings()]
    with patch.object(sys.modules[near_duplicates.__module__], "EXAMPLES", 10**6):
        return [*found, *(near_duplicates(release) if prompts else [])]


def rows_of(release: Release, examples: list[Example]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Key -> the row of `logs`, of the queries of some examples; those that name no LLM have the first row of their query."""
    queries = pc.field("query_id").isin([example.query_id for example in examples])
    columns = ["query_id", "llm", "mode", "replicate", "prompt", "response", "reasoning", "ground_truth", "performance"]
    rows = release.table("logs").to_table(columns=columns, filter=queries).to_pylist()
    keyed = {(row["query_id"], row["llm"], row["mode"], row["replicate"]): row for row in rows}
    return {(row["query_id"], None, None, None): row for row in reversed(rows)} | keyed


def printed(release: Release, examples: list[Example]) -> Iterator[str]:
    """The lines of some examples."""
    rows = rows_of(release, examples)
    for number, example in enumerate(examples, start=1):
        row = rows[example.query_id, example.llm, example.mode, example.replicate]
        yield f"--- {number}. {example.query_id} {example.llm} {example.mode} {example.note or ''} score {row['performance']}"
        shown = ("prompt", "response", "reasoning") if example.llm else ("prompt", "ground_truth")
        texts = {label: row[label] for label in shown if row[label]} | {
            k: v for k, v in example.texts.items() if k not in shown
        }
        for label, text in texts.items():
            short = text if len(text) <= 2 * SHOWN else f"{text[:SHOWN]} [...] {text[-SHOWN:]}"
            yield f"{label} ({len(text)}): {short!r}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, required=True)
    parser.add_argument("--releases", type=Path)
    parser.add_argument("--detector", choices=TEXTS)
    parser.add_argument("--log", choices=LOGS)
    parser.add_argument("--draw", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for log in [arguments.log] if arguments.log else LOGS:
            release = release_of(log, arguments.logs, arguments.releases or Path(temporary))
            for finding in findings_of(release, LOGS[log].prompts):
                if arguments.detector in (None, finding.detector):
                    write(f"=== {log}: {finding.detector}: {finding.count:,} of {finding.total:,} ({finding.severity})")
                    listed = sorted(finding.examples, key=lambda e: (e.query_id, e.llm or "", e.mode or "", e.replicate or 0))
                    drawn = random.Random(arguments.seed).sample(listed, min(arguments.draw, len(listed)))
                    for line in printed(release, drawn):
                        write(line)


if __name__ == "__main__":
    main()
