"""A folder of text files that appears whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_folder"]


def write_folder(target: Path, *, files: Mapping[str, str]) -> None:
    """Write files beside a folder and move them there together; into a folder that exists one by one.

    Args:
        target: The folder. Its parents are made if missing.
        files: The text of each file, by its path in the folder.

    Raises:
        OSError: It cannot be written; nothing of a new folder is there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_folder(Path(folder, "new"), files={"docs/a.md": "# A"})
        ...     Path(folder, "new/docs/a.md").read_text()
        '# A'
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
    draft.mkdir()
    try:
        for name, text in files.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        if not target.exists():
            draft.rename(target)
            return
        for name in files:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(draft / name, target / name)  # noqa: PTH105 - Path.replace on 3.11 is this call
    finally:
        shutil.rmtree(draft, ignore_errors=True)
