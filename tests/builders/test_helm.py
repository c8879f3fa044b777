"""The source `helm`: requests of HELM's runs as log records, joined with their statistics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.reading.file_names import files_in
from llmfusionbench.builders.sources.helm import Helm
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.reading import Read, read, write_json

ADAPTER = {"method": "generation", "model": "lab/tiny", "model_deployment": "host/tiny"}


def instance(name: str, *options: str, true: int | tuple[int, ...] = 0, **fields: Any) -> dict[str, Any]:
    """An instance whose options have the numbers `true` of the correct ones."""
    correct = (true,) if isinstance(true, int) else true
    references = [{"output": {"text": said}, "tags": ["correct"] * (i in correct)} for i, said in enumerate(options)]
    return {"id": name, "split": "valid", "input": {"text": f"What is {name}?"}, "references": references, **fields}


def request(about: dict[str, Any], *answers: Any, trial: int = 0, **fields: Any) -> dict[str, Any]:
    """A request about an instance; `answers` are texts, or completions."""
    completions = [a if isinstance(a, dict) else {"text": a, "logprob": -1.0 - i, "tokens": []} for i, a in enumerate(answers)]
    return {
        "instance": about,
        "train_trial_index": trial,
        "request": {
            "model": "lab/tiny",
            "model_deployment": "host/tiny",
            "prompt": f"Example {trial}.\n{about['input']['text']}",
            "temperature": 0.0,
            "max_tokens": 9,
        },
        "result": {"success": True, "completions": completions, "request_time": 0.5, "request_datetime": 1_700_000_000},
        **fields,
    }


def stat(name: str, value: float, count: int = 1) -> dict[str, Any]:
    """A statistic with the sum `value`."""
    return {"name": {"name": name, "split": "valid"}, "count": count, "sum": value}


def stats(instance_id: str, *listed: dict[str, Any], trial: int = 0, **fields: Any) -> dict[str, Any]:
    """The statistics of an instance."""
    return {"instance_id": instance_id, "train_trial_index": trial, "stats": list(listed), **fields}


def run(folder: Path, requests: list[Any], found: list[Any] | None = None, name: str = "run", **adapter: Any) -> list[Path]:
    """The files of a run."""
    spec = {"name": "sums:model=lab_tiny", "adapter_spec": ADAPTER | adapter, "groups": ["sums"]}
    files = {"run_spec.json": spec, "scenario.json": {"name": "sums_scenario"}}
    files["scenario_state.json"] = {"adapter_spec": ADAPTER | adapter, "request_states": requests}
    if found is not None:
        files["per_instance_stats.json"] = found  # type: ignore[assignment]
    return [write_json(folder / name / file, value) for file, value in files.items()]


def helm(paths: list[Path], **options: Any) -> Read:
    return read(Helm(**options), *paths)


def test_a_request_gives_all_that_the_run_states(tmp_path: Path) -> None:
    about = instance("id1", "2", "two", "3", true=(0, 1))
    counts = [stat("f1_score", 0.5), stat("exact_match", 0), stat("num_prompt_tokens", 7), stat("num_output_tokens", 2)]
    found = helm(run(tmp_path, [request(about, " two")], [stats("id1", *counts)]))
    (row,) = found.rows
    assert (row["task"], row["llm"], row["source_id"], row["split"]) == ("sums", "lab/tiny", "id1", "partial_test")
    assert (row["prompt"], row["response"], row["ground_truth"]) == ("Example 0.\nWhat is id1?", " two", '["2", "two"]')
    assert (row["metric"], row["performance"], row["latency_s"]) == ("f1_score", 0.5, 0.5)
    assert (row["input_tokens"], row["output_tokens"], row["endpoint"]) == (7, 2, "host/tiny")
    assert (row["sampling"]["temperature"], row["sampling"]["max_tokens"]) == (0.0, 9)
    assert found.notes == ["the performance is f1_score, of f1_score, exact_match. For another, set --option metric=NAME"]


def test_requests_meet_their_statistics_by_instance_and_trial(tmp_path: Path) -> None:
    one, two = instance("id1", "2"), instance("id2", "3")
    requests = [request(one, "2"), request(two, "x"), request(one, "y", trial=1), request(two, "3", trial=1)]
    found = [
        stats(i, stat("exact_match", value, 2), trial=t)
        for i, t, value in (("id2", 1, 2), ("id1", 1, 0), ("id1", 0, 2), ("id2", 0, 1))
    ]
    sent = helm(run(tmp_path, requests, found))
    assert [(r["source_id"], r["replicate"], r["performance"]) for r in sent.rows] == [
        ("id1", 0, 1.0), ("id2", 0, 0.5), ("id1", 0, 0.0), ("id2", 0, 1.0),
    ]  # fmt: skip
    bare = helm(run(tmp_path, requests, found), prompt="instance")
    assert [(r["prompt"], r["replicate"]) for r in bare.rows] == [
        ("What is id1?", 0), ("What is id2?", 0), ("What is id1?", 1), ("What is id2?", 1),
    ]  # fmt: skip


def test_an_input_that_is_a_text(tmp_path: Path) -> None:
    made = request(instance("id1", "2"), "2")
    made["instance"]["input"] = "What is 1+1?"
    found = helm(run(tmp_path, [made], [stats("id1", stat("exact_match", 1))]), prompt="instance")
    assert found.column("prompt") == ["What is 1+1?"]


def test_options_of_the_output_mapping(tmp_path: Path) -> None:
    mapping = {"B": "iron", "A": "tin", "C": "zinc"}
    requests = [request(instance("id1", "zinc", "iron", "tin", true=1), " B", output_mapping=mapping)]
    found = helm(run(tmp_path, requests, [stats("id1", stat("exact_match", 1))], method="multiple_choice_joint"))
    (row,) = found.rows
    assert (row["choices"], row["ground_truth"], row["response"]) == (["tin", "iron", "zinc"], "B", " B")
    assert (row["metric"], row["performance"]) == ("em_mc", 1.0)


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize("stated", [False, True])
def test_requests_about_the_references_are_one_answer(tmp_path: Path, calibrated: bool, stated: bool) -> None:
    about = instance("id1", "tin", "iron ore", true=1)
    tokens = [[("Q", -9.0), (" tin", -2.0)], [("Q", -9.0), (" iron", -1.0), (" ore", -1.2)]]
    requests = []
    for k, listed in enumerate(tokens):
        said = {"text": "Q", "logprob": -9.0, "tokens": [{"text": t, "logprob": p} for t, p in listed]}
        requests.append(request(about, said, reference_index=k, request_mode="original"))
        if calibrated:
            alone = said | {"tokens": [{"text": t, "logprob": -0.5 if k else -2.5} for t, _ in listed[1:]]}
            requests.append(request(about, alone, reference_index=k, request_mode="calibration"))
    listed_stats = [stat("exact_match", 1), stat("num_prompt_tokens", 40, 4)] + [stat("predicted_index", 1)] * stated
    method = f"multiple_choice_separate_{'calibrated' if calibrated else 'original'}"
    found = helm(run(tmp_path, requests, [stats("id1", *listed_stats)], method=method))
    (row,) = found.rows
    assert row["response"] == ("tin" if calibrated and not stated else "iron ore")
    assert (row["choices"], row["ground_truth"], row["prompt"]) == (["tin", "iron ore"], "B", "What is id1?")
    assert (row["performance"], row["metric"], row["latency_s"]) == (1.0, "em_mc", 0.5 * len(requests))


def test_the_likeliest_of_several_completions_has_the_score(tmp_path: Path) -> None:
    listed = [{"text": "first", "logprob": -3.0, "tokens": [{}, {}]}, {"text": "best", "logprob": -1.0, "tokens": [{}]}]
    found = helm(run(tmp_path, [request(instance("id1", "2"), *listed)], [stats("id1", stat("exact_match", 1))]))
    assert [(r["response"], r["replicate"], r["performance"], r["output_tokens"]) for r in found.rows] == [
        ("best", 0, 1.0, 1), ("first", 1, None, 2),
    ]  # fmt: skip
    assert any("scores one for each instance: 1" in note for note in found.notes)


def test_failed_requests_keep_their_message(tmp_path: Path) -> None:
    failed = request(instance("id1", "2"))
    failed["result"] = {"success": False, "error": "Timeout", "completions": []}
    asked = request(instance("id2", "2")) | {"result": None}
    found = helm(run(tmp_path, [failed, asked], [stats("id1", stat("exact_match", 0))]))
    assert [(r["status"], r["error"]) for r in found.rows] == [("error", "Timeout"), ("missing", None)]


def test_perturbed_copies_are_left_out_or_kept(tmp_path: Path) -> None:
    change = {"name": "typos", "prob": 0.1}
    requests = [request(instance("id1", "2"), "2"), request(instance("id1", "2", perturbation=change), "x")]
    found = [stats("id1", stat("exact_match", 0), perturbation=change), stats("id1", stat("exact_match", 1))]
    skipped = helm(run(tmp_path, requests, found))
    assert skipped.column("performance") == [1.0]
    assert any("left out: 1." in note for note in skipped.notes)
    kept = helm(run(tmp_path, requests, found), perturbed="keep")
    assert [(r["source_id"], r["performance"]) for r in kept.rows] == [("id1", 1.0), ("id1-typos,prob=0.1", 0.0)]


def test_the_metric_that_the_user_chooses(tmp_path: Path) -> None:
    requests = [request(instance("id1", "2"), "2")]
    found = [stats("id1", stat("exact_match", 0), stat("quasi_exact_match", 1), stat("rouge_l", 0.25))]
    assert helm(run(tmp_path, requests, found)).column("metric") == ["em"]
    chosen = helm(run(tmp_path, requests, found), metric="rouge_l")
    assert (chosen.column("metric"), chosen.column("performance")) == (["rouge_l"], [0.25])
    with pytest.raises(InputError, match="no run has the metric 'bleu'; the runs have exact_match, quasi_exact_match, rouge_l"):
        helm(run(tmp_path, requests, found), metric="bleu")
    with pytest.raises(UnknownNameError, match="perturbed"):
        helm(run(tmp_path, requests, found), perturbed="drop")


def test_chats_thoughts_and_images(tmp_path: Path) -> None:
    chat = request(instance("id1", "2"), {"text": "2", "thinking": {"text": "Hm."}, "finish_reason": {"reason": "endoftext"}})
    chat["request"]["messages"] = [{"role": "system", "content": "Add."}, {"role": "user", "content": "1+1?"}]
    seen = request(instance("id2", "cat"), {"text": "cat", "finish_reason": {"reason": "length"}})
    seen["request"]["multimodal_prompt"] = {
        "media_objects": [{"content_type": "image/png", "location": "x"}, {"content_type": "text/plain", "text": "What is it?"}]
    }
    found = helm(run(tmp_path, [chat, seen], [stats("id1", stat("f1_score", 1))]))
    assert [(t["role"], t["content"]) for t in found.rows[0]["messages"]] == [("system", "Add."), ("user", "1+1?")]
    assert found.column("prompt")[1] == "[image/png]\nWhat is it?"
    assert (found.column("reasoning"), found.column("finish_reason")) == (["Hm.", None], ["stop", "length"])
    assert any("image/png (1)" in note for note in found.notes)
    assert any("answers that have no f1_score in per_instance_stats.json: 1" in note for note in found.notes)


def test_options_decide_what_the_metric_means(tmp_path: Path) -> None:
    mapped = request(instance("id1", "yes", "no"), "A", output_mapping={"A": "yes", "B": "no"})
    found = helm(run(tmp_path, [mapped, request(instance("id2", "2"), "2")], [stats("id1", stat("exact_match", 1))]))
    assert found.column("metric") == ["em_mc", "exact_match"]
    thought = [stats("id1", stat("chain_of_thought_correctness", 1), stat("exact_match", 0))]
    found = helm(run(tmp_path, [mapped], thought, method="multiple_choice_joint_chain_of_thought"))
    assert (found.column("metric"), found.column("performance")) == (["em_mc"], [1.0])


def test_a_request_of_language_modelling_asks_for_nothing(tmp_path: Path) -> None:
    found = helm(run(tmp_path, [request(instance("id1"), "text")], [], method="language_modeling"))
    assert (found.rows, [r.reason for r in found.rejected]) == (
        [], ["a request of language modelling, which measures a text and asks for no answer"],
    )  # fmt: skip


def test_files_belong_together_by_their_folder(tmp_path: Path) -> None:
    one = run(tmp_path, [request(instance("id1", "2"), "2")], [stats("id1", stat("exact_match", 1))], "one")
    two = run(tmp_path, [request(instance("id1", "2"), "x")], [stats("id1", stat("exact_match", 0))], "two", model="lab/big")
    mixed = [two[3], one[0], one[2], two[1], one[3], two[2], one[1], two[0]]
    whole = helm(mixed)
    assert sorted((r["llm"], r["performance"]) for r in whole.rows) == [("lab/big", 0.0), ("lab/tiny", 1.0)]
    beside = helm([one[2]])  # those beside it are read, too
    assert [(r["llm"], r["performance"]) for r in beside.rows] == [("lab/tiny", 1.0)]
    assert files_in(tmp_path, Helm.FILES) == sorted([*one, *two])


def test_a_run_that_is_not_whole_costs_no_other(tmp_path: Path) -> None:
    whole = run(tmp_path, [request(instance("id1", "2"), "2")], [stats("id1", stat("exact_match", 1))], "one")
    part = run(tmp_path, [], None, "two")
    part[2].unlink()
    other = write_json(tmp_path / "one" / "costs.json", {})
    found = helm([*part[:2], *whole, other, write_json(tmp_path / "one" / "stats.json", [])])
    assert found.column("performance") == [1.0]
    assert "left out, because its folder has no scenario_state.json" in found.notes
    assert any("not read, expected scenario_state.json" in note for note in found.notes)


def test_packed_files(tmp_path: Path) -> None:
    files = run(tmp_path, [request(instance("id1", "2"), "2")], [stats("id1", stat("exact_match", 1))])
    packed = []
    for path in files:
        data = path.read_text()
        path.unlink()
        packed.append(path.with_name(f"{path.name}.gz"))
        write_json(packed[-1], json.loads(data))
    assert helm(packed).column("performance") == [1.0]


def test_what_a_run_lacks_is_named(tmp_path: Path) -> None:
    files = run(tmp_path, [request(instance("id1", "2"), "2")])
    found = helm(files)
    assert (found.column("performance"), found.column("metric")) == ([None], ["unknown"])
    assert found.notes == [
        "the run has no per_instance_stats.json in its folder, so its answers have no scores and no counts of tokens"
    ]
    files[2].unlink()
    with pytest.raises(InputError, match=r"its folder has no scenario_state\.json"):
        helm(files[:2])
    with pytest.raises(InputError, match=r"answers\.json: its name is not that of a file of a HELM run"):
        helm([write_json(tmp_path / "answers.json", [])])
    cut = write_json(tmp_path / "cut" / "scenario_state.json", {"request_states": [request(instance("id1", "2"), "2")]})
    cut.write_bytes(cut.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"scenario_state\.json: (not JSON|cut)"):
        helm([cut])
    empty = write_json(tmp_path / "x" / "scenario_state.json", {"request_states": []})
    with pytest.raises(InputError, match="adapter_spec has no model"):
        helm([empty])


def test_a_bad_request_costs_no_other(tmp_path: Path) -> None:
    found = helm(run(tmp_path, [{"instance": 5}, request(instance("id1", "2"), "2"), None], [{"stats": 3}]))
    assert found.column("source_id") == ["id1"]
    assert [(r.file, r.row) for r in found.rejected] == [
        ("per_instance_stats.json", 0), ("scenario_state.json", 0), ("scenario_state.json", 2),
    ]  # fmt: skip
