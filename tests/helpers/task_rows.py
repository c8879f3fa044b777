"""Made-up rows of the 14 data sets, in the layouts that these have on the Hub, with right and wrong answers to each."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from llmfusionbench.builders.tasks import CATALOG
from llmfusionbench.builders.tasks.math import SUBJECTS

Row = dict[str, Any]
TOWNS = ("Orrenby", "Talvik", "Mossgate", "Penhollow")


def gsm8k(i: int, split: str) -> Row:
    question = f"Pia stacks {i + 2} boxes in {split} and {i + 5} more. How many is that?"
    return {"question": question, "answer": f"Add.\n#### {2 * i + 7}"}


def math(i: int, split: str, subject: str = "algebra") -> Row:
    return {
        "problem": f"In the {split} set on {subject}, what is ${i} + \\frac{{1}}{{2}}$?",
        "level": "Level 2",
        "type": subject.replace("_", " ").title(),
        "solution": f"The sum is $\\boxed{{\\frac{{{2 * i + 1}}}{{2}}}}$.",
    }


def mbpp(i: int, split: str) -> Row:
    return {
        "task_id": i + (10_000 if split == "test" else 0),
        "text": f"Write a function that adds {i} to a number, for the {split} set.",
        "code": f"def plus(n):\n    return n + {i}",
        "test_list": [f"assert plus(1) == {i + 1}", f"assert plus(OFFSET) == {i + 7}"],
        "test_setup_code": "OFFSET = 7",
        "challenge_test_list": [],
    }


def human_eval(i: int, split: str) -> Row:
    header = f'from typing import List\n\n\ndef shift_{i}(values: List[int]) -> List[int]:\n    """Add {i} to each value.\n\n'
    return {
        "task_id": f"HumanEval/{i}",
        "prompt": f'{header}    >>> shift_{i}([0])\n    [{i}]\n    """\n',
        "canonical_solution": f"    return [value + {i} for value in values]\n",
        "test": f"\n\nMETADATA = {{}}\n\n\ndef check(candidate):\n    assert candidate([0, 1]) == [{i}, {i + 1}]\n",
        "entry_point": f"shift_{i}",
    }


def _labelled(i: int, labels: str, what: str) -> Row:
    texts = [f"{what} {i} {town}" for town in (*TOWNS, "Nowhere")][: len(labels)]
    return {"choices": {"label": list(labels), "text": texts}, "answerKey": labels[i % len(labels)]}


def commonsense_qa(i: int, split: str) -> Row:
    question = f"Where would a person of {split} {i} keep a boat?"
    return {"id": f"c{split}{i}", "question": question, "question_concept": "boat", **_labelled(i, "ABCDE", "the harbour")}


def arc_challenge(i: int, split: str) -> Row:
    labels = "1234" if i % 3 == 0 else "ABCD"
    return {"id": f"a{split}{i}", "question": f"Which rock is the {split} one number {i}?", **_labelled(i, labels, "basalt")}


def openbook_qa(i: int, split: str) -> Row:
    return {"id": f"o{split}{i}", "question_stem": f"A magnet of {split} {i} attracts", **_labelled(i, "ABCD", "nails from")}


def hellaswag(i: int, split: str) -> Row:
    start = f"[header] How to fold net {i} of {split} [title] Lay it flat."
    verbs = zip(("tie", "burn", "eat", "sing"), TOWNS, strict=True)
    return {
        "ind": i,
        "activity_label": "Fishing",
        "ctx_a": start,
        "ctx_b": "",
        "ctx": start,
        "endings": [f"[step] Then {verb} the {i} torn knots in {town}." for verb, town in verbs],
        "source_id": f"wikihow~{i}",
        "split": "val" if split == "validation" else split,
        "split_type": "indomain",
        "label": str(i % 4),
    }


def natural_qa(i: int, split: str) -> Row:
    names = [f"Ada Quist {i}", f"A. Quist {i}"]
    return {"id": f"{split}_{i}", "question": f"who founded town {i} of {split}", "golden_answers": names}


def trivia_qa(i: int, split: str) -> Row:
    names = [f"Lake Umbra {i}", f"Umbra Lake {i}"]
    return {
        "question": f"Which lake has number {i} in {split}?",
        "question_id": f"t{split}{i}",
        "question_source": "made up",
        "entity_pages": {"title": [], "wiki_context": []},
        "answer": {
            "aliases": names,
            "normalized_aliases": [name.lower() for name in names],
            "matched_wiki_entity_name": "",
            "normalized_value": names[0].lower(),
            "type": "WikipediaEntity",
            "value": names[0],
        },
    }


def squad(i: int, split: str) -> Row:
    return {
        "id": f"s{split}{i}",
        "title": "Mill",
        "context": f"The {split} mill {i} was built by Jorun Vik in Talvik.",
        "question": f"Who built mill {i}?",
        "answers": {"text": ["Jorun Vik", "Jorun Vik"], "answer_start": [29, 29]},
    }


def boolq(i: int, split: str) -> Row:
    passage = f"Bridge {i} is {'open' if i % 2 else 'closed'} in {split}."
    return {"question": f"is bridge {i} of {split} open", "passage": passage, "answer": bool(i % 2)}


def mmlu(i: int, split: str) -> Row:
    choices = [str((i + 1) * legs) for legs in (4, 3, 5, 6)]
    question = f"How many legs have {i + 1} tables of {split}?"
    return {"question": question, "subject": "made_up", "choices": choices, "answer": i % 4}


def gpqa(i: int, split: str) -> Row:
    wrong = {f"Incorrect Answer {n}": f"{i}/{k}" for n, k in ((1, 3), (2, 5), (3, 7))}
    question = {"Record ID": f"rec{i}", "Question": f"What is the spin of particle {i}?", "Correct Answer": f"{i}/2\n"}
    return {**question, **wrong, "High-level domain": "Physics", "Subdomain": "Particles"}


MAKERS: dict[str, Callable[..., Row]] = {
    "gsm8k": gsm8k, "math": math, "mbpp": mbpp, "human_eval": human_eval, "commonsense_qa": commonsense_qa,
    "arc_challenge": arc_challenge, "hellaswag": hellaswag, "openbook_qa": openbook_qa, "natural_qa": natural_qa,
    "trivia_qa": trivia_qa, "squad": squad, "boolq": boolq, "mmlu": mmlu, "gpqa": gpqa,
}  # fmt: skip


def rows(task: str, count: int, split: str = "train") -> list[Row]:
    """`count` rows of a task, all different."""
    return [MAKERS[task](i, split) for i in range(count)]


@dataclass(frozen=True)
class Answers:
    """Answers to a row in the form that its prompt states."""

    right: str
    wrong: str


def answers(task: str, row: Row, truth: str) -> Answers:
    """Right and wrong answers, each after a step of reasoning. `truth` is the query's ground truth."""
    steps = "First I look at what is given.\n"
    match task:
        case "gsm8k":
            number = int(truth.rpartition("#### ")[2])
            return Answers(f"{steps}#### {number}", f"{steps}#### {number + 1}")
        case "math":
            box = truth[truth.index("\\boxed") : truth.rindex("$")]
            return Answers(f"{steps}So it is ${box}$.", f"{steps}So it is $\\boxed{{-17}}$.")
        case "mbpp":
            return Answers(f"{steps}[BEGIN]\n{row['code']}\n[DONE]", f"{steps}[BEGIN]\ndef plus(n):\n    return n - 1\n[DONE]")
        case "human_eval":
            code = row["prompt"] + row["canonical_solution"]
            return Answers(f"{steps}```python\n{code}```", f"{steps}```python\n{row['prompt']}    return []\n```")
        case "natural_qa" | "trivia_qa" | "squad":
            return Answers(f"{steps}<answer>{json.loads(truth)[-1]}</answer>", f"{steps}<answer>something else</answer>")
        case "boolq":
            other = "false" if truth == "true" else "true"
            return Answers(f"{steps}<answer>{truth}</answer>", f"{steps}<answer>{other}</answer>")
        case _:
            return Answers(f"{steps}({truth})", f"{steps}({'B' if truth == 'A' else 'A'})")


def hub_files(task: str, train: int, test: int) -> dict[str, bytes]:
    """The files of a task's repository: a card with its configurations, and a file for each split of one."""
    record = CATALOG[task]
    files, card = {}, ["---", "configs:"]
    for config in record.configs:
        card += [f"- config_name: {config or 'default'}", "  data_files:"]
        for split, count in ((record.train_split, train), (record.test_split, test)):
            if split is None:
                continue
            made = [math(i, split, str(config)) for i in range(count)] if config in SUBJECTS else rows(task, count, split)
            path, data = _written(task, f"{config or 'data'}/{split}", made)
            card += [f"  - split: {split}", f"    path: {path}"]
            files[path] = data
    return {**files, "README.md": "\n".join([*card, "---", "# Made up", ""]).encode()}


def _written(task: str, name: str, made: Sequence[Row]) -> tuple[str, bytes]:
    """A file in the format that the data set has on the Hub."""
    if task == "natural_qa":
        return f"{name}.jsonl", "".join(json.dumps(row) + "\n" for row in made).encode()
    table, stream = pa.Table.from_pylist(list(made)), io.BytesIO()
    if task == "gpqa":
        pyarrow.csv.write_csv(table, stream)
        return f"{name}.csv", stream.getvalue()
    pq.write_table(table, stream)
    return f"{name}.parquet", stream.getvalue()
