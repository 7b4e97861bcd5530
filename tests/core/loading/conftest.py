"""Fake installed distributions: real folders on the path, with metadata, entry points and modules."""

from __future__ import annotations

import importlib.metadata
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from odibi_core.errors import PluginContractError
from odibi_core.loading import PluginManager, PluginRecord, PluginSettings, clear_manager_cache
from odibi_core.plugin import ENTRY_POINT_GROUP
from odibi_core.testing.fake_distributions import FakeDistributions

INSTALLED = frozenset(
    entry.dist.name for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP) if entry.dist is not None
)
"""The distributions of this checkout that provide plugins."""


class DistributionFolder(FakeDistributions):
    """The kit's own folder of distributions, in front of the path from the start."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        monkeypatch.syspath_prepend(str(folder))

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
