"""What is publicly known of tasks and LLMs."""
