"""Fake installed distributions: real folders on the path, with metadata, entry points and modules."""

from __future__ import annotations

import base64
import hashlib
import importlib
import importlib.metadata
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from odibi_core.errors import PluginContractError
from odibi_core.loading import PluginManager, PluginRecord, PluginSettings, clear_manager_cache
from odibi_core.plugin import ENTRY_POINT_GROUP

INSTALLED = frozenset(
    entry.dist.name for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP) if entry.dist is not None
)
"""The distributions of this checkout that provide plugins."""


class DistributionFolder:
    """A folder like site-packages, in front of the path, into which a test installs distributions.

    `python` runs code in a process of its own that sees the same distributions.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.syspath_prepend(str(folder))

    def __call__(
        self,
        name: str,
        *,
        version: str = "1.0",
        plugins: Mapping[str, str] | None = None,
        modules: Mapping[str, str] | None = None,
        requires: Sequence[str] = ("odibi-core>=0.1,<1",),
        metadata: str | None = None,
        entry_points: bytes | None = None,
    ) -> Path:
        """Install a distribution.

        Args:
            name: Its name.
            version: Its version.
            plugins: Entry points of the group ``odibi.plugins``: name to value.
            modules: Files to source text: ``{"acme/plugin.py": "..."}``; a missing ``__init__.py`` is written too.
            requires: Its requirements.
            metadata: The whole METADATA file, instead of one made from the above.
            entry_points: The whole entry_points.txt.

        Returns:
            Its ``.dist-info`` folder.
        """
        files: dict[str, bytes] = {}
        for path, source in (modules or {}).items():
            files[path] = textwrap.dedent(source).encode()
            for parent in list(Path(path).parents)[:-1]:
                files.setdefault(f"{parent.as_posix()}/__init__.py", b"")
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        text = "\n".join([*lines, "", f"# {name}\n\nVersion: of the description\n"]) if metadata is None else metadata
        files[f"{info}/METADATA"] = text.encode()
        if entry_points is None:
            listed = "\n".join(f"{entry} = {value}" for entry, value in (plugins or {}).items())
            entry_points = f"[odibi.plugins]\n{listed}\n".encode()
        files[f"{info}/entry_points.txt"] = entry_points
        record = []
        for path, content in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if not (path.endswith("__init__.py") and target.exists() and not content):
                target.write_bytes(content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(content)}")
        (self.folder / info / "RECORD").write_text("\n".join([*record, f"{info}/RECORD,,"]) + "\n")
        importlib.invalidate_caches()
        return self.folder / info

    def plugin(self, name: str, source: str, *, version: str = "1.0", requires: Sequence[str] = ()) -> str:
        """Install the distribution ``acme-<name>`` with one plugin called ``<name>``, and return its module."""
        package = f"acme_{name.replace('-', '_')}"
        header = "from odibi_core.plugin import *\nfrom odibi_core.plugin import hookimpl\n"
        self(
            f"acme-{name}",
            version=version,
            plugins={name: f"{package}.plugin"},
            modules={f"{package}/plugin.py": header + textwrap.dedent(source)},
            requires=["odibi-core>=0.1,<1", *requires],
        )
        return f"{package}.plugin"

    def python(self, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run code in a new process that sees the distributions, with more environment variables."""
        variables = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", **environment}
        command = [sys.executable, "-c", textwrap.dedent(code)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=variables)

    def forget_modules(self) -> None:
        """Take the installed modules out of `sys.modules`, and nothing that only has a name of theirs."""
        for name, module in list(sys.modules.items()):
            places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
            if any(place is not None and Path(place).is_relative_to(self.folder) for place in places):
                del sys.modules[name]


@pytest.fixture
def install_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DistributionFolder]:
    """A folder of fake installed distributions, seen by this process until the test ends."""
    folder = DistributionFolder(tmp_path / "site", monkeypatch)
    yield folder
    folder.forget_modules()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in ("ODIBI_PLUGINS_DISABLE", "ODIBI_PLUGINS_ONLY", "ODIBI_PLUGINS_STRICT", "ODIBI_TRACE_HOOKS"):
        monkeypatch.delenv(variable, raising=False)
    clear_manager_cache()
    yield
    clear_manager_cache()


@pytest.fixture
def manager() -> PluginManager:
    """A manager that never looks at what is installed."""
    return PluginManager(PluginSettings(discover=False))


@pytest.fixture
def plugin_of() -> Callable[..., SimpleNamespace]:
    """Make a plugin of functions, under their own names or under those that are given."""

    def make(*functions: Callable[..., object], **named: object) -> SimpleNamespace:
        return SimpleNamespace(**{function.__name__: function for function in functions}, **named)

    return make


@pytest.fixture
def refusal(manager: PluginManager) -> Callable[[object], str]:
    """Register a plugin that must be refused, and return what is said."""

    def refuse(plugin: object) -> str:
        with pytest.raises(PluginContractError, match="plugin 'acme'") as caught:
            manager.register(plugin, name="acme")
        assert manager.records == ()
        return str(caught.value)

    return refuse


Discovery = Callable[..., PluginManager]


@pytest.fixture
def discover() -> Discovery:
    """Discover with settings; what this checkout has installed is disabled, so that only the test's plugins load."""

    def run(**settings: object) -> PluginManager:
        disable = {*INSTALLED, *settings.pop("disable", ())}  # type: ignore[misc]
        return PluginManager(PluginSettings(disable=frozenset(disable), **settings)).discover()  # type: ignore[arg-type]

    return run


@pytest.fixture
def record_of() -> Callable[[PluginManager, str], PluginRecord]:
    """Return the one record of a plugin, by its name."""

    def find(manager: PluginManager, name: str) -> PluginRecord:
        (record,) = [record for record in manager.records if record.name == name]
        return record

    return find
