"""`llmfusionbench export` as people use it, and misuse it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from llmfusionbench.baselines.exporters.corpora.formats import FORMATS
from llmfusionbench.cli.main import run
from tests.helpers.made_up_release import answer, made_up_release


def says(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """What the command says; to nobody's surprise."""
    assert run(["export", *arguments]) == status
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    return printed.out if status == 0 else printed.err


def test_sft(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = says(capsys, "sft", "sample", "--k", "2", "--task", "gsm8k", "--task", "mmlu", "--scale", "small", "--out", "out")
    about = json.loads((place / "out" / "corpus.json").read_text("utf-8"))
    assert f"Wrote out: {about['records']} records of {about['queries']} queries. SIMULATED: no LLM was asked." in told
    assert about["filters"] == {"tasks": ["gsm8k", "mmlu"], "scale": "small"}
    for task, count in about["counts"]["tasks"].items():
        assert re.search(rf"^{task} +{count}$", told, re.MULTILINE)
    assert re.search(r"^answers +of an LLM of another or unknown scale +[\d,]+$", told, re.MULTILINE)
    assert re.search(r"kept out 168 test queries", told)


def test_preference_and_kto(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = says(
        capsys, "preference", "sample", "--by", "judge", "--min-gap", "0.4", "--pairs", "2", "--match-length", "1.5",
        "--format", "trl_chat", "--max-share", "0.2", "--out", "pairs",
    )  # fmt: skip
    about = json.loads((place / "pairs" / "corpus.json").read_text("utf-8"))
    assert about["selection"] == {
        "by": "judge", "pairs_per_query": 2, "min_gap": 0.4, "match_length": 1.5, "duplicates": "exact", "max_share": 0.2,
    }  # fmt: skip
    assert "answers in no pair" in told
    told = says(capsys, "kto", "sample", "--good", "1", "--bad", "0", "--answers", "1", "--balance", "--out", "kto")
    labels = json.loads((place / "kto" / "corpus.json").read_text("utf-8"))["labels"]
    assert labels["good"] == labels["bad"] > 100
    assert f"{labels['good']:,} good and {labels['bad']:,} bad answers." in told
    assert "Warning" not in told
    made_up_release(place, [answer(1, "a")])
    told = says(capsys, "kto", "release", "--out", "good")
    assert "1 good and 0 bad answers.\nWarning: no answer is bad," in told


def test_routing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = says(capsys, "routing", "sample", "--format", "routerbench", "--split", "test", "--out", "routing")
    assert "Wrote routing: 112 queries, 40 candidates" in told
    assert "SIMULATED" in told
    assert "is there already" in says(capsys, "routing", "sample", "--format", "routerbench", "--out", "routing", status=1)
    says(capsys, "routing", "sample", "--format", "routerbench", "--out", "routing", "--overwrite")


def test_test_splits_on_request(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = says(capsys, "sft", "sample", "--include-test", "--k", "1", "--out", "out")
    assert "The corpus includes test splits, without the leakage guard" in told


def test_what_odd_releases_lack(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_up_release(place, [answer(n, "a", performance=None, ground_truth=None) for n in range(3)])
    told = says(capsys, "routing", "release", "--format", "embedllm", "--out", "routing")
    assert "3 of 3 cells have no performance" in told
    assert "No answer has a score, so no router can learn from this. Remedy: run llmfusionbench rescore" in told
    told = says(capsys, "routing", "release", "--format", "routellm", "--out", "out", status=1)
    assert "two candidates, got 1. Remedy: give --candidate twice, the weak one, then the strong" in told
    made_up_release(place, [answer(n, "a", performance=n % 2) for n in range(3)])
    told = says(capsys, "preference", "release", "--out", "out", status=1)
    assert "3 answers in no pair. Remedy: lower --min-gap, widen --match-length, raise --pairs, or add LLMs" in told
    told = says(capsys, "sft", "release", "--out", "out")
    assert "The release has no test split, so the leakage guard had nothing to keep out." in told
    card = (place / "out" / "README.md").read_text("utf-8")
    assert "leakage guard: had nothing to keep out because the release has no test split" in card


def test_names_cannot_colour_the_terminal(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_up_release(place, [answer(0, "a", task="\x1b[31mred"), answer(1, "a", task="\x1b[31mred", performance=0.0)])
    told = says(capsys, "sft", "release", "--out", "out")
    assert "\x1b" not in told
    assert r"\x1b[31mred" in told


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("sft sample --out out --format alpca", 1, 'No sft format "alpca". Did you mean "alpaca"?'),
        ("kto sample --out out --format messages", 1, 'No kto format "messages". Known: alpaca, parquet,'),
        ("sft sample --out out --task gsm", 1, 'No task "gsm". Did you mean "gsm8k"?'),
        ("sft sample --out out --setting best", 1, 'No setting "best".'),
        ("sft sample --out out --min-tokens 900000", 1, "too short or too long. Remedy: change --min-tokens"),
        ("preference sample --out out --min-gap 0", 1, "min_gap 0.0: expected above 0, up to 1. Remedy: change --min-gap"),
        ("sft no-such --out out", 1, "no-such: no such directory"),
        ("sft sample", 2, "Missing option '--out'"),
        ("sft sample --out out --k many", 2, "'many' is not a valid integer"),
        ("sft sample --out out --setting baseline --llm deepseek-r1", 1, "llms: the baseline has no answers to choose from"),
        ("routing sample --out out --format routerbnch", 1, 'Did you mean "routerbench"?'),
        ("corpora sample --out out", 2, "No such command 'corpora'"),
    ],
)  # fmt: skip
def test_mistakes(place: Path, capsys: pytest.CaptureFixture[str], arguments: str, status: int, message: str) -> None:
    told = says(capsys, *arguments.split(), status=status)
    assert message in told
    assert status == 2 or told.count("\n") == 1
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_help_names_every_format(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    told = " ".join(says(capsys, kind, "--help").split())
    for name in FORMATS[kind]:
        assert re.search(rf"\b{name}\b", told), name
