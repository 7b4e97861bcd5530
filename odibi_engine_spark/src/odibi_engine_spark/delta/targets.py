"""A Delta table as it is meant by a user: by path or by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from odibi_core.plugin import ConfigError, DataFormatError
from odibi_engine_spark.columns import quoted
from odibi_engine_spark.delta.commits import latest_version
from odibi_engine_spark.delta.failures import in_one_line, is_missing
from odibi_engine_spark.delta.identifiers import name_parts
from odibi_engine_spark.delta.limits import check_path, is_sail
from odibi_engine_spark.explain import is_transient
from odibi_engine_spark.places import without_secrets

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameReader, DataFrameWriter, SparkSession
    from pyspark.sql.types import StructType

__all__ = ["DeltaTarget", "folder_of"]


@dataclass(frozen=True, slots=True)
class DeltaTarget:
    """A Delta table, by path or by name; it need not exist.

    Args:
        path: The folder as a path or URI, None if the table is meant by its name.
        parts: The parts of its name, empty if it is meant by its path.
        options: What Spark has to be told to reach its store, as ``fs.`` options; may hold secrets.

    Example:
        >>> DeltaTarget.named("main.silver.sales").sql, DeltaTarget.at("/data/odd `name`").sql
        ('`main`.`silver`.`sales`', 'delta.`/data/odd ``name```')
    """

    path: str | None = None
    parts: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def at(cls, path: str, *, options: Mapping[str, str] | None = None) -> DeltaTarget:
        """Return the table in a folder.

        Args:
            path: A path or a URI.
            options: What Spark has to be told to reach its store.

        Raises:
            ConfigError: It is empty.
        """
        if not path.strip():
            raise ConfigError("A Delta table is meant by an empty path. Give the folder, or the table's name.")
        return cls(path=path, options=options or {})

    @classmethod
    def named(cls, name: str) -> DeltaTarget:
        """Return the table of a name of one to three parts.

        Args:
            name: As `name_parts` takes it.

        Raises:
            ConfigError: It is no name of a table.
        """
        return cls(parts=name_parts(name))

    @property
    def sql(self) -> str:
        """How a statement names it."""
        return f"delta.{quoted(self.path)}" if self.path is not None else ".".join(map(quoted, self.parts))

    @property
    def shown(self) -> str:
        """How a message names it."""
        return without_secrets(self.path) if self.path is not None else ".".join(self.parts)

    @property
    def folder(self) -> Path | None:
        """Its folder, if its path says that this is one of a local file system."""
        return None if self.path is None else folder_of(self.path)

    def local_folder(self, session: SparkSession) -> Path | None:
        """Return its folder if the session runs on this machine alone; None if the table may be elsewhere."""
        if is_sail(session):
            return self.folder
        context = getattr(session, "_sc", None)
        return self.folder if context is not None and str(context.master).startswith("local") else None

    def checked(self, session: SparkSession) -> DeltaTarget:
        """Return the table itself, if the session can take its path.

        Raises:
            ConfigError: The session is Sail's, which would put the table elsewhere.
        """
        if self.path is not None and is_sail(session):
            check_path(self.path)
        return self

    def load(self, reader: DataFrameReader) -> DataFrame:
        """Return its rows through a reader that has options."""
        if self.path is not None:
            return reader.options(**self.options).format("delta").load(self.path)
        return reader.table(self.sql)

    def read(self, session: SparkSession) -> DataFrame:
        """Return its rows."""
        return self.load(session.read)

    def save(self, writer: DataFrameWriter) -> None:
        """Write a frame into it through a writer that has a mode and options."""
        if self.path is not None:
            writer.options(**self.options).format("delta").save(self.path)
        else:
            writer.format("delta").saveAsTable(self.sql)

    def schema(self, session: SparkSession) -> StructType | None:
        """Return its schema, None only if there is no such table; any other trouble is an error.

        Raises:
            DataFormatError: Something is there, and cannot be read as a Delta table.
        """
        try:
            return self.read(session).schema
        except (PySparkException, Py4JError) as error:
            if not self._has_commits():
                if is_missing(error):
                    return None
                raise
            if is_transient(error):
                raise
            if not is_missing(error):
                raise self._unreadable(error) from error
        # It was made between the look at it and now; or it is Sail, which says so of a log that it cannot read.
        try:
            return self.read(session).schema
        except (PySparkException, Py4JError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> DataFormatError:
        return DataFormatError(
            f"{self.shown} cannot be read as a Delta table: {in_one_line(error)}. Nothing was written to it"
        )

    def _has_commits(self) -> bool:
        folder = self.folder
        return folder is not None and latest_version(folder) is not None


def folder_of(location: str) -> Path | None:
    """Return the folder of a local path or ``file:`` location, None of any other.

    Spark takes such a location as it is, with percent signs and all.

    Example:
        >>> folder_of("s3://bucket/a") is None, folder_of("file:///data/a%20b").name
        (True, 'a%20b')
    """
    if location.startswith("file:"):
        return Path("/" + location.removeprefix("file:").lstrip("/"))
    # One letter is a drive of Windows.
    return Path(location) if len(urlsplit(location).scheme) <= 1 else None
