"""Symbolic comparison of mathematical answers, in worker processes with a time limit."""
