"""Installed distributions that are not installed: real folders with metadata, entry points and modules."""

from __future__ import annotations

import base64
import hashlib
import importlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from odibi_core.loading import clear_manager_cache
from odibi_core.plugin import ENTRY_POINT_GROUP

__all__ = ["FakeDistributions"]

_KERNEL: Final = ("odibi-core>=0.1,<1",)


class FakeDistributions:
    """A folder like site-packages, into which a test installs distributions.

    It is seen by this process once the folder is on ``sys.path``, which the fixture `fake_distribution` takes care of,
    and by processes that `python` starts.

    Args:
        folder: The folder; it is made if it is missing.

    Example:
        >>> import tempfile
        >>> install = FakeDistributions(Path(tempfile.mkdtemp()))
        >>> source = "from odibi_core.plugin import hookimpl"
        >>> info = install("acme-odd", plugins={"odd": "acme_odd.plugin"}, modules={"acme_odd/plugin.py": source})
        >>> info.name
        'acme_odd-1.0.dist-info'
        >>> done = install.python("from odibi_core import list_plugins; print([p['name'] for p in list_plugins()])")
        >>> "'odd'" in done.stdout
        True
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(
        self,
        name: str,
        *,
        version: str = "1.0",
        plugins: Mapping[str, str] | None = None,
        modules: Mapping[str, str] | None = None,
        requires: Sequence[str] = _KERNEL,
        metadata: str | None = None,
        entry_points: bytes | None = None,
    ) -> Path:
        """Install a distribution. What asked for a manager before does not see it: see `clear_manager_cache`.

        Args:
            name: Its name.
            version: Its version.
            plugins: Entry points of the group ``odibi.plugins``: name to module.
            modules: Files to source text: ``{"acme/plugin.py": "..."}``; a missing ``__init__.py`` is written too.
            requires: Its requirements.
            metadata: The whole METADATA file, instead of one made from the above.
            entry_points: The whole entry_points.txt, such as one with other groups, or a torn one.

        Returns:
            Its ``.dist-info`` folder.
        """
        files = _sources(modules or {})
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        if metadata is None:
            lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
            lines += [f"Requires-Dist: {requirement}" for requirement in requires]
            metadata = "\n".join([*lines, "", f"# {name}\n\nVersion: of the description\n"])
        if entry_points is None:
            listed = "\n".join(f"{entry} = {value}" for entry, value in (plugins or {}).items())
            entry_points = f"[{ENTRY_POINT_GROUP}]\n{listed}\n".encode()
        files[f"{info}/METADATA"] = metadata.encode()
        files[f"{info}/entry_points.txt"] = entry_points
        record = []
        for path, content in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if not (path.endswith("__init__.py") and target.exists() and not content):
                target.write_bytes(content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(content)}")
        (self.folder / info / "RECORD").write_text("\n".join([*record, f"{info}/RECORD,,"]) + "\n", encoding="utf-8")
        importlib.invalidate_caches()
        return self.folder / info

    def python(self, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run code in a new process that sees the distributions.

        Args:
            code: Source text, which may be indented.
            **environment: More environment variables.
        """
        variables = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", **environment}
        command = [sys.executable, "-c", textwrap.dedent(code)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=variables)  # noqa: S603 - the test's own code

    def forget_modules(self) -> None:
        """Take the modules of the folder out of `sys.modules`, and nothing that only has a name of theirs."""
        for name, module in list(sys.modules.items()):
            places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
            if any(place is not None and Path(place).is_relative_to(self.folder) for place in places):
                del sys.modules[name]
        clear_manager_cache()


def _sources(modules: Mapping[str, str]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for path, source in modules.items():
        files[path] = textwrap.dedent(source).encode()
        for parent in list(Path(path).parents)[:-1]:
            files.setdefault(f"{parent.as_posix()}/__init__.py", b"")
    return files
