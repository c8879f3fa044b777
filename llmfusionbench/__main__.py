"""`python -m llmfusionbench` is the command line."""

from llmfusionbench.cli import main

if __name__ == "__main__":
    main()
