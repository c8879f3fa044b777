"""Merging releases: the logs of different tools about the same tasks in one table."""
