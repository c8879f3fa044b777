"""The logs that `log_sources.py` reads: what a record of each is, and how its files are laid out."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

_WORDS: Final = [
    *("the", "a", "cost", "of", "each", "route", "is", "what", "it", "takes", "to", "answer"),
    *("by", "so", "many", "tokens", "and", "no", "more", "than", "that", "\u201cat most\u201d"),
]
_LLM: Final = "org/model"
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


def _wildbench(i: int, prompt: str, answer: str) -> Row:
    judged = {"strengths": "It is short.", "weaknesses": "It is short.", "score": "7"}
    return {
        "session_id": f"s{i}", "parsed_result": judged, "score": "7", "strengths": "It is short.", "model_test": _LLM,
        "model_output": answer, "checklist": [prompt],
    }  # fmt: skip


def _llmrouter(i: int, prompt: str, answer: str) -> Row:
    return {
        "task_name": "gsm8k", "query": prompt, "ground_truth": "7", "metric": "GSM8K", "choices": None, "task_id": str(i),
        "model_name": _LLM, "response": answer, "token_num": 500, "input_tokens": 100, "output_tokens": 400,
        "response_time": 1.2, "performance": float(i % 2), "embedding_id": i, "user_id": None,
    }  # fmt: skip


def _scores(i: int, prompt: str, answer: str) -> Row:
    return {"question": f"{i}. {prompt[:200]}", "scores": {f"org/model-{j}": float((i + j) % 2) for j in range(9)}}


def _llmrouterbench(i: int, prompt: str, answer: str) -> Row:
    return {
        "index": i, "origin_query": prompt, "prompt": prompt, "prompt_tokens": 100, "completion_tokens": 400, "cost": 5e-4,
        "score": float(i % 2), "prediction": "7", "ground_truth": "7", "raw_output": answer,
    }  # fmt: skip


def _routerbench(i: int, prompt: str, answer: str) -> Row:
    half = len(answer) // 2
    found: Row = {"sample_id": f"sums.{i}", "prompt": repr([prompt]), "eval_name": "sums"}
    for llm, said in (("small", answer[:half]), ("large", answer[half:])):
        found |= {llm: float(i % 2), f"{llm}|model_response": repr([said]), f"{llm}|total_cost": 1e-5}
    return found


def _routellm(i: int, prompt: str, answer: str) -> Row:
    half = len(answer) // 2
    said = {"small_response": answer[:half], "large_response": answer[half:]}
    return {"prompt": prompt, "small": bool(i % 2), "large": True, **said}


def _embedllm(i: int, prompt: str, answer: str) -> Row:
    return {"prompt_id": i, "prompt": prompt, "category": "sums", "model_name": _LLM, "model_id": 3, "label": i % 2}


def _helm_request(i: int, prompt: str, answer: str) -> Row:
    references = [{"output": {"text": "7"}, "tags": ["correct"]}]
    return {
        "instance": {"id": f"id{i}", "split": "test", "input": {"text": prompt}, "references": references},
        "train_trial_index": 0,
        "request": {"model": _LLM, "model_deployment": _LLM, "prompt": prompt, "temperature": 0.0, "max_tokens": 400},
        "result": {
            "success": True, "completions": [{"text": answer, "logprob": -1.0, "tokens": []}], "request_time": 0.5,
            "request_datetime": 1_700_000_000,
        },
    }  # fmt: skip


def _helm_stats(i: int, prompt: str, answer: str) -> Row:
    numbers = {"exact_match": i % 2, "num_prompt_tokens": 100, "num_output_tokens": 400, "inference_runtime": 0.5}
    listed = [{"name": {"name": name, "split": "test"}, "count": 1, "sum": value} for name, value in numbers.items()]
    return {"instance_id": f"id{i}", "train_trial_index": 0, "stats": listed}


def _inspect(i: int, prompt: str, answer: str) -> Row:
    made = {"role": "assistant", "content": answer, "source": "generate", "model": _LLM}
    return {
        "id": i, "epoch": 1, "input": prompt, "target": "7",
        "messages": [{"role": "user", "content": prompt, "source": "input"}, made],
        "output": {"model": _LLM, "choices": [{"message": made, "stop_reason": "stop"}], "time": 0.25},
        "scores": {"match": {"value": "CI"[i % 2], "answer": "7"}},
        "model_usage": {_LLM: {"input_tokens": 100, "output_tokens": 400, "total_tokens": 500}}, "working_time": 0.5,
    }  # fmt: skip


def _promptfoo(i: int, prompt: str, answer: str) -> Row:
    return {
        "promptIdx": 0, "testIdx": i, "provider": {"id": "openai:chat:gpt-4o-mini", "label": ""},
        "prompt": {"raw": prompt, "label": "p"}, "vars": {"question": prompt},
        "response": {"output": answer, "tokenUsage": {"total": 500, "prompt": 100, "completion": 400}},
        "success": True, "score": 1, "latencyMs": 700, "cost": 1e-3, "failureReason": 0,
        "gradingResult": {"pass": True, "score": 1, "reason": "ok"},
    }  # fmt: skip


def _answers(i: int, prompt: str, answer: str) -> Row:
    return {"id": i, "question": prompt, "model": _LLM, "answer": answer, "score": float(i % 2), "seconds": 1.5}


def _nested(i: int, prompt: str, answer: str) -> Row:
    return {"id": i, "request": {"question": prompt}, "run": {"model": _LLM, "choices": [{"text": answer}]}, "score": i % 2}


class File(NamedTuple):
    """A file of records; JSON lines, unless it says otherwise."""

    row: Callable[[int, str, str], Row]
    """Makes a record of its number, a prompt and an answer."""
    start: str = ""
    """What stands before the records."""
    end: str = ""
    between: str = "\n"
    keyed: bool = False
    """Whether the number of each record stands before it as a key."""


class Log(NamedTuple):
    """What is read of a source."""

    source: str
    files: dict[str, File]
    """Name -> file, of those that grow with the size."""
    options: dict[str, Any] = {}  # noqa: RUF012 - no log changes it
    beside: dict[str, Any] = {}  # noqa: RUF012
    """Name -> JSON of the small files."""


def _listed(row: Callable[[int, str, str], Row], start: str = "[", end: str = "]") -> File:
    return File(row, start, end, ",\n")


def _inside(about: Row, name: str, row: Callable[[int, str, str], Row], end: str = "}") -> File:
    """Records in the list `name` after the fields of an object."""
    return _listed(row, f'{json.dumps(about)[:-1]}, "{name}": [', f"]{end}")


_TABLE: Final = {"prompt": "question", "llm": "model", "response": "answer", "performance": "score", "task": "=sums"}
_PATHS: Final = _TABLE | {"prompt": "request.question", "llm": "run.model", "response": "run.choices[0].text"}
_LM_EVAL: Final = {"model_name": _LLM, "results": {"sums": {"exact_match,none": 0.5}}, "configs": {"sums": {"task": "sums"}}}
_HELM: Final = {"method": "generation", "model": _LLM, "model_deployment": _LLM}
_SPEC: Final = {"name": "sums:model=org_model", "adapter_spec": _HELM, "groups": ["sums"]}
_INSPECT: Final = {
    "version": 2, "status": "success", "plan": {"steps": [], "config": {"temperature": 0.5}},
    "eval": {
        "task": "pack/sums", "task_id": "t", "created": "2026-01-01T10:00:00+00:00", "model": _LLM,
        "dataset": {"name": "sums"}, "config": {"epochs": 1}, "scorers": [{"name": "match", "options": {}}],
    },
}  # fmt: skip
_BENCH: Final = {"performance": 0.5, "model_name": _LLM, "dataset_name": "sums", "split": "test", "demo": False}
_PROMPTFOO: Final = {"version": 3, "timestamp": "2026-02-03T04:05:06.000Z"}
_DETAILS: Final = File(lambda i, *_: {"pred": "7", "correct": bool(i % 2)}, '{"accuracy": 50.0, "details": [', "]}", ",")
LOGS: Final = {
    "lm_eval": Log(
        "lm_eval",
        {"samples_sums_2026-01-01T00-00-00.000001.jsonl": File(_lm_eval)},
        beside={"results_2026-01-01T00-00-00.000001.json": _LM_EVAL},
    ),
    "opencompass": Log(
        "opencompass",
        {"predictions/model/sums.json": File(_opencompass, "{", "}", ",\n", keyed=True), "results/model/sums.json": _DETAILS},
    ),
    "helm": Log(
        "helm",
        {
            "scenario_state.json": _inside({"adapter_spec": _HELM}, "request_states", _helm_request),
            "per_instance_stats.json": _listed(_helm_stats),
        },
        beside={"run_spec.json": _SPEC, "scenario.json": {"name": "sums_scenario"}},
    ),
    "inspect": Log("inspect", {"log.json": _inside(_INSPECT, "samples", _inspect)}),
    "promptfoo": Log(
        "promptfoo", {"sums.json": _listed(_promptfoo, f'{{"results": {json.dumps(_PROMPTFOO)[:-1]}, "results": [', "]}}")}
    ),
    "eee": Log("eee", {"run_samples.jsonl": File(_eee)}),
    "zeroeval": Log("zeroeval", {"model.json": _listed(_zeroeval)}),
    "wildbench": Log("wildbench", {"judge=gpt/model.json": _listed(_wildbench)}),
    "llmrouter, answers": Log("llmrouter", {"routing.jsonl": File(_llmrouter)}),
    "llmrouter, scores": Log("llmrouter", {"scores.json": _listed(_scores)}),
    "llmrouterbench": Log(
        "llmrouterbench", {"sums-test-model-20260101_000000.json": _inside(_BENCH, "records", _llmrouterbench)}
    ),
    "routerbench": Log("routerbench", {"table.jsonl": File(_routerbench)}),
    "routellm": Log("routellm", {"sums.jsonl": File(_routellm)}),
    "embedllm": Log("embedllm", {"train.jsonl": File(_embedllm)}),
    "routerarena": Log("routerarena", {"model.jsonl": File(_routerarena)}),
    "openai_batch, input and output": Log("openai_batch", {"input.jsonl": File(_requests), "output.jsonl": File(_batch)}),
    "litellm": Log("litellm", {"spend_logs.jsonl": File(_litellm)}),
    "langfuse": Log("langfuse", {"observations.jsonl": File(_langfuse)}),
    "openrouter": Log("openrouter", {"generations.jsonl": File(_openrouter)}),
    "alpaca_eval, annotations": Log("alpaca_eval", {"annotations.jsonl": File(_alpaca)}),
    "mt_bench, answers": Log("mt_bench", {"model.jsonl": File(_mt_answers)}),
    "arena": Log("arena", {"battles.jsonl": File(_battle)}),
    "table": Log("table", {"answers.jsonl": File(_answers)}, {"map": _TABLE}),
    "table, paths": Log("table", {"answers.jsonl": File(_nested)}, {"map": _PATHS}),
}
"""The sources that read JSON. RouterEval's files are arrays, and those of LightEval and FusionBench tables."""


def make(folder: Path, name: str, megabytes: float) -> list[Path]:
    """The files of a log, together of the size."""
    log = LOGS[name]
    for file, value in log.beside.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(json.dumps(value))
    rng, written, i = Random(0), 0, 0
    with ExitStack() as stack:
        outs = []
        for file, layout in log.files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            outs.append((stack.enter_context(open(folder / file, "w", encoding="utf-8")), layout))
        while written < megabytes * 1e6:
            prompt, answer = f"{i}. {_text(rng, 400)}", _text(rng, 1500)
            for out, layout in outs:
                before = layout.between if i else layout.start
                key = f'"{i}": ' if layout.keyed else ""
                written += out.write(f"{before}{key}{json.dumps(layout.row(i, prompt, answer))}")
            i += 1
        for out, layout in outs:
            out.write(layout.end + "\n")
    return sorted(path for path in folder.rglob("*") if path.is_file())
