"""Asking an LLM with retrieved templates in its prompt, and measuring what they bring."""
