"""Saving files: csv, json, jsonl, parquet, orc, avro and text."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from odibi_core.plugin import ConfigError, DataFormatError, Dataset, DatasetExistsError, SaveReport
from odibi_core.plugin.files import TargetAppearedError, locked, staged_folder
from odibi_engine_spark.columns import require_columns, require_distinct
from odibi_engine_spark.files.appending import appendable, linked_copy
from odibi_engine_spark.files.part_files import holds_only, tidied
from odibi_engine_spark.files.reader import missing_source
from odibi_engine_spark.files.writing import Writing, writing_of
from odibi_engine_spark.observing import observed
from odibi_engine_spark.places import Place, place_of, uri_of
from odibi_engine_spark.raised import SPARK_ERRORS
from odibi_engine_spark.save_settings import plain_moments

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["SparkFileSaver"]

_MODES = ("overwrite", "append", "error", "ignore")


class SparkFileSaver:
    """Saves frames as folders of part files.

    Where this process sees the files, a folder is written beside its target and put in its place in one step; so a
    save is all or nothing, a table may be read and overwritten in one transformation, and what another engine saved
    as one file is replaced by a folder. On a store, or a server's own disk, Spark's own protocol does what it can:
    an overwrite removes what was there first.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: SparkEngine) -> None:
        self._engine = engine

    def save(self, frame: DataFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, part files are added.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: The format cannot hold the frame, or it does not fit what it is appended to.
            ColumnNotFoundError: A column to partition by is not there.
            ConfigError: An option is wrong, or Spark lacks a module.
        """
        place = place_of(dataset, engine=self._engine)
        subject = f"{dataset.name!r}: {place.shown}"
        if dataset.mode not in _MODES:
            raise ConfigError(f"{subject}: mode {dataset.mode!r} is none of {', '.join(_MODES)}")
        if not frame.columns:
            raise DataFormatError(f"{subject}: a frame without columns cannot be saved as {dataset.format}")
        require_distinct(frame.columns, subject=f"the frame for {subject}")
        require_columns(dataset.partition_by, frame.columns, subject=f"the frame for {subject}")
        if len(dataset.partition_by) == len(frame.columns):
            raise DataFormatError(
                f"{subject}: partition_by names every column, so that none would be left in the files"
            )
        writing = writing_of(frame, dataset, engine=self._engine, subject=subject)
        try:
            if place.path is None:
                return self._save_remote(frame, dataset, place, writing)
            return self._save_local(frame, dataset, place.path, writing)
        except SPARK_ERRORS as error:
            missing = missing_source(error, format_=dataset.format, subject=subject, engine=self._engine)
            if missing is None:
                raise
            raise missing from error

    def _save_local(self, frame: DataFrame, dataset: Dataset, path: Path, writing: Writing) -> SaveReport:
        # What a link points to is replaced, and the link stays.
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with contextlib.suppress(TargetAppearedError), locked(target) as is_there:
                if is_there and (kept := _kept(dataset, str(path))):
                    return kept
                if target.is_dir() and not holds_only(target, dataset.format):
                    raise DataFormatError(
                        f"{dataset.name!r}: {target} is a folder that holds other things than {dataset.format} files; "
                        "nothing was written, so as not to lose them. Choose another path, or empty it."
                    )
                old = target if is_there and dataset.mode == "append" else None
                fitting = appendable(frame, dataset, old, engine=self._engine) if old else frame
                only_if_absent = not is_there and dataset.mode != "overwrite"
                with staged_folder(target, only_if_absent=only_if_absent) as partial:
                    rows = self._written(fitting, partial, writing)
                    written = tidied(partial, dataset, writing, frame=fitting)
                    if old is not None:
                        linked_copy(old, partial, dataset)
                self._forget(target)
                return SaveReport(rows=rows(), bytes=written, location=dataset.location)

    def _written(self, frame: DataFrame, folder: Path, writing: Writing) -> Callable[[], int | None]:
        # Counted last: of what is prepared for writing, a row is a row of the frame.
        counted, rows = observed(writing.prepare(frame), engine=self._engine)
        writer = counted.write.mode("append").format(writing.format).options(**writing.options)
        if writing.partition_by:
            writer = writer.partitionBy(*writing.partition_by)
        with _moments_of(frame, writing):
            writer.save(uri_of(folder, engine=self._engine, is_output=True))
        return rows

    def _forget(self, target: Path) -> None:
        """Have Spark drop what it keeps of the files that were there."""
        if self._engine.flavour.cache:
            self._engine.session.catalog.refreshByPath(uri_of(target, engine=self._engine, is_output=True))

    def _save_remote(self, frame: DataFrame, dataset: Dataset, place: Place, writing: Writing) -> SaveReport:
        if dataset.format == "json":
            raise ConfigError(
                f"{dataset.name!r}: {place.shown}: Spark writes one record per line, which is no JSON document; save "
                "as jsonl there"
            )
        counted, rows = observed(writing.prepare(frame), engine=self._engine)
        mode = "error" if dataset.mode == "ignore" else dataset.mode
        writer = counted.write.mode(mode).format(writing.format).options(**writing.options, **place.options)
        if writing.partition_by:
            # A session that overwrites dynamically would keep the partitions that the frame has no row for.
            writer = writer.partitionBy(*writing.partition_by).option("partitionOverwriteMode", "static")
        try:
            with _moments_of(frame, writing):
                writer.save(place.uri)
        except SPARK_ERRORS as error:
            if "PATH_ALREADY_EXISTS" in str(error) and (kept := _kept(dataset, place.shown)):
                return kept
            raise
        return SaveReport(rows=rows(), location=place.shown)


def _moments_of(frame: DataFrame, writing: Writing) -> AbstractContextManager[None]:
    if writing.format != "parquet" or "timestamp" not in frame.schema.simpleString():
        return nullcontext()
    return plain_moments(frame.sparkSession)


def _kept(dataset: Dataset, shown: str) -> SaveReport | None:
    """Return what to report, or raise, if something is there and the mode leaves it."""
    if dataset.mode == "error":
        raise DatasetExistsError(
            f"{dataset.name!r}: {shown} exists, and the mode is 'error'; remove it, or save with another mode"
        )
    if dataset.mode == "ignore":
        return SaveReport(rows=0, bytes=0, location=shown, was_written=False)
    return None
