"""The next version of a release: which rows it has, what is in conflict, which side counts, and what the manifest says."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from llmfusionbench.baselines.retrievers.library import TemplateLibrary
from llmfusionbench.builders import append, build, rescore
from llmfusionbench.builders.records import Embeddings
from llmfusionbench.builders.templates import build_templates
from llmfusionbench.errors import InputError, ReleaseError, UnknownNameError
from llmfusionbench.release import Release, diff_releases, open_release
from llmfusionbench.storage.files import sha256
from llmfusionbench.validation import validate
from tests.helpers.parts import Parts, record
from tests.helpers.tiny_release import change_manifest
from tests.helpers.two_releases import PRICES, TRUE_TABLES, all_bytes, answer, change, release_of, rows_of

BASE = [
    answer("one?", "ant", judge="rule", judge_score=0.5),
    answer("one?", "bee", "no", performance=0.0),
    answer("two?", "ant"),
    answer("three?", "ant", split="test"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release_of(tmp_path_factory.mktemp("base") / "release", BASE)


def value(release: Release, column: str, llm: str = "ant", question: str = "one?") -> object:
    (found,) = (r[column] for r in release.rows("logs").to_pylist() if (r["llm"], r["prompt"]) == (llm, question))
    return found


def test_new_queries_llms_answers_and_judge_scores(base: Release, tmp_path: Path) -> None:
    new = release_of(
        tmp_path / "new",
        [
            answer("one?", "cat"),
            answer("one?", "ant", replicate=1, judge="rule", judge_score=1.0),
            answer("one?", "bee", "no", performance=0.0, judge="second", judge_score=0.25),
            answer("four?", "ant", split="test"),
        ],
    )
    made = append(base, new, tmp_path / "out")
    counts = {d.table: (d.added, d.removed, d.changed) for d in made.diffs if d}
    assert counts == {"queries": (1, 0, 0), "llms": (1, 0, 0), "responses": (3, 0, 0), "judge_scores": (2, 0, 0)}
    assert made.version == 2
    assert made.warnings == []
    for table in TRUE_TABLES:
        assert rows_of(made.release, table) == rows_of(base, table) | rows_of(new, table)
    assert validate(made.release.path) == []
    assert list(made.diffs) == diff_releases(base, made.release)
    assert value(made.release, "judges", "bee") == ["second"]
    (one,) = (r for r in made.release.rows("routing").to_pylist() if r["prompt"] == "one?")
    assert {c["candidate"]: (c["replicates"], c["judge_score"]) for c in one["candidates"]} == {
        "ant": (2, 0.75), "bee": (1, 0.25), "cat": (1, None),
    }  # fmt: skip


def test_equal_rows_are_there_once_and_nulls_are_filled(tmp_path: Path) -> None:
    old = release_of(tmp_path / "old", [answer("one?", "ant", latency_s=2.0), answer("two?", "ant", performance=None)])
    new = release_of(tmp_path / "new", [answer("one?", "ant", license="MIT"), answer("two?", "ant", performance=0.5)])
    made = append(old, new, tmp_path / "out")
    assert {d.table: d.columns for d in made.diffs if d} == {"queries": {"license": 1}, "responses": {"performance": 1}}
    assert value(made.release, "latency_s") == 2.0
    assert value(made.release, "performance", question="two?") == 0.5
    assert made.release.table("responses").count_rows() == 2


def test_all_conflicts_are_reported_at_once_and_no_file_is_written(base: Release, tmp_path: Path) -> None:
    rows = [answer("one?", "ant", performance=0.0), answer("two?", "ant", "other"), answer("three?", "ant", ground_truth="no")]
    new = release_of(tmp_path / "new", rows, prices=[PRICES[0] | {"output_price": 9.0}])
    with pytest.raises(InputError) as caught:
        append(base, new, tmp_path / "out")
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{new.path} contradicts {base.path} in 4 values of rows that both have:"
    assert lines[1:5] == [
        "  queries.ground_truth: 1", "  llms.output_price: 1", "  responses.response: 1", "  responses.performance: 1",
    ]  # fmt: skip
    assert "  llms ant: output_price is 2.0, to append is 9.0" in lines
    assert any(line.endswith(', ant, direct, 0: response is "yes", to append is "other"') for line in lines)
    assert lines[-1].startswith("Remedy: set --prefer old to keep")
    assert not any("cost_usd" in line for line in lines)  # it follows from the price
    assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize(("prefer", "expected"), [("old", 1.0), ("new", 0.0)])
def test_the_preferred_side_counts(base: Release, tmp_path: Path, prefer: str, expected: float) -> None:
    new = release_of(tmp_path / "new", [answer("one?", "ant", performance=0.0), answer("four?", "ant")])
    made = append(base, new, tmp_path / "out", prefer=prefer)
    assert value(made.release, "performance") == expected
    assert made.release.manifest["history"][-1]["options"] == {"prefer": prefer}
    assert (len(rows_of(made.release, "queries")), made.version) == (4, 2)


def test_an_unknown_preference(base: Release, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match='No preference "newer"'):
        append(base, base, tmp_path / "out", prefer="newer")


def test_columns_that_belong_together_come_from_one_side(tmp_path: Path) -> None:
    old = release_of(tmp_path / "old", [answer("one?", "ant", tokenizer="cl100k_base", latency_s=3.0)])
    assert change(old, "responses", {"metric_version": "7"}) == 1
    new = release_of(tmp_path / "new", [answer("one?", "ant", input_tokens=200, output_tokens=None, performance=0.5)])
    made = append(open_release(old.path), new, tmp_path / "out", prefer="new").release
    got = {name: value(made, name) for name in ("input_tokens", "output_tokens", "tokenizer", "performance", "latency_s")}
    assert got == {"input_tokens": 200, "output_tokens": None, "tokenizer": None, "performance": 0.5, "latency_s": 3.0}
    assert value(made, "metric_version") is None  # no version of ours gave 0.5
    assert value(made, "cost_usd") is None  # it was that of the old tokens


def test_another_answer_is_taken_whole_with_its_judge_scores(tmp_path: Path) -> None:
    old = release_of(tmp_path / "old", [answer("one?", "ant", latency_s=3.0, judge="rule", judge_score=0.5)])
    rows = [answer("one?", "ant", "maybe", performance=None, judge="second", judge_score=1.0)]
    new = release_of(tmp_path / "new", rows)
    made = append(old, new, tmp_path / "out", prefer="new").release
    assert [value(made, name) for name in ("response", "performance", "latency_s")] == ["maybe", None, None]
    assert value(made, "judges") == ["second"]
    with pytest.raises(InputError, match="adds nothing that prefer=old would take"):
        append(old, new, tmp_path / "kept", prefer="old")


def test_an_answer_that_was_never_asked_gives_way(tmp_path: Path) -> None:
    missing = answer("one?", "ant", None, status="missing", performance=None, input_tokens=None, output_tokens=None)
    old = release_of(tmp_path / "old", [missing, answer("two?", "ant")])
    new = release_of(tmp_path / "new", [answer("one?", "ant"), missing | {"prompt": "two?"}, answer("four?", "ant")])
    assert value(old, "status") == "missing"
    made = append(old, new, tmp_path / "out")
    assert [value(made.release, "status", question=q) for q in ("one?", "two?")] == ["ok", "ok"]
    assert {d.table: (d.added, d.changed) for d in made.diffs if d} == {"queries": (1, 0), "responses": (1, 1)}


def test_costs_of_answers_stay(base: Release, tmp_path: Path) -> None:
    """Prices that changed count for the answers that come with them."""
    prices = [PRICES[0] | {"input_price": 10.0}, *PRICES[1:]]
    new = release_of(tmp_path / "new", [answer("one?", "ant"), answer("four?", "ant")], prices=prices)
    made = append(base, new, tmp_path / "out", prefer="new").release
    assert value(made, "cost_usd") == value(base, "cost_usd") == pytest.approx((100 * 1 + 10 * 2) / 1e6)
    assert value(made, "cost_usd", question="four?") == pytest.approx((100 * 10 + 10 * 2) / 1e6)
    assert value(made, "input_price") == 10.0


def test_costs_that_logs_state_can_be_in_conflict(tmp_path: Path) -> None:
    old = release_of(tmp_path / "old", [answer("one?", "ant", cost_usd=0.5)])
    new = release_of(tmp_path / "new", [answer("one?", "ant", cost_usd=0.25)])
    with pytest.raises(InputError, match=r"responses\.cost_usd: 1\n"):
        append(old, new, tmp_path / "out")
    made = append(old, new, tmp_path / "out", prefer="new").release
    assert (value(made, "cost_usd"), value(made, "input_tokens")) == (0.25, 100)


def test_the_more_protected_split_wins(base: Release, tmp_path: Path) -> None:
    rows = [answer("one?", "cat", split="test"), answer("three?", "cat", split="train")]
    made = append(base, release_of(tmp_path / "new", rows), tmp_path / "out")
    assert {r["prompt"]: r["split"] for r in made.release.rows("queries").to_pylist()} == {
        "one?": "test", "two?": "train", "three?": "test",
    }  # fmt: skip
    for table in ("responses", "judge_scores", "logs", "routing"):
        held = {r["query_id"] for r in made.release.rows("queries", "test").to_pylist()}
        rows_in = made.release.rows(table, "test").to_pylist()
        assert {r["query_id"] for r in rows_in} <= held
    assert made.release.table("responses", "test").count_rows() == 5 - 1 + 1
    ids = {r["prompt"]: r["query_id"] for r in base.rows("queries").to_pylist()}
    assert made.release.manifest["history"][-1]["splits"] == [
        {"release": "train", "appended": "test", "kept": "test", "queries": 1, "query_ids": [ids["one?"]]},
        {"release": "test", "appended": "train", "kept": "test", "queries": 1, "query_ids": [ids["three?"]]},
    ]
    assert made.warnings[0].startswith("1 query of split train moved to test")
    assert made.warnings[1].startswith("1 query of split train of the appended release stayed in test")
    assert made.release.manifest["warnings"] == made.warnings
    assert validate(made.release.path) == []


def test_the_manifest_tells_where_the_version_came_from(base: Release, tmp_path: Path) -> None:
    new = release_of(tmp_path / "new", [answer("one?", "ant", performance=0.25), answer("four?", "ant")])
    made = append(base, new, tmp_path / "two", prefer="new")
    (step,) = made.release.manifest["history"]
    assert (step["step"], step["version"]) == ("append", 2)
    assert step["source_manifest"] == sha256(base.path / "manifest.json")
    assert step["appended_manifest"] == sha256(new.path / "manifest.json")
    assert step["changes"] == {
        "queries": {"added": 1, "removed": 0, "changed": 0, "columns": {}},
        "responses": {"added": 1, "removed": 0, "changed": 1, "columns": {"performance": 1}},
    }
    changed = next(e for e in step["examples"] if e["what"] == "changed")
    assert (changed["table"], changed["column"], changed["before"], changed["after"]) == (
        "responses",
        "performance",
        "1.0",
        "0.25",
    )
    assert [s["inputs"][0]["name"] for s in made.release.manifest["sources"]] == ["release.jsonl", "new.jsonl"]
    assert made.release.manifest["source"]["inputs"] == base.manifest["source"]["inputs"]
    card = (tmp_path / "two" / "README.md").read_text(encoding="utf-8")
    assert "**Version 2**, by `append`:" in card
    assert "| `responses` | 1 | 0 | 1 | `performance` 1 |" in card
    third = append(made.release, release_of(tmp_path / "more", [answer("five?", "ant")]), tmp_path / "three")
    assert third.version == 3
    assert [s["version"] for s in third.release.manifest["history"]] == [2, 3]
    assert len(third.release.manifest["sources"]) == 3
    assert (tmp_path / "three" / "README.md").read_text(encoding="utf-8").index("**Version 3**") < card.index("## Fields")


def test_a_release_that_adds_no_row_is_refused(base: Release, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"adds nothing to .*, whose rows stay as they are\. Remedy: append"):
        append(base, base, tmp_path / "out")
    made = append(base, release_of(tmp_path / "new", [answer("four?", "ant")]), tmp_path / "out").release
    with pytest.raises(InputError, match="adds nothing"):
        append(made, tmp_path / "new", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_files_beside_the_tables(tmp_path: Path) -> None:
    """They stay as long as they hold."""
    rows = [answer("one?", "ant", "no"), answer("two?", "ant", input_tokens="many")]
    first = release_of(tmp_path / "first", rows)
    assert first.manifest["rejected"] == 1
    old = rescore(first, tmp_path / "old", workers=1).release
    assert old is not None
    new = release_of(tmp_path / "new", [answer("four?", "ant"), answer("five?", "ant", input_tokens="many")])
    made = append(old, new, tmp_path / "out").release
    for name in ("rejected.jsonl", "rescore_changes.parquet"):
        assert (made.path / name).read_bytes() == (old.path / name).read_bytes()
    assert made.manifest["rejected"] == 1
    better = release_of(tmp_path / "better", [answer("one?", "ant", "no", performance=0.5)])
    made = append(old, better, tmp_path / "scored", prefer="new").release
    assert sorted(n for n in made.manifest["files"] if "/" not in n) == ["README.md", "rejected.jsonl"]
    assert [step["step"] for step in made.manifest["history"]] == ["rescore", "append"]


def test_it_can_replace_the_release_itself(base: Release, tmp_path: Path) -> None:
    new = release_of(tmp_path / "new", [answer("four?", "ant")])
    apart = append(base, new, tmp_path / "apart").release
    place = release_of(tmp_path / "base" / "release", BASE).path
    with pytest.raises(InputError, match="a release is there already"):
        append(place, new, place)
    append(place, new, place, overwrite=True)
    assert all_bytes(place) == all_bytes(apart.path)


def test_a_damaged_release_is_refused(base: Release, tmp_path: Path) -> None:
    new = release_of(tmp_path / "new", [answer("four?", "ant")])
    (file,) = new.files("responses")
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    with pytest.raises(ReleaseError, match=r"new/responses.*differs from the release's manifest"):
        append(base, open_release(new.path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("table", "rows", "match"),
    [
        ("responses", {"query_id": "0" * 24}, "new: table judge_scores refers to .*, which responses does not have"),
        ("judge_scores", {"query_id": "0" * 24}, "new: 1 of 1 rows of judge_scores belong to no query of their split"),
        ("responses", {"llm": "eel"}, 'new: table responses refers to "eel", which llms does not have'),
        (
            "judge_scores",
            {"replicate": 9},
            "new: table judge_scores refers to .*, ant, direct, 9.*, which responses does not have",
        ),
    ],
)
def test_rows_without_the_rows_they_refer_to(
    base: Release, tmp_path: Path, table: str, rows: dict[str, object], match: str
) -> None:
    new = release_of(tmp_path / "new", [answer("four?", "ant", judge="rule", judge_score=1.0)])
    assert change(new, table, rows) == 1
    with pytest.raises(ReleaseError, match=match):
        append(base, open_release(new.path), tmp_path / "out")


def test_queries_without_answers(base: Release, tmp_path: Path) -> None:
    new = build(Parts([record(prompt="six?", llm=None, response=None, ground_truth="yes")]), [], tmp_path / "new")
    assert (new.table("queries").count_rows(), new.table("responses").count_rows()) == (1, 0)
    made = append(base, new, tmp_path / "out")
    assert {d.table: d.added for d in made.diffs if d} == {"queries": 1}
    back = append(new, base, tmp_path / "back")
    assert {d.table: d.added for d in back.diffs if d} == {"queries": 3, "llms": 2, "responses": 4, "judge_scores": 1}
    assert validate(made.release.path) == validate(back.release.path) == []


def test_vectors_and_templates(base: Release, tmp_path: Path) -> None:
    def vectors(name: str, *questions: str, size: float) -> Release:
        columns = {"task": ["sums"] * len(questions), "prompt": questions, "embedded": ["prompt"] * len(questions)}
        rows = pa.table(columns | {"embedding": pa.array([[size, 1.0]] * len(questions), pa.list_(pa.float32()))})
        records = [record(prompt=q, row=i, ground_truth="yes") for i, q in enumerate(questions)]
        return build(Parts(records, Embeddings(rows)), [], tmp_path / name)

    old, new = vectors("old", "one?", "seven?", size=0.5), vectors("new", "seven?", "eight?", size=0.5)
    made = append(old, new, tmp_path / "out").release
    assert rows_of(made, "embeddings") == rows_of(old, "embeddings") | rows_of(new, "embeddings")
    other = vectors("other", "one?", "two?", size=0.25)
    with pytest.raises(InputError, match=r"  embeddings\.embedding: 1\n"):
        append(old, other, tmp_path / "torn")
    assert rows_of(append(base, old, tmp_path / "first", prefer="old").release, "embeddings") == rows_of(old, "embeddings")
    written = build_templates(
        base,
        tmp_path / "written",
    ).release
    assert written is not None
    assert len(rows_of(written, "thought_templates")) == 2
    made = append(base, written, tmp_path / "with").release
    assert rows_of(made, "thought_templates") == rows_of(written, "thought_templates")
    assert validate(made.path) == []


def test_a_template_moves_with_its_query_and_is_not_retrieved_any_more(base: Release, tmp_path: Path) -> None:
    written = build_templates(base, tmp_path / "written").release
    assert written is not None
    made = append(written, release_of(tmp_path / "new", [answer("one?", "cat", split="test")]), tmp_path / "out").release
    assert rows_of(made, "thought_templates") == rows_of(written, "thought_templates")
    assert validate(made.path) == []
    libraries = [TemplateLibrary.of(release, criterion="performance", pool="all") for release in (written, made)]
    assert [sorted(library.prompts) for library in libraries] == [["one?", "two?"], ["two?"]]


def test_a_key_that_is_there_twice(base: Release, tmp_path: Path) -> None:
    new = release_of(tmp_path / "new", [answer("four?", "ant"), answer("four?", "bee")])
    assert change(new, "responses", {"llm": "ant"}, llm="bee") == 1
    with pytest.raises(ReleaseError, match=r"new: table responses, row .*, ant, direct, 0 is there twice"):
        append(base, open_release(new.path), tmp_path / "out")


def test_simulated_and_real_rows_are_never_mixed_in_silence(base: Release, tmp_path: Path) -> None:
    new = release_of(tmp_path / "new", [answer("four?", "ant", provenance="simulated")])
    made = append(base, new, tmp_path / "out")
    assert made.release.provenance == ["imported", "simulated"]
    assert made.warnings[0].startswith("simulated and real answers are in one release")
    again = append(made.release, release_of(tmp_path / "more", [answer("five?", "ant")]), tmp_path / "three")
    assert again.release.manifest["warnings"] == made.warnings


def test_a_manifest_with_odd_entries(base: Release, tmp_path: Path) -> None:
    """What is not of our making is not trusted to have our form."""
    place = release_of(tmp_path / "odd", BASE).path
    odd = {"history": [3, {"step": "append", "changes": {"queries": [], "llms": {"added": "x"}}}], "warnings": 7, "sources": 1}
    change_manifest(place, lambda m: (m.update(odd), m["source"].update(truths=[1])))
    made = append(place, release_of(tmp_path / "new", [answer("four?", "ant")]), tmp_path / "out")
    assert made.version == 2, "no step of the odd history states a number"
    assert "| `llms` | ? | ? | ? |" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
