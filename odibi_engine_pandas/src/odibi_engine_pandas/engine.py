"""The pandas engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import pandas as pd
import pyarrow as pa

from odibi_core.plugin import EngineConfig
from odibi_engine_pandas.arrow import frame_of_table, table_of_frame
from odibi_engine_pandas.explain import explanation

__all__ = ["PandasEngine"]


class PandasEngine:
    """The engine ``pandas``: frames are `pandas.DataFrame`, in the memory of this process.

    It keeps no state, so that one instance serves any number of threads.

    Args:
        config: What the project says about the engine; there is nothing to set.

    Example:
        >>> from pathlib import Path
        >>> engine = PandasEngine(EngineConfig(project_root=Path()))
        >>> stream = engine.to_arrow(pd.DataFrame({"carrier": ["F9"], "delay": [21.9]}))
        >>> engine.from_arrow(stream)
          carrier  delay
        0      F9   21.9
    """

    def __init__(self, config: EngineConfig) -> None:
        del config

    def is_frame(self, value: object, /) -> TypeGuard[pd.DataFrame]:
        """Return whether a value is a pandas data frame; a Series is none."""
        return isinstance(value, pd.DataFrame)

    def count_rows(self, frame: pd.DataFrame, /) -> int:
        """Return the number of rows, which pandas always knows."""
        return len(frame)

    def to_arrow(self, frame: pd.DataFrame, /) -> pa.Table:
        """Return a frame as an Arrow table, which has ``__arrow_c_stream__``.

        Numbers, times and text are not copied: the table shows the frame's own memory. NaN is null, as it is in pandas.
        An index with a name becomes a column, another is dropped.

        Args:
            frame: The frame.

        Raises:
            DataFormatError: A column holds what Arrow has no type for, or two columns have one name.
        """
        return table_of_frame(frame, subject="the pandas frame")

    def from_arrow(self, stream: Any, /) -> pd.DataFrame:
        """Return a frame from any object with ``__arrow_c_stream__``.

        Numbers, truth values and times are copied once, into NumPy arrays that a function may write to; text stays in
        Arrow's memory as pandas' ``str``. Integers and truth values with nulls come as ``Int64`` (and so on) and
        ``boolean``.

        Args:
            stream: A pyarrow table or reader, a Polars or DuckDB frame, and so on.
        """
        if isinstance(stream, pa.RecordBatchReader):
            # Read as a C stream, it would hand on what its source raises as text only.
            stream = stream.read_all()
        return frame_of_table(stream if isinstance(stream, pa.Table) else pa.table(stream))

    def explain_error(self, error: BaseException, frames: Mapping[str, Any], /) -> str | None:
        """Put an error of a function into words if it is about a column that is not there; otherwise return None.

        Args:
            error: What the function raised.
            frames: The frames it was given, by the name of the input.
        """
        return explanation(error, {name: frame for name, frame in frames.items() if self.is_frame(frame)})

    def describe_frame(self, frame: pd.DataFrame, /) -> dict[str, str]:
        """Return the frame's columns with their dtypes, which pandas has at hand."""
        return {str(name): str(dtype) for name, dtype in zip(frame.columns, frame.dtypes, strict=True)}

    def close(self) -> None:
        """Do nothing: nothing was started."""
