"""Multiple-choice questions: the options under their letters, and the letter of the right one as ground truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_uppercase
from typing import Any

from llmfusionbench.builders.reading.fields import BadRecordError, named, text, writable
from llmfusionbench.builders.tasks.answer_forms import LETTER
from llmfusionbench.builders.tasks.cells import inside, source_id, unfolded, words
from llmfusionbench.builders.tasks.task import Draft, Row, asked
from llmfusionbench.types import text_digest


def multiple_choice(question: str, options: Sequence[str], right: int, source_id: str | None = None) -> Draft:
    """The draft of a question.

    Args:
        question: What is asked, without the options.
        options: Their texts in the order of their letters.
        right: The place of the right one, from 0.
        source_id: The id of the row.

    Raises:
        BadRecordError: there are fewer than 2 or more than 26 options, or one is blank.
    """
    options = [option.strip() for option in options]
    if not 2 <= len(options) <= len(ascii_uppercase):
        raise BadRecordError(f"the question has {len(options)} options, expected 2 to {len(ascii_uppercase)}")
    if "" in options:
        raise BadRecordError(f"option {ascii_uppercase[options.index('')]} is blank, expected a text")
    lines = "\n".join(f"({letter}) {option}" for letter, option in zip(ascii_uppercase, options, strict=False))
    return Draft(
        messages=asked(f"{question}\n\n{lines}\n\n{LETTER}"),
        ground_truth=ascii_uppercase[right],
        choices=tuple(options),
        source_id=source_id,
    )


def option_list(value: Any, name: str) -> list[str]:
    """A list of the texts of options, in order."""
    found = unfolded(value)
    if not isinstance(found, list) or not all(isinstance(option, str) for option in found):
        raise BadRecordError(f"{name} is {'missing' if value is None else named(found)}, expected a list of texts")
    return [writable(option, name) for option in found]


def labelled(question: str) -> Callable[[Row], Draft]:
    """Reads rows with the question in the field `question`, and with the fields `choices`, `answerKey` and `id`."""

    def draft(row: Row) -> Draft:
        options, right = labelled_options(row, "choices", "answerKey")
        return multiple_choice(words(row, question), options, right, source_id(row, "id"))

    return draft


def labelled_options(row: Row, choices: str, key: str) -> tuple[list[str], int]:
    """(texts of the options, place of the right one) of `{"label": [...], "text": [...]}` and the label in the field `key`."""
    found = inside(row, choices)
    options = option_list(found.get("text"), f"{choices}.text")
    labels = option_list(found.get("label"), f"{choices}.label")
    if len(labels) != len(options) or len(set(labels)) != len(labels):
        counts = f"{len(set(labels))} different labels for {len(options)} texts"
        raise BadRecordError(f"{choices} has {counts}, expected one for each")
    answer = (text(row, key) or "").strip()
    if answer not in labels:
        shown = named(answer) if answer else "missing"
        raise BadRecordError(f"{key} is {shown}, expected a label of {choices}")
    return options, labels.index(answer)


def shuffled(question: str, options: Sequence[str]) -> list[int]:
    """The places of options in an order that their texts and the question alone decide, whatever their order was.

    The same question has the same letters in every run, so that its id stays the same.
    """
    return sorted(range(len(options)), key=lambda place: (text_digest((question, options[place])), place))
