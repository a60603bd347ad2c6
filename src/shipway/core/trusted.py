"""Saving and loading fitted pipelines with skops, against a fixed and reviewed list of types.

Nothing that executes code is ever unpickled. The list is never computed from the file itself.
"""
