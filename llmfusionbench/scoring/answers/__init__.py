"""Reading answers: what an LLM's text gives as its choice, number, program or boolean, and what the ground truth means."""
