"""One record of an arena: who fought, what was asked and answered, who won, and who judged without the id of a user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from llmfusionbench.builders.reading.fields import BadRecordError, count, identifier, literal, named, required_text, writable
from llmfusionbench.builders.reading.json import Item
from llmfusionbench.builders.reading.judge_names import HUMAN, is_llm_judge, judge_and_prompt, turn_id
from llmfusionbench.builders.reading.loose import loose_moment
from llmfusionbench.builders.reading.objects import turns
from llmfusionbench.builders.reading.sides import Asked, asked_texts, asked_turns, check_two
from llmfusionbench.builders.reading.verdicts import Winners
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.types import Turn

_ENDINGS: Final = (("_a", "_b"), ("_1", "_2"), ("_left", "_right"))
_LLMS: Final = ("model", "llm", "generator")
_ANSWERS: Final = ("response", "answer", "output", "completion")
_TALKS: Final = ("conversation", "messages")
_WINNERS: Final = ("winner", "verdict", "vote")
_IDS: Final = ("question_id", "id", "battle_id", "conversation_id", "idx")
_PROMPTS: Final = ("prompt", "question", "instruction")
_MOMENTS: Final = ("tstamp", "timestamp")
_FLAGS: Final = ("winner_model_a", "winner_model_b", "winner_tie")
_BOTH_BAD: Final = frozenset(["tie (bothbad)", "tie (both bad)", "bothbad", "both bad", "both_bad", "tie_bothbad"])
_OTHERS: Final = ("judge", "turn", "anony", "is_code", "category_tag", *_IDS, *_PROMPTS, *_MOMENTS, *_WINNERS, *_FLAGS)
WANTED: Final = frozenset(
    [*_OTHERS, *(stem + end for ends in _ENDINGS for end in ends for stem in (*_LLMS, *_ANSWERS, *_TALKS))]
)
"""The columns that are read."""
_ROLES: Final = ("user", "assistant")
_MOST_TURNS: Final = 1 << 30
_FIRST: Final = 64
"""Number of records whose columns are looked at."""
_SHOWN_NAMES: Final = "the names of the LLMs were shown"
_TRUE: Final = (True, 1, "1", "true", "True", "1.0")
_FALSE: Final = (False, "false", "False")


@dataclass(frozen=True)
class Names:
    """What a file calls the columns of a battle."""

    llms: tuple[str, str]
    answers: tuple[str, str] | None
    talks: tuple[str, str] | None
    winner: str
    """The column of winners, or the first of three of flags."""
    id: str | None
    prompt: str | None
    moment: str | None

    @classmethod
    def found(cls, path: Path, items: Iterator[Item]) -> tuple[Names, Iterator[Item]]:
        """The names in a file by its first records, and all records.

        Raises:
            InputError: the first records have no two LLMs with a winner.
        """
        first = list(islice(items, _FIRST))
        records = [item[1] for item in first if not isinstance(item, Rejected)]
        record = {name: None for each in records if isinstance(each, dict) for name in each}
        if not record:
            reason = next((item.reason for item in first if isinstance(item, Rejected)), "it has no records")
            raise InputError(f"{path}: no battle in it ({reason}). Remedy: check the file, or use another source")
        return cls.of(path, record), chain(first, items)

    @classmethod
    def of(cls, path: Path, record: Mapping[str, Any]) -> Names:
        """The names in a record, or in some of them together."""
        llms = _pair(record, _LLMS)
        winner = next((name for name in (*_WINNERS, _FLAGS[0]) if name in record), None)
        if llms is None or winner is None:
            lacks = "two LLMs, such as model_a and model_b" if llms is None else "a winner"
            raise InputError(
                f"{path}: no battle in it (its first records lack {lacks}). Remedy: check the file, or use another source"
            )
        return cls(
            llms,
            _pair(record, _ANSWERS),
            _pair(record, _TALKS),
            winner,
            *(next((name for name in names if name in record), None) for names in (_IDS, _PROMPTS, _MOMENTS)),
        )


class Battle(NamedTuple):
    """One record."""

    llms: tuple[str, str]
    answers: tuple[str | None, str | None]
    asked: Asked
    """Empty where the record does not hold it."""
    source_id: str | None
    share: float | None
    """The share of the second answer, from 0 to 1."""
    reason: str | None
    judge: str
    user: bool
    """Whether the judge has a name that may identify a user, and is called `human`."""
    rubric: str | None
    moment: str | None
    domain: str | None
    vote: tuple[object, ...] | None
    """What distinguishes the vote from others on the same answers; None if the record has no id."""

    @classmethod
    def of(cls, record: dict[str, Any], names: Names, winners: Winners, judge: str | None) -> Battle:
        """A record as a battle; `judge` names all judges.

        Raises:
            BadRecordError: a field does not fit.
        """
        one, other = required_text(record, names.llms[0]), required_text(record, names.llms[1])
        check_two(one, other, names.llms)
        turn = _number(record, "turn")
        asked, answers = _said(record, names, turn)
        own = _identifier(record, names.id)
        word = record.get(names.winner)
        given = judge_and_prompt(_bare(record.get("judge")))
        is_llm = given[1] is not None or (given[0] is not None and is_llm_judge(given[0]))
        moment = loose_moment(record.get(names.moment)) if names.moment else None
        share = _flagged(record) if names.winner == _FLAGS[0] else winners.share_of(word, names.winner, names.llms, one, other)
        shown = _SHOWN_NAMES if record.get("anony") in _FALSE else None
        rubric = f"{given[1]}; {shown}" if given[1] and shown else given[1] or shown
        bad = isinstance(word, str) and word.strip().lower() in _BOTH_BAD
        return cls(
            (one, other),
            answers,
            asked,
            None if own is None else turn_id(own, turn),
            share,
            "both bad" if bad else None,
            judge or (given[0] if is_llm and given[0] else HUMAN),
            judge is None and given[0] is not None and not is_llm,
            rubric,
            moment,
            _domain(record),
            None if own is None else (own, turn, given, share, bad, moment),
        )


def _pair(record: Mapping[str, Any], stems: Iterable[str]) -> tuple[str, str] | None:
    named_so = ((stem + one, stem + other) for stem in stems for one, other in _ENDINGS)
    return next((pair for pair in named_so if pair[0] in record and pair[1] in record), None)


def _bare(value: Any) -> Any:
    """A number that names a user as a text."""
    return str(value) if isinstance(value, (int, float)) else value


def _number(record: Mapping[str, Any], name: str) -> int | None:
    value = record.get(name)
    if value is None or (type(value) is int and 0 <= value < _MOST_TURNS):
        return value
    if isinstance(value, str):
        return int(value) if value.isdecimal() and value.isascii() and len(value) < 9 else None
    return None if value != value else count(record, name)  # NaN is not itself


def _identifier(record: Mapping[str, Any], name: str | None) -> str | None:
    value = record.get(name) if name else None
    if name is None or value != value:
        return None
    # pandas makes floats of a column of numbers with a gap
    return str(int(value)) if isinstance(value, float) and value.is_integer() else identifier(record, name) or None


def _flagged(record: Mapping[str, Any]) -> float | None:
    """The share of the second answer by three columns of which one is set."""
    won = [record.get(name) in _TRUE for name in _FLAGS]
    return (0.0, 1.0, 0.5)[won.index(True)] if sum(won) == 1 else None


def _said(record: Mapping[str, Any], names: Names, turn: int | None) -> tuple[Asked, tuple[str | None, str | None]]:
    """What was asked, and both answers to its last turn, up to the turn that was judged."""
    asked, answers = _talked(record, names.talks, turn) if names.talks else ({}, [None, None])
    texts = _texts(record.get(names.prompt), names.prompt) if names.prompt and not asked else None
    if texts and isinstance(texts[0], str):
        asked = asked_texts([text or "" for text in texts][: turn or None])
    elif names.prompt and not asked and record.get(names.prompt):
        asked = asked_turns(_until(turns(record[names.prompt], names.prompt) or [], turn))
    if names.answers:
        listed = 0 if names.prompt is None or texts is None or _listed(record[names.prompt]) is None else len(texts)
        given = [_answer(record.get(name), name, listed, turn) for name in names.answers]
        answers = [text if text is not None else said for text, said in zip(given, answers, strict=True)]
    return asked, (answers[0], answers[1])


def _talked(record: Mapping[str, Any], names: tuple[str, str], turn: int | None) -> tuple[Asked, list[str | None]]:
    """As `_said`, of two conversations."""
    one, other = _exchange(record.get(names[0])), _exchange(record.get(names[1]))
    if one and other and one[0] == other[0]:
        return {"prompt": one[0]}, [one[1], other[1]]
    cut = [_until(_turns(record.get(name), name), turn) for name in names]
    found = [asked_turns(talk) for talk in cut if talk]
    if len(found) == 2 and found[0] != found[1]:
        raise BadRecordError(f"{names[0]} and {names[1]} differ in what was asked, expected the same prompt")
    answers = [talk[-1]["content"] if talk and talk[-1]["role"] == "assistant" else None for talk in cut]
    return found[0] if found else {}, answers


def _exchange(value: Any) -> tuple[str, str] | None:
    """(prompt, answer) of a conversation that is one of each and no more, as most are; None for any other.

    Whether UTF-8 can write them is checked with the whole record, which is faster.
    """
    if type(value) is not list or len(value) != 2 or type(value[0]) is not dict or type(value[1]) is not dict:
        return None
    asked, answered = value
    if asked.get("role") != "user" or answered.get("role") != "assistant" or "tool_calls" in asked or "tool_calls" in answered:
        return None
    prompt, answer = asked.get("content"), answered.get("content")
    if type(prompt) is not str or type(answer) is not str or not prompt or prompt.isspace():
        return None
    return prompt, answer


def _turns(value: Any, name: str) -> list[Turn] | None:
    """As `turns`, which is slower on the plain turns that most files hold."""
    found: list[Turn] = []
    for turn in value if isinstance(value, list) else ():
        role, content = (turn.get("role"), turn.get("content")) if type(turn) is dict else (None, None)
        if role not in _ROLES or type(content) is not str or "tool_calls" in turn:
            return turns(value, name)
        found.append({"role": role, "content": writable(content, name)})
    return found or turns(value, name)


def _until(talk: list[Turn] | None, turn: int | None) -> list[Turn]:
    """The turns up to the answer to a turn of the user."""
    if talk is None or turn is None or turn < 1:
        return talk or []
    said = 0
    for i, part in enumerate(talk):
        said += part["role"] == "user"
        if said > turn:
            return talk[:i]
    return talk


def _texts(value: Any, name: str) -> list[str | None] | None:
    """A prompt as the texts of its turns: a text, or a list of texts, also as the text of JSON; None for other things."""
    listed = _listed(value)
    if listed is not None:
        return [None if text is None else writable(text, name) for text in listed]
    if isinstance(value, str) and value and not value.lstrip().startswith("[{"):
        return [writable(value, name)]
    return None


def _listed(value: Any) -> list[str | None] | None:
    """A list of texts or null, as it is or as the text of JSON."""
    found = literal(value) if isinstance(value, str) and value.startswith("[") and value.rstrip().endswith("]") else value
    if isinstance(found, list) and found and all(text is None or isinstance(text, str) for text in found):
        return found
    return None


def _answer(value: Any, name: str, asked: int, turn: int | None) -> str | None:
    """The answer to the last turn: a text, or the last of a list of texts, one for each of `asked` turns; 0 for no list."""
    listed = _listed(value) if asked else None
    if listed is not None and len(listed) == asked:
        last = listed[: turn or None][-1]
        return None if last is None else writable(last, name)
    if isinstance(value, dict):
        value = value.get("content", value.get("text"))
    if value is None or value != value:  # NaN is not itself
        return None
    if not isinstance(value, str):
        raise BadRecordError(f"{name} is {named(value)}, expected a text, or as many texts as turns")
    return writable(value, name)


def _domain(record: Mapping[str, Any]) -> str | None:
    """`code` or `math`, where LMArena's classifiers found it."""
    is_code, tags = record.get("is_code"), record.get("category_tag")
    if is_code is None and tags is None:
        return None
    if is_code in _TRUE:
        return "code"
    math = tags.get("math_v0.1") if isinstance(tags, dict) else None
    return "math" if isinstance(math, dict) and math.get("math") is True else None
