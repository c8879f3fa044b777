"""Loads a tokenizer when it is imported, for the processes that are forked from one which has done so."""

from llmfusionbench.texts.tokens import encoding

ENCODING = encoding("cl100k_base")
