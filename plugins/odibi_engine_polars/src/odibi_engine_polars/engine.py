"""The Polars engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import polars as pl

from odibi_core.plugin import EngineConfig
from odibi_engine_polars.columns import require_arrow_types
from odibi_engine_polars.explain import explanation

__all__ = ["PolarsEngine", "PolarsFrame"]

PolarsFrame = pl.LazyFrame | pl.DataFrame
"""What this engine takes for a frame."""


class PolarsEngine:
    """The engine ``polars``: frames are `polars.LazyFrame`, or `polars.DataFrame` where the project asks for that.

    A lazy frame is a plan. What a function does to it is done when its output is saved, in one go with reading and
    writing, and what no output needs is never read. Functions may return either kind, whatever they were given.

    It keeps no state, so that one instance serves any number of threads.

    Args:
        config: What the project says about the engine: ``mode`` is ``lazy``, the default, or ``eager``.

    Example:
        >>> from pathlib import Path
        >>> engine = PolarsEngine(EngineConfig(project_root=Path()))
        >>> stream = engine.to_arrow(pl.LazyFrame({"carrier": ["F9"], "delay": [21.9]}))
        >>> engine.from_arrow(stream).collect().to_dicts()
        [{'carrier': 'F9', 'delay': 21.9}]
    """

    def __init__(self, config: EngineConfig) -> None:
        self.is_lazy: bool = config.options.get("mode", "lazy") != "eager"

    def is_frame(self, value: object, /) -> TypeGuard[PolarsFrame]:
        """Return whether a value is a frame of Polars, lazy or not; a Series is none."""
        return isinstance(value, pl.LazyFrame | pl.DataFrame)

    def count_rows(self, frame: PolarsFrame, /) -> int | None:
        """Return the number of rows of a frame that has some; a lazy one would have to be computed."""
        return frame.height if isinstance(frame, pl.DataFrame) else None

    def to_arrow(self, frame: PolarsFrame, /) -> pl.DataFrame:
        """Return a frame as one with ``__arrow_c_stream__``; a lazy one is computed by the streaming engine.

        Args:
            frame: The frame.

        Raises:
            DataFormatError: A column is of a type that Arrow does not have.
        """
        data = frame if isinstance(frame, pl.DataFrame) else frame.collect(engine="streaming")
        require_arrow_types(data.schema)
        return data

    def from_arrow(self, stream: Any, /) -> PolarsFrame:
        """Return a frame from any object with ``__arrow_c_stream__``, over the same memory.

        Args:
            stream: A pyarrow table or reader, a DuckDB relation, and so on.
        """
        return self.frame_of(pl.DataFrame(stream))

    def frame_of(self, frame: PolarsFrame, /) -> PolarsFrame:
        """Return a frame of the kind that the project asks for."""
        if self.is_lazy:
            return frame.lazy()
        return frame if isinstance(frame, pl.DataFrame) else frame.collect(engine="streaming")

    def explain_error(self, error: BaseException, frames: Mapping[str, Any], /) -> str | None:
        """Put an error of Polars into words, with the input and the column that it is about; None if it is another's.

        Args:
            error: What a function raised, or the saver that did what the function had only planned.
            frames: The frames that the function was given, by the name of the input.
        """
        return explanation(error, {name: frame for name, frame in frames.items() if self.is_frame(frame)})

    def describe_frame(self, frame: PolarsFrame, /) -> dict[str, str] | None:
        """Return the columns of a frame in memory with their types; those of a plan would have to be worked out."""
        if isinstance(frame, pl.LazyFrame):
            return None
        return {name: str(kind) for name, kind in frame.schema.items()}

    def close(self) -> None:
        """Do nothing: nothing was started."""
