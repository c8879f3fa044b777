"""Which candidates are kin of a judge: the same model, or one of the same family."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from llmfusionbench.llm.model_names import same_model


def llm_name(judge: str, rubrics: Sequence[str]) -> str:
    """The name of the LLM of a judge: its name without `/RUBRIC`, which it has where it judged by several rubrics.

    Args:
        judge: Name of the judge.
        rubrics: The texts in the column `rubric` of its rows: the name of a rubric, and what follows it in brackets.
    """
    for text in rubrics:
        head = judge.removesuffix(f"/{text.partition(' (sha256 ')[0]}")
        if head and head != judge:
            return head
    return judge


def same_llm(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two judges are the same LLM, by their names and the models that judged."""
    return any(same_model(a, b) for a in one for b in other)


def family_of(judge: str, models: Sequence[str], families: Mapping[str, str | None]) -> str | None:
    """The family of the LLM of its name; else the longest family that its name, without the provider, begins with.

    Args:
        judge: Name of the judge, without a rubric (`llm_name`).
        models: The models that judged, as endpoints state them.
        families: LLM -> its family in the table `llms`.
    """
    for name in (judge, *models):
        for llm, family in families.items():
            if family and same_model(llm, name):
                return family
    known = sorted({family for family in families.values() if family}, key=lambda f: (-len(f), f))
    for name in (judge, *models):
        short = name.strip().lower().rpartition("/")[2]
        for family in known:
            if re.match(rf"{re.escape(family.lower())}(?![a-z])", short):
                return family
    return None


def kin(judge: str, models: Sequence[str], llms: Sequence[str], families: Mapping[str, str | None]) -> npt.NDArray[np.bool_]:
    """[C] whether the LLM of each candidate is the judge itself or of its family."""
    family = family_of(judge, models, families)
    related = {
        llm: any(same_model(llm, name) for name in (judge, *models)) or (family is not None and families.get(llm) == family)
        for llm in set(llms)
    }
    return np.array([related[llm] for llm in llms], bool)
