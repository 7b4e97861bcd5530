"""Merging into a Delta table from a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from odibi_engine_spark.delta.merging import MergeReport, MergeRules, merge
from odibi_engine_spark.delta.targets import DeltaTarget
from odibi_engine_spark.save_settings import plain_moments

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["DeltaMergeManager"]


class DeltaMergeManager:
    """Merges frames into one Delta table and keeps its four audit columns.

    ``Merge_Id`` and ``Change_Id`` are SHA-256 hashes of the keys and of the columns that are compared,
    ``Created_Timestamp`` and ``Updated_Timestamp`` say since when a row is there and as it is.

    Args:
        spark: The session: Spark's own, one of Spark Connect, or Sail's.
        target_table: The table's name, of one to three parts, or its path. It is made by the first merge.
        is_path: Whether it is a path.

    Raises:
        ConfigError: It is no name of a table.

    Example::

        manager = DeltaMergeManager(spark, "silver.sales")
        manager.merge(frame, merge_keys=["id"], change_columns=["amount"]).updated
    """

    def __init__(self, spark: SparkSession, target_table: str, is_path: bool = False) -> None:
        self.spark = spark
        self.target_table = target_table
        self.is_path = is_path
        self._target = DeltaTarget.at(target_table) if is_path else DeltaTarget.named(target_table)

    def merge(
        self, source_df: DataFrame, merge_keys: Sequence[str], change_columns: Sequence[str] | None = None
    ) -> MergeReport:
        """Merge a frame: add rows with new keys, update rows in which a column differs, leave the others untouched.

        Null is a value like any other, in keys as well. A table that is not there is made of the frame; one that is
        there is never replaced.

        Args:
            source_df: The new rows.
            merge_keys: The columns that say which row is which.
            change_columns: The columns that are compared and updated; None for all that are no keys.

        Returns:
            Whether the table was made, and how many rows were added and updated, where the session says so.

        Raises:
            DataQualityError: Several rows of the frame have the same keys; nothing was written.
            DataFormatError: The frame does not fit into the table, which may lack the audit columns.
            ColumnNotFoundError: A column that is named is not there.
            TransientError: Somebody else changed the table at the same time.
        """
        rules = MergeRules(keys=_listed(merge_keys), changes=_optional(change_columns), has_audit=True)
        target = self._target.checked(self.spark)
        with plain_moments(source_df.sparkSession):
            return merge(
                source_df, target, rules, subject=f"merge into {target.shown}", local=target.local_folder(self.spark)
            )


def _listed(names: Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _optional(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else _listed(names)
