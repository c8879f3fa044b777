"""TRL reads what we write: its own checks, its chat templating, and a real training step of every trainer on every format.

The model is random and tiny, the tokenizer is made here; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.baselines.exporters import export_kto, export_preference, export_sft
from llmfusionbench.baselines.exporters.corpora.formats import FORMATS
from tests.helpers.made_up_corpora import ROWS, SAMPLES, write_records
from tests.helpers.tiny_tokenizer import tiny_tokenizer

pytest.importorskip("trl")

READ_BY_TRL = [(kind, name) for kind, formats in FORMATS.items() for name, form in formats.items() if "TRL" in form.readers]


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Caches in a folder of the test, nothing looked up, no progress bars."""
    with pytest.MonkeyPatch.context() as patch:
        import datasets

        cache = tmp_path_factory.mktemp("cache")
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
        patch.setenv("TOKENIZERS_PARALLELISM", "false")
        patch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
        datasets.disable_progress_bars()
        yield
        datasets.enable_progress_bars()


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


def tiny_model(tokenizer: Any) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=1024,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def load(kind: str, name: str, folder: Path) -> Any:
    """The exported files of a format, two shards, as `datasets` reads them."""
    import datasets

    files = write_records(FORMATS[kind][name], folder, shards=2)
    return datasets.load_dataset("json", data_files=[str(folder / file) for file in files], split="train")


def settings(folder: Path) -> dict[str, Any]:
    return {
        "output_dir": str(folder / "out"),
        "max_steps": 1,
        "per_device_train_batch_size": 4,
        "learning_rate": 0.1,
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 1,
        "disable_tqdm": True,
        "max_length": 1024,
        "seed": 0,
    }


def one_step(trainer: Any) -> None:
    """A step of training: a finite loss, and weights that are not what they were."""
    import torch

    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    loss = trainer.train().training_loss
    assert 0 < loss < 100
    changed = [name for name, weight in trainer.model.named_parameters() if not torch.equal(weight, before[name])]
    assert len(changed) == len(before)


def test_trl_is_claimed_for_these() -> None:
    assert READ_BY_TRL == [
        ("sft", "messages"),
        ("sft", "openai"),
        ("sft", "prompt_completion"),
        ("sft", "prompt_completion_chat"),
        ("preference", "trl"),
        ("preference", "trl_chat"),
        ("kto", "trl"),
        ("kto", "trl_chat"),
    ]


@pytest.mark.parametrize(("kind", "name"), READ_BY_TRL)
def test_trl_recognises_the_format(kind: str, name: str, tmp_path: Path, tokenizer: Any) -> None:
    from trl import apply_chat_template, is_conversational

    data = load(kind, name, tmp_path)
    assert data.num_rows == ROWS
    samples = SAMPLES[kind].to_pylist()
    plain = name in ("trl", "prompt_completion")
    for record, sample in zip(data, samples, strict=True):
        assert is_conversational(record) != plain
        templated = record if plain else apply_chat_template(record, tokenizer)
        question = sample["prompt"] + "\n\n" if plain else f"<|user|>{sample['prompt']}<|end|><|assistant|>"
        ends = "" if plain else "<|end|>"
        answers = {"completion": sample.get("response", sample.get("completion"))}
        answers |= {side: sample.get(side) for side in ("chosen", "rejected")}
        if "text" in templated:
            assert templated["text"] == question + answers["completion"] + ends
        else:
            assert templated["prompt"] == question
            sides = ("chosen", "rejected") if kind == "preference" else ("completion",)
            assert [templated[side] for side in sides] == [answers[side] + ends for side in sides]
        if kind == "kto":
            assert templated["label"] is sample["label"]


def test_why_sharegpt_is_not_claimed(tmp_path: Path, tokenizer: Any) -> None:
    """TRL renames its keys, and leaves `human` and `gpt` as roles, which no chat template knows."""
    from trl import apply_chat_template, maybe_convert_to_chatml

    record = maybe_convert_to_chatml(load("sft", "sharegpt", tmp_path)[0])
    assert apply_chat_template(record, tokenizer)["text"].startswith("<|human|>How many legs")


@pytest.mark.parametrize("name", [name for kind, name in READ_BY_TRL if kind == "sft"])
def test_sft_step(name: str, tmp_path: Path, tokenizer: Any) -> None:
    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer(
        model=tiny_model(tokenizer),
        args=SFTConfig(**settings(tmp_path)),
        train_dataset=load("sft", name, tmp_path),
        processing_class=tokenizer,
    )
    assert len(trainer.train_dataset) == ROWS
    for tokens, sample in zip(trainer.train_dataset, SAMPLES["sft"].to_pylist(), strict=True):
        learned = tokenizer.decode([token for token in tokens["labels"] if token != -100])
        question = (
            sample["prompt"] + "\n\n" if name == "prompt_completion" else f"<|user|>{sample['prompt']}<|end|><|assistant|>"
        )
        assert tokenizer.decode(tokens["input_ids"]) == f"{question}{sample['response']}<|end|>"
        # only the completion is learned where it is a column of its own, else all of the text
        assert learned == ("" if name.startswith("prompt_completion") else question) + f"{sample['response']}<|end|>"
    one_step(trainer)


@pytest.mark.parametrize("name", ["trl", "trl_chat"])
def test_dpo_step(name: str, tmp_path: Path, tokenizer: Any) -> None:
    from trl import DPOConfig, DPOTrainer

    trainer = DPOTrainer(
        model=tiny_model(tokenizer),
        ref_model=tiny_model(tokenizer),
        args=DPOConfig(**settings(tmp_path)),
        train_dataset=load("preference", name, tmp_path),
        processing_class=tokenizer,
    )
    for tokens, sample in zip(trainer.train_dataset, SAMPLES["preference"].to_pylist(), strict=True):
        assert tokenizer.decode(tokens["chosen_ids"]) == sample["chosen"] + "<|end|>"
        assert tokenizer.decode(tokens["rejected_ids"]) == sample["rejected"] + "<|end|>"
        assert sample["prompt"] in tokenizer.decode(tokens["prompt_ids"])
    one_step(trainer)


@pytest.mark.parametrize("name", ["trl", "trl_chat"])
def test_kto_step(name: str, tmp_path: Path, tokenizer: Any) -> None:
    from trl import KTOConfig, KTOTrainer

    trainer = KTOTrainer(
        model=tiny_model(tokenizer),
        ref_model=tiny_model(tokenizer),
        args=KTOConfig(**settings(tmp_path)),
        train_dataset=load("kto", name, tmp_path),
        processing_class=tokenizer,
    )
    assert [row["label"] for row in trainer.train_dataset] == SAMPLES["kto"]["label"].to_pylist()
    one_step(trainer)


@pytest.mark.parametrize("kind", FORMATS)
def test_step_on_a_whole_export(kind: str, tmp_path: Path, tokenizer: Any) -> None:
    """What the exporters write of the embedded sample, read as `datasets` reads a folder of shards, and trained on."""
    import datasets
    import trl

    corpora = {
        "sft": lambda out: export_sft("sample", out, k=2, format="messages", shard_rows=100),
        "preference": lambda out: export_preference("sample", out, format="trl_chat", shard_rows=100),
        "kto": lambda out: export_kto("sample", out, format="trl_chat", shard_rows=100),
    }
    corpus = corpora[kind](tmp_path / "corpus")
    data = datasets.load_dataset("json", data_files=str(corpus.path / "data" / "*.jsonl"), split="train")
    assert data.num_rows == corpus.records > 100
    trainer, config = {
        "sft": (trl.SFTTrainer, trl.SFTConfig),
        "preference": (trl.DPOTrainer, trl.DPOConfig),
        "kto": (trl.KTOTrainer, trl.KTOConfig),
    }[kind]
    reference = {} if kind == "sft" else {"ref_model": tiny_model(tokenizer)}
    one_step(
        trainer(
            model=tiny_model(tokenizer),
            args=config(**settings(tmp_path)),
            train_dataset=data.select(range(0, 96, 6)),
            processing_class=tokenizer,
            **reference,
        )
    )
