"""Where tables go that a catalog of this machine manages."""

from __future__ import annotations

from pathlib import Path

__all__ = ["warehouse_of"]


def warehouse_of(project_root: Path) -> tuple[str, str]:
    """Return the setting, and the folder of a project for it; Spark's own is wherever the process was started.

    Args:
        project_root: The project's folder.

    Example:
        >>> warehouse_of(Path("/projects/flights"))
        ('spark.sql.warehouse.dir', '/projects/flights/spark-warehouse')
    """
    return "spark.sql.warehouse.dir", str(project_root.absolute() / "spark-warehouse")
