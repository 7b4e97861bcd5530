"""What a session can do: asked of the session itself, since the name of a product does not tell."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pyspark.errors import PySparkException

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["Flavour", "FlavourKind"]

FlavourKind: TypeAlias = Literal["classic", "connect", "sail"]


@dataclass(frozen=True)
class Flavour:
    """The capability sheet of one session. What costs a call is asked when it is first wanted, once.

    Args:
        kind: ``"classic"`` (Spark in this process), ``"connect"`` (a Spark Connect server) or ``"sail"``.
        session: The session.
        project_root: The project's folder, for `shares_files`.
    """

    kind: FlavourKind
    session: SparkSession = field(repr=False)
    project_root: Path = field(repr=False)

    @functools.cached_property
    def version(self) -> str:
        """The version of Spark that the session says it has."""
        return str(self.session.version)

    @functools.cached_property
    def job_groups(self) -> bool:
        """Whether jobs can be grouped, named and cancelled: by job groups, on Spark Connect by tags."""
        from odibi_engine_spark.probes import has_job_groups

        return has_job_groups(self.session, kind=self.kind)

    @property
    def cache(self) -> bool:
        """Whether tables can be kept in memory; Sail takes the call and keeps nothing."""
        return self.kind != "sail"

    @property
    def observe(self) -> bool:
        """Whether rows are counted while they are written, by `pyspark.sql.Observation`."""
        return self.kind != "sail"

    @functools.cached_property
    def catalog(self) -> bool:
        """Whether the session has catalogs of tables."""
        return self._answers(self.session.catalog.currentCatalog)

    @functools.cached_property
    def delta(self) -> bool:
        """Whether the session reads and writes Delta tables."""
        from odibi_engine_spark.probes import has_delta

        return has_delta(self.session, kind=self.kind)

    @property
    def merge(self) -> bool:
        """Whether MERGE works, which is a matter of the tables' format."""
        return self.delta

    @functools.cached_property
    def streaming(self) -> bool:
        """Whether streams can be read."""
        return self._answers(lambda: self.session.readStream.format("rate").load().isStreaming)

    @functools.cached_property
    def python_udfs(self) -> bool:
        """Whether Python functions run on the executors: asked by running one on one row."""
        from odibi_engine_spark.probes import runs_python

        return runs_python(self.session)

    @functools.cached_property
    def shares_files(self) -> bool:
        """Whether the session sees the files that this process sees: asked by letting it read one."""
        from odibi_engine_spark.probes import reads_our_files

        return reads_our_files(self.session, kind=self.kind, project_root=self.project_root)

    def _answers(self, question: Callable[[], object]) -> bool:
        try:
            return bool(question())
        except PySparkException:
            return False
