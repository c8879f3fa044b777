"""Tokens of chat templates and of thoughts that are left in texts, by the families of LLMs that use them."""

from __future__ import annotations

from typing import Final

_SPECIAL: Final = (
    r"<\|(?:im_start|im_end|im_sep|endoftext|end_of_text|begin_of_text|eot_id|eom_id|start_header_id|end_header_id|python_tag"
    r"|end|user|assistant|system|endofprompt|fim_prefix|fim_middle|fim_suffix|EOT|END_OF_TURN_TOKEN|START_OF_TURN_TOKEN"
    r"|USER_TOKEN|CHATBOT_TOKEN|SYSTEM_TOKEN|channel|message|return|constrain|observation|end_of_role|start_of_role)\|>"
)
"""ChatML (Qwen, Yi), Llama 3, Phi, GPT, DeepSeek-Coder, Command R, GPT-OSS, GLM and Granite."""
_DEEPSEEK: Final = "<\uff5c[A-Za-z\u2581]{2,30}\uff5c>"
_TURNS: Final = r"<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|\[/?AVAILABLE_TOOLS\]|" + _DEEPSEEK
"""Gemma, Mistral and Llama 2, DeepSeek."""
_EDGES: Final = r"^\s*(?:<s>|<bos>)|(?:</s>|<eos>|<pad>|<unk>|<EOT>)\s*$"
"""Tokens that are also markup or words of the trade; they count only where a text begins or ends."""

CHAT_TOKENS: Final = f"{_SPECIAL}|{_TURNS}|{_EDGES}"
"""RE2 pattern of the tokens in an answer."""
ROLE_TOKENS: Final = (
    r"<\|(?:im_start|start_header_id|start_of_role|START_OF_TURN_TOKEN)\|>|<\|(?:user|assistant|system)\|>\s*\n?|<start_of_turn>"
    r"|\[INST\]|<<SYS>>|" + "<\uff5c(?:User|Assistant)\uff5c>"
)
"""RE2 pattern of the tokens that open a turn: a prompt with one is the rendering of a template, not what was asked."""
_TAG_NAMES: Final = "think|thinking|thought|thoughts|reasoning|reflection|inner_thoughts|scratchpad|seed:think"
THOUGHT_OPENS: Final = (
    rf"(?i)<(?:{_TAG_NAMES})>|\[THINK\]|<\|begin_of_thought\|>|<\|channel\|>analysis|<\|START_THINKING\|>"
    + "|\u25c1think\u25b7"
)
"""RE2 pattern of the tags before thoughts: DeepSeek, Qwen, QwQ, Claude, Magistral, Sky-T1, GPT-OSS, Command A, Kimi."""
THOUGHT_CLOSES: Final = (
    rf"(?i)</(?:{_TAG_NAMES})>|\[/THINK\]|<\|end_of_thought\|>|<\|channel\|>final|<\|END_THINKING\|>"
    "|\u25c1/think\u25b7"
)
"""RE2 pattern of the tags after them."""
ROLE_START: Final = 120
"""Characters at the start of a prompt in which a template opens its first turn."""
