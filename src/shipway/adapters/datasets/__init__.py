"""Named public tables: the data that the case studies come with."""

from shipway.adapters.datasets.source import DatasetSource

__all__ = ["DatasetSource"]
