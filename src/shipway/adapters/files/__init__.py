"""CSV and Parquet files as a source: CSV cells as the texts that they are, Parquet columns in their types."""

from shipway.adapters.files.source import FilesSource

__all__ = ["FilesSource"]
