"""Our own engines keep the contract that the kit holds every author's to."""

from __future__ import annotations

from odibi_core.testing import EngineContract


class TestPandas(EngineContract):
    plugin = "engine-pandas"
    engine = "pandas"
