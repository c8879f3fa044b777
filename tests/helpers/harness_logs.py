"""Three logs of the same sums, as three tools write them: a run of lm-evaluation-harness, one of Inspect, and a table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

QUESTIONS = [f"What is {a} + {b}?" for a in range(2, 12) for b in range(3, 9)]
TASK = "sums"


def truth(i: int) -> str:
    """The answer to a question."""
    a, b = (int(word) for word in QUESTIONS[i].removesuffix("?").split() if word.isdigit())
    return str(a + b)


def write_lm_eval(place: Path, llm: str, right: set[int]) -> list[Path]:
    """A run of lm-evaluation-harness below `place`: the samples of the task, and the results."""
    time = "2026-11-02T10-00-00.000001"
    folder = place / llm.replace("/", "__")
    folder.mkdir(parents=True)
    rows = []
    for i, question in enumerate(QUESTIONS):
        said = truth(i) if i in right else "0"
        prompt = f"Question: {question}\nAnswer:"
        rows.append(
            {
                "doc_id": i,
                "doc": {"question": question, "answer": truth(i)},
                "target": truth(i),
                "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": ["\n"], "temperature": 0.0}}},
                "resps": [[f" {said}"]],
                "filtered_resps": [f" {said}"],
                "filter": "none",
                "metrics": ["exact_match"],
                "exact_match": float(i in right),
            }
        )
    results: dict[str, Any] = {
        "results": {TASK: {"alias": TASK, "exact_match,none": len(right) / len(QUESTIONS)}},
        "configs": {TASK: {"task": TASK, "test_split": "test", "metric_list": [{"metric": "exact_match"}]}},
        "higher_is_better": {TASK: {"exact_match": True}},
        "n-samples": {TASK: {"original": len(QUESTIONS), "effective": len(QUESTIONS)}},
        "config": {"model": "hf", "model_args": f"pretrained={llm}"},
        "model_name": llm,
    }
    samples = folder / f"samples_{TASK}_{time}.jsonl"
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / f"results_{time}.json").write_text(json.dumps(results), encoding="utf-8")
    return sorted(folder.iterdir())


def write_inspect(path: Path, llm: str, right: set[int]) -> Path:
    """A log of Inspect at `path`, version 2, as one JSON."""
    samples = []
    for i, question in enumerate(QUESTIONS):
        said = truth(i) if i in right else "0"
        asked = {"role": "user", "content": question, "source": "input"}
        answered = {"role": "assistant", "content": said, "source": "generate"}
        usage = {"input_tokens": 20, "output_tokens": 2, "total_tokens": 22}
        samples.append(
            {
                "id": i + 1,
                "epoch": 1,
                "input": question,
                "target": truth(i),
                "messages": [asked, answered],
                "output": {
                    "model": llm,
                    "choices": [{"message": answered, "stop_reason": "stop"}],
                    "completion": said,
                    "usage": usage,
                    "time": 0.5,
                },
                "scores": {"match": {"value": "C" if i in right else "I", "answer": said}},
                "metadata": {},
                "model_usage": {llm: usage},
                "total_time": 0.5,
            }
        )
    accuracy = {"name": "accuracy", "value": len(right) / len(QUESTIONS), "params": {}}
    log = {
        "version": 2, "status": "success",
        "eval": {
            "run_id": "r", "created": "2026-11-02T10:00:00+00:00", "task": TASK, "task_id": "t", "model": llm,
            "dataset": {"name": TASK, "samples": len(QUESTIONS)}, "config": {"epochs": 1},
        },
        "plan": {"name": "plan", "steps": [{"solver": "generate", "params": {}}], "config": {"temperature": 0.0}},
        "results": {
            "total_samples": len(samples), "completed_samples": len(samples),
            "scores": [{"name": "match", "scorer": "match", "params": {}, "metrics": {"accuracy": accuracy}}],
        },
        "stats": {"started_at": "2026-11-02T10:00:00+00:00", "completed_at": "2026-11-02T10:01:00+00:00", "model_usage": {}},
        "samples": samples,
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(log), encoding="utf-8")
    return path


def write_table(path: Path, llms: dict[str, set[int]]) -> Path:
    """A table of answers: the LLM -> the questions that it answered right."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["question", "key", "model", "answer", "correct", "dollars"])
        for llm, right in llms.items():
            for i, question in enumerate(QUESTIONS):
                writer.writerow([question, truth(i), llm, truth(i) if i in right else "0", int(i in right), 0.001])
    return path
