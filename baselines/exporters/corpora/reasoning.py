"""What becomes of the reasoning in an answer before it is trained on: kept, stripped, or put into one block.

Reasoning is what came apart from the answer (column `reasoning`; it is put in front of the answer, in one block, before
anything else), and what stands in `<think> ... </think>`, in the shapes in which LLMs write it:

- one block or several, anywhere; an opening tag inside a block is part of the reasoning;
- no opening tag, because it was the end of the prompt (DeepSeek-R1, QwQ): all up to `</think>` is reasoning;
- no closing tag, because the answer was cut off: all from `<think>` on is reasoning, and what stands before it the answer.

`keep` leaves every text as it is.
`strip` leaves the answer alone, without the blank lines around it; parts of an answer that blocks stood between are joined by
a blank line. Null where no answer is left. A text without tags is not touched, whatever its mode.
`tag` writes one block in front, `<think>\\nREASONING\\n</think>\\n\\nANSWER`, whatever shape the text came in. Null where no
answer is left. A text without tags, of an LLM that was asked to think step by step (mode `think`), gets a block only where it
is certain where the answer begins: one line, and only one, opens it ("#### 42", "Answer: 42", "So the final answer is 42",
"\\\\boxed{42}"), something stands before that line, and the text ends with it; or the line is a bare "Answer:" and the text
ends with the paragraph below it. Every other text without tags is not touched, and is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

How = Literal["keep", "strip", "tag"]

_TAG: Final = "</?[Tt][Hh][Ii][Nn][Kk]>"  # spelled out: engines differ in what else they take for a k
_TAGS: Final = re.compile(_TAG)
_BLANK_START: Final = re.compile(r"(?:[^\S\n]*\n)+|[^\S\n]+")
_ANSWER_LINE: Final = re.compile(
    r"""[ \t]*(?:
        \#{4}[ \t]*[-+$(]?\d                                                        # GSM8K: #### 42
      | \$*(?:\\\[|\\\()?[ \t]*\\boxed\{                                              # MATH: $\boxed{42}$
      | (?:\#{1,6}[ \t]+)? [*_]{0,3} (?:(?:so|thus|hence|therefore),?[ \t]+)? (?:(?:the|my)[ \t]+)?
        (?:(?:final|correct)[ \t]+)? answer [*_]{0,3} (?:[ \t]*:|[ \t]+is\b) (?P<behind>.*)
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def apply(texts: pa.Array | pa.ChunkedArray, modes: pa.Array | pa.ChunkedArray, how: How) -> tuple[pa.Array, Counter[str]]:
    """`texts` with their reasoning kept, stripped or tagged, and how many texts were what.

    Args:
        texts: [n] answers; null stays null.
        modes: [n] the mode of each; only `tag` looks at it.
        how: See the top of this module.

    Returns:
        [n] strings, null if `strip` or `tag` found reasoning and no answer; and the number of texts that were `tagged` (had
        tags), of these `unclosed` (cut off in their reasoning) and `unanswered` (null now), and with `tag`, of think-mode
        texts without tags, `wrapped` and `unsplit` (unchanged, because the start of their answer is uncertain). `keep`
        counts nothing.
    """
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    counts: Counter[str] = Counter()
    if how == "keep":
        return whole, counts
    tagged = pc.fill_null(pc.match_substring_regex(whole, _TAG), False)
    touched = tagged
    if how == "tag":
        asked = pc.equal(modes.combine_chunks() if isinstance(modes, pa.ChunkedArray) else modes, "think")
        touched = pc.or_(tagged, pc.and_(pc.fill_null(asked, False), pc.is_valid(whole)))
    raw = pa.large_binary() if pa.types.is_large_string(whole.type) else pa.binary()  # stray bytes go through as they are
    written: list[bytes | None] = []
    for data, has_tags in zip(
        pc.filter(whole.cast(raw), touched).to_pylist(), pc.filter(tagged, touched).to_pylist(), strict=True
    ):
        text = data.decode("utf-8", "surrogateescape")
        if has_tags:
            reasoning, answer, unclosed = split(text)
            counts["tagged"] += 1
            counts["unclosed"] += unclosed
            counts["unanswered"] += not answer
            written.append(_bytes(answer if how == "strip" else _block(reasoning, answer)) if answer else None)
        else:
            at = _answer_start(text)
            counts["unsplit" if at is None else "wrapped"] += 1
            written.append(data if at is None else _bytes(_block(_trim(text[:at]), _trim(text[at:]))))
    result = pc.replace_with_mask(whole, touched, pa.array(written, raw).view(whole.type))
    return result, +counts


def split(text: str) -> tuple[str, str, bool]:
    """(reasoning, answer, whether its last block is unclosed) of a text with think tags, neither part with any tag left."""
    reasoning: list[str] = []
    answer: list[str] = []
    inside, start = False, 0
    for tag in _TAGS.finditer(text):
        piece = text[start : tag.start()]
        closes = text[tag.start() + 1] == "/"
        if inside:
            reasoning.append(piece)
        else:
            answer.append(piece)
            if closes:  # its opening tag was in the prompt: all so far was reasoning
                reasoning += answer
                answer.clear()
        inside, start = not closes, tag.end()
    (reasoning if inside else answer).append(text[start:])
    return _joined(reasoning), _joined(answer), inside


def _joined(pieces: list[str]) -> str:
    """The pieces that are not blank, a blank line between them: no tag can come about where two meet."""
    return "\n\n".join(trimmed for piece in pieces if (trimmed := _trim(piece)))


def _trim(text: str) -> str:
    """`text` without the blank lines around it; the first line of code keeps its indentation."""
    start = _BLANK_START.match(text)
    return text[start.end() if start else 0 :].rstrip()


def _block(reasoning: str, answer: str) -> str:
    return f"<think>\n{reasoning}\n</think>\n\n{answer}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _answer_start(text: str) -> int | None:
    """Where the final answer of a text without tags begins, null unless that is certain."""
    found: list[tuple[int, re.Match[str]]] = []
    at = 0
    for line in text.split("\n"):
        if opening := _ANSWER_LINE.match(line):
            found.append((at, opening))
        at += len(line) + 1
    if len(found) != 1:
        return None
    start, opening = found[0]
    below = text[start:].rstrip().partition("\n")[2]
    bare = opening["behind"] is not None and not opening["behind"].strip(" \t\r*_")
    ends = not below if not bare else bool(below.strip()) and not re.search(r"\n\s*\n", below.strip())
    return start if ends and text[:start].strip() else None
