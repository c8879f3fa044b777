"""RouterDC's JSON: a list of questions with the score of each LLM."""

from __future__ import annotations

from pathlib import Path

from llmfusionbench.baselines.exporters.routing.formats.format import json_list, numbers
from llmfusionbench.baselines.exporters.routing.selection import Selection


class RouterDC:
    """`[{"question", "scores": {llm: performance}}]`, without clusters, which the trainer makes."""

    reader: str | None = "llmrouter"
    holds = "prompt, task, performance"
    missing = "null"
    lost = "costs, answers, tokens, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """One file per split."""
        selection.check_prompts("routerdc")
        written = {}
        for split in selection.splits:
            name = f"routerdc_{split}.json"
            with json_list(folder / name) as file:
                for block in selection.blocks(split):
                    rows = zip(
                        block.texts("prompt"), block.texts("task"), numbers(block.performance), strict=True
                    )  # fmt: skip
                    file.write(
                        {
                            "question": prompt,
                            "scores": dict(zip(selection.candidates, scores, strict=True)),
                            "task_name": task,
                            "provenance": selection.provenance,
                        }
                        for prompt, task, scores in rows
                    )
            written[name] = file.records
        return written
