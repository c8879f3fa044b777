"""Corpora to train LLMs on: supervised fine-tuning, preference pairs, and labelled answers (KTO)."""
