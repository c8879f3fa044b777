"""Tokens of a chat template in answers: a sign that the stop token was wrong, or that it was not taken off."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from llmfusionbench.auditing.counting import booleans
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.auditing.signs.chat_tokens import CHAT_TOKENS, ROLE_START, ROLE_TOKENS
from llmfusionbench.auditing.signs.columns import heads, matches, matches_repeated


class ChatTokens(RowDetector):
    """Counts answers with tokens of a chat template.

    An answer does not count if its prompt is about such tokens: if it has them elsewhere than where a template begins.
    """

    name = "chat_tokens"
    columns = ("response", "prompt")
    title = "Chat-template tokens in answers"
    remedy = "Set the stop tokens of these LLMs and strip the tokens; token counts, lengths and exact matches include them"
    severity = "medium"
    shown: ClassVar = {"answer": "response"}

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """The answers that contain a token."""
        prompts = batch["prompt"]
        rendered = matches_repeated(heads(prompts, ROLE_START), ROLE_TOKENS)
        about = matches_repeated(prompts, CHAT_TOKENS) & ~rendered
        return Judged(matches(batch["response"], CHAT_TOKENS) & ~about, booleans(batch["response"].is_valid()))

    def what(self) -> str:
        """The number of answers, and the LLM with the highest share."""
        worst = self.tally.places("llm")[0]
        return (
            f"{self.tally.count:,} of {self.tally.total:,} answers contain tokens of a chat template, such as </s>. "
            f"The highest share is that of {worst.name}: {worst.count:,} of {worst.total:,}."
        )
