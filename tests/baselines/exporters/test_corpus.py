"""The files of a corpus: whole or not there, the same bytes every time, and what they say of themselves."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines import EXPORTERS
from llmfusionbench.baselines.exporters import corpus_schema, export_kto, export_preference, export_sft
from llmfusionbench.baselines.exporters.corpora import queries, samples, writer
from llmfusionbench.baselines.exporters.corpora.drops import REASONS
from llmfusionbench.baselines.exporters.corpora.formats import FORMATS, KEYS
from llmfusionbench.baselines.exporters.corpora.kto import KtoSettings
from llmfusionbench.baselines.exporters.corpora.option import options_of, options_table
from llmfusionbench.baselines.exporters.corpora.preference import PreferenceSettings
from llmfusionbench.baselines.exporters.corpora.sft import SftSettings
from llmfusionbench.baselines.exporters.corpora.writer import ShardWriter, json_lines
from llmfusionbench.errors import InputError, ReleaseError
from llmfusionbench.release import Release
from llmfusionbench.storage.files import sha256
from tests.helpers.made_up_release import answer, contents, lines, made_up_release, question, records
from tests.helpers.tiny_release import replace_shard

ALL = [(kind, name) for kind, formats in FORMATS.items() for name in formats]


def check(corpus: Any) -> dict[str, Any]:
    """That corpus.json is as its schema says, and that it and the files agree; what it says."""
    about: dict[str, Any] = json.loads((corpus.path / "corpus.json").read_text("utf-8"))
    assert about == corpus.about
    jsonschema.Draft202012Validator(corpus_schema()).validate(about)
    there = {str(p.relative_to(corpus.path)) for p in corpus.path.rglob("*") if p.is_file()}
    assert there == {*about["files"], "corpus.json"}
    for name, entry in about["files"].items():
        assert (entry["bytes"], entry["sha256"]) == ((corpus.path / name).stat().st_size, sha256(corpus.path / name))
    counts = about["counts"]
    for name in ("tasks", "provenance", "licenses"):
        assert sum(counts[name].values()) == about["records"]
    both = 2 if about["kind"] == "preference" else 1
    for name in ("llms", "candidates", "modes", "llm_licenses"):
        labels = counts["llms"].get("ground truth", 0) if name in ("modes", "llm_licenses") else 0
        assert sum(counts[name].values()) == about["records"] * both - labels
    return about


@pytest.mark.parametrize(("kind", "name"), ALL, ids=lambda v: str(v))
def test_every_format(tmp_path: Path, kind: str, name: str) -> None:
    corpus = EXPORTERS[kind]("sample", tmp_path / "out", format=name, tasks=["gsm8k", "mmlu"], shard_rows=150)
    about = check(corpus)
    made = FORMATS[kind][name]
    suffix = made.container
    files = [str(p.relative_to(corpus.path)) for p in corpus.files]
    assert files == [f"data/train-{i:05d}-of-{len(files):05d}.{suffix}" for i in range(len(files))]
    assert (kind == "preference") or len(files) > 1, "in shards"
    rows = [r for p in corpus.files for r in pq.read_table(p).to_pylist()] if suffix == "parquet" else records(corpus)
    assert len(rows) == about["records"]
    assert [about["files"][f]["rows"] for f in files[:-1]] == [150] * (len(files) - 1)
    keys = lines(corpus.path / "provenance.jsonl") if not made.keeps_keys else rows
    for key in KEYS[kind]:
        assert all(key in row for row in keys)
    if not made.keeps_keys:
        assert [row["line"] for row in keys] == list(range(1, len(rows) + 1))
        assert not any("query_id" in row for row in rows)
    assert Counter(row["task"] for row in keys) == about["counts"]["tasks"] == corpus.tasks
    assert corpus.simulated
    info = made.dataset_info("x", files)
    assert (corpus.path / "dataset_info.json").exists() == (info is not None)


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_plain_datasets_reads_the_directory(tmp_path: Path, container: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    corpus = export_sft("sample", tmp_path / "out", k=2, format="messages", container=container, shard_rows=300)
    loaded = datasets.load_dataset(str(corpus.path), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == corpus.records > 600
    one = loaded[0]
    assert [m["role"] for m in one["messages"]] == ["user", "assistant"]
    responses = lfb.open_release("sample").table("responses", "train")
    row = responses.to_table(filter=pc.field("query_id") == one["query_id"]).to_pylist()
    name = one["candidate"].removesuffix("_think")
    mode = "think" if one["candidate"].endswith("_think") else "direct"
    assert one["messages"][1]["content"] in [r["response"] for r in row if (r["llm"], r["mode"]) == (name, mode)]


@pytest.mark.parametrize(("kind", "name"), ALL, ids=lambda v: str(v))
def test_plain_datasets_knows_the_columns(tmp_path: Path, kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the first file has nothing in a column: a ground truth has no candidate."""
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    rows = [answer(n, llm, performance=float(llm == "a"), license=(None, "MIT")[n % 2]) for n in range(12) for llm in "ab"]
    options: dict[str, Any] = {"with_labels": True} if kind == "sft" else {}
    release = made_up_release(tmp_path, rows)
    corpus = EXPORTERS[kind](
        release, tmp_path / "out", format=name, container="jsonl", shard_rows=12 if name == "openai" else 1, **options
    )
    table = EXPORTERS[kind](release, tmp_path / "table", format=name, container="parquet", **options)
    loaded = [
        datasets.load_dataset(str(c.path), split="train", cache_dir=str(tmp_path / "cache" / str(i)))
        for i, c in enumerate((corpus, table))
    ]
    assert loaded[0].features == loaded[1].features == datasets.Features.from_arrow_schema(pq.read_schema(table.files[0]))
    assert loaded[0].to_list() == loaded[1].to_list()


def test_the_same_bytes_however_the_texts_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"k": 3, "with_labels": True, "tasks": ["gsm8k", "mbpp", "mmlu"]}
    for container in ("jsonl", "parquet"):
        whole = contents(export_sft("sample", tmp_path / container / "a", container=container, **options).path)
        with monkeypatch.context() as patch:
            patch.setattr(queries, "BATCH_ROWS", 61)  # no multiple of the 40 answers to a query
            again = contents(export_sft("sample", tmp_path / container / "b", container=container, **options).path)
        assert again == whole


@pytest.mark.parametrize("kind", ["sft", "preference", "kto"])
def test_long_prompts_come_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """No array of texts may hold 2 GiB, which long prompts reach soon where every answer to them is taken."""
    options: dict[str, Any] = {"format": "parquet", "tasks": ["gsm8k", "mmlu"]}
    options |= {"k": 40, "with_labels": True} if kind == "sft" else {}
    whole = EXPORTERS[kind]("sample", tmp_path / "a", **options)
    sizes: list[int] = []
    written = ShardWriter.write
    monkeypatch.setattr(ShardWriter, "write", lambda self, rows: (sizes.append(rows.num_rows), written(self, rows))[1])
    monkeypatch.setattr(samples, "_PIECE_BYTES", 2_000)
    monkeypatch.setattr(writer, "_GROUP_BYTES", 20_000)
    pieces = EXPORTERS[kind]("sample", tmp_path / "b", **options)
    assert pq.read_table(pieces.files[0]).equals(pq.read_table(whole.files[0]))
    assert len(sizes) > 5
    assert max(sizes) < whole.records / 5
    assert pq.ParquetFile(pieces.files[0]).num_row_groups > pq.ParquetFile(whole.files[0]).num_row_groups == 1


def test_rows_in_any_order_make_the_same_corpus(tmp_path: Path) -> None:
    rows = [answer(n, llm, performance=p) for n in range(9) for llm, p in (("a", 1.0), ("b", 0.0), ("c", 0.5))]
    release = made_up_release(tmp_path, rows)
    made = [
        export_sft(release, tmp_path / "a"),
        export_preference(release, tmp_path / "b"),
        export_kto(release, tmp_path / "c"),
    ]
    name = "responses/train-00000-of-00001.parquet"
    table = pq.read_table(release.path / name)
    replace_shard(release.path, name, table.take(pa.array(np.random.default_rng(0).permutation(table.num_rows))))
    shuffled = Release(release.path)
    again = [
        export_sft(shuffled, tmp_path / "d"), export_preference(shuffled, tmp_path / "e"), export_kto(shuffled, tmp_path / "f"),
    ]  # fmt: skip
    assert [records(c) for c in again] == [records(c) for c in made]


def test_hostile_texts_are_kept(tmp_path: Path) -> None:
    nasty = 'line\u2028sep \x85 \x1b[31m \x00 \x7f {"a": 1}\r\n</s><|im_end|> 𝒳 \u202e\ufeff' + "x" * 100_000
    prompt = f"{question(0)}\x1b]0;t\x07\u2029| `x` <script>"
    corpus = export_sft(made_up_release(tmp_path, [answer(0, "a", prompt=prompt, response=nasty)]), tmp_path / "out")
    (record,) = records(corpus)
    assert (record["instruction"], record["output"]) == (prompt, nasty)
    data = corpus.files[0].read_bytes()
    assert data.isascii()
    assert data.count(b"\n") == 1
    assert not any(byte in data for byte in (b"\r", b"\x1b", b"\x00"))


def test_text_that_is_not_valid_is_kept_in_escapes() -> None:
    half, stray = b"half \xed\xa0\xbd pair", b"stray \xff byte"
    size = [0, len(half), len(half) + len(stray)]
    offsets = pa.py_buffer(np.array(size, np.int32).tobytes())
    texts = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(half + stray))
    nested = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.StructArray.from_arrays([texts], ["content"]))
    found = [json.loads(line) for line in json_lines(pa.table({"t": texts, "m": nested, "n": [1, None]})).splitlines()]
    assert [row["t"] for row in found] == ["half \ud83d pair", "stray \udcff byte"]
    assert [row["m"][0]["content"] for row in found] == [row["t"] for row in found]
    assert [row["n"] for row in found] == [1, None]


def test_names_cannot_break_the_card(tmp_path: Path) -> None:
    rows = [answer(n, "a|b`<img>", task="# tasks\n| x |") for n in range(3)]
    corpus = export_sft(made_up_release(tmp_path, rows), tmp_path / "out")
    card = (corpus.path / "README.md").read_text("utf-8")
    assert r"| \# tasks \| x \| | 3 |" in card
    assert r"| a\|b\`\<img\> | 3 |" in card
    assert "<img>" not in card


def test_simulated_data_say_so(tmp_path: Path) -> None:
    corpus = export_sft("sample", tmp_path / "out", k=1)
    assert corpus.simulated
    assert corpus.about["counts"]["provenance"] == {"simulated": corpus.records}
    assert "**Simulated data.**" in (corpus.path / "README.md").read_text("utf-8")
    assert {r["provenance"] for r in records(corpus)} == {"simulated"}
    real = export_sft(made_up_release(tmp_path, [answer(0, "a")]), tmp_path / "real")
    assert not real.simulated
    assert "imulated" not in (real.path / "README.md").read_text("utf-8")


def test_reasoning(tmp_path: Path) -> None:
    rows = [
        answer(0, "a", response="<think>\nhm\n</think>\n\n42"),
        answer(1, "a", response="<think>never ends"),
        answer(2, "a", response="plain"),
        answer(3, "a", response="7<think>never ends"),
    ]
    release = made_up_release(tmp_path, rows)
    kept = export_sft(release, tmp_path / "keep")
    assert {r["output"] for r in records(kept)} == {row["response"] for row in rows}
    stripped = export_sft(release, tmp_path / "strip", reasoning="strip")
    assert {r["output"] for r in records(stripped)} == {"42", "plain", "7"}
    assert stripped.dropped == {"queries": {}, "answers": {"only_reasoning": 1}, "records": {}}
    assert check(stripped)["records"] == 3
    assert check(stripped)["reasoning"] == {"how": "strip", "tagged": 2, "unclosed": 1}
    assert check(kept)["reasoning"] == {"how": "keep"}
    card = (stripped.path / "README.md").read_text("utf-8")
    assert "- reasoning: strip (2 texts came with tags, 1 of these cut off in their reasoning)" in card
    with pytest.raises(InputError, match=r"Dropped answers: 1 nothing besides the reasoning. Remedy: use --reasoning keep"):
        export_sft(made_up_release(tmp_path, rows[1:2]), tmp_path / "none", reasoning="strip")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("how", ["strip", "tag"])
def test_what_is_written_is_what_repeats(tmp_path: Path, how: Any) -> None:
    rows = [
        answer(0, "a", response="<think>this</think>42", output_tokens=9, judge="rule", judge_score=0.9),
        answer(0, "b", response="this</think>\n\n42", output_tokens=7, judge="rule", judge_score=0.1),
        answer(0, "c", response="<think>cut off", output_tokens=99, judge="rule", judge_score=1.0),
        answer(0, "d", response="forty-two", output_tokens=1, judge="rule", judge_score=0.5),
    ]
    release = made_up_release(tmp_path, rows)
    corpus = export_sft(release, tmp_path / "sft", k=2, reasoning=how)
    assert [r["candidate"] for r in records(corpus)] == ["a", "d"], "the next ones move up"
    assert corpus.dropped["answers"] == {"only_reasoning": 1, "repeated_answer": 1}
    pair = export_preference(release, tmp_path / "pairs", by="judge", reasoning=how)
    assert [(r["candidate"], r["rejected_candidate"]) for r in records(pair)] == [("a", "d")]


def test_a_truth_that_is_all_reasoning(tmp_path: Path) -> None:
    release = made_up_release(tmp_path, [answer(0, "a", ground_truth="<think>hm"), answer(1, "a")])
    corpus = export_sft(release, tmp_path / "out", setting="baseline", reasoning="strip")
    assert (corpus.records, corpus.dropped["records"]) == (1, {"only_reasoning": 1})
    assert check(corpus)["reasoning"] == {"how": "strip", "tagged": 1, "unclosed": 1, "unanswered": 1}


def test_files_that_openai_would_refuse(tmp_path: Path) -> None:
    release = made_up_release(tmp_path, [answer(i, "a") for i in range(9)])
    with pytest.raises(InputError, match=r"9 examples, expected at least 10\. Remedy"):
        export_sft(release, tmp_path / "out", format="openai")
    assert not (tmp_path / "out").exists()
    enough = made_up_release(tmp_path, [answer(i, "a") for i in range(10)])
    assert export_sft(enough, tmp_path / "out", format="openai").records == 10
    with pytest.raises(InputError, match=r"5 examples, expected at least 10.* Remedy: .* change --shard-rows"):
        export_sft(enough, tmp_path / "small", format="openai", shard_rows=6)
    assert export_sft(enough, tmp_path / "table", format="openai", container="parquet", shard_rows=6).records == 10


def test_no_last_file_is_too_short_for_openai(tmp_path: Path) -> None:
    release = made_up_release(tmp_path, [answer(i, "a") for i in range(23)])
    made = export_sft(release, tmp_path / "out", format="openai", shard_rows=20)
    assert [made.about["files"][str(p.relative_to(made.path))]["rows"] for p in made.files] == [12, 11]
    assert export_sft(release, tmp_path / "large", k=1, shard_rows=10**30).records == 23, "no file is too large to count"


def test_texts_that_were_not_kept(tmp_path: Path) -> None:
    rows = [
        answer(0, "a", response=None, status="ok"),
        answer(0, "b", output_tokens=1),
        answer(1, "a", response="", status="empty"),
    ]
    corpus = export_sft(made_up_release(tmp_path, rows), tmp_path / "out", k=1)
    assert [r["candidate"] for r in records(corpus)] == ["b"], "the next one moves up"
    assert corpus.dropped["answers"] == {"not_ok": 1, "no_text": 1}


def test_tokens_and_licences(tmp_path: Path) -> None:
    rows = [
        answer(0, "a", output_tokens=7, input_tokens=3, tokenizer="cl100k_base"),
        answer(1, "a", output_tokens=None, license=None),
    ]
    about = check(export_sft(made_up_release(tmp_path, rows), tmp_path / "out"))
    assert about["tokens"] == {"input": 3, "output": 7, "uncounted": 1, "tokenizers": ["cl100k_base"]}
    assert about["counts"]["licenses"] == {"MIT": 1, "unknown": 1}
    assert about["unscored"] == {"performance": 0, "judge": 2}


def test_it_says_what_it_was_made_from(tmp_path: Path) -> None:
    release = made_up_release(tmp_path, [answer(0, "a"), answer(1, "b")])
    about = check(export_sft(release, tmp_path / "out", llms=("a",), seed=7, k=2, max_share=1.0))
    assert about["release"]["manifest_sha256"] == sha256(release.path / "manifest.json")
    assert about["release"]["source"] == "table"
    assert about["filters"] == {"llms": ["a"]}
    assert (about["seed"], about["selection"]["k"], about["selection"]["max_share"]) == (7, 2, 1.0)
    assert str(tmp_path) not in "".join(map(str, contents(tmp_path / "out").values()))


class TestWholeOrNotAtAll:
    @pytest.fixture
    def release(self, tmp_path: Path) -> Release:
        return made_up_release(tmp_path, [answer(n, "a") for n in range(5)])

    def test_what_is_there_stays(self, tmp_path: Path, release: Release) -> None:
        out = tmp_path / "out"
        export_sft(release, out, k=1)
        before = contents(out)
        with pytest.raises(
            InputError, match=r"out: a corpus is there already. Remedy: add --overwrite, or choose another --out"
        ):
            export_sft(release, out)
        assert contents(out) == before
        export_kto(release, out, overwrite=True)
        assert contents(out) != before
        other = tmp_path / "other"
        other.mkdir()
        (other / "mine.txt").write_text("x")
        with pytest.raises(InputError, match=r"other: exists and is not a corpus \(it has no corpus.json\)"):
            export_sft(release, other, overwrite=True)
        assert [p.name for p in other.iterdir()] == ["mine.txt"]

    def test_an_empty_directory_and_new_parents(self, tmp_path: Path, release: Release) -> None:
        (tmp_path / "empty").mkdir()
        assert export_sft(release, tmp_path / "empty").records == 5
        assert export_sft(release, tmp_path / "new" / "deep" / "out").records == 5

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_a_failure_leaves_no_trace(
        self, tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch, overwrite: bool
    ) -> None:
        out = tmp_path / "new" / "out"
        if overwrite:
            export_sft(release, out)
        before = contents(tmp_path)

        def broken(*_: object) -> str:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("llmfusionbench.baselines.exporters.corpora.pipeline.corpus_card", broken)
        with pytest.raises(OSError, match="No space left"):
            export_sft(release, out, k=1, overwrite=overwrite)
        assert contents(tmp_path) == before
        assert (tmp_path / "new").exists() == overwrite

    def test_a_place_that_cannot_be(self, tmp_path: Path, release: Release) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(InputError, match=r"cannot write there .*Remedy: choose another --out"):
            export_sft(release, tmp_path / "file" / "out")


def test_a_release_that_changes_while_it_is_read(tmp_path: Path) -> None:
    release = made_up_release(tmp_path, [answer(n, "a") for n in range(5)])

    def change(what: str, done: int, total: int | None) -> None:
        if what == "reading answers":
            name = "responses/train-00000-of-00001.parquet"
            pq.write_table(pq.read_table(release.path / name).slice(0, 3), release.path / name)

    with pytest.raises(ReleaseError, match=r"changed while it was read. Remedy: run it again"):
        export_sft(release, tmp_path / "out", progress=change)
    assert not (tmp_path / "out").exists()


def test_rows_that_no_release_may_hold(tmp_path: Path) -> None:
    release = made_up_release(tmp_path, [answer(n, "a") for n in range(3)])
    name = "responses/train-00000-of-00001.parquet"
    table = pq.read_table(release.path / name)
    replace_shard(release.path, name, pa.concat_tables([table, table.slice(0, 1)]))
    with pytest.raises(
        ReleaseError, match=r"1 responses have a duplicate key \(query_id, llm, mode, replicate\). Remedy: run validate"
    ):
        export_sft(Release(release.path), tmp_path / "out")
    stray = table.set_column(0, "query_id", pa.array(["f" * 24] * 3))
    replace_shard(release.path, name, stray)
    with pytest.raises(ReleaseError, match=r"3 responses are of no query or LLM it has"):
        export_sft(Release(release.path), tmp_path / "out")


def test_the_page_names_the_formats_of_every_trainer() -> None:
    page = (Path(__file__).parents[3] / "docs" / "corpora.md").read_text("utf-8")
    told = {}
    for line in page[page.index("| trainer |") :].splitlines()[2:]:
        if not line.startswith("|"):
            break
        trainer, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        told[trainer] = {kind: set(cell.replace("`", "").split(", ")) - {""} for kind, cell in zip(FORMATS, cells, strict=True)}
    trainers = {reader for formats in FORMATS.values() for f in formats.values() for reader in f.readers}
    assert told == {t: {k: {f.name for f in fs.values() if t in f.readers} for k, fs in FORMATS.items()} for t in trainers}


def test_the_page_has_the_options_of_the_settings() -> None:
    page = (Path(__file__).parents[3] / "docs" / "corpora.md").read_text("utf-8")
    shown = dict(re.findall(r"<!-- options: (\w+) -->\n(.*?)\n<!-- end", page, re.DOTALL))
    settings: dict[str, type] = {"sft": SftSettings, "preference": PreferenceSettings, "kto": KtoSettings}
    assert shown.pop("shared") == options_table(options_of(SftSettings, own=False))
    assert shown == {kind: options_table(options_of(made, own=True)) for kind, made in settings.items()}


def test_every_reason_is_in_the_schema() -> None:
    schema = corpus_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["$defs"]["reasons"]["propertyNames"]["enum"]) == set(REASONS)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    corpus = export_sft("sample", tmp_path / "out", progress=lambda *what: told.append(what))
    assert {what for what, _, _ in told} == {
        "reading numbers", "keeping test queries out", "reading answers", "records written",
    }  # fmt: skip
    assert told[-1] == ("records written", corpus.records, corpus.records)


def test_few_texts_are_held_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples come in pieces no larger than what is read at a time and the rest of a query, however large the corpus."""
    monkeypatch.setattr(queries, "BATCH_ROWS", 80)
    sizes: list[int] = []
    written = ShardWriter.write
    monkeypatch.setattr(ShardWriter, "write", lambda self, rows: (sizes.append(rows.num_rows), written(self, rows))[1])
    corpus = export_sft("sample", tmp_path / "out", k=40, duplicates="keep")
    assert sum(sizes) == corpus.records > 8_000
    assert max(sizes) <= 80 + 40
