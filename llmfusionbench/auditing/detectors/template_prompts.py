"""Prompts that are the rendering of a chat template instead of what was asked."""

from __future__ import annotations

import pyarrow as pa

from llmfusionbench.auditing.counting import booleans
from llmfusionbench.auditing.query_detector import QueryDetector
from llmfusionbench.auditing.row_detector import Judged
from llmfusionbench.auditing.signs.chat_tokens import ROLE_START, ROLE_TOKENS
from llmfusionbench.auditing.signs.columns import heads, matches


class TemplatePrompts(QueryDetector):
    """Counts prompts in whose first characters a token opens a turn."""

    name = "template_prompts"
    columns = ("prompt",)
    title = "Prompts with a chat template in them"
    remedy = "Read the messages before the template was applied; else the template of every LLM is applied to another one's"
    severity = "medium"

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """The prompts that open with the token of a role."""
        return Judged(matches(heads(batch["prompt"], ROLE_START), ROLE_TOKENS), booleans(batch["prompt"].is_valid()))

    def what(self) -> str:
        """The number of prompts."""
        return (
            f"{self.tally.count:,} of {self.tally.total:,} prompts open with the token of a role, such as [INST]. "
            f"Such a prompt is not what a user asked, and routers learn the template from it."
        )
