"""Calling an LLM: the chat client, the spending limit, and the journal of paid replies."""
