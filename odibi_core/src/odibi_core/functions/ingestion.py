"""The function of an ingestion row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odibi_core.plugin import Frame

__all__ = ["ingest"]


def ingest(df: Frame) -> Frame:
    """Return what was read: reading and saving is all that an ingestion row does.

    Args:
        df: The source, as its reader returned it.

    Example:
        >>> ingest([1, 2])
        [1, 2]
    """
    return df
