"""The pandas engine names the columns of a frame and their types."""

from __future__ import annotations

import pandas as pd

from odibi_core.plugin import EngineConfig, FrameDescriber
from odibi_engine_pandas.engine import PandasEngine


def test_columns_are_named_with_their_types(tmp_path):
    engine = PandasEngine(EngineConfig(project_root=tmp_path, options={}))
    frame = pd.DataFrame({"n": [1], 2: [0.5], "when": pd.to_datetime(["2026-01-01"], utc=True)})

    assert isinstance(engine, FrameDescriber)
    described = engine.describe_frame(frame)
    assert list(described) == ["n", "2", "when"]
    assert (described["n"], described["2"]) == ("int64", "float64")
    assert described["when"].endswith("UTC]")
