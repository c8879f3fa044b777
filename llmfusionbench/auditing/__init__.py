"""Finds what is wrong with a log before anyone trains or routes on it."""
