"""The name and version of the tool, written into every manifest."""

from typing import Final

NAME: Final = "llmfusionbench"
__version__ = "0.1.0"
