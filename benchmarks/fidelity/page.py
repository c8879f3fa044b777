"""The lines of docs/scoring_fidelity.md: one section per set, all tables by one printer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from . import prose
from .accuracies import CRUX_METRIC, Accuracy, crux_accuracies, gsm8k_accuracies
from .answers import Answer, Tally, tallies, tally
from .programs import code_results, ldb_code
from .readings import rows as reading_rows
from .sets import (
    RIGHT,
    evouna,
    evouna_lexical,
    evouna_substrings,
    gsm8k_official,
    mmlu_pro,
    openqa_em,
    openqa_f1,
    openqa_human,
    routerarena,
    stated_letter,
)


def page(logs: Path, *, code: bool = True, sandbox: str = "auto") -> Iterator[str]:
    """The lines of the page; what needs programs to run is left out without `code`."""
    yield prose.HEAD
    sections: dict[str, Callable[[Path], Iterable[str]]] = {"GSM8K": gsm8k, "CRUX": crux, "EVOUNA": human_verdicts}
    sections |= {"OpenQA-eval": open_answers, "MMLU-Pro": multiple_choice, "RouterArena": router_arena}
    if code:
        sections |= {"LDB": partial(programs, sandbox=sandbox), "code tasks": partial(code_tasks, sandbox=sandbox)}
    for name, section in sections.items():
        print(f"scoring {name} ...", file=sys.stderr, flush=True)
        if lines := list(section(logs)):
            yield from ("", *lines)
    yield from ("", prose.REST)


def gsm8k(logs: Path) -> Iterator[str]:
    """The section of ZeroEval's GSM8K."""
    yield prose.GSM8K
    yield from accuracy_table(gsm8k_accuracies(logs))
    every = tally("all", gsm8k_official(logs))
    yield ""
    yield f"Answer by answer (n = {every.n:,}), ours against *official* has FP {every.fp:.2f} and FN {every.fn:.2f}. The"
    yield "published accuracies decide between the two."


def crux(logs: Path) -> Iterator[str]:
    """The section of ZeroEval's CRUX; no line while we have no metric for it."""
    accuracies = list(crux_accuracies(logs))
    if accuracies:
        yield prose.CRUX
        yield from accuracy_table(accuracies)
    else:
        print(f"left out: there is no metric {CRUX_METRIC!r}", file=sys.stderr)


def accuracy_table(accuracies: Iterable[Accuracy]) -> Iterator[str]:
    """A table of published accuracies."""
    rows = []
    for llm, ours, official, published, bound in accuracies:
        if published is None:
            rows.append([llm, "-", f"{ours:.2f}", "-", "-", f"{official:.2f}", "-"])
        else:
            apart = (_signed(ours - published), f"{bound}", f"{official:.2f}", _signed(official - published))
            rows.append([llm, f"{published:.2f}", f"{ours:.2f}", *apart])
    return table(["LLM", "published", "ours", "difference", "bound", "official", "official - published"], rows)


def human_verdicts(logs: Path) -> Iterator[str]:
    """The section of EVOUNA."""
    yield prose.EVOUNA
    yield from verdict_table("system", "human", {"ours": evouna(logs), "lex": evouna_lexical(logs)})
    yield prose.EVOUNA_SUBSTRINGS
    yield from substring_table(evouna_substrings(logs))


def substring_table(answers: Sequence[Answer]) -> Iterator[str]:
    """A table of the answers that only one of `lex`, the reference, and `cem` counts, by what people said of them."""
    rows = []
    for name, without in (("all systems", ""), ("without Bing", "newbing")):
        some = [answer for answer in answers if not without or without not in answer.llm]
        counts = []
        for side in ("false_negative", "false_positive"):
            apart = [answer for answer in some if getattr(answer, side)]
            right = sum(answer.note.startswith(RIGHT) for answer in apart)
            counts += [f"{right:,}", f"{len(apart) - right:,}"]
        rows.append([name, *counts])
    columns = ("only lex, human right", "only lex, human wrong", "only cem, human right", "only cem, human wrong")
    yield from table(["answers that are counted by", *columns], rows)


def open_answers(logs: Path) -> Iterator[str]:
    """The section of OpenQA-eval."""
    yield prose.OPENQA
    rows = []
    for metric, answers in (("em", openqa_em(logs)), ("f1_score", openqa_f1(logs))):
        apart = [a for a in answers if not abs(a.ours - a.reference) <= 1e-9]
        counts = len(apart), sum(not a.response for a in apart), sum(a.response.lower() in ("yes", "no") for a in apart)
        total = tally(metric, answers)
        rows.append([metric, f"{total.n:,}", *_fixed(total.reference, total.ours), *(f"{count:,}" for count in counts)])
    yield from table(["metric", "n", "published", "ours", "differ", "empty", "yes or no"], rows)
    yield prose.OPENQA_HUMAN
    yield from verdict_table("system", "human", {metric: openqa_human(logs, metric) for metric in ("cem", "em")})


def multiple_choice(logs: Path) -> Iterator[str]:
    """The section of MMLU-Pro."""
    yield prose.MMLU_PRO
    answers = mmlu_pro(logs)
    rows = []
    for total, stated in zip(tallies(answers), tallies([a for a in answers if stated_letter(a)]), strict=True):
        rows.append([total.llm, f"{total.n:,}", *_agreement(total), f"{stated.n:,}", *_agreement(stated)])
    columns = ["published", "ours", "agreement", "FP", "FN"]
    yield from table(["LLM", "n", *columns, "stated", *columns], rows)
    yield prose.MMLU_PRO_READ
    counts = ["answers", "drawn", "read", "wrong", "per 1,000", "low", "high"]
    yield from table(["", "of which", *counts], reading_rows("mmlu_pro", answers), words=2)


def router_arena(logs: Path) -> Iterator[str]:
    """The section of RouterArena."""
    yield prose.ROUTERARENA
    yield from verdict_table("metrics", "published", {"ours": routerarena(logs)})


def programs(logs: Path, *, sandbox: str) -> Iterator[str]:
    """The section of LDB's programs."""
    yield prose.LDB
    with_imports = ldb_code(logs, sandbox=sandbox, imports=True)
    yield from verdict_table("programs", "published", {"ours": ldb_code(logs, sandbox=sandbox), "with imports": with_imports})


def code_tasks(logs: Path, *, sandbox: str) -> Iterator[str]:
    """The section of the reference solutions."""
    yield prose.CODE_TASKS
    results = code_results(logs, sandbox=sandbox)
    yield from table(["tasks", "program", "score 1", "score 0", "missing"], [list(map(str, r)) for r in results], words=2)


def verdict_table(first: str, reference: str, answers: dict[str, Sequence[Answer]]) -> Iterator[str]:
    """A table of verdicts per answer: a row per LLM, and for each scorer the rate that it calls right, FP and FN."""
    rows = []
    for same in zip(*map(tallies, answers.values()), strict=True):
        rates = [value for one in same for value in _fixed(one.ours, one.fp, one.fn)]
        rows.append([same[0].llm, f"{same[0].n:,}", *_fixed(same[0].reference), *rates])
    return table([first, "n", reference, *(column for name in answers for column in (name, "FP", "FN"))], rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> Iterator[str]:
    """A table in Markdown whose first `words` columns hold words and whose others hold numbers."""
    yield f"| {' | '.join(header)} |"
    yield "|" + "---|" * words + "---:|" * (len(header) - words)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _agreement(total: Tally) -> list[str]:
    return _fixed(total.reference, total.ours, total.agreement, total.fp, total.fn)


def _fixed(*numbers: float) -> list[str]:
    return [f"{number:.2f}" for number in numbers]


def _signed(points: float) -> str:
    return f"{round(points, 2) + 0.0:+.2f}"  # adding 0.0 turns -0.0 into 0.0
