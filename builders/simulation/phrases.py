"""The sentences that simulated replies are put together from, by their place in a reply."""

from __future__ import annotations

from llmfusionbench.builders.simulation.stock import stock

_STOCK = stock("phrases")

OPENINGS: list[str] = _STOCK["openings"]
PLANS: dict[str, list[str]] = _STOCK["plans"]
FILLERS: dict[str, list[str]] = _STOCK["fillers"]
MUSINGS: list[str] = _STOCK["musings"]
CHECKS: dict[str, list[str]] = _STOCK["checks"]
OPTION_REMARKS: list[str] = _STOCK["option_remarks"]
OPTION_PRAISE: list[str] = _STOCK["option_praise"]
RESTATE: list[str] = _STOCK["restate"]
STEP_HEADS: list[str] = _STOCK["step_heads"]
WRONG_TURNS: list[str] = _STOCK["wrong_turns"]
WRONG_REASONS: list[str] = _STOCK["wrong_reasons"]
WRONG_MEMORIES: list[str] = _STOCK["wrong_memories"]
REFUSALS: list[str] = _STOCK["refusals"]
NON_ANSWERS: list[str] = _STOCK["non_answers"]
RAMBLES: list[str] = _STOCK["rambles"]
GOODBYES: list[str] = _STOCK["goodbyes"]
