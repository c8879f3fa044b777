"""HELM: run folders of `helm-run`, with the requests, the answers, and the statistics of each instance.

The score is that of HELM's main metric, the sum of its values by their count. HELM scores the completion with the highest log
probability, so further completions of a request come in without a score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.known.tasks import UNKNOWN
from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.helm_request import JOINT, SEPARATE, Request, answers, likeliest, question, read_request
from llmfusionbench.builders.reading.helm_run import NAMES, REQUESTS, STATS, Run, runs
from llmfusionbench.builders.reading.helm_stats import Stats, main_metric, metric_name, read_stats
from llmfusionbench.builders.reading.json import Item, read_listed
from llmfusionbench.builders.reading.json_records import read_records
from llmfusionbench.builders.reading.replicates import Replicates
from llmfusionbench.builders.records import Llms, Note, Part, Records, Rejected
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import Candidate

_PROMPTS: Final = ("sent", "instance")
_PERTURBED: Final = ("skip", "keep")
_LANGUAGE_MODELING: Final = "language_modeling"
_MOST_REFERENCES: Final = 1000
_SHOWN: Final = 12
_GROUP: Final = "group"


@dataclass(frozen=True, kw_only=True)
class Helm:
    """Reads run folders of HELM (`scenario_state.json`, `per_instance_stats.json`, `run_spec.json`, `scenario.json`).

    Args:
        prompt: What a query is: `sent`, the prompt as it was sent, with its examples, or `instance`, the input of the instance
            alone, under which logs of other harnesses have the same query.
        metric: The statistic whose mean is the performance, such as `quasi_exact_match`; by default HELM's main metric:
            `exact_match` for multiple choice, else `f1_score` or `quasi_exact_match`, or that of a scenario with its own.
        perturbed: `skip` or `keep` instances that are changed copies of others, by which HELM measures robustness.
        task: Name of the task; by default the first group of the run.
        llm: Name of the LLM; by default the model of the run.
        split: The split of every query; by default that of its instance, `partial_test` for `valid`.
    """

    FILES: ClassVar[tuple[str, ...]] = NAMES

    prompt: str = "sent"
    metric: str | None = None
    perturbed: str = "skip"
    task: str | None = None
    llm: str | None = None
    split: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the runs."""
        for name, value, known in (("prompt", self.prompt, _PROMPTS), ("perturbed", self.perturbed, _PERTURBED)):
            if value not in known:
                raise UnknownNameError(f"choice of --option {name}", value, known)
        replicates, metrics = Replicates(), set[str]()
        found, others = runs(labelled(paths))
        yield from others
        for run in found:
            stats = Stats()
            if STATS in run.files:
                yield from read_stats(*run.files[STATS], stats)
            metrics |= stats.scores.keys()
            yield from _RunReader(self, run, stats, replicates).read()
        if self.metric is not None and paths and self.metric not in metrics:
            known_metrics = ", ".join(sorted(metrics)[:_SHOWN]) or "none"
            raise InputError(f"{paths[0]}: no run has the metric {self.metric!r}; the runs have {known_metrics}")


@dataclass
class _RunReader:
    """Makes records of one run."""

    options: Helm
    run: Run
    stats: Stats
    replicates: Replicates
    scored: set[Any] = field(default_factory=set)
    """Instances of which an answer has the score."""
    left_out: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.candidate = Candidate.parse(self.options.llm or self.run.llm)
        self.task = self.options.task or self.run.task
        self.metric = self.options.metric or main_metric(self.stats, self.run.method.startswith((SEPARATE, JOINT)))

    def read(self) -> Iterator[Part]:
        """The records of the run, and its notes."""
        path, file = self.run.state
        llm, mode = self.candidate
        shared = {"task": self.task, "llm": llm, "mode": mode}
        items = _grouped(read_listed(path, file, REQUESTS), SEPARATE in self.run.method)
        identity = partial(_identity, task=self.task, llm=self.candidate.name)
        for part in read_records(path, file, self._records, shared, identity=identity, items=items):
            yield replace(part, named={"performance": self.metric or "the score"}) if isinstance(part, Records) else part
        yield from (Note(file, text, warning) for text, warning in self._notes())
        yield Llms([{"llm": llm, "endpoint": self.run.deployment}])

    def _records(self, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The records of one request, or of those about the references of one instance."""
        requests = [read_request(state) for state in item.get(_GROUP, [item])]
        first = next((r for r in requests if not r.is_calibration), requests[0])
        if first.perturbed and self.options.perturbed == "skip":
            self.left_out["perturbed"] += 1
            return
        if self.run.method == _LANGUAGE_MODELING:
            raise BadRecordError("a request of language modelling, which measures a text and asks for no answer")
        asked = question(first, self.options.prompt)
        if self.options.split:
            asked["split"] = self.options.split
        asked["metric"] = UNKNOWN if self.metric is None else metric_name(self.metric, bool(asked["choices"]))
        instance, perturbation, _ = first.key
        separate = _GROUP in item
        about = "" if separate or first.reference is None else f"-{first.reference}"
        asked["source_id"] = f"{instance}{about}{f'-{perturbation}' if perturbation else ''}" if instance else None
        found = [self._chosen(requests, asked)] if separate else list(answers(first))
        takes_score = first.key not in self.scored and not about
        for place, answer in enumerate(found):
            record = {"input_tokens": self.stats.total(first.key, "num_prompt_tokens"), **asked, **answer}
            if len(found) == 1 and not about:
                made = self.stats.total(first.key, "num_completion_tokens", "num_output_tokens")
                record["output_tokens"] = record.get("output_tokens") if made is None else made
            if takes_score and place == 0 and self.metric is not None:
                record["performance"] = self.stats.mean(first.key, self.metric)
                self.scored.add(first.key)
                self.left_out["unscored"] += record["performance"] is None and record.get("status") is None
            else:
                self.left_out["further"] += 1
            yield self.replicates.numbered(record, self.task, *self.candidate)
        for request in requests:
            self.kinds += request.kinds

    def _chosen(self, requests: Sequence[Request], asked: dict[str, Any]) -> dict[str, Any]:
        """The answer that several requests about the references of an instance amount to: the likeliest reference."""
        made = [next(answers(request), {}) for request in requests]
        failed = next((answer for answer in made if answer.get("status")), None)
        if failed is not None:
            return failed
        stated = self.stats.total(requests[0].key, "predicted_index")
        place = likeliest(requests, "calibrated" in self.run.method) if stated is None else stated
        choices = asked["choices"] or []
        seconds = [answer["latency_s"] for answer in made if answer.get("latency_s") is not None]
        return {
            **made[0],
            "response": choices[place] if place is not None and 0 <= place < len(choices) else None,
            "finish_reason": None,
            "output_tokens": None,
            "latency_s": sum(seconds) if seconds else None,
        }

    def _notes(self) -> Iterator[tuple[str, bool]]:
        """(text, whether it is a warning)."""
        if STATS not in self.run.files:
            yield f"the run has no {STATS} in its folder, so its answers have no scores and no counts of tokens", True
        elif self.metric is None:
            others = f" from 0 to 1 (it has {self._others()})" if self.stats.scores else ""
            remedy = ". To read one: --option metric=NAME --scale performance=LOW:HIGH" if others else ""
            yield f"{STATS} has no metric of answers{others}, so they have no scores{remedy}", True
        elif self.options.metric and self.metric not in self.stats.scores:
            yield f"the run has no metric {self.metric}; its metrics are {self._others()}", True
        elif len(self.stats.scores) > 1 and self.options.metric is None:
            yield f"the performance is {self.metric}, of {self._others()}. For another, set --option metric=NAME", False
        if self.left_out["unscored"] and self.metric in self.stats.scores:
            yield f"answers that have no {self.metric} in {STATS}: {self.left_out['unscored']:,}", True
        if self.left_out["further"] and self.metric is not None:
            count = f"{self.left_out['further']:,}"
            yield f"further answers without a score, because HELM scores one for each instance: {count}", False
        if self.left_out["perturbed"]:
            count = f"{self.left_out['perturbed']:,}"
            yield f"requests about perturbed copies of instances, left out: {count}. To keep: --option perturbed=keep", False
        if self.kinds:
            kinds = ", ".join(f"{kind} ({count:,})" for kind, count in self.kinds.most_common(_SHOWN))
            yield f"parts of prompts that are not text do not come in; the prompt has their kind instead: {kinds}", False

    def _others(self) -> str:
        return ", ".join(list(self.stats.scores)[:_SHOWN])


def _grouped(items: Iterable[Item], by_instance: bool) -> Iterator[Item]:
    """The requests, or where several are about one instance, one after another, these as one."""
    held: list[dict[str, Any]] = []
    start, last = 0, None
    for item in items:
        if not by_instance or isinstance(item, Rejected) or not isinstance(item[1], dict):
            yield item
            continue
        row, state = item
        instance = state.get("instance")
        known = instance if isinstance(instance, dict) else {}
        about = known.get("id"), known.get("perturbation"), state.get("train_trial_index")
        if held and (about != last or len(held) >= _MOST_REFERENCES):
            yield start, {_GROUP: held}
            held = []
        start = start if held else row
        last = about
        held.append(state)
    if held:
        yield start, {_GROUP: held}


def _identity(value: Any, task: str, llm: str) -> dict[str, Any]:
    """What identifies a request, or several about one instance."""
    state = value[_GROUP][0] if isinstance(value, dict) and _GROUP in value else value
    instance = state.get("instance") if isinstance(state, dict) else None
    known = instance.get("id") if isinstance(instance, dict) else None
    named = {"source_id": known} if isinstance(known, str) and len(known) <= 200 and known.isprintable() else {}
    return {"task": task, "llm": llm, **named}
