"""Polars, which reads and writes Parquet, if it is installed. Everything else goes without."""

from __future__ import annotations

from typing import Any

from model.errors import ManifestError


def polars() -> Any:
    """The library.

    Raises:
        ManifestError: if it is not installed.
    """
    try:
        import polars as library
    except ImportError:
        raise ManifestError(
            "Parquet needs polars, which is not installed: pip install 'bifocal[score]'. CSV and JSON Lines do without "
            "it."
        ) from None
    return library
