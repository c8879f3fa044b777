"""The part of the sandbox that runs inside it. Imports only itself and the standard library.

It is started as the top-level package `guest` by an interpreter that cannot see the project, so its imports are relative.
"""
