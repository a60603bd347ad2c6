"""A contract guessed from a table, with the reasons of each guess. Its modules import Polars at their top, so it is imported only
inside functions."""

from shipway.core.inference.guess import Guess, each, infer

__all__ = ["Guess", "each", "infer"]
