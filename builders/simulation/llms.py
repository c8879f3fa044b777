"""The twenty simulated LLMs: prices, sizes, and how often each is right on each task.

Nine columns are the figures published for the real LLMs; the other eleven, the tasks without figures and the think mode
follow from them by the rules in `skill_table`. Names and prices are those of the reference logs; everything said by these
stand-ins is made up.
"""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from llmfusionbench.builders.known.tasks import DOMAINS


@dataclass(frozen=True, slots=True)
class SimulatedLlm:
    """A stand-in for an LLM of the reference logs."""

    name: str
    family: str
    parameters_b: float
    scale: str
    input_price: float
    """USD per 1M tokens."""
    output_price: float
    manner: str
    """How it writes: `terse`, `plain`, `markdown`, `latex`, `json` or `thinker`."""
    talk: float
    """Length of its replies relative to the others."""

    @property
    def description(self) -> str:
        """A sentence for the `llm_description` column."""
        return (
            f"Simulated stand-in for {self.name} ({self.family}, {self.parameters_b:g}B parameters): no text of the real model, only its "
            f"prices (USD {self.input_price:g} in, {self.output_price:g} out per 1M tokens) and its share of right answers per task."
        )


# Fixed order: the order of the candidates in every simulated log.
_ROWS = (
    ("qwen2-7b-instruct", "qwen", 7, "small", 0.20, 0.20, "plain", 0.9), ("qwen2.5-7b-instruct", "qwen", 7, "small", 0.20, 0.20, "latex", 1.1),
    ("gemma-7b", "gemma", 7, "small", 0.20, 0.20, "terse", 0.7), ("codegemma-7b", "gemma", 7, "small", 0.20, 0.20, "markdown", 0.8),
    ("gemma-2-9b-it", "gemma", 9, "small", 0.10, 0.10, "markdown", 0.9), ("llama-3.1-8b-instruct", "llama", 8, "small", 0.20, 0.20, "plain", 1.0),
    ("granite-3.0-8b-instruct", "granite", 8, "small", 0.20, 0.20, "json", 0.8), ("llama3-chatqa-1.5-8b", "chatqa", 8, "small", 0.20, 0.20, "terse", 0.5),
    ("mistral-nemo-12b-instruct", "mistral", 12, "small", 0.30, 0.30, "plain", 0.9), ("mistral-7b-instruct-v0.3", "mistral", 7, "small", 0.20, 0.20, "plain", 1.0),
    ("llama-3.3-nemotron-super-49b-v1", "nemotron", 49, "medium", 0.90, 0.90, "latex", 1.5),
    ("llama-3.1-nemotron-51b-instruct", "nemotron", 51, "medium", 0.90, 0.90, "markdown", 1.2),
    ("llama3-chatqa-1.5-70b", "chatqa", 70, "medium", 0.90, 0.90, "terse", 0.5), ("llama-3.1-70b-instruct", "llama", 70, "medium", 0.90, 0.90, "markdown", 1.1),
    ("llama3-70b-instruct", "llama", 70, "medium", 0.90, 0.90, "plain", 1.0), ("granite-34b-code-instruct", "granite", 34, "medium", 0.80, 0.80, "json", 0.8),
    ("mixtral-8x7b-instruct-v0.1", "mistral", 56, "medium", 0.60, 0.60, "plain", 1.0), ("deepseek-r1", "deepseek", 671, "large", 0.55, 2.19, "thinker", 2.3),
    ("mixtral-8x22b-instruct-v0.1", "mistral", 176, "large", 1.20, 1.20, "latex", 1.1), ("palmyra-creative-122b", "palmyra", 122, "large", 1.80, 1.80, "markdown", 1.3),
)  # fmt: skip
LLMS: tuple[SimulatedLlm, ...] = tuple(SimulatedLlm(*row) for row in _ROWS)

CHATQA_8B, QWEN_7B, CHATQA_70B, NEMOTRON_51B = (
    "llama3-chatqa-1.5-8b",
    "qwen2.5-7b-instruct",
    "llama3-chatqa-1.5-70b",
    "llama-3.1-nemotron-51b-instruct",
)
MISTRAL_7B, GEMMA_9B, LLAMA_8B = "mistral-7b-instruct-v0.3", "gemma-2-9b-it", "llama-3.1-8b-instruct"
CODEGEMMA_7B, SUPER_49B = "codegemma-7b", "llama-3.3-nemotron-super-49b-v1"
MEASURED = (CHATQA_8B, QWEN_7B, CHATQA_70B, NEMOTRON_51B, MISTRAL_7B, GEMMA_9B, LLAMA_8B, CODEGEMMA_7B, SUPER_49B)

# Published accuracy of the nine, direct mode, 500 queries per task; columns in the order of MEASURED.
PUBLISHED: Mapping[str, tuple[float, ...]] = {
    "arc_challenge": (0.234, 0.858, 0.018, 0.884, 0.742, 0.682, 0.752, 0.518, 0.714),
    "commonsense_qa": (0.242, 0.856, 0.012, 0.796, 0.672, 0.744, 0.734, 0.390, 0.566),
    "gpqa": (0.000, 0.056, 0.002, 0.246, 0.150, 0.183, 0.132, 0.047, 0.080),
    "gsm8k": (0.164, 0.828, 0.474, 0.870, 0.432, 0.834, 0.858, 0.570, 0.858),
    "human_eval": (0.201, 0.683, 0.287, 0.604, 0.073, 0.098, 0.543, 0.445, 0.604),
    "math": (0.026, 0.306, 0.030, 0.337, 0.050, 0.188, 0.349, 0.143, 0.565),
    "mbpp": (0.247, 0.703, 0.590, 0.753, 0.060, 0.584, 0.637, 0.568, 0.771),
    "mmlu": (0.000, 0.162, 0.002, 0.872, 0.451, 0.826, 0.706, 0.164, 0.840),
    "natural_qa": (0.358, 0.348, 0.450, 0.372, 0.414, 0.398, 0.458, 0.192, 0.472),
    "openbook_qa": (0.276, 0.816, 0.032, 0.864, 0.688, 0.770, 0.736, 0.446, 0.680),
    "trivia_qa": (0.180, 0.152, 0.224, 0.184, 0.198, 0.194, 0.186, 0.094, 0.210),
}

# The other eleven: weights of measured LLMs of the same line and size, and a shift in log-odds; per-domain shifts for specialities.
_BLENDS: Mapping[str, tuple[Mapping[str, float], float, Mapping[str, float]]] = {
    "qwen2-7b-instruct": ({QWEN_7B: 0.7, MISTRAL_7B: 0.3}, -0.1, {}),
    "gemma-7b": ({CODEGEMMA_7B: 0.6, GEMMA_9B: 0.4}, -0.3, {"code": -0.4}),
    "granite-3.0-8b-instruct": ({LLAMA_8B: 0.7, CODEGEMMA_7B: 0.3}, -0.1, {"code": 0.2}),
    "mistral-nemo-12b-instruct": ({MISTRAL_7B: 0.5, LLAMA_8B: 0.5}, 0.2, {}),
    "llama-3.1-70b-instruct": ({NEMOTRON_51B: 0.8, SUPER_49B: 0.2}, 0.1, {}),
    "llama3-70b-instruct": ({NEMOTRON_51B: 0.7, LLAMA_8B: 0.3}, 0.0, {"math": -0.2}),
    "granite-34b-code-instruct": ({CODEGEMMA_7B: 0.6, NEMOTRON_51B: 0.4}, -0.2, {"code": 0.8}),
    "mixtral-8x7b-instruct-v0.1": ({MISTRAL_7B: 0.5, NEMOTRON_51B: 0.5}, -0.1, {"world_knowledge": 0.2}),
    "deepseek-r1": ({NEMOTRON_51B: 0.5, SUPER_49B: 0.5}, 0.6, {"math": 0.6, "code": 0.4, "popular": 0.3}),
    "mixtral-8x22b-instruct-v0.1": ({MISTRAL_7B: 0.2, NEMOTRON_51B: 0.8}, 0.0, {"world_knowledge": 0.2}),
    "palmyra-creative-122b": ({NEMOTRON_51B: 0.6, LLAMA_8B: 0.4}, -0.1, {"math": -0.4, "code": -0.6}),
}

# What a request to think step by step changes, in log-odds: a help in mathematics, no help where the reply has to be short.
THINK_SHIFT: Mapping[str, float] = {
    "math": 0.35, "code": -0.1, "commonsense": 0.05, "world_knowledge": -0.1, "reading": -0.15, "popular": 0.2,
}  # fmt: skip
_FLOOR, _CEILING = 0.002, 0.985


def _logit(p: float) -> float:
    p = min(_CEILING, max(_FLOOR, p))
    return math.log(p / (1 - p))


def _share(log_odds: float) -> float:
    return min(_CEILING, max(_FLOOR, 1 / (1 + math.exp(-log_odds))))


@functools.cache
def skill_table() -> dict[tuple[str, str, str], float]:
    """Expected performance by (task, llm, mode).

    - Measured LLM and task: the published figure.
    - Other LLM: the weighted mean of its relatives' log-odds, plus its shifts.
    - hellaswag: the mean log-odds of the three other commonsense tasks, less 0.2.
    - squad and boolq: 0.72 (0.70) plus 0.03 (0.035) for each doubling beyond 7B, at most 0.90; ChatQA, made for reading, gains
      0.06 on squad, code LLMs lose 0.10 on both.
    - think: the direct figure shifted by THINK_SHIFT in log-odds.
    """
    table: dict[tuple[str, str, str], float] = {}
    for llm in LLMS:
        for task, domain in DOMAINS.items():
            direct = _direct(llm, task)
            table[task, llm.name, "direct"] = direct
            table[task, llm.name, "think"] = _share(_logit(direct) + THINK_SHIFT[domain])
    return table


def _direct(llm: SimulatedLlm, task: str) -> float:
    if task in ("squad", "boolq"):
        base, growth = (0.72, 0.03) if task == "squad" else (0.70, 0.035)
        bonus = 0.06 if task == "squad" and llm.family == "chatqa" else 0.0
        malus = 0.10 if "code" in llm.name else 0.0
        return min(0.90, base + growth * math.log2(llm.parameters_b / 7)) + bonus - malus
    if task == "hellaswag":
        near = [_logit(_direct(llm, other)) for other in ("commonsense_qa", "arc_challenge", "openbook_qa")]
        return _share(sum(near) / len(near) - 0.2)
    if llm.name in MEASURED:
        return min(_CEILING, max(_FLOOR, PUBLISHED[task][MEASURED.index(llm.name)]))
    weights, shift, special = _BLENDS[llm.name]
    blend = sum(weight * _logit(PUBLISHED[task][MEASURED.index(name)]) for name, weight in weights.items())
    return _share(blend + shift + special.get(DOMAINS[task], 0.0))
