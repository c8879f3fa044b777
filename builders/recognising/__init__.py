"""Which format logs are of, told by the names and the first records of files, for `llmfusionbench build auto`."""

from llmfusionbench.builders.recognising.recognition import AUTO, Recognition, recognise

__all__ = ["AUTO", "Recognition", "recognise"]
