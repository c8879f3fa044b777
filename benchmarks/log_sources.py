"""How fast the logs of harnesses and API clients in JSON are read, by one process.

    python benchmarks/log_sources.py [--mb 64]

Each log is made here: prompts of about 400 characters and answers of about 1,500. The baseline, measured in the same run on the
same file, is `json.loads` of every line, or of a file that is one object, and no more: no reader that parses JSON with Python's
own module can be faster. Both take turns, and the least time of three turns counts, since the speed of a machine varies.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, Final

from _measuring import cost_alone

from llmfusionbench.builders import SOURCES
from llmfusionbench.builders.records import Records

_WORDS: Final = [
    *("the", "a", "cost", "of", "each", "route", "is", "what", "it", "takes", "to", "answer"),
    *("by", "so", "many", "tokens", "and", "no", "more", "than", "that", "\u201cat most\u201d"),
]
_LLM: Final = "org/model"
TURNS: Final = 3
Row = dict[str, Any]


def _text(rng: Random, characters: int) -> str:
    return " ".join(rng.choices(_WORDS, k=characters // 4))


def _lm_eval(i: int, prompt: str, answer: str) -> Row:
    return {
        "doc_id": i, "doc": {"question": prompt, "answer": "7"}, "target": "7", "resps": [[answer]], "filtered_resps": ["7"],
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": ["\\n"], "temperature": 0.0}}},
        "filter": "none", "metrics": ["exact_match"], "exact_match": float(i % 2), "doc_hash": "0" * 64,
    }  # fmt: skip


def _opencompass(i: int, prompt: str, answer: str) -> Row:
    return {"origin_prompt": [{"role": "HUMAN", "prompt": prompt}], "prediction": answer, "gold": "7"}


def _eee(i: int, prompt: str, answer: str) -> Row:
    return {
        "schema_version": "instance_level_eval_0.2.2", "evaluation_id": "run", "model_id": _LLM, "evaluation_name": "sums",
        "sample_id": str(i), "interaction_type": "single_turn", "input": {"raw": prompt, "reference": ["7"]},
        "output": {"raw": [answer]}, "evaluation": {"score": float(i % 2), "is_correct": bool(i % 2)},
        "answer_attribution": [], "token_usage": {"input_tokens": 100, "output_tokens": 400, "total_tokens": 500},
        "performance": {"latency_ms": 1200.0},
    }  # fmt: skip


def _routerarena(i: int, prompt: str, answer: str) -> Row:
    return {
        "global_index": f"GSM8K_{i}", "question": prompt, "llm_selected": _LLM, "generated_answer": answer,
        "token_usage": {"input_tokens": 100, "output_tokens": 400, "total_tokens": 500}, "success": True, "provider": "org",
        "evaluation_result": {
            "extracted_answer": "7", "ground_truth": "7", "score": float(i % 2), "metric": "exact_match",
            "inference_cost": 1e-4,
        },
    }  # fmt: skip


def _batch(i: int, prompt: str, answer: str) -> Row:
    body = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1734986202, "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 400, "total_tokens": 500},
    }  # fmt: skip
    response = {"status_code": 200, "request_id": "r", "body": body}
    return {"id": f"batch_req_{i}", "custom_id": f"q-{i}", "response": response, "error": None}


def _requests(i: int, prompt: str, answer: str) -> Row:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": prompt}], "temperature": 0}
    return {"custom_id": f"q-{i}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def _litellm(i: int, prompt: str, answer: str) -> Row:
    return {
        "request_id": f"chatcmpl-{i}", "call_type": "acompletion", "api_key": "hash", "spend": 0.00035, "total_tokens": 500,
        "prompt_tokens": 100, "completion_tokens": 400, "startTime": "2026-01-01T00:00:00", "endTime": "2026-01-01T00:00:02",
        "model": "gpt-4o-mini", "model_group": "cheap", "custom_llm_provider": "openai", "status": "success",
        "messages": [{"role": "user", "content": prompt}],
        "response": {"choices": [{"message": {"role": "assistant", "content": answer}}]}, "metadata": {},
    }  # fmt: skip


def _langfuse(i: int, prompt: str, answer: str) -> Row:
    return {
        "id": f"gen-{i}", "traceId": f"trace-{i}", "traceName": "sums", "type": "GENERATION", "name": "chat",
        "startTime": "2026-01-01T00:00:00.000Z", "endTime": "2026-01-01T00:00:02.000Z", "model": "gpt-4o-mini",
        "modelParameters": {"temperature": 0.2, "max_tokens": 1024}, "input": [{"role": "user", "content": prompt}],
        "output": {"role": "assistant", "content": answer}, "usageDetails": {"input": 100, "output": 400, "total": 500},
        "costDetails": {"input": 1e-5, "output": 4e-5, "total": 5e-5}, "level": "DEFAULT", "latency": 2.0, "metadata": {},
    }  # fmt: skip


def _openrouter(i: int, prompt: str, answer: str) -> Row:
    data = {
        "id": f"gen-{i}", "model": "openai/gpt-4o-mini", "provider_name": "OpenAI", "total_cost": 5e-5, "usage": 5e-5,
        "created_at": "2026-01-01T00:00:00.000Z", "latency": 400, "generation_time": 1200, "finish_reason": "stop",
        "tokens_prompt": 100, "tokens_completion": 400, "native_tokens_prompt": 101, "native_tokens_completion": 401,
        "native_tokens_reasoning": 0, "is_byok": False, "cancelled": False, "streamed": True, "origin": "", "app_id": None,
    }  # fmt: skip
    return {"data": data, "request": {"messages": [{"role": "user", "content": prompt}]}, "completion": answer}


def _alpaca(i: int, prompt: str, answer: str) -> Row:
    half = len(answer) // 2
    return {
        "instruction": prompt, "output_1": answer[:half], "generator_1": "org/other", "dataset": "sums",
        "output_2": answer[half:], "generator_2": _LLM, "annotator": "judge", "preference": 1.0 + i % 2,
        "raw_completion": None, "price_per_example": 1e-3, "time_per_example": 0.4,
    }  # fmt: skip


def _mt_answers(i: int, prompt: str, answer: str) -> Row:
    half = len(answer) // 2
    turns = [answer[:half], f"{prompt} {answer[half:]}"]
    choices = [{"index": 0, "turns": turns}]
    return {"question_id": i, "answer_id": f"a{i}", "model_id": "model", "choices": choices, "tstamp": 1687222275.12}


def _battle(i: int, prompt: str, answer: str) -> Row:
    half = len(answer) // 2
    talks = (
        [{"role": "user", "content": prompt}, {"role": "assistant", "content": said}] for said in (answer[:half], answer[half:])
    )
    return {
        "question_id": f"q{i}", "model_a": "org/other", "model_b": _LLM, "winner": ("model_a", "model_b", "tie")[i % 3],
        "judge": f"arena_user_{i}", **dict(zip(("conversation_a", "conversation_b"), talks, strict=True)), "turn": 1,
        "anony": True, "language": "English", "tstamp": 1687222275.12,
    }  # fmt: skip


def _zeroeval(i: int, prompt: str, answer: str) -> Row:
    return {
        "session_id": f"gsm8k#{i}", "chat_history": [prompt], "model_input": "n/a", "output": [answer], "generator": _LLM,
        "configs": {"temperature": 0.0, "top_p": 1.0, "max_tokens": 4096}, "dataset": "gsm", "id": f"gsm8k#{i}",
        "question": prompt, "answer": "7",
    }  # fmt: skip


def _answers(i: int, prompt: str, answer: str) -> Row:
    return {"id": i, "question": prompt, "model": _LLM, "answer": answer, "score": float(i % 2), "seconds": 1.5}


def _nested(i: int, prompt: str, answer: str) -> Row:
    return {"id": i, "request": {"question": prompt}, "run": {"model": _LLM, "choices": [{"text": answer}]}, "score": i % 2}


_TABLE: Final = {"prompt": "question", "llm": "model", "response": "answer", "performance": "score", "task": "=sums"}
_PATHS: Final = _TABLE | {"prompt": "request.question", "llm": "run.model", "response": "run.choices[0].text"}
_RESULTS: Final = {"model_name": _LLM, "results": {"sums": {"exact_match,none": 0.5}}, "configs": {"sums": {"task": "sums"}}}
LOGS: Final[dict[str, tuple[str, dict[str, Any], dict[str, Callable[[int, str, str], Row]]]]] = {
    "lm_eval": ("lm_eval", {}, {"samples_sums_2026-01-01T00-00-00.000001.jsonl": _lm_eval}),
    "opencompass": ("opencompass", {}, {"predictions/model/sums.json": _opencompass}),
    "eee": ("eee", {}, {"run_samples.jsonl": _eee}),
    "routerarena": ("routerarena", {}, {"model.jsonl": _routerarena}),
    "openai_batch, input and output": ("openai_batch", {}, {"input.jsonl": _requests, "output.jsonl": _batch}),
    "litellm": ("litellm", {}, {"spend_logs.jsonl": _litellm}),
    "langfuse": ("langfuse", {}, {"observations.jsonl": _langfuse}),
    "openrouter": ("openrouter", {}, {"generations.jsonl": _openrouter}),
    "alpaca_eval, annotations": ("alpaca_eval", {}, {"annotations.jsonl": _alpaca}),
    "mt_bench, answers": ("mt_bench", {}, {"model.jsonl": _mt_answers}),
    "arena": ("arena", {}, {"battles.jsonl": _battle}),
    "zeroeval": ("zeroeval", {}, {"model.jsonl": _zeroeval}),
    "table": ("table", {"map": _TABLE}, {"answers.jsonl": _answers}),
    "table, paths": ("table", {"map": _PATHS}, {"answers.jsonl": _nested}),
}
"""What is read -> the source, its options, and its files with the function that makes a record."""


def make(folder: Path, name: str, megabytes: float) -> list[Path]:
    """The files of a log, together of the size."""
    _, _, files = LOGS[name]
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
    rng, written, i = Random(0), 0, 0
    with ExitStack() as stack:
        outs = [(stack.enter_context(open(folder / file, "w", encoding="utf-8")), row) for file, row in files.items()]
        while written < megabytes * 1e6:
            prompt, answer = f"{i}. {_text(rng, 400)}", _text(rng, 1500)
            for out, row in outs:
                start = f'{"," if i else "{"}\n"{i}": ' if out.name.endswith(".json") else ""
                written += out.write(f"{start}{json.dumps(row(i, prompt, answer))}" + ("" if start else "\n"))
            i += 1
        for out, _ in outs:
            out.write("}" if out.name.endswith(".json") else "")
    if name == "lm_eval":
        (folder / "results_2026-01-01T00-00-00.000001.json").write_text(json.dumps(_RESULTS))
    if name == "opencompass":
        results = folder / "results" / "model" / "sums.json"
        results.parent.mkdir(parents=True)
        results.write_text(json.dumps({"accuracy": 50.0, "details": [{"pred": "7", "correct": bool(j % 2)} for j in range(i)]}))
    return sorted(path for path in folder.rglob("*") if path.is_file())


def parse(paths: list[Path]) -> None:
    """The baseline."""
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in [lines.read()] if path.suffix == ".json" else lines:
                json.loads(line)


def read(name: str, paths: list[Path]) -> None:
    """All records of a log, as the build takes them."""
    source, options, _ = LOGS[name]
    rows = sum(_rows(SOURCES[source](**options).read(paths)))
    if not rows:
        raise RuntimeError(f"{name}: no records")


def _rows(parts: Iterator[Any]) -> Iterator[int]:
    return (part.table.num_rows for part in parts if isinstance(part, Records))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=64)
    arguments = parser.parse_args()
    print(f"{arguments.mb:g} MB of JSON each, one process, MB per second of CPU")
    with tempfile.TemporaryDirectory() as place:
        for number, name in enumerate(LOGS):
            paths = make(Path(place) / str(number), name, arguments.mb)
            size = sum(path.stat().st_size for path in paths) / 1e6
            turns = [(cost_alone(parse, paths), cost_alone(read, name, paths)) for _ in range(TURNS)]
            plain, ours = (min(turn[place][0].cpu for turn in turns) for place in (0, 1))
            memory = max(found for _, (_, found) in turns)
            print(
                f"  {name:32} {size / ours:6.0f} MB/s   json.loads alone {size / plain:6.0f} MB/s, "
                f"{ours / plain:4.1f} x as long   peak {memory:4.0f} MB"
            )


if __name__ == "__main__":
    main()
