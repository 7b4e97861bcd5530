"""Projects whose rows come from a store, as from a table of a database."""

from __future__ import annotations

import sys
import types

import pytest

from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import ConfigStoreSpec, hookimpl


@pytest.fixture
def manager_with_rows(rows_engine, monkeypatch):
    """Return the engines ``rows`` and ``rows2``, and a config store that has these transformation rows."""

    def make(*rows, ingestion=()):
        class Store:
            def read_transformations(self, project, env):
                return rows

            def read_ingestion(self, project, env):
                return ingestion

        @hookimpl
        def odibi_register_config_stores():
            yield ConfigStoreSpec(name="table", factory="rows_store:Store")

        plugin = types.ModuleType("rows_store")
        plugin.Store, plugin.odibi_register_config_stores = Store, odibi_register_config_stores
        monkeypatch.setitem(sys.modules, "rows_store", plugin)
        manager = PluginManager(PluginSettings(discover=False))
        manager.register(rows_engine, name="rows-engine")
        manager.register(plugin, name="rows-store")
        return manager.freeze()

    return make
