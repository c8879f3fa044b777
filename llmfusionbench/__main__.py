"""`python -m llmfusionbench` runs the command line."""

from llmfusionbench.cli import main

if __name__ == "__main__":
    main()
