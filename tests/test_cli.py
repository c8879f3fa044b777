"""The command line as people use it, and misuse it: a one-line error, never a traceback, nothing half-written."""

from __future__ import annotations

import glob
import gzip
import json
import os
import re
import shlex
from pathlib import Path

import click
import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import COMMANDS, cli, run
from tests.helpers.tiny_release import LOG, write_tiny_release

PROJECT = Path(__file__).parents[1]
ESCAPE = "\x1b]0;title\x07\x1b[31m"
EXAMPLE_LINE = re.compile(r"^ +(llmfusionbench \S.*)$", re.MULTILINE)


def fails(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 1) -> str:
    """What a command that fails says: one line, with nothing that moves a cursor."""
    assert run(list(arguments)) == status
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err + printed.out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", printed.err + printed.out)
    assert printed.out == ""
    if status == 1:
        assert printed.err.startswith("llmfusionbench: error: ")
    return printed.err


# --- help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"Examples?:", text)
    assert any(line.startswith(f"llmfusionbench {name} ") for line in EXAMPLE_LINE.findall(text))
    loaded = cli.get_command(None, name)  # type: ignore[arg-type]
    assert loaded is not None
    assert loaded.name == name
    for parameter in loaded.params:
        assert not isinstance(parameter, click.Option) or parameter.help, f"{name} {parameter.name} has no help"


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", text, re.MULTILINE)
    assert sorted(COMMANDS) == list(COMMANDS)
    modules = {p.stem for p in (PROJECT / "llmfusionbench" / "cli").glob("*.py")} - {"__init__", "main", "console"}
    assert modules >= {name.replace("-", "_") for name in COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"llmfusionbench {name}" in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"llmfusionbench, version {lfb.__version__}\n"


def test_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "quickstart" in capsys.readouterr().err


# --- examples

LEFT_OUT = ("http://", "s3://", "--llms", "--allow-code-execution", "llmfusionbench publish", "llmfusionbench collect")
"""Examples that need a server, or a sandbox; their commands have tests of their own."""

ROUTER = """
class MyRouter:
    def route(self, prompts, tasks):
        return ["tiny"] * len(prompts)
"""


def examples() -> list[str]:
    """Every example of every help, in order."""
    found = []
    for name in COMMANDS:
        loaded = cli.get_command(None, name)  # type: ignore[arg-type]
        found += EXAMPLE_LINE.findall(getattr(loaded, "help", ""))
    return [e for e in found if not any(word in e for word in LEFT_OUT)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the examples take for granted; what costs time with the sample is given a tiny release."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "logs").mkdir()
    answer = {"session_id": "1", "chat_history": ["1+1?"], "output": ["2"], "generator": "x", "dataset": "gsm", "answer": "# 2"}
    for llm in ("a-7b", "b-70b"):
        (folder / "logs" / f"{llm}.json.gz").write_bytes(gzip.compress(json.dumps([answer]).encode()))
    log = "prompt,split,task,llm,response,performance,cost_usd,metric,ground_truth\n"
    for n in range(40):
        for llm in ("tiny", "big"):
            log += f"{n}+{n}?,{'train' if n % 3 else 'test'},sums,{llm},{n},{n % 2},0.{n + 1},em,{n}\n"
    release = lfb.open_release(write_tiny_release(folder / "small", log))
    write_tiny_release(folder / "my-release", log)
    write_tiny_release(folder / "old-release", log)
    for name, llm in (("more-answers", "huge"), ("lm-eval-release", "ant"), ("inspect-release", "bee")):
        write_tiny_release(folder / name, log.replace(",tiny,", f",{llm},"))
    for name, llm in (("monday", "huge"), ("tuesday", "vast"), ("wednesday", "wide")):
        write_tiny_release(folder / name, log.replace(",tiny,", f",{llm},"))
    write_tiny_release(folder / "corrected", log.replace(",em,1\n", ",em,11\n"))
    (folder / "answers.csv").write_text("question,model,answer\n1+1?,a,2\n")
    row = {"query_id": "0" * 24, "llm": "a", "mode": "direct", "status": "ok", "provenance": "imported"}
    (folder / "answers.jsonl").write_text(json.dumps(row) + "\n")
    for name in ("train.csv", "partial_test.csv"):
        (folder / name).write_text("task_name,query,llm,response,metric\nsums,1+1?,a,2,em\n")
    (folder / "mine.py").write_text(ROUTER)
    choices = "".join(f"{q},tiny\n" for q in release.table("queries").to_table()["query_id"].to_pylist())
    (folder / "choices.csv").write_text("query_id,candidate\n" + choices)
    return folder


@pytest.mark.parametrize("example", examples())
def test_every_example_runs(
    example: str, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(desk)
    words = shlex.split(example)[1:]
    if words[0] in ("evaluate", "rescore", "tokens"):
        words = ["small" if word == "sample" else word for word in words]
    if words[0] == "build":
        words = ["built" if word == "my-release" else word for word in words] + ["--overwrite"]
    expanded = [path for word in words for path in (sorted(glob.glob(word)) if "*" in word else [word])]
    status = run(expanded)
    printed = capsys.readouterr()
    assert printed.err == ""
    assert status == (1 if words[0] == "diff" else 0)  # they differ
    assert printed.out or "--json" in words


# --- misuse


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["validte"], 2, 'No command "validte". Did you mean "validate"?'),
        (["sing"], 2, 'No command "sing".'),
        (["info", "sample", "--jsn"], 2, "No such option"),
        (["info"], 2, "Missing argument 'RELEASE'"),
        (["info", "a", "b"], 2, "unexpected extra argument"),
        (["build", "zeroeval", "--out", "r"], 2, "Missing argument 'INPUT...'"),
        (["build", "zeroeval", "in.csv"], 2, "Missing option '--out'"),
        (["build", "zeroeva", "in.csv", "--out", "r"], 1, 'No source "zeroeva". Did you mean "zeroeval"?'),
        (["build", "table", "in.csv", "--out", "r", "--split", "trian"], 1, 'No split "trian". Did you mean "train"?'),
        (["build", "table", "in.csv", "--out", "r", "--option", "splits=x"], 1, 'No option of table "splits". Did you'),
        (["build", "table", "in.csv", "--out", "r", "--option", "split"], 2, "'split' is not NAME=VALUE"),
        (["build", "table", "in.csv", "--out", "r", "--option", "=x"], 2, "'=x' is not NAME=VALUE"),
        (["build", "table", "in.csv", "--out", "r", "--map", "llm=a", "--map", "llm=b"], 2, "llm is given twice, 'a' and 'b'"),
        (["build", "table", "in.csv", "--out", "r", "--map-file", "list.yaml"], 1, "list.yaml: map is [1], expected our"),
        (["build", "table", "in.csv", "--out", "r", "--option", "wide=x"], 2, "Remedy: use --map-file with a section wide"),
        (["build", "fusionbench", "in.csv", "--out", "r", "--option", "embeddings=maybe"], 2, "expected true or false"),
        (["build", "zeroeval", "in.csv", "--out", "r", "--map", "prompt=q"], 1, 'No option of zeroeval "map"'),
        (["build", "table", "in.csv", "--out", "r", "--option", "truth=index9"], 1, 'No value of the option truth "index9".'),
        (["build", "zeroeval", "in.csv", "--out", "r", "--option", "truth=0"], 1, "Known: index0, index1, letter, text."),
        (["build", "table", "in.csv", "--out", "r", "--option", "trut=text"], 1, 'Did you mean "truth"?'),
        (["build", "table", "in.csv", "--out", "r", "--map", "promt=q"], 1, 'No column "promt". Did you mean "prompt"?'),
        (["build", "table", "in.csv", "--out", "r", "--map", "prompt=qestion"], 1, 'no column "qestion" for prompt. Did'),
        (["build", "table", "in.csv", "--out", "r", "--map-file", "nowhere.yaml"], 1, "nowhere.yaml"),
        (["build", "table", "in.csv", "--out", "r", "--map-file", "."], 1, "not a readable YAML file"),
        (["build", "table", "in.csv", "--out", "r", "--tokenizer", "cl100k"], 1, 'No tokenizer "cl100k". Did you mean'),
        (["build", "table", "in.csv", "--out", "r", "--test-share", "1"], 2, "1.0 is not in the range 0<=x<1"),
        (["build", "table", "in.csv", "--out", "r", "--test-share", "nan"], 1, "test_share is nan"),
        (["build", "table", "in.csv", "--out", "r", "--workers", "0"], 2, "0 is not in the range x>=1"),
        (["build", "table", "nowhere.csv", "--out", "r"], 1, "nowhere.csv: no such file"),
        (["build", "table", ".", "--out", "r"], 1, "a directory, expected the files in it"),
        (["build", "table", "truncated.csv.gz", "--out", "r"], 1, "truncated.csv.gz"),
        (["build", "zeroeval", "truncated.json.gz", "--out", "r"], 1, "truncated.json.gz: cannot be read to its end"),
        (["build", "zeroeval", "in.csv", "--out", "r"], 1, "in.csv: "),
        (["build", "table", "empty.csv", "--out", "r"], 1, "empty.csv"),
        (["build", "table", "in.csv", "--out", "in.csv", "--map", "prompt=question"], 1, "in.csv: exists and is not a release"),
        (["build", "table", "in.csv", "--out", "in.csv/below", "--map", "prompt=question"], 1, "cannot write there"),
        (["build", "table", "in.csv", "--out", "/proc/release", "--map", "prompt=question"], 1, "cannot write there"),
        (["build", "table", "in.csv", "--out", "full", "--map", "prompt=question"], 1, "full: exists and is not a release"),
        (["build", "fusionbench", "org/name", "--out", "r"], 1, "org/name"),
        (["info", "nowhere"], 1, "nowhere: no such directory"),
        (["info", "in.csv"], 1, "in.csv: no such directory"),
        (["info", "full"], 1, "Remedy"),
        (["info", "."], 1, "no release here, it has no manifest.json"),
        (["info", "org/name"], 1, "org/name"),
        (["info", "sample", "--revision", "v1"], 1, "sample: has no revisions"),
        (["diff", "sample", "nowhere"], 1, "nowhere: no such directory"),
        (["validate", "nowhere"], 1, "nowhere: no such file or directory"),
        (["validate", "truncated.csv.gz"], 1, "cannot tell which table this is"),
        (["simulate", "--out", "in.csv", "--scale", "0.001"], 1, "in.csv"),
        (["simulate", "--out", "s", "--scale", "0"], 2, "is not in the range 0<x<=100"),
        (["simulate", "--out", "s", "--scale", "nan"], 1, "scale is nan"),
        (["evaluate", "sample", "--router", "kmn"], 1, 'Did you mean "knn"?'),
        (["evaluate", "sample", "--router", "knn", "--seed", "-1"], 2, "is not in the range x>=0"),
        (["evaluate", "sample", "--router", "knn", "--resamples", "0"], 2, "is not in the range x>=1"),
        (["evaluate", "sample", "--router", "knn", "--probes", "-1"], 2, "is not in the range x>=0"),
        (["evaluate", "sample", "--router", "knn", "--concurrency", "0"], 2, "is not in the range x>=1"),
        (["evaluate", "sample", "--router", "knn", "--timeout", "0"], 2, "is not in the range x>0"),
        (["evaluate", "sample", "--router", "knn", "--out", "in.csv"], 2, "is a file"),
        (["evaluate", "sample", "--router", "knn", "--ood-task", "gsm8k"], 1, "works only with --protocol guarded. Remedy"),
        (["fuse", "sample", "--seed", "-1"], 2, "is not in the range x>=0"),
        (["rescore", "nowhere", "--out", "r"], 1, "nowhere: no such directory"),
        (["tokens", "nowhere", "--out", "r"], 1, "nowhere: no such directory"),
    ],
)  # fmt: skip
def test_misuse_is_one_line(
    arguments: list[str], status: int, words: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "in.csv").write_text("question,llm\n1+1?,a\n")
    (place / "empty.csv").write_text("")
    (place / "list.yaml").write_text("map: [1]\n")
    (place / "truncated.csv.gz").write_bytes(gzip.compress(LOG.encode() * 100)[:-20])
    (place / "truncated.json.gz").write_bytes(gzip.compress(os.urandom(9_000).hex().encode())[:-20])
    (place / "full").mkdir()
    (place / "full" / "mine").write_text("x")
    before = sorted(p.name for p in place.iterdir())
    told = fails(capsys, *arguments, status=status)
    assert words in told
    if status == 1:
        assert told.count("\n") <= 12
    assert [name for name in sorted(p.name for p in place.iterdir()) if name != ".cache"] == before


def test_an_existing_release_is_not_overwritten(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "in.csv").write_text("prompt,llm\n1+1?,a\n")
    assert run(["build", "table", "in.csv", "--out", "r"]) == 0
    capsys.readouterr()
    assert "r: a release is there already. Remedy: add --overwrite" in fails(capsys, "build", "table", "in.csv", "--out", "r")
    assert run(["build", "table", "in.csv", "--out", "r", "--overwrite"]) == 0


def test_what_is_odd_about_a_log_is_printed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"prompt": f"{i}?", "choices": ["yes", "no", "both"], "ground_truth": i % 3, "response": "(A)"} for i in range(20)]
    shared = {"metric": "em_mc", "task": "odd", "llm": "a", "performance": 0}
    (place / "in.json").write_text(json.dumps([{**row, **shared} for row in rows]))
    assert run(["build", "table", "in.json", "--out", "r"]) == 0
    printed = capsys.readouterr().out
    assert "Warning: task odd: ground truths are 0-based indices; read as letters." in printed
    assert "Warning: task odd: all 20 scores of one LLM are 0. The ground truths" in printed
    assert run(["build", "table", "in.json", "--out", "s", "--option", "truth=letter"]) == 0
    assert "indices" not in capsys.readouterr().out
    assert run(["rescore", "s", "--out", "t", "--truth", "index1"]) == 0
    printed = capsys.readouterr().out
    assert "Warning: truth=index1 is stated, but does not fit the ground truths of 7 of 20 queries" in printed


def test_refused_records_are_counted_and_strict_refuses(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "in.csv").write_text("prompt,llm,performance,cost_usd\n1+1?,a,1,1\n1+2?,a,1,-7\n1+3?,a,x,1\n")
    assert run(["build", "table", "in.csv", "--out", "r"]) == 0
    printed = capsys.readouterr().out
    assert "Wrote r: 1 query, 1 candidate, 1 response." in printed
    assert "Rejected 2 records: see r/rejected.jsonl for their places and reasons." in printed
    told = fails(capsys, "build", "table", "in.csv", "--out", "strict", "--strict")
    assert "Found 2 records that cannot be taken" in told
    assert "in.csv record 1: cost_usd is -7.0, expected a finite number of at least 0. Remedy: correct it" in told
    assert 'in.csv record 2: performance is "x", expected a number' in told
    assert not (place / "strict").exists()


def test_wide_tables_by_a_map_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "wide.csv").write_text("q,a,b,a|text\n1+1?,1,0,two\n1+2?,0,1,\n")
    (place / "map.yaml").write_text(
        "map: {prompt: q, task: =sums}\nwide: {performance: '{llm}', response: '{llm}|text'}\nllms: [a, b]\n"
    )
    assert run(["build", "table", "wide.csv", "--out", "r", "--map-file", "map.yaml", "--map", "metric==em"]) == 0
    release = lfb.open_release("r")
    assert release.routing().performance.tolist() in ([[1, 0], [0, 1]], [[0, 1], [1, 0]])
    assert set(release.table("queries").to_table()["metric"].to_pylist()) == {"em"}
    assert release.manifest["source"]["options"]["map"] == {"prompt": "q", "task": "=sums", "metric": "=em"}


def test_options_reach_the_source_as_their_types(place: Path) -> None:
    (place / "train.csv").write_text('task_name,query,llm,metric,query_embedding\nsums,1+1?,a,em,"tensor([0.5])"\n')
    for value, kept in (("true", True), ("false", False)):
        assert run(["build", "fusionbench", "train.csv", "--out", "r", "--overwrite", "--option", f"embeddings={value}"]) == 0
        assert ("embeddings" in lfb.open_release("r").tables) == kept


@pytest.mark.parametrize(
    "arguments",
    [
        ["build", "table", "in.csv", "--out", "r"],
        ["build", "table", "in\nput.csv", "--out", "r"],
        ["build", "ta\nble", "in.csv", "--out", "r"],
    ],
    ids=["column", "file", "source"],
)
def test_a_line_end_in_a_name_is_escaped(arguments: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "in.csv").write_text('"quest\nion",llm\n1+1?,a\n')
    told = fails(capsys, *arguments)
    assert told.count("\n") == 1
    assert r"\n" in told


# --- hostile names


@pytest.mark.parametrize(
    "name", [f"{ESCAPE}.csv", f"{ESCAPE}.jsonl", "a\nb.csv", "\u202egpj.csv", "-rf", "%s{0}.csv", "sp ace.csv"]
)
def test_hostile_file_names(name: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["validate", "--schema", "llms", "--", name],
        ["info", "--", name],
        ["build", "table", "--out", "r", "--", name],
    ):
        fails(capsys, *arguments)
    (place / name).write_text("nonsense")
    for arguments in (["info", "--", name], ["build", "table", "--out", "r", "--", name], ["diff", "--", name, name]):
        fails(capsys, *arguments)
    run(["validate", "--schema", "llms", "--", name])
    printed = capsys.readouterr()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", printed.out + printed.err)


@pytest.mark.parametrize("word", [ESCAPE, f"--{ESCAPE}", f"-{ESCAPE}"])
def test_hostile_commands_and_options(word: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in ([word], ["build", "table", "x", "--out", "r", "--option", word], ["info", f"--{word}"]):
        assert r"\x1b" in fails(capsys, *line, status=2), "it is shown, escaped"


def test_names_that_are_no_text(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file name of bytes that are not UTF-8, as an old archive leaves them."""
    name = os.fsdecode(b"caf\xe9.csv")
    (place / name).write_text("prompt,llm,performance\n1+1?,a,1\n1+2?,a,7\n")
    assert "Remedy: rename the file" in fails(capsys, "build", "table", name, "--out", "r")
    assert run(["validate", name, "--schema", "llms"]) == 1
    assert "caf\\udce9.csv" in capsys.readouterr().out


def test_hostile_values_are_shown_escaped(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = f"prompt,llm,task,judge,judge_score,license,performance\n1+1?,{ESCAPE},{ESCAPE},{ESCAPE},1,{ESCAPE},1\n"
    (place / "in.csv").write_text(log)
    assert run(["build", "table", "in.csv", "--out", "r"]) == 0
    assert run(["info", "r"]) == 0
    assert run(["info", "r", "--json"]) == 0
    assert run(["diff", "sample", "r"]) == 1
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert "\\x1b]0;title\\x07" in printed.out


# --- damage


def test_damaged_releases_are_no_tracebacks(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tiny_release(place / "r")
    shard = place / "r" / "responses" / "train-00000-of-00001.parquet"
    whole = shard.read_bytes()
    for data in (b"", whole[:50], whole[:-9], b"x" * len(whole)):
        shard.write_bytes(data)
        for arguments in (["info", "r"], ["diff", "r", "sample"]):
            assert "Remedy" in fails(capsys, *arguments)
    shard.unlink()
    assert "no such file, though the manifest lists it" in fails(capsys, "info", "r")
