"""How closely our scorer reproduces published accuracies on real logs: prints docs/scoring_fidelity.md.

    python benchmarks/scoring_fidelity.py --logs DIR > docs/scoring_fidelity.md

DIR holds zeroeval_gsm8k/*.json.gz (WildEval/ZeroEval) and code_tasks/{HumanEval,mbpp}.jsonl.gz. The code part runs programs,
in a sandbox that isolates files and network; `--no-code` skips it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from llmfusionbench.sandbox import CodeTask, Sandbox
from llmfusionbench.scoring import CodeProgram, Score, code_program, code_score, score_column
from llmfusionbench.scoring.metrics.code_eval import functions_tested

PUBLISHED = {
    "Mistral-Large-2": 95.53,
    "Meta-Llama-3.1-70B-Instruct": 94.16,
    "Meta-Llama-3-70B-Instruct": 93.03,
    "Qwen2-72B-Instruct": 92.65,
    "deepseek-v2.5-0908": 92.49,
    "gemma-2-27b-it@together": 90.22,
    "gemma-2-9b-it": 87.41,
    "Athene-70B": 86.66,
    "Yi-1.5-34B-Chat": 84.08,
    "Meta-Llama-3.1-8B-Instruct": 84.00,
    "Mistral-Nemo-Instruct-2407": 82.79,
    "Phi-3.5-mini-instruct": 82.03,
    "Qwen2-7B-Instruct": 80.06,
    "Meta-Llama-3-8B-Instruct": 78.47,
    "Yi-1.5-9B-Chat": 76.42,
    "Mixtral-8x7B-Instruct-v0.1": 70.13,
    "command-r": 52.99,
    "gemma-2-2b-it": 51.63,
}
"""GSM8K accuracy in percent, as ZeroEval published it."""
BOUND = 0.3
"""Points by which we may miss."""
TRUNCATED_BOUND = 1.7
"""The bound for LLMs many of whose logged answers are cut off."""
TRUNCATED = frozenset(("Phi-3.5-mini-instruct", "Yi-1.5-9B-Chat", "Athene-70B"))
ENDLESS = 20
"""How many tasks of each set are tried with a program that never ends: each takes its whole time limit."""


class Accuracy(NamedTuple):
    """GSM8K accuracies of one LLM, in percent."""

    llm: str
    ours: float
    official: float
    published: float | None
    bound: float


def gsm8k_accuracies(logs: Path) -> Iterator[Accuracy]:
    """One per file of logs/zeroeval_gsm8k, best first by the published accuracy; unpublished ones last."""
    files = sorted((logs / "zeroeval_gsm8k").glob("*.json.gz"))
    named = {file.name.removesuffix(".json.gz"): file for file in files}
    for llm, file in sorted(named.items(), key=lambda item: (-PUBLISHED.get(item[0], 0.0), item[0])):
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            records = json.load(stream)
        responses = pa.array([record["output"][0] for record in records])
        truths = pa.array([record["answer"].lstrip("# ") for record in records])  # kept as "# 18"
        ours, official = (
            100 * float(score_column("gsm8k", responses, truths, official=way).values.mean()) for way in (False, True)
        )
        yield Accuracy(llm, ours, official, PUBLISHED.get(llm), TRUNCATED_BOUND if llm in TRUNCATED else BOUND)


class CodeResult(NamedTuple):
    """What one kind of program scored on one set of tasks."""

    tasks: str
    program: str
    passed: int
    failed: int
    missing: int


def code_results(logs: Path, *, sandbox: str = "auto") -> Iterator[CodeResult]:
    """The reference solutions of both sets, and programs that must fail."""
    human_eval, mbpp = (_lines(logs / "code_tasks" / f"{name}.jsonl.gz") for name in ("HumanEval", "mbpp"))
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
            programs = (_program(task, respond(task)) for task in chosen)
            scores = list(_run(programs, sandbox=sandbox, timeout_s=2.0 if kind == "never ends" else 10.0))
            counts = [sum(score.value == value for score in scores) for value in (1.0, 0.0, None)]
            yield CodeResult(name, kind, *counts)


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


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


def _run(programs: Iterable[CodeProgram], *, sandbox: str, timeout_s: float) -> Iterator[Score]:
    listed = list(programs)
    tasks = [CodeTask(code=p.code, tests=p.tests, entry_point=p.entry_point, setup=p.setup) for p in listed]
    with Sandbox(sandbox=sandbox, workers=2, timeout_s=timeout_s) as pool:
        yield from map(code_score, listed, pool.run(tasks))


def markdown(accuracies: Iterable[Accuracy], code: Iterable[CodeResult]) -> Iterator[str]:
    """The lines of docs/scoring_fidelity.md."""
    yield "# How close our scores come to published ones"
    yield ""
    yield "Made by `python benchmarks/scoring_fidelity.py --logs DIR > docs/scoring_fidelity.md`; do not edit by hand."
    yield ""
    yield "## GSM8K, 1,319 questions, responses logged by ZeroEval"
    yield ""
    yield 'Accuracy in percent. *Ours* is `score("gsm8k", ...)`, *official* is `official=True`, the reference pipeline\'s own'
    yield "scorer with its defects. *Difference* is ours minus published; *bound* is what we allow ourselves."
    yield ""
    yield "| LLM | published | ours | difference | bound | official | official - published |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for llm, ours, official, published, bound in accuracies:
        if published is None:
            yield f"| {llm} | - | {ours:.2f} | - | - | {official:.2f} | - |"
        else:
            yield (
                f"| {llm} | {published:.2f} | {ours:.2f} | {_signed(ours - published)} | {bound} | {official:.2f} "
                f"| {_signed(official - published)} |"
            )
    results = list(code)
    if results:
        yield ""
        yield "## Code tasks"
        yield ""
        yield "Every program runs in the sandbox against the tests of its task."
        yield ""
        yield "| tasks | program | score 1 | score 0 | missing |"
        yield "|---|---|---:|---:|---:|"
        for result in results:
            yield "| " + " | ".join(map(str, result)) + " |"


def _signed(points: float) -> str:
    return f"{round(points, 2) + 0.0:+.2f}"  # adding 0.0 turns -0.0 into 0.0


def default_logs() -> Path:
    """$LLMFUSIONBENCH_REAL_LOGS, else ../shared/data beside the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("LLMFUSIONBENCH_REAL_LOGS", beside))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, default=default_logs(), help="folder with the real logs")
    parser.add_argument("--no-code", action="store_true", help="leave out the part that executes programs")
    parser.add_argument("--sandbox", default="auto", help="kind of sandbox (default: the strongest there is)")
    options = parser.parse_args()
    code = [] if options.no_code else code_results(options.logs, sandbox=options.sandbox)
    print("\n".join(markdown(gsm8k_accuracies(options.logs), code)))


if __name__ == "__main__":
    main()
