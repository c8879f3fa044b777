"""The option of a multiple-choice query that a response commits to."""
