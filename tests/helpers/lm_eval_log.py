"""Logs of lm-evaluation-harness as it writes them, for the tests of their source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.helpers.reading import write_json, write_lines

TIME = "2026-02-03T04-05-06.789012"
LATER = "2026-02-04T04-05-06.789012"
GREEDY: Any = {"until": ["\n\n"], "do_sample": False, "temperature": 0.0, "max_gen_toks": 64}


def sample(i: int, text: Any = "It is 3.", **more: Any) -> dict[str, Any]:
    return {
        "doc_id": i,
        "doc": {"question": f"{i}+1?", "answer": str(i + 1)},
        "target": str(i + 1),
        "arguments": {"gen_args_0": {"arg_0": f"Question: {i}+1?\nAnswer:", "arg_1": GREEDY}},
        "resps": [[text]],
        "filtered_resps": [text],
        "filter": "none",
        "metrics": ["exact_match"],
        "doc_hash": "d" * 64,
        "exact_match": 1.0,
        **more,
    }


def choice(
    logs: list[float], target: Any, options: tuple[str, ...] = (" red", " blue", " green"), **more: Any
) -> dict[str, Any]:
    """A sample whose options are scored."""
    arguments = {f"gen_args_{i}": {"arg_0": "What colour is grass?\nAnswer:", "arg_1": o} for i, o in enumerate(options)}
    resps = [[[str(log), str(log == max(logs))]] for log in logs]
    same = {"resps": resps, "filtered_resps": [r[0] for r in resps], "arguments": arguments, "target": target}
    return sample(0, **{**same, "metrics": ["acc", "acc_norm"], "acc": 1.0, "acc_norm": 0.0, **more})


def results(model: str = "lab/tiny", tasks: Any = None, **more: Any) -> dict[str, Any]:
    config = {"test_split": "test", "metric_list": [{"metric": "exact_match", "higher_is_better": True}]}
    return {
        "results": {"sums": {"alias": "sums", "exact_match_stderr,none": 0.1}},
        "configs": {"sums": config} if tasks is None else tasks,
        "config": {"model": "hf", "model_args": f"pretrained={model},dtype=bfloat16", "limit": None},
        "date": 1770091506.5,
        "model_name": model,
        **more,
    }


def run(folder: Path, rows: list[Any], about: Any = None, task: str = "sums", time: str = TIME) -> Path:
    """A folder with the samples and results of a run; the path of the samples."""
    write_json(folder / f"results_{time}.json", results() if about is None else about)
    return write_lines(folder / f"samples_{task}_{time}.jsonl", rows)
