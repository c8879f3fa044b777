"""LLaMA-Factory reads what we write: its own loader, converter and tokenisation, in an environment of its own.

It wants older datasets, transformers and TRL than we do. The environment is found by LLMFUSIONBENCH_LLAMA_FACTORY (its Python),
or made once under build/ out of the few packages that reading data takes, with torch, numpy and pandas shared from ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters import export_kto, export_preference, export_sft
from llmfusionbench.baselines.exporters.corpora.formats import FORMATS
from tests.helpers.environments import UNBOUND, InstallationError, install
from tests.helpers.made_up_corpora import ROWS, SAMPLES, write_records
from tests.helpers.tiny_tokenizer import tiny_tokenizer

PROJECT = Path(__file__).parents[4]
VERSION = "0.9.5"
NEEDS = (
    "datasets<=4.0.0",
    "transformers>=4.55,<=5.6.0",
    "accelerate<=1.11.0",
    "peft>=0.18,<=0.18.1",
    "trl<=0.24.0",
    "omegaconf",
)
"""What its loader imports, in the versions that it admits; its web interface, sound and pictures are left out."""
STAGES = {"sft": "sft", "preference": "rm", "kto": "kto"}
CORPORA = {
    f"{kind}_{name}_{shards}": (kind, name, shards)
    for kind, formats in FORMATS.items()
    for name, form in formats.items()
    if "LLaMA-Factory" in form.readers
    for shards in (1, 3)
}

EXPORTS = {
    "exported_sft": partial(export_sft, k=2, format="sharegpt", shard_rows=100),
    "exported_preference": partial(export_preference, format="sharegpt", shard_rows=100),
    "exported_kto": partial(export_kto, format="alpaca", shard_rows=100),
}
"""Whole corpora out of the embedded sample, in several files."""


def clean_environment(**changes: str) -> dict[str, str]:
    """This process's environment, without what would bind another to its packages."""
    return {name: value for name, value in os.environ.items() if name not in UNBOUND} | changes


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of an environment that has LLaMA-Factory."""
    pytest.importorskip("torch")
    if given := os.environ.get("LLMFUSIONBENCH_LLAMA_FACTORY"):
        return Path(given)
    home = PROJECT / "build" / f"llama_factory-{VERSION}-py{sys.version_info.major}.{sys.version_info.minor}"
    python, stamp = home / "bin" / "python", home / ".installed"
    home.parent.mkdir(exist_ok=True)
    with FileLock(f"{home}.lock"):
        if not stamp.is_file():
            make_environment(home)
            stamp.touch()
    return python


def make_environment(home: Path) -> None:
    """Make an environment with LLaMA-Factory's loader in `home`; skips the test, with the reason, if it cannot be installed."""
    python = home / "bin" / "python"
    made = run(sys.executable, "-m", "venv", "--clear", "--without-pip", home)
    if made.returncode:
        pytest.skip(f"no environment for LLaMA-Factory: {made.stderr.strip() or made.stdout.strip()}")
    # Ours lies behind its own packages on its path: what we have and it admits is not installed twice.
    [own] = home.glob("lib/python*/site-packages")
    (own / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    without_torch = home / "overrides.txt"  # uv does not see ours
    without_torch.write_text("torch; sys_platform == 'never'\n")
    try:
        install(python, "--no-deps", f"llamafactory=={VERSION}")
        install(python, *NEEDS, uv_arguments=("--overrides", str(without_torch)))
    except InstallationError as error:
        pytest.skip(f"LLaMA-Factory could not be installed: {error}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every corpus that it is said to read, whole and in three shards, in one folder with one dataset_info.json."""
    folder = tmp_path_factory.mktemp("corpora")
    info: dict[str, Any] = {}
    for corpus, (kind, name, shards) in CORPORA.items():
        files = write_records(FORMATS[kind][name], folder / corpus, shards=shards)
        entry = FORMATS[kind][name].dataset_info(corpus, [f"{corpus}/{file}" for file in files])
        assert entry is not None
        info |= entry
    stages = {corpus: STAGES[kind] for corpus, (kind, _, _) in CORPORA.items()}
    for corpus, export in EXPORTS.items():
        export("sample", folder / corpus)
        [entry] = json.loads((folder / corpus / "dataset_info.json").read_text()).values()
        info[corpus] = entry | {"file_name": f"{corpus}/{entry['file_name']}"}
        stages[corpus] = STAGES[corpus.partition("_")[2]]
    (folder / "dataset_info.json").write_text(json.dumps(info))
    (folder / "stages.json").write_text(json.dumps(stages))
    responses = lfb.open_release("sample").table("responses").to_table(columns=["response"])["response"].drop_null()
    tiny_tokenizer(responses.to_pylist()[::20]).save_pretrained(folder / "tokenizer")
    return folder


@pytest.fixture(scope="module")
def found(python: Path, folder: Path) -> dict[str, Any]:
    """What LLaMA-Factory's loader made of each of them."""
    script = PROJECT / "tests" / "helpers" / "read_with_llama_factory.py"
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "cache"), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = run(python, script, folder, **offline)
    assert done.returncode == 0, done.stderr[-4000:]
    result: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return result


@pytest.mark.parametrize("corpus", CORPORA)
def test_llama_factory_reads(corpus: str, found: dict[str, Any]) -> None:
    kind, _, shards = CORPORA[corpus]
    rows, learned, tags = (found[corpus][part] for part in ("rows", "learned", "tags"))
    assert len(rows) == len(learned) == ROWS
    assert found[corpus]["attributes"]["ranking"] is (kind == "preference")
    samples = SAMPLES[kind].to_pylist()
    if shards > 1:  # it reads the files of a folder in the order in which the system lists them
        rows = sorted(rows, key=json.dumps)
        samples = sorted(samples, key=lambda sample: json.dumps(parsed(kind, sample)))
    assert rows == [parsed(kind, sample) for sample in samples]
    if shards == 1:
        ends = "<|end|>\n" if learned[0][next(iter(learned[0]))].endswith("\n") else "<|end|>"
        for sample, texts in zip(samples, learned, strict=True):
            answers = {"sft": ["response"], "preference": ["chosen", "rejected"], "kto": ["completion"]}[kind]
            columns = {"sft": ["labels"], "preference": ["chosen_labels", "rejected_labels"], "kto": ["labels"]}[kind]
            assert [texts[column] for column in columns] == [sample[answer] + ends for answer in answers]
        assert tags == ([sample["label"] for sample in samples] if kind == "kto" else None)


def parsed(kind: str, sample: dict[str, Any]) -> dict[str, Any]:
    """LLaMA-Factory's own form of a sample: in kto an empty answer stands on the side that is not there."""

    def says(text: str) -> dict[str, str]:
        return {"content": text, "role": "assistant"}

    if kind == "sft":
        response = [says(sample["response"])]
    elif kind == "preference":
        response = [says(sample["chosen"]), says(sample["rejected"])]
    else:
        response = [says(sample["completion"]), says("")]
        response = response if sample["label"] else response[::-1]
    return {"_prompt": [{"content": sample["prompt"], "role": "user"}], "_response": response, "_system": "", "_tools": ""}


@pytest.mark.parametrize("corpus", EXPORTS)
def test_llama_factory_reads_whole_exports(corpus: str, folder: Path, found: dict[str, Any]) -> None:
    """Every record of a corpus as the exporters write it, by the dataset_info.json that lies beside it."""
    files = sorted((folder / corpus / "data").iterdir())
    assert len(files) > 1
    records = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    rows = found[corpus]["rows"]
    assert sorted(turns(row) for row in rows) == sorted(spoken(corpus, record) for record in records)


def turns(row: dict[str, Any]) -> list[str]:
    return [message["content"] for message in row["_prompt"] + row["_response"]]


def spoken(corpus: str, record: dict[str, Any]) -> list[str]:
    if corpus == "exported_sft":
        return [turn["value"] for turn in record["conversations"]]
    if corpus == "exported_preference":
        return [turn["value"] for turn in (*record["conversations"], record["chosen"], record["rejected"])]
    said = [record["output"], ""]
    return [record["instruction"], *(said if record["kto_tag"] else said[::-1])]
