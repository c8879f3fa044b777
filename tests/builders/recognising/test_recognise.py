"""What several files and directories are taken for: one source, with companions; else an error with commands that would do."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.recognising import recognise, recognition
from llmfusionbench.builders.recognising.signature import ENOUGH, Signature
from llmfusionbench.errors import InputError
from tests.contracts.test_source_contract import HOSTILE
from tests.helpers.reading import write, write_json, write_lines
from tests.helpers.tiny_release import write_tiny_release

SAMPLE = {"doc_id": 0, "doc": {"q": "x"}, "target": 4, "arguments": [["x", {}]], "resps": [["4"]], "filtered_resps": ["4"]}
RESULTS = {"results": {"t": {"acc": 1}}, "configs": {"t": {}}, "versions": {"t": 1}, "config": {}, "model_name": "m"}
ANSWER = {"question_id": 1, "answer_id": "x", "model_id": "m", "choices": [{"index": 0, "turns": ["a"]}]}
QUESTION = {"question_id": 1, "category": "writing", "turns": ["q"]}
SESSION = {"session_id": "s", "output": ["a"], "generator": "x/m", "dataset": "d", "chat_history": ["q"], "model_input": "q"}


def sessions(place: Path, llm: str) -> Path:
    """A log of ZeroEval."""
    return write_json(place / f"{llm}.json", [SESSION | {"session_id": f"{i}", "chat_history": [f"q{i}"]} for i in range(3)])


def test_a_directory_with_companions_and_other_files(tmp_path: Path) -> None:
    for run in ("org__a", "org__b"):
        write_lines(tmp_path / run / "samples_t_2026-01-01T00-00-00.jsonl", [SAMPLE])
        write_json(tmp_path / run / "results_2026-01-01T00-00-00.json", RESULTS)
    write(tmp_path / "notes.txt", b"some words")
    write_json(tmp_path / "other.json", {"a": 1})
    write_json(tmp_path / ".hidden" / "b.json", {"a": 1})
    found = recognise([tmp_path])
    assert found.settled() == "lm_eval"
    assert [path.name[:7] for path in found.files] == ["results", "samples", "results", "samples"]
    assert found.left == [tmp_path / "other.json"]
    assert "samples of lm-evaluation-harness, score 1.00" in "\n".join(found.reasons)
    assert found.reasons[-1] == "left alone: other.json"


def test_files_by_name_in_any_order(tmp_path: Path) -> None:
    files = [write_lines(tmp_path / "question.jsonl", [QUESTION]), write_lines(tmp_path / "m.jsonl.gz", [ANSWER])]
    for order in (files, files[::-1]):
        found = recognise(order)
        assert found.settled() == "mt_bench"
        assert found.files == order


def test_companions_alone_are_of_their_source(tmp_path: Path) -> None:
    assert recognise([write_lines(tmp_path / "question.jsonl", [QUESTION])]).settled() == "mt_bench"


def test_two_formats_name_the_groups_and_the_commands(tmp_path: Path) -> None:
    samples, answers = write_lines(tmp_path / "s 1.jsonl", [SAMPLE]), write_lines(tmp_path / "a.jsonl", [ANSWER])
    with pytest.raises(InputError) as error:
        recognise([samples, answers]).settled()
    message = str(error.value)
    assert message.startswith("the inputs are of 2 formats:\n  lm_eval: s 1.jsonl\n  mt_bench: a.jsonl\nRemedy: build each")
    assert f"llmfusionbench build lm_eval {shlex.quote(str(samples))} --out DIR-lm_eval" in message
    assert f"llmfusionbench build mt_bench {answers} --out DIR-mt_bench" in message
    assert "llmfusionbench merge DIR-lm_eval DIR-mt_bench --out DIR" in message


def test_a_named_file_of_no_format_is_an_error_and_one_in_a_directory_is_not(tmp_path: Path) -> None:
    answers = write_lines(tmp_path / "a.jsonl", [ANSWER])
    other = write_json(tmp_path / "other.json", {"a": 1})
    assert recognise([tmp_path]).settled() == "mt_bench"
    assert str(recognise([answers, other]).problem).startswith(f"{other}: its format is not known")


def test_an_unknown_file_names_the_nearest_and_the_command_of_table(tmp_path: Path) -> None:
    path = write(tmp_path / "my log.csv", b"question,model,answer,score,took_ms\nq,m,a,1,20\nr,m,b,0,30\n")
    problem = str(recognise([path]).problem)
    lines = problem.splitlines()
    assert lines[0] == f"{path}: its format is not known. The nearest:"
    assert 1 <= len(lines[1:-1]) <= 3
    assert all(", lacks " in line for line in lines[1:-1])
    assert lines[-1] == (
        f"Remedy: llmfusionbench build table '{path}' --map prompt=question --map llm=model --map response=answer "
        "--map performance=score --map latency_s=took_ms/1000 --out DIR"
    )


def test_a_file_without_an_answer_names_what_it_lacks(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "q.jsonl", [{"question": "q", "answer": "a"}, {"question": "r", "answer": "b"}])
    problem = str(recognise([path]).problem)
    assert f"see its fields with llmfusionbench inspect-log {path}, then name the columns of response or performance" in problem


def test_two_sources_too_close_to_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def signature(title: str, *telling: str) -> tuple[Signature, ...]:
        return (Signature(title=title, kinds=("list",), needed=("a",), telling=telling),)

    monkeypatch.setattr(recognition, "SIGNATURES", {"one": signature("first", "b", "c"), "two": signature("second", "b")})
    path = write_json(tmp_path / "a.json", [{"a": 1, "b": 2, "c": 3}])
    found = recognise([path])
    assert found.source is None
    problem = str(found.problem)
    assert problem.splitlines()[:3] == [
        f"{path}: could be one, two:",
        "  one 1.00 (first): has a, b, c",
        "  two 1.00 (second): has a, b",
    ]
    assert f"llmfusionbench build one {path} --out DIR or llmfusionbench build two {path} --out DIR" in problem


def test_a_clear_sibling_settles_an_unclear_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Signature(title="first", kinds=("list",), needed=("a",), telling=("b",))
    second = Signature(title="second", kinds=("list",), needed=("a",), telling=("b",), against=("only_first",))
    monkeypatch.setattr(recognition, "SIGNATURES", {"one": (first,), "two": (second,)})
    unclear = write_json(tmp_path / "a.json", [{"a": 1, "b": 2}])
    clear = write_json(tmp_path / "b.json", [{"a": 1, "b": 2, "only_first": 3}])
    assert recognise([unclear]).source is None
    assert recognise([unclear, clear]).settled() == "one"


def test_missing_and_empty_inputs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.json: no such file"):
        recognise([tmp_path / "gone.json"])
    with pytest.raises(InputError, match="no file of data in it"):
        recognise([tmp_path])
    with pytest.raises(InputError, match="no inputs"):
        recognise([])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_clear_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    with pytest.raises(InputError) as error:
        recognise([path]).settled()
    assert str(error.value).startswith(f"{path}: its format is not known")
    assert len(str(error.value)) < 2_000


def test_a_hostile_file_in_a_directory_costs_no_other(tmp_path: Path) -> None:
    sessions(tmp_path, "m")
    for name, data in HOSTILE.items():
        (tmp_path / name).write_bytes(data)
    found = recognise([tmp_path])
    assert found.settled() == "zeroeval"
    assert found.files == [tmp_path / "m.json"]


def test_many_files(tmp_path: Path) -> None:
    for i in range(300):
        sessions(tmp_path / f"{i % 7}", f"m{i}")
    found = recognise([tmp_path])
    assert len(found.files) == 300
    assert "and 297 more: answers of ZeroEval" in found.reasons[0]


def test_too_many_files_for_a_source_without_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmfusionbench.builders.recognising.walk.MOST", 4)
    for i in range(6):
        sessions(tmp_path, f"m{i}")
    assert "2 files of a directory are not looked at" in str(recognise([tmp_path]).problem)


def test_build_auto_builds_and_tells_in_the_manifest(tmp_path: Path) -> None:
    sessions(tmp_path / "logs", "a")
    sessions(tmp_path / "logs", "b")
    release = build("auto", [tmp_path / "logs"], tmp_path / "out", options={"split": "test"})
    about = release.manifest["source"]
    assert about["name"] == "zeroeval"
    assert about["options"]["split"] == "test"
    assert about["recognised"]["scores"]["zeroeval"] >= ENOUGH
    assert about["recognised"]["reasons"][0].startswith("a.json, b.json: answers of ZeroEval")
    assert str(tmp_path) not in json.dumps(about)
    assert lfb.validate(tmp_path / "out") == []
    by_name = build("zeroeval", sorted((tmp_path / "logs").iterdir()), tmp_path / "by_name", options={"split": "test"})
    assert "recognised" not in by_name.manifest["source"]
    assert by_name.table("responses").to_table() == release.table("responses").to_table()


def test_build_takes_a_recognition_and_refuses_an_unsettled_one(tmp_path: Path) -> None:
    path = sessions(tmp_path, "a")
    assert build(recognise([path]), [path], tmp_path / "out").manifest["source"]["name"] == "zeroeval"
    with pytest.raises(InputError, match="its format is not known"):
        build("auto", [write_json(tmp_path / "x.json", {"a": 1})], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_releases_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    write_tiny_release(tmp_path / "logs" / "one")
    for place in (tmp_path / "logs" / "one", tmp_path / "logs"):
        found = recognise([place])
        assert found.settled() == "release"
        assert found.files == [tmp_path / "logs" / "one"]
        assert found.reasons[0].startswith("one: release of this package")


def test_several_unknown_files_are_one_task_in_the_command(tmp_path: Path) -> None:
    for llm in ("a", "b"):
        write_lines(tmp_path / f"org__{llm}" / f"log_t_2026-01-0{len(llm)}.jsonl", [{"q": "q", "resp": llm, "acc": 1}] * 2)
    problem = str(recognise([tmp_path]).problem)
    assert "  1 more file of no known format" in problem
    assert problem.endswith("--map 'llm={parent}' --map response=resp --map performance=acc --map task==log_t --out DIR")
