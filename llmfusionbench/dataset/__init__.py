"""What `datasets.load_dataset("llmfusionbench")` loads, and how `datasets` finds it."""
