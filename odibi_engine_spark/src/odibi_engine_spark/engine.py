"""The Spark engine."""

from __future__ import annotations

from typing import Any, TypeGuard

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from odibi_core.plugin import EngineConfig
from odibi_engine_spark.flavours import Flavour
from odibi_engine_spark.options import SparkEngineOptions
from odibi_engine_spark.sessions.opening import open_session

__all__ = ["SparkEngine"]


class SparkEngine:
    """The engine ``spark``: frames are `pyspark.sql.DataFrame`, of Spark in this process or of a Spark Connect server.

    Args:
        config: The project's folder, the manifest's ``engines.spark``, and a session if the caller has one.

    Raises:
        SparkUnavailableError: No session can be had; says what to install or start.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.project_root = config.project_root
        self.options = SparkEngineOptions.model_validate(dict(config.options))
        self._handle = open_session(self.options, handed_in=config.session, project_root=config.project_root)
        self.flavour = Flavour(kind=self._handle.kind, session=self._handle.session, project_root=config.project_root)

    @property
    def session(self) -> SparkSession:
        """The session."""
        return self._handle.session

    def is_frame(self, value: object, /) -> TypeGuard[DataFrame]:
        """Return whether a value is a Spark data frame, classic or of Spark Connect."""
        return isinstance(value, DataFrame)

    def count_rows(self, frame: DataFrame, /) -> int | None:
        """Return None: Spark would have to compute the frame to know."""
        del frame
        return None

    def to_arrow(self, frame: DataFrame, /) -> pa.Table:
        """Return a frame's rows as an Arrow table, which has ``__arrow_c_stream__``; all of them come here.

        Args:
            frame: The frame.
        """
        return frame.toArrow()

    def from_arrow(self, stream: Any, /) -> DataFrame:
        """Return a frame from any object with ``__arrow_c_stream__``.

        Args:
            stream: A pyarrow table or reader, a Polars or DuckDB frame, and so on.
        """
        return self.session.createDataFrame(stream if isinstance(stream, pa.Table) else pa.table(stream))

    def close(self) -> None:
        """Let go of the session; it is stopped if the engine built it and no other run uses it."""
        self._handle.release()
