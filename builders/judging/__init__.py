"""Judging: LLMs score the answers of a release, and a report tells how far each judge can be trusted."""
