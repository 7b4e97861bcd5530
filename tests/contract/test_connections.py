"""The kernel's own connections keep the contract of connections."""

from __future__ import annotations

import pytest

from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.testing import ConnectionContract


class KernelConnection(ConnectionContract):
    """The kernel's plugin is in every manager, and is not to be registered a second time."""

    plugin = "odibi_core.loading.builtin"

    @pytest.fixture
    def manager(self):
        return PluginManager(PluginSettings(discover=False)).freeze()


class TestLocal(KernelConnection):
    connection = "local"
    options = {"path": "lake"}


class TestLocalAtTheRoot(KernelConnection):
    connection = "local"
    options = {"path": "/"}


class TestPackage(KernelConnection):
    connection = "package"
    options = {"package": "odibi_core", "path": "plugin"}
