"""The half of the sandbox that runs inside it: imports the standard library and itself, nothing else.

It is started as the top-level package `guest` by an interpreter that sees none of the project, so imports here are relative.
"""
