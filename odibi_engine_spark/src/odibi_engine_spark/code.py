"""The project's Python modules, for executors: functions that are called there are looked up by their module's name."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odibi_engine_spark.flavours import Flavour

__all__ = ["pack_code", "ship_code"]

_NOT_CODE = frozenset({"__pycache__", "data", "dist", "build", "node_modules", "site-packages", "tests", "venv"})
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack_code(project_root: Path) -> Path | None:
    """Zip the Python modules of a project; None if it has none.

    The name says what is in it, so that what has not changed is not written, and not sent, again.

    Args:
        project_root: The project's folder.

    Returns:
        A file below the project's ``.odibi``.
    """
    files = sorted(_modules(project_root))
    if not files:
        return None
    contents = [(file.relative_to(project_root).as_posix(), file.read_bytes()) for file in files]
    digest = hashlib.sha256()
    for name, content in contents:
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    archive = project_root / ".odibi" / "tmp" / f"code-{digest.hexdigest()[:16]}.zip"
    if not archive.is_file():
        archive.parent.mkdir(parents=True, exist_ok=True)
        partial = archive.with_suffix(f".{os.getpid()}-{threading.get_ident()}.partial")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in contents:
                file.writestr(zipfile.ZipInfo(name, _EPOCH), content)
        partial.replace(archive)
    return archive


def ship_code(archive: Path, *, flavour: Flavour) -> None:
    """Send a zip of modules to where Python functions run: the executors, or a Spark Connect server's.

    Sail runs Python functions in this process, where the modules are.

    Args:
        archive: The zip.
        flavour: The session.
    """
    if flavour.kind == "sail":
        return
    before = list(sys.path)
    if flavour.kind == "connect":
        flavour.session.addArtifacts(str(archive), pyfile=True)
    else:
        flavour.session.sparkContext.addPyFile(str(archive))
    # Both also put the zip on this process' path, where the project's own folder is the one to import from.
    sys.path[:] = [entry for entry in sys.path if entry in before or not entry.endswith(archive.name)]


def _modules(root: Path) -> Iterator[Path]:
    for entry in root.iterdir():
        if entry.name.startswith((".", "_pycache")) or entry.name in _NOT_CODE:
            continue
        if entry.is_dir() and entry.name.isidentifier() and not (entry / "pyvenv.cfg").exists():
            yield from _modules(entry)
        elif entry.suffix == ".py" and entry.stem.isidentifier():
            yield entry
