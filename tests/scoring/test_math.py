"""MATH: extraction, equal forms, and comparisons that would never end, in threads and processes alike."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import subprocess

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.scoring import score
from llmfusionbench.scoring.symbolic.comparer import SymbolicComparer, compare_symbolically

EQUAL = [
    ("The answer is $\\frac12$.", "so \\boxed{\\frac{1}{2}}"),
    ("0.5", "\\boxed{\\frac{1}{2}}"),
    ("\\boxed{\\dfrac{1}{2}}", "\\frac 1 2"),
    ("\\boxed{494,550}", "\\boxed{494550}"),
    ("$x=5$", "5"),
    ("\\boxed{x \\in [0,1)}", "[0, 1)"),
    ("\\boxed{\\text{Tuesday}}", "Tuesday"),
    ("\\boxed{10\\text{ cm}}", "10"),
    ("\\boxed{50\\%}", "50"),
    ("\\boxed{\\$5.00}", "5"),
    ("\\boxed{12^\\circ}", "12"),
    ("\\boxed{\\textbf{(C)}}", "(C)"),
    ("The answer is \\(\\frac{3}{4}\\).", "0.75"),
    ("answer is 7, because 3+4=7", "7"),
    ('{"answer": "\\\\frac{1}{2}"}', "0.5"),
    ("First \\boxed{1}, then \\boxed{2}", "2"),
    ("It costs $5 and he pays $6.\nThe answer is $11", "11"),
    ("<think>\\boxed{3}</think> \\boxed{4}", "4"),
    ("\\boxed{\\left(3, \\frac{\\pi}{2}\\right)}", "(3,\\frac{\\pi}{2})"),
    ("\\boxed{\\begin{pmatrix}1\\\\2\\end{pmatrix}}", "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}"),
    ("\\\\boxed{\\\\begin{pmatrix}1\\\\\\\\2\\\\end{pmatrix}}", "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}"),
    ("\\boxed{\\varnothing}", "\\emptyset"),
    ("\\boxed{2\u221a3}", "2\\sqrt 3"),
    ("\\boxed{(2, \u221e)}", "(2,\\infty)"),
    ("\\boxed{36\u00b0}", "36^\\circ"),
    ('{"answer": "\\frac{1}{2}"}', "\\frac12"),
    ('{"answer": "\\text{even}"}', "even"),
    ("So the area is 5 square units.", "5"),
    ("Therefore he has 5 left", "5"),
    ("Hence the cost of 3 apples is **$1,500** a day.", "1500"),
]
SYMBOLIC = [
    ("\\boxed{y = 1 - 2x}", "\\boxed{y=-2x+1}.$"),
    ("\\boxed{\\sqrt{12}}", "2\\sqrt3"),
    ("\\boxed{x^2+2x+1}", "(x+1)^2"),
    ("\\boxed{1,2}", "2,1"),
    ("\\boxed{r^2 \\pi}", "\\pi r^2"),
    ("\\boxed{2x \\cdot y}", "2yx"),
    ("\\boxed{x + \\cos y}", "\\cos y + x"),
    ("\\boxed{\\begin{pmatrix} 1 \\\\ 0.5 \\end{pmatrix}}", "\\begin{pmatrix} 1 \\\\ \\frac{1}{2} \\end{pmatrix}"),
    ("\\boxed{3\\frac12}", "\\frac{7}{2}"),
]
UNEQUAL = [
    ("\\boxed{(2,1)}", "(1,2)"),
    ("\\boxed{7}", "8"),
    ("\\boxed{\\frac{1}{0}}", "1"),
    ("\\boxed{even}", "odd"),
    ("\\boxed{\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}}", "\\begin{pmatrix} 12 \\end{pmatrix}"),
    ("\\boxed{1010_3}", "1010_2"),
    ("It must be either 4 or 5.", "5"),
    ("So it is not 5", "5"),
    ("So it cannot be 5", "5"),
    ("So the roots are 3 and 5", "5"),
    ("So the interval is (3, 5)", "5"),
    ("So the ratio is 3:5", "5"),
    ("Thus x equals y + 5.", "5"),
    ("Therefore x is sqrt(5)", "5"),
    ("So the area is 5\u03c0", "5"),
    ("So the area is 5 pi", "5"),
    ("So it is 5x", "5"),
    ("So it is 2^5", "5"),
    ("So x is at least 5", "5"),
    ("So x is 5 more than that", "5"),
    ("\\boxed{3 1/2}", "31/2"),
    ("\\boxed{}", "5"),
    ("I cannot solve it", "5"),
]
TOWER = "9^{9^{9^{9}}}"


@pytest.mark.parametrize(("response", "truth"), EQUAL + SYMBOLIC)
def test_equal(response: str, truth: str) -> None:
    assert score("math", response, truth).value == 1.0


@pytest.mark.parametrize(("response", "truth"), UNEQUAL)
def test_unequal(response: str, truth: str) -> None:
    assert score("math", response, truth).value == 0.0


@pytest.mark.parametrize(("response", "truth"), EQUAL)
def test_most_pairs_never_reach_the_child(response: str, truth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise AssertionError("compared symbolically")

    monkeypatch.setattr("llmfusionbench.scoring.metrics.math.compare_symbolically", refuse)
    assert score("math", response, truth).value == 1.0


def test_an_answer_is_extracted_without_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [
        ("\\boxed{(x+1)(x+2)}", "x^2+3x+2"),
        ("\\boxed{x+a}", "x+b"),
        ("I do not know.", "5"),
        ("\\boxed{" + "9" * 900 + "}", "7"),
    ]
    compared = [score("math", response, truth) for response, truth in pairs]
    monkeypatch.delattr("llmfusionbench.scoring.metrics.math.compare_symbolically")
    monkeypatch.delattr("llmfusionbench.scoring.metrics.math._quick")
    extracted = [score("math", response, truth, compare=False) for response, truth in pairs]
    assert [e.extracted for e in extracted] == [c.extracted for c in compared]
    assert [e.value for e in extracted] == [None, None, 0.0, None], "no answer is wrong whatever the truth is"


def test_a_late_comparison_is_zero_with_a_reason_and_the_next_one_works() -> None:
    late = score("math", f"\\boxed{{{TOWER}}}", "x+1", math_deadline_s=0.5)
    assert (late.value, late.reason) == (0.0, "not shown equal to the ground truth within 0.5 s")
    assert score("math", "\\boxed{(x+1)(x+2)}", "x^2+3x+2").value == 1.0
    with pytest.raises(InputError, match="math_deadline_s"):
        score("math", "\\boxed{x+a}", "x+b", math_deadline_s=0)


def test_threads_share_the_child() -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(score, "math", f"\\boxed{{{n}+x}}", f"x+{n}") for n in range(8)]
        jobs.append(pool.submit(score, "math", f"\\boxed{{{TOWER}}}", "z+1", math_deadline_s=0.5))
        values = [job.result().value for job in jobs]
    assert values == [1.0] * 8 + [0.0]


def _in_child(_: int) -> tuple[int, float | None]:
    return os.getpid(), score("math", "\\boxed{(a+1)(a+2)}", "a^2+3a+2").value


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes_have_a_child_each(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    assert compare_symbolically("q+1", "1+q", deadline_s=20) == "equal"  # the parent's own child, before any fork
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        results = list(pool.map(_in_child, range(2)))
    assert all(value == 1.0 and pid != os.getpid() for pid, value in results)
    assert compare_symbolically("q+2", "2+q", deadline_s=20) == "equal"


def test_a_comparison_that_gets_no_processor_has_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child is stopped from outside; alone it would have taken no time."""
    comparer = SymbolicComparer()
    start = comparer._running

    def stopped() -> subprocess.Popen[str]:
        child = start()
        child.send_signal(signal.SIGSTOP)
        return child

    monkeypatch.setattr(comparer, "_running", stopped)
    monkeypatch.setattr("llmfusionbench.scoring.metrics.math.compare_symbolically", comparer.compare)
    starved = score("math", "\\boxed{s+1}", "1+s", math_deadline_s=0.01)
    assert (starved.value, starved.reason) == (None, "not compared with the ground truth: the machine was too busy")
    assert starved.extracted == "s+1"
    monkeypatch.undo()
    assert score("math", "\\boxed{s+1}", "1+s", math_deadline_s=20).value == 1.0


def test_a_child_that_died_is_replaced() -> None:
    comparer = SymbolicComparer()
    try:
        assert comparer.compare("x+1", "1+x", deadline_s=20) == "equal"
        assert comparer._child is not None
        comparer._child.kill()
        comparer._child.wait()
        assert comparer.compare("x+1", "2+x", deadline_s=20) == "unequal"
    finally:
        comparer.close()


def test_without_algebra_only_texts_and_numbers_decide() -> None:
    values = [score("math", rf"\boxed{{{answer}}}", "x+1", symbolic=False).value for answer in ("x+1", "x + 1", "1+x", "7")]
    assert values == [1.0, 1.0, None, None]
    assert score("math", r"\boxed{8}", "7", symbolic=False).value == 0.0
    assert score("math", r"\boxed{1+x}", "['x+1', '1+x']", symbolic=False).value == 1.0
    assert score("math", r"\boxed{1+x}", "x+1", symbolic=False).extracted == "1+x"


@pytest.mark.parametrize(
    ("answer", "truth", "value"),
    [("3 + 4 = 7", "7", 1.0), ("22/7 = 3.14", "3.14", 1.0), ("3 = 4", "4", 0.0), ("2 + 5 = 8", "8", 0.0)],
)
def test_an_answer_that_is_an_equation_of_numbers_has_to_hold(answer: str, truth: str, value: float) -> None:
    assert score("math", f"\\boxed{{{answer}}}", truth).value == value
