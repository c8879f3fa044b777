"""Collecting: many calls to LLMs behind OpenAI-compatible endpoints, in a journal that no crash loses, within a budget."""
