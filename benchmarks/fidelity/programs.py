"""Programs run in the sandbox: those of LDB's models, and the reference solutions of HumanEval and MBPP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from llmfusionbench.sandbox import CodeTask, Sandbox
from llmfusionbench.scoring import CodeProgram, Score, code_program, code_score
from llmfusionbench.scoring.metrics.code_eval import functions_tested
from llmfusionbench.scoring.outcome import missing

from .answers import Answer
from .logs import lines

IMPORTS: Final = "import re\nimport math\nfrom typing import *"
"""What LDB's harness puts before each program."""
ENDLESS: Final = 20
"""How many tasks of each set are tried with a program that never ends: each takes its whole time limit."""


class CodeResult(NamedTuple):
    """What one kind of program scored on one set of tasks."""

    tasks: str
    program: str
    passed: int
    failed: int
    missing: int


def code_results(logs: Path, *, sandbox: str = "auto") -> Iterator[CodeResult]:
    """The reference solutions of both sets, and programs that must fail."""
    human_eval, mbpp = (lines(logs / "code_tasks" / f"{name}.jsonl.gz") for name in ("HumanEval", "mbpp"))
    human_kinds: dict[str, Callable[[Any], str]] = {
        "canonical solution": lambda task: task["canonical_solution"],
        "the same as a fenced block in prose": lambda task: _fenced(task["prompt"] + task["canonical_solution"]),
        "empty (`pass`)": lambda task: "    pass\n",
        "wrong (`return None`)": lambda task: "    return None\n",
        "never ends": lambda task: "    while True: pass\n",
    }
    mbpp_kinds: dict[str, Callable[[Any], str]] = {
        "reference solution": lambda task: task["code"],
        "the same as a fenced block in prose": lambda task: _fenced(task["code"]),
        "empty (`pass`)": lambda task: "pass\n",
        "wrong (functions return None)": lambda task: _wrong(task),
        "never ends": lambda task: "while True: pass\n",
    }
    for name, tasks, kinds in (("HumanEval", human_eval, human_kinds), ("MBPP", mbpp, mbpp_kinds)):
        for kind, respond in kinds.items():
            chosen = tasks[:ENDLESS] if kind == "never ends" else tasks
            programs = [_program(task, respond(task)) for task in chosen]
            scores = list(_run(programs, sandbox=sandbox, timeout_s=2.0 if kind == "never ends" else 10.0))
            counts = [sum(score.value == value for score in scores) for value in (1.0, 0.0, None)]
            yield CodeResult(name, kind, *counts)


def ldb_code(logs: Path, *, sandbox: str = "auto", step: int = 1, imports: bool = False) -> list[Answer]:
    """`code_eval` beside `is_solved`, for every `step`-th program, with or without the imports of the set's own harness."""
    rows = lines(logs / "scored_sets" / "ldb_code" / "rows.jsonl.gz")[::step]
    programs = [
        code_program(row["response"], row["ground_truth"], row["context"]) if row.get("response") else missing("empty response")
        for row in rows
    ]
    if imports:
        programs = [p if isinstance(p, Score) else replace(p, code=f"{IMPORTS}\n{p.code}") for p in programs]
    scores = _run(programs, sandbox=sandbox, timeout_s=10.0)
    return [
        Answer(
            row["id"],
            row["model"],
            row["context"].get("prompt", ""),
            row.get("response") or "",
            row["ground_truth"],
            float(row["published"]),
            float("nan") if score.value is None else score.value,
            None,
            score.reason,
        )
        for row, score in zip(rows, scores, strict=True)
    ]


def _fenced(code: str) -> str:
    return f"Here is the function.\n\n```python\n{code}\n```\n\nIt runs in linear time."


def _wrong(task: dict[str, Any]) -> str:
    names = functions_tested(tuple(task["test_list"]))
    return "\n".join(f"def {name}(*values, **named):\n    return None\n" for name in names)


def _program(task: dict[str, Any], response: str) -> CodeProgram:
    if "test" in task:
        program = code_program(response, task["test"], {"prompt": task["prompt"], "entry_point": task["entry_point"]})
    else:
        program = code_program(response, json.dumps(task["test_list"]), {"test_setup": task["test_setup_code"]})
    assert not isinstance(program, Score), program
    return program


def _run(programs: Sequence[CodeProgram | Score], *, sandbox: str, timeout_s: float) -> Iterator[Score]:
    """One score per program, in order; a response that holds none has its score already."""
    listed = [program for program in programs if not isinstance(program, Score)]
    tasks = [CodeTask(code=p.code, tests=p.tests, entry_point=p.entry_point, setup=p.setup) for p in listed]
    with Sandbox(sandbox=sandbox, workers=2, timeout_s=timeout_s) as pool:
        results: Iterator[Score] = map(code_score, listed, pool.run(tasks))
        for program in programs:
            yield program if isinstance(program, Score) else next(results)
