"""The yes or no that a response commits to."""
