"""A submission to RouterArena: the choices of one router with the answers to them, its configuration, and the known prices."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.exporters.routing.formats.format import json_list, numbers
from llmfusionbench.baselines.exporters.routing.selection import Block, Selection
from llmfusionbench.errors import InputError
from llmfusionbench.evaluation.asking import ask
from llmfusionbench.evaluation.protocol import Fold
from llmfusionbench.evaluation.routers.by_name import resolve
from llmfusionbench.evaluation.routers.decision import refuse
from llmfusionbench.evaluation.scenario import Scaling, scenario_named
from llmfusionbench.types import Candidate

_ANSWERS: Final = ("response", "status", "error", "finish_reason", "endpoint", "input_tokens", "output_tokens", "provenance")
_TRAIN: Final = "train"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
Choices = dict[str, int]
"""query_id -> position of the chosen candidate in the selection."""


class RouterArena:
    """`predictions/NAME.json`, a list with one record per query, `config/NAME.json` and `cost.json`.

    Args:
        router: Whose choices are written: the name of a baseline, `module:Class`, `path.py:Class`, a file of predictions or the
            URL of a live router, as `evaluate` takes them. It is required. A router that learns is fitted on the train split.
        scenario: The reward for which it is fitted.
    """

    reader: str | None = None
    holds = "prompt, and of the candidate that the router chose its name, answer, tokens, performance and cost"
    missing = "null"
    lost = "the answers of all other candidates, references, judges' scores"

    def __init__(self, *, router: str | Path | None = None, scenario: str = "performance_first") -> None:
        self.router = router
        self.scenario = scenario

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """A file of predictions per split, the configuration, and the prices."""
        selection.check_prompts("routerarena")
        if not isinstance(self.router, (str, Path)):
            raise InputError(
                "routerarena holds the choices of one router, and none is named. "
                "Remedy: name a --router, as evaluate takes it, or a file of --predictions"
            )
        router, name = resolve(self.router), _name(self.router)
        if hasattr(router, "fit") and getattr(router, "learns", True) and _TRAIN in selection.splits:
            raise InputError(
                f"routerarena: the router {name} learns from the train split and cannot be tested on it. "
                "Remedy: choose another --split, such as test, or set queries aside with build --test-share"
            )
        (folder / "predictions").mkdir()
        (folder / "config").mkdir()
        written = {}
        for split in selection.splits:
            choices = _choices(selection, split, router, name, self.scenario)
            file_name = f"predictions/{name}.json" if len(selection.splits) == 1 else f"predictions/{name}-{split}.json"
            with json_list(folder / file_name) as file:
                for block in selection.blocks(split):
                    file.write(_records(selection, split, block, choices))
            written[file_name] = file.records
        config = {"pipeline_params": {"router_name": name, "models": selection.candidates}}
        prices = _prices(selection)
        others = {f"config/{name}.json": (config, 1)} | ({"cost.json": (prices, len(prices))} if prices else {})
        for path, (value, _) in others.items():
            (folder / path).write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return written | {path: records for path, (_, records) in others.items()}


def _name(router: str | Path) -> str:
    """The name of a router as that of a file: of a file its stem, of a class its name."""
    text = str(router)
    is_class = ":" in text and "://" not in text
    return _UNSAFE.sub("_", text.rpartition(":")[2] if is_class else Path(text).stem).strip("._") or "router"


def _choices(selection: Selection, split: str, router: Any, name: str, scenario: str) -> Choices:
    """What the router chooses for the queries of a split, fitted on train if it learns."""
    rules = scenario_named(scenario)
    test = selection.release.routing(split).columns(selection.candidates).with_failures(selection.failures)
    train = test
    if hasattr(router, "fit"):
        if _TRAIN not in selection.release.splits:
            raise InputError(
                f"routerarena: the router {name} learns, and the release has no split train. Remedy: choose another"
            )
        train = selection.release.routing(_TRAIN).columns(selection.candidates).with_failures(selection.failures)
    scaling = Scaling.fit(train)
    fold = Fold("routerarena", train.with_target(scaling.reward(train, rules)), test.with_target(scaling.reward(test, rules)))
    made = ask(name, router, fold, [])
    refuse(name, made.faults)
    return dict(zip(test.query_ids, made.choice.tolist(), strict=True))


def _records(selection: Selection, split: str, block: Block, choices: Choices) -> Iterator[dict[str, Any]]:
    answers = selection.answers(split, block, _ANSWERS)
    queries = block.queries.to_pylist()
    chosen = np.array([choices[query["query_id"]] for query in queries], np.int64)
    said = _said(answers.rows.to_pylist(), answers.query, answers.candidate, chosen)
    places = np.arange(len(block))
    costs, scores = numbers(block.cost[places, chosen]), numbers(block.performance[places, chosen])
    is_theirs = selection.release.manifest.get("source", {}).get("name") == "routerarena"
    for place, query in enumerate(queries):
        answer = said.get(place)
        yield {
            "global index": _index(query, is_theirs),
            "prompt": query["prompt"],
            "prediction": selection.candidates[int(chosen[place])],
            "generated_result": None if answer is None else _result(answer),
            "cost": costs[place],
            "accuracy": scores[place],
            "for_optimality": False,
            "split": split,
            "metric": query["metric"],
            "provenance": selection.provenance if answer is None else answer["provenance"],
        }


def _said(
    rows: Sequence[Mapping[str, Any]],
    query: npt.NDArray[np.int64],
    candidate: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
) -> dict[int, Mapping[str, Any]]:
    """Position of a query in its block -> the answer of the chosen candidate."""
    triples = zip(query.tolist(), candidate.tolist(), rows, strict=True)
    return {q: row for q, c, row in triples if chosen[q] == c and row["status"] != "missing"}


def _index(query: Mapping[str, Any], is_theirs: bool) -> str:
    """The global index: that of RouterArena, else the task and an id without an underscore."""
    source = query["source_id"]
    if source and (is_theirs or "_" not in source):
        return str(source) if is_theirs else f"{query['task']}_{source}"
    return f"{query['task']}_{query['query_id']}"


def _result(answer: Mapping[str, Any]) -> dict[str, Any]:
    given, made = answer["input_tokens"], answer["output_tokens"]
    known = given is not None and made is not None
    return {
        "generated_answer": answer["response"] or "",
        "success": answer["status"] == "ok",
        "token_usage": {"input_tokens": given, "output_tokens": made, "total_tokens": given + made if known else None},
        "provider": answer["endpoint"],
        "finish_reason": answer["finish_reason"],
        "error": answer["error"],
    }


def _prices(selection: Selection) -> dict[str, dict[str, float]]:
    """The prices of the candidates whose LLM has both, USD per million tokens."""
    known = {row["llm"]: (row["input_price"], row["output_price"]) for row in selection.release.rows("llms").to_pylist()}
    found = {}
    for name in selection.candidates:
        prices = known.get(Candidate.parse(name).llm, (None, None))
        if None not in prices:
            keys = ("input_token_price_per_million", "output_token_price_per_million")
            found[name] = dict(zip(keys, prices, strict=True))
    return found
