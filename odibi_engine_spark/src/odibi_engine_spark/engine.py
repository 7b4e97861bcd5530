"""The Spark engine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeGuard

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from odibi_core.plugin import ConfigError, Dataset, EngineConfig, TransformationTask
from odibi_engine_spark.arrow import table_for_spark
from odibi_engine_spark.arrow_streams import arrow_of_frame
from odibi_engine_spark.caching import Cache
from odibi_engine_spark.code import pack_code, ship_code
from odibi_engine_spark.explain import explanation
from odibi_engine_spark.flavours import Flavour
from odibi_engine_spark.jobs import Jobs
from odibi_engine_spark.options import SparkEngineOptions
from odibi_engine_spark.sessions.opening import open_session
from odibi_engine_spark.sessions.quiet import QUIET

__all__ = ["SparkEngine"]


class SparkEngine:
    """The engine ``spark``: frames are `pyspark.sql.DataFrame`, of Spark in this process or of a Spark Connect server.

    Args:
        config: The project's folder, the manifest's ``engines.spark``, and a session if the caller has one.

    Raises:
        SparkUnavailableError: No session can be had; says what to install or start.
        SessionConflictError: Another run in this process has a session that excludes this one.
        ConfigError: What the manifest says does not fit.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.project_root = config.project_root.resolve()
        self.options = SparkEngineOptions.model_validate(dict(config.options))
        self._handle = open_session(self.options, handed_in=config.session, project_root=self.project_root)
        try:
            root = self._handle.session
            self.flavour = Flavour(kind=self._handle.kind, session=root, project_root=self.project_root)
            isolate = self._handle.is_built if self.options.isolate is None else self.options.isolate
            self._jobs = Jobs(root, flavour=self.flavour, isolate=isolate)
            self._cache = Cache(self)
            self._ship_lock = threading.Lock()
            self._has_shipped = not self.options.ship_code
        except BaseException:
            self._handle.release()
            raise
        QUIET.enter()
        self._silence = ExitStack()
        self._silence.callback(QUIET.leave)

    @property
    def session(self) -> SparkSession:
        """The session: inside of a transformation, on its thread, the transformation's, else the run's.

        Raises:
            JobsStoppedError: The transformation was given up.
        """
        return self._jobs.session

    def is_frame(self, value: object, /) -> TypeGuard[DataFrame]:
        """Return whether a value is a Spark data frame, classic or of Spark Connect."""
        return isinstance(value, DataFrame)

    def count_rows(self, frame: DataFrame, /) -> int | None:
        """Return None: Spark would have to compute the frame to know."""
        del frame
        return None

    def to_arrow(self, frame: DataFrame, /) -> pa.Table | pa.RecordBatchReader:
        """Return a frame's rows as a stream of Arrow batches, computed and fetched while it is consumed.

        One that Spark estimates to be small is fetched at once, as a table.

        Args:
            frame: The frame.
        """
        return arrow_of_frame(frame, flavour=self.flavour)

    def from_arrow(self, stream: Any, /) -> DataFrame:
        """Return a frame from any object with ``__arrow_c_stream__``.

        Types that Spark lacks become the next wider one that it has; see the README.

        Args:
            stream: A pyarrow table or reader, a Polars or DuckDB frame, and so on.

        Raises:
            DataFormatError: A column is of a type that Spark has nothing for.
        """
        table = table_for_spark(stream)
        # Without a schema Spark would take times without a zone for moments, in the session's zone.
        return self.session.createDataFrame(table, schema=from_arrow_schema(table.schema, prefer_timestamp_ntz=True))

    def transformation(self, task: TransformationTask, /) -> AbstractContextManager[None]:
        """Return what surrounds an attempt at a transformation: its jobs are named, pooled and stopped together.

        Args:
            task: The attempt.
        """
        self._ship_code()
        return self._jobs.around(task)

    def cancel(self, task: TransformationTask, /) -> None:
        """Stop the jobs of an attempt, and those that it yet starts.

        Args:
            task: The attempt.
        """
        self._jobs.stop(task)

    def cache(self, dataset: Dataset, /) -> None:
        """Keep a dataset in the executors' memory: Spark itself answers from there whoever reads it.

        It is filled by the first that reads it.

        Args:
            dataset: What to keep.

        Raises:
            ConfigError: This session cannot.
        """
        if not self.flavour.cache:
            raise ConfigError(
                f"{self.flavour.kind} keeps no tables in memory; leave {dataset.name} out of the cache plan."
            )
        self._cache.add(dataset)

    def uncache(self, dataset: Dataset, /) -> None:
        """Undo `cache`; a dataset that is not cached is no error.

        Args:
            dataset: What was kept.
        """
        self._cache.remove(dataset)

    def explain_error(self, error: BaseException, frames: Mapping[str, Any], /) -> str | None:
        """Put an error of Spark into one line; None for another's.

        Args:
            error: What was raised.
            frames: The frames that the function was given, by the name of the input.
        """
        return explanation(error, {name: frame for name, frame in frames.items() if self.is_frame(frame)})

    def describe_frame(self, frame: DataFrame, /) -> dict[str, str] | None:
        """Return a frame's columns with their types, where Spark is in this process; a server would have to be asked.

        Args:
            frame: The frame.
        """
        if self.flavour.kind != "classic":
            return None
        return {field.name: field.dataType.simpleString() for field in frame.schema.fields}

    def close(self) -> None:
        """Let go of the session; it is stopped if the engine built it and no other run uses it. Once is enough."""
        try:
            self._cache.clear()
            self._jobs.close()
        finally:
            self._handle.release()
            self._silence.close()

    def _ship_code(self) -> None:
        with self._ship_lock:
            if self._has_shipped:
                return
            archive = pack_code(self.project_root)
            if archive is not None:
                ship_code(archive, flavour=self.flavour)
            self._has_shipped = True
