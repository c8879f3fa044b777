"""A release with templates: whole, valid, readable by others, the same bytes for the same input, and nothing else changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders.templates import Failure, Job, build_templates, make_templates, select_answers, template_id
from llmfusionbench.errors import InputError, ReleaseError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.schema import table_schema
from llmfusionbench.types import content_id
from tests.helpers.sample_part import bytes_of, write_part
from tests.helpers.tiny_release import write_tiny_release

TABLE = "thought_templates"


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("part") / "release"
    return write_part(folder, tasks=("gsm8k", "boolq"), queries=3, llms=6, shards=2, split="train")


class Parrot:
    """Writes what it is told to."""

    def __init__(self, name: str = "parrot", text: str = "Say it again.", fail: tuple[int, ...] = ()) -> None:
        self.name, self.text, self.fail = name, text, fail

    def summarize(self, jobs: Iterable[Job]) -> Iterator[tuple[int, str | Failure]]:
        for job in reversed(list(jobs)):
            yield job.place, Failure("no voice") if job.place in self.fail else self.text


def test_rows_are_as_the_schema_has_them() -> None:
    made = make_templates("sample", limit=5)
    assert made.table.schema == table_schema(TABLE).arrow
    assert made.skipped == {"no answer with a performance above 0": 6, "beyond the limit": 381}
    rows = made.table.to_pylist()
    assert [r["template_id"] for r in rows] == sorted(r["template_id"] for r in rows)
    for row in rows:
        assert row["template_id"] == content_id(row["query_id"], "performance", "all", "extractive")
        assert (row["criterion"], row["pool"], row["summarizer"], len(row["sources"])) == (
            "performance",
            "all",
            "extractive",
            3,
        )
    answered = sorted(set(select_answers(lfb.open_release("sample")).answers["query_id"].to_pylist()))
    assert {r["query_id"] for r in rows} == set(answered[:5])


def test_ids_differ_by_everything_that_a_template_is_of() -> None:
    ids = [
        template_id("q", "judge", "all", "x"),
        template_id("q", "judge", "small", "x"),
        template_id("q", "hybrid", "all", "x"),
    ]
    ids += [template_id("q", "judge", "all", "y"), template_id("p", "judge", "all", "x"), template_id("qj", "udge", "all", "x")]
    assert len(set(ids)) == 6
    assert ids[0] == "0f07f566ac3026e248e51aa3"


def test_any_summariser_that_speaks_the_protocol(part: Release) -> None:
    made = make_templates(part, summarizer=Parrot(fail=(0, 2)))
    assert made.failed == {"no voice": 2}
    assert set(made.table["template"].to_pylist()) == {"Say it again."}
    assert len(made.table) + sum(made.failed.values()) + sum(made.skipped.values()) == made.queries

    class Lazy(Parrot):
        def summarize(self, jobs: Iterable[Job]) -> Iterator[tuple[int, str | Failure]]:
            yield next(iter(jobs)).place, "One is enough for me."

    made = make_templates(part, summarizer=Lazy())
    assert made.left == {"the summariser gave no result": made.queries - sum(made.skipped.values()) - 1}


def test_a_release_with_templates(part: Release, tmp_path: Path) -> None:
    before = bytes_of(part.path)
    built = build_templates(part, tmp_path / "out", criterion="judge", pool="small")
    after = bytes_of(tmp_path / "out")
    assert bytes_of(part.path) == before
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert {n for n in changed if not n.startswith(TABLE + "/")} == {"README.md", "manifest.json"}
    assert lfb.validate(tmp_path / "out") == []
    old, new = (r.table(TABLE, "train").to_table() for r in (part, built.release))
    made = built.templates.table
    assert (built.kept, built.replaced) == (len(old), 0)
    assert set(new["template_id"].to_pylist()) == set(old["template_id"].to_pylist()) | set(made["template_id"].to_pylist())
    assert new["template_id"].to_pylist() == sorted(new["template_id"].to_pylist())
    assert built.release.manifest["tables"][TABLE]["splits"]["train"]["rows"] == len(new)
    assert built.release.provenance == ["simulated"]
    (step,) = built.release.manifest["history"]
    assert step["step"] == "templates"
    assert step["options"] == {
        "criterion": "judge", "pool": "small", "top": 3, "summarizer": "extractive", "min_judge_score": 0.5, "limit": None,
    }  # fmt: skip
    assert step["templates"] == len(made)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_the_same_input_gives_the_same_bytes(part: Release, tmp_path: Path) -> None:
    build_templates(part, tmp_path / "a")
    build_templates(part.path, str(tmp_path / "b"))
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_templates_of_other_making_stay_and_the_same_are_replaced(part: Release, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = build_templates(part, out, summarizer=Parrot(text="The first try."))
    second = build_templates(out, out, summarizer=Parrot(name="other"), overwrite=True)
    assert (second.kept, second.replaced) == (first.kept + len(first.templates.table), 0)
    third = build_templates(out, out, summarizer=Parrot(text="The second try.", fail=(0,)), overwrite=True)
    assert third.replaced == len(third.templates.table)
    texts = third.release.table(TABLE, "train").to_table()["template"].to_pylist()
    assert texts.count("The first try.") == 1  # the one that failed this time
    assert texts.count("The second try.") == len(third.templates.table)
    assert len(third.release.manifest["history"]) == 3
    assert lfb.validate(out) == []


def test_plain_datasets_read_it(part: Release, tmp_path: Path) -> None:
    from datasets import load_dataset

    built = build_templates(part, tmp_path / "out")
    rows = load_dataset(str(tmp_path / "out"), TABLE, split="train", cache_dir=str(tmp_path / "cache"))
    assert rows.num_rows == built.kept + len(built.templates.table)
    mine = rows.filter(lambda row: row["summarizer"] == "extractive")
    assert mine["template"][:] == built.templates.table["template"].to_pylist()


def test_a_release_without_the_table_gets_it(tmp_path: Path) -> None:
    built = build_templates(write_tiny_release(tmp_path / "tiny"), tmp_path / "out")
    assert [row["sources"] for row in built.templates.table.to_pylist()] == [["tiny"], ["tiny"]]
    assert lfb.validate(tmp_path / "out") == []
    assert lfb.open_release(tmp_path / "out").table(TABLE).count_rows() == 2


def test_nothing_is_written_where_nothing_is_done(part: Release, tmp_path: Path) -> None:
    tiny = Release(write_tiny_release(tmp_path / "tiny"))
    with pytest.raises(InputError, match=r"no template for any of 2 train queries \(2: no voice\). Remedy"):
        build_templates(tiny, tmp_path / "out", summarizer=Parrot(fail=(0, 1)))
    with pytest.raises(InputError, match="a release is there already"):
        build_templates(tiny, tiny.path)
    with pytest.raises(UnknownNameError, match=r'No summariser "extractiv"\. Did you mean "extractive"'):
        build_templates(tiny, tmp_path / "out", summarizer="extractiv")
    with pytest.raises(InputError, match="limit: 0"):
        build_templates(tiny, tmp_path / "out", limit=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny"]


@pytest.mark.parametrize("table", ["llms", TABLE])
def test_a_damaged_release_is_refused(tmp_path: Path, table: str) -> None:
    tiny = Release(write_tiny_release(tmp_path / "tiny"))
    place = tiny.path / table / "train-00000-of-00001.parquet"
    place.write_bytes(place.read_bytes() + b"x")
    with pytest.raises(ReleaseError, match=f"{table}/train-00000-of-00001.parquet: differs from the release's manifest"):
        build_templates(tiny, tmp_path / "out", summarizer=Parrot())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny"]
