"""HellaSwag: the start of a description of an everyday scene, and four ways in which it may go on.

The labels of the data set's test split are not public. Texts from WikiHow have marks such as [title] and [step] in them.
"""

from __future__ import annotations

import re
from typing import Final

from llmfusionbench.builders.tasks.cells import index, source_id, words
from llmfusionbench.builders.tasks.multiple_choice import multiple_choice, option_list
from llmfusionbench.builders.tasks.task import Draft, Row, Task

_MARK: Final = re.compile(r"\[(?:header|title|step|substeps)\]")
_BLANKS: Final = re.compile(r"\s++")


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", _MARK.sub(" ", text)).strip()


def _draft(row: Row) -> Draft:
    endings = [_plain(ending) for ending in option_list(row.get("endings"), "endings")]
    scene = f"{_plain(words(row, 'activity_label'))}: {_plain(words(row, 'ctx'))}"
    right = index(row, "label", len(endings))
    return multiple_choice(f"How does this text go on most plausibly?\n\n{scene}", endings, right, source_id(row, "ind"))


TASK = Task(
    name="hellaswag",
    metric="em_mc",
    dataset="Rowan/hellaswag",
    test_split="validation",
    fields=("activity_label", "ctx", "endings", "label"),
    optional=("ind",),
    draft=_draft,
    citation="Zellers et al., HellaSwag: Can a Machine Really Finish Your Sentence?, ACL 2019, arXiv 1905.07830",
)
