"""How several judgements of one judge are named: `NAME` for the first, `NAME#2`, `NAME#3`, ... for the retests.

The key of `judge_scores` has no column for the number of a judgement, so a retest has a judge's name of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

_NUMBERED: Final = re.compile(r"(?s)(.+)#([1-9][0-9]{0,5})")


def retest_name(judge: str, number: int) -> str:
    """The value of `judge_scores.judge` for a judgement of `judge`.

    Args:
        judge: Name of the judge.
        number: Number of the judgement of the same answer, from 0: that of the first, 1 that of the first retest.
    """
    return judge if number == 0 else f"{judge}#{number + 1}"


def retest_of(name: str, known: Collection[str]) -> tuple[str, int]:
    """The judge and the number of the judgement, from 0, that `name` states.

    A name such as `x#2` is that of a retest only where there is a judge `x`: `known` holds all names of the release.
    """
    match = _NUMBERED.fullmatch(name)
    if match is None or int(match[2]) < 2 or match[1] not in known:
        return name, 0
    return match[1], int(match[2]) - 1
