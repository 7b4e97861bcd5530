"""Where Java is, as Spark's own scripts look for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["find_java"]


def find_java() -> Path | None:
    """Return the ``java`` that Spark would start: ``JAVA_HOME`` first, then the search path; None if there is none."""
    home = os.environ.get("JAVA_HOME")
    if home:
        java = Path(home) / "bin" / ("java.exe" if os.name == "nt" else "java")
        return java if java.is_file() else None
    found = shutil.which("java")
    return Path(found) if found else None
