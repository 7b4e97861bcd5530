"""What this plugin promises, as tests.

pytest runs them here, and ``odibi plugins check odibi-template`` wherever it is installed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from odibi_core.testing import PluginContract, ReaderSaverContract

__all__ = ["TestPlugin", "TestReader"]


class TestPlugin(PluginContract):
    """What holds for every plugin."""

    plugin = "odibi_template.plugin"


class TestReader(ReaderSaverContract):
    """What holds for every reader."""

    plugin = "odibi_template.plugin"
    engine = "any"
    format = "template"

    @pytest.fixture
    def stored(self, tmp_path: Path) -> Callable[[pa.Table], str]:
        """Put rows where the reader finds them, and return where that is."""

        def store(table: pa.Table) -> str:
            rows = [table.column_names, *map(list, zip(*(column.to_pylist() for column in table.columns), strict=True))]
            path = tmp_path / "data.template"
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
            return str(path)

        return store
