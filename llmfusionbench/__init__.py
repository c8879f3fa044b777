"""LLMFusionBench: logs of many LLMs answering the same queries, as one validated, typed dataset."""

from pathlib import Path

# In a checkout `schemas`, `builders` and `baselines` lie beside this package, in an installation inside it.
# Extending the path makes `llmfusionbench.builders` the same module in both.
_root = Path(__file__).resolve().parent.parent
if (_root / "pyproject.toml").is_file() and (_root / "schemas").is_dir():
    __path__.append(str(_root))
