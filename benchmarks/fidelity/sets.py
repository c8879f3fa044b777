"""The sets whose answers have a verdict each: read from the logs and scored by us."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from .answers import Answer, scored
from .logs import lines, records
from .programs import ldb_code

RIGHT: Final = "people: right"
WRONG: Final = "people: wrong"


def rows_of(logs: Path, name: str) -> list[dict[str, Any]]:
    """The rows of logs/scored_sets/NAME."""
    return lines(logs / "scored_sets" / name / "rows.jsonl.gz")


def evouna(logs: Path) -> list[Answer]:
    """`cem` beside what people said, for open answers to Natural Questions and TriviaQA."""
    return scored("cem", _named_by_set(rows_of(logs, "evouna")))


def evouna_lexical(logs: Path) -> list[Answer]:
    """The match of substrings that came with the set, in the place of ours."""
    rows = _named_by_set(rows_of(logs, "evouna"))
    return [
        answer._replace(ours=float(row["lex"]), extracted=None, note="ours is lex")
        for answer, row in zip(scored("em", rows), rows, strict=True)
    ]


def evouna_substrings(logs: Path) -> list[Answer]:
    """`cem` beside the match of substrings in the place of the reference; the note has what people said."""
    return [
        ours._replace(reference=lexical.ours, note=f"{RIGHT if ours.reference else WRONG}; {ours.note}")
        for ours, lexical in zip(evouna(logs), evouna_lexical(logs), strict=True)
    ]


def mmlu_pro(logs: Path) -> list[Answer]:
    """`em_mc` beside the regular expression of MMLU-Pro's own script."""
    rows = rows_of(logs, "mmlu_pro")
    for row in rows:
        row["prompt"] = row["context"]["choices"]
        row["their_answer"] = row["their_answer"] or "no letter"
    return scored("em_mc", rows, choices=pa.array([row["prompt"] for row in rows]))


def stated_letter(answer: Answer) -> bool:
    """Whether the letter that MMLU-Pro's script took is the first one after "answer is", and hence not a guess."""
    stated = re.search(r"answer is \(?([A-J])\)?", answer.response)
    return stated is not None and f"reference found {stated[1]!r};" in answer.note


def openqa_em(logs: Path) -> list[Answer]:
    """`em` beside SQuAD's own exact match."""
    return scored("em", rows_of(logs, "openqa_eval"))


def openqa_f1(logs: Path) -> list[Answer]:
    """`f1_score` beside SQuAD's own F1."""
    return scored("f1_score", rows_of(logs, "openqa_eval"), reference="published_f1")


def openqa_human(logs: Path, metric: str = "cem") -> list[Answer]:
    """A metric beside what people said of the answers to 301 questions."""
    rows = [row for row in rows_of(logs, "openqa_eval") if row["human"]]
    for row in rows:
        row["human"] = {"Yes": 1.0, "No": 0.0}[row["human"]]
    return scored(metric, rows, reference="human")


ROUTERARENA_METRICS: Final = {"mcq_accuracy": "em_mc", "math_metric": "math", "exact_match": "cem"}
"""RouterArena's metrics that we have a counterpart of; it also has moves of chess and programs whose tests are not logged."""


def routerarena(logs: Path) -> list[Answer]:
    """`em_mc`, `math` and `cem` beside RouterArena's metrics, for one LLM."""
    found = []
    rows = lines(logs / "formats" / "routerarena" / "gemini-2.0-flash-001.jsonl.gz")
    for theirs, ours in ROUTERARENA_METRICS.items():
        some = [_routerarena_row(row) for row in rows if row["evaluation_result"]["metric"] == theirs]
        context = {"choices": pa.array([row["choices"] for row in some])} if ours == "em_mc" else {}
        found += scored(ours, [row | {"model": f"{theirs} / {ours}"} for row in some], **context)
    return found


def _routerarena_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row as `scored` takes it; a ground truth that is an index becomes the letter at that place."""
    result = row["evaluation_result"]
    listed = row["question"].rpartition("Options:")[2].partition("\n\n\n")[0].strip().splitlines()
    labels = [line[0] for line in listed if line[1:2] == "."]
    texts = [line[2:].strip() for line in listed if line[1:2] == "."]
    truth = result["ground_truth"]
    if result["metric"] == "mcq_accuracy" and str(truth).isdecimal():
        truth = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[int(truth)]
    return {
        "id": row["global_index"],
        "prompt": row["question"],
        "response": row["generated_answer"],
        "ground_truth": str(truth),
        "published": result["score"],
        "choices": json.dumps({"label": labels, "text": texts}),
    }


def gsm8k_official(logs: Path) -> list[Answer]:
    """`gsm8k` beside the reference pipeline's own scorer, which has defects, for every LLM of ZeroEval's log."""
    found = []
    for file in sorted((logs / "zeroeval_gsm8k").glob("*.json.gz")):
        llm = file.name.removesuffix(".json.gz")
        rows = [
            {
                "id": f"{llm}/{record['id']}",
                "model": llm,
                "prompt": record["question"],
                "response": record["output"][0],
                "ground_truth": record["answer"].lstrip("# "),  # kept as "# 18"
                "published": 0.0,
            }
            for record in records(file)
        ]
        official = scored("gsm8k", rows, official=True)
        found += [answer._replace(reference=their.ours) for answer, their in zip(scored("gsm8k", rows), official, strict=True)]
    return found


def _named_by_set(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"model": f"{row['mode']} {row['model']}", "their_answer": None} for row in rows]


SETS: Final[dict[str, Callable[[Path], list[Answer]]]] = {
    "evouna": evouna,
    "evouna_lexical": evouna_lexical,
    "evouna_substrings": evouna_substrings,
    "ldb_code": ldb_code,
    "mmlu_pro": mmlu_pro,
    "openqa_em": openqa_em,
    "openqa_f1": openqa_f1,
    "openqa_human": openqa_human,
    "routerarena": routerarena,
    "gsm8k_official": gsm8k_official,
}
"""Name -> the function that reads and scores a set; their disagreements can be printed."""
