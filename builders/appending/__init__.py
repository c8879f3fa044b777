"""Appending: the next version of a release, with the rows of another one."""
