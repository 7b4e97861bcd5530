"""Each plugin of this checkout keeps the contract of plugins."""

from __future__ import annotations

from odibi_core.testing import PluginContract


class TestPandas(PluginContract):
    plugin = "odibi_engine_pandas.plugin"


class TestPolars(PluginContract):
    plugin = "odibi_engine_polars.plugin"


class TestSinks(PluginContract):
    plugin = "odibi_sinks.plugin"


class TestSpark(PluginContract):
    plugin = "odibi_engine_spark.plugin"
