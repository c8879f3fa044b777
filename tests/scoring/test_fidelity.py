"""Our scores beside published ones and people's verdicts on real logs, and that the page in docs is what the command prints.

Where people or a marked answer decide, the bounds are rates of mistakes that we allow; where the reference is a program that
guesses, they are the agreement that was measured.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.fidelity import prose
from benchmarks.fidelity.accuracies import CRUX, CRUX_METRIC, GSM8K, Accuracy, crux_accuracies, gsm8k_accuracies
from benchmarks.fidelity.answers import Answer, disagreements, tallies, tally
from benchmarks.fidelity.logs import default_logs
from benchmarks.fidelity.page import page, substring_table, table
from benchmarks.fidelity.programs import ldb_code
from benchmarks.fidelity.sets import (
    RIGHT,
    WRONG,
    evouna,
    evouna_lexical,
    evouna_substrings,
    mmlu_pro,
    openqa_em,
    openqa_f1,
    openqa_human,
    routerarena,
    stated_letter,
)
from llmfusionbench.scoring import METRICS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "scoring_fidelity.md"


@pytest.fixture(scope="module")
def logs() -> Path:
    found = default_logs()
    if not (found / "scored_sets").is_dir():
        pytest.skip(f"no real logs at {found}: set LLMFUSIONBENCH_REAL_LOGS")
    return found


@pytest.fixture(scope="module")
def accuracies(logs: Path) -> list[Accuracy]:
    return list(gsm8k_accuracies(logs))


def test_published_accuracies_are_met(accuracies: list[Accuracy]) -> None:
    compared = [accuracy for accuracy in accuracies if accuracy.published is not None]
    assert {accuracy.llm for accuracy in compared} == set(GSM8K)
    for llm, ours, _, published, bound in compared:
        assert published is not None
        assert abs(ours - published) <= bound, llm


def test_the_official_way_misses_them_as_measured_before(accuracies: list[Accuracy]) -> None:
    missed = {accuracy.llm: accuracy.official - (accuracy.published or 0) for accuracy in accuracies}
    assert missed["gemma-2-9b-it"] == pytest.approx(-4.0, abs=0.1)
    assert missed["Meta-Llama-3.1-70B-Instruct"] == pytest.approx(-1.8, abs=0.1)


@pytest.mark.skipif(CRUX_METRIC not in METRICS, reason=f"there is no metric {CRUX_METRIC!r}")
def test_published_accuracies_of_crux_are_met(logs: Path) -> None:
    found = {accuracy.llm: accuracy for accuracy in crux_accuracies(logs)}
    assert set(found) == set(CRUX)
    for llm, published in CRUX.items():
        assert abs(found[llm].ours - published) <= found[llm].bound, llm


def test_open_answers_beside_what_people_said(logs: Path) -> None:
    ours, substrings = tally("", evouna(logs)), tally("", evouna_lexical(logs))
    assert ours.n == 24_788
    assert ours.fp <= substrings.fp
    assert ours.fp <= 6.5
    assert ours.fn <= 114
    short = tally("", openqa_human(logs))
    assert short.n == 2_816
    assert short.fp <= 26
    assert short.agreement >= 75.3


def test_answers_that_match_as_substrings_only(logs: Path) -> None:
    only = [answer for answer in evouna_substrings(logs) if "newbing" not in answer.llm and answer.false_negative]
    lost = [answer for answer in only if answer.note.startswith(RIGHT)]
    assert len(lost) <= 26
    assert len(only) - len(lost) >= 16


def test_exact_match_and_f1_are_those_of_squad(logs: Path) -> None:
    def apart(answers: list[Answer]) -> list[Answer]:
        return [a for a in answers if a.response and abs(a.ours - a.reference) > 1e-9]

    assert not apart(openqa_em(logs))
    assert {a.response.lower() for a in apart(openqa_f1(logs))} <= {"yes", "no"}, "HotpotQA's rule, which SQuAD lacks"


def test_options_beside_the_regular_expression_of_mmlu_pro(logs: Path) -> None:
    answers = mmlu_pro(logs)
    assert tally("", answers).agreement >= 87.9
    assert tally("", [answer for answer in answers if stated_letter(answer)]).agreement >= 95.0


def test_marked_answers_are_read_as_routerarena_does(logs: Path) -> None:
    found = {one.llm: one for one in tallies(routerarena(logs))}
    options = found["mcq_accuracy / em_mc"]
    assert options.n == 321
    assert options.fp <= 4
    assert options.fn <= 6
    assert found["math_metric / math"].false_positives <= 1
    assert found["math_metric / math"].false_negatives == 0


@pytest.mark.usefixtures("isolating_sandbox")
def test_programs_pass_where_they_did(logs: Path) -> None:
    for imports, fp, fn in ((False, 7, 10), (True, 12, 2)):
        found = tally("", ldb_code(logs, step=3, imports=imports))
        assert found.n == 607
        assert found.fp <= fp
        assert found.fn <= fn


def test_the_page_in_docs_is_what_the_command_prints(logs: Path) -> None:
    written = DOCS.read_text(encoding="utf-8")
    for text in (prose.LDB, prose.CODE_TASKS):  # what runs programs is checked by the tests above and in tests/sandbox
        start = written.index(text)
        written = written[:start] + written[written.index("\n## ", start) + 1 :]
    assert written.strip() == "\n".join(page(logs, code=False)).strip()


def _answer(name: str, reference: float, ours: float, response: str = "It is B.") -> Answer:
    return Answer(name, "small", "Which one?", response, "B", reference, ours, "B", "ours: same letter")


def test_rates_of_disagreement() -> None:
    answers = [_answer("a", 1, 1), _answer("b", 0, 1), _answer("c", 1, 0), _answer("d", 1, float("nan")), _answer("e", 0, 0)]
    found = tally("small", answers)
    assert (found.n, found.reference, found.ours) == (5, 60, 40)
    assert (found.fp, found.fn, found.agreement) == (200, 400, 40)
    assert [one.llm for one in tallies([*answers, answers[0]._replace(llm="big")])] == ["big", "small", "all"]


def test_disagreements_are_printed_to_be_read() -> None:
    answers = [_answer("kept", 0, 1, "x" * 5000 + " so B"), _answer("other", 1, 0), _answer("same", 1, 1)]
    text = "\n".join(disagreements(answers, "fp", 50, 0))
    assert "1 of this side, 1 drawn" in text
    assert re.search(r"kept: reference 0, ours 1\ntruth: 'B'\nextracted: 'B'", text)
    assert text.endswith(" so B")
    assert len(text) < 2000
    assert "--- 1. other" in "\n".join(disagreements(answers, "fn", 50, 0))
    assert list(table(["a", "b"], [["x", "1"]])) == ["| a | b |", "|---|---:|", "| x | 1 |"]


def test_answers_that_only_one_side_counts_are_told_apart() -> None:
    lost, avoided, won = _answer("a", 1, 0), _answer("b", 1, 0), _answer("c", 0, 1)
    noted = [
        lost._replace(note=RIGHT),
        avoided._replace(note=WRONG, llm="NQ newbing"),
        won._replace(note=RIGHT),
        _answer("d", 1, 1)._replace(note=WRONG),
    ]
    rows = list(substring_table(noted))[2:]
    assert rows == ["| all systems | 1 | 1 | 1 | 0 |", "| without Bing | 1 | 0 | 1 | 0 |"]
