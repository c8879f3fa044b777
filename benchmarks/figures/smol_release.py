"""Makes the embedded release `smol`: real answers of a small real LLM, which runs on this machine.

    python benchmarks/figures/smol_release.py [--out DIR]

SmolLM2-135M-Instruct (from the package index) stands behind a real OpenAI-compatible server. `collect` asks it the questions of
`benchmarks/smol`, which are our own, in the layouts of the 14 tasks: 6 of each, in two modes, two answers each. `rescore` runs
the programs that it wrote. It takes some minutes. The LLM samples by seeds, but the last digits of its numbers depend on the
machine, so another machine may get other answers.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from llmfusionbench.builders import build
from llmfusionbench.builders.records import LOG, Part, Records
from llmfusionbench.builders.sources.release import Release
from llmfusionbench.builders.tasks import CATALOG
from llmfusionbench.cli.main import run
from llmfusionbench.release.opening import embedded_path
from tests.helpers.chat_server import serving
from tests.helpers.smol import NAME, smol

QUESTIONS: Final = Path(__file__).resolve().parents[1] / "smol"
LLMS: Final = """\
llms:
  - name: {name}
    model: {name}
    url: {url}
    concurrency: 16
    timeout: 3600
    max_tokens: 128
    temperature: 0.6
    seed: 1
    prices: [{{input_price: 0, output_price: 0}}]
    about:
      family: SmolLM2
      parameters_b: 0.135
      license: Apache-2.0
      description: SmolLM2-135M-Instruct, quantised to 4 bits (Q4_1), run on a CPU.
"""


class OwnQuestions(Release):
    """A release of which all queries are ours, and not those of the data sets whose layouts they have."""

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the release, the queries under our licence."""
        for part in super().read(paths):
            if isinstance(part, Records) and "license" in part.table.column_names:
                place = part.table.column_names.index("license")
                ours = pa.repeat(pa.scalar("Apache-2.0"), part.table.num_rows)
                yield replace(part, table=part.table.set_column(place, LOG.field("license"), ours))
            else:
                yield part


def task_files() -> list[str]:
    """The options that name the questions."""
    return [part for task in CATALOG for part in ("--task-file", f"{task}={QUESTIONS / task}.jsonl")]


def make(out: Path) -> None:
    """Collect, build and score."""
    with tempfile.TemporaryDirectory() as scratch, serving(smol()) as server:
        folder = Path(scratch)
        llms = folder / "llms.yaml"
        llms.write_text(LLMS.format(name=NAME, url=server.url))
        collect = ["collect", "--tasks", "all", *task_files(), "--llms", str(llms), "--mode", "direct,think"]
        _run([*collect, "--replicates", "2", "--out", str(folder / "run")])
        _run(["build", "collected", str(folder / "run"), "--out", str(folder / "built")])
        _run(["rescore", str(folder / "built"), "--out", str(folder / "scored"), "--allow-code-execution"])
        build(OwnQuestions(), [folder / "scored"], out, overwrite=True)


def _run(arguments: list[str]) -> None:
    if run(arguments):
        raise SystemExit(f"failed: {' '.join(arguments)}")


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=embedded_path("smol"))
    make(parser.parse_args().out)
