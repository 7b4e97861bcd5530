"""Reading Parquet."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from odibi_core.plugin import ConfigError, DataFormatError, Dataset, DatasetNotFoundError, ExecutionEngine
from odibi_core.plugin.places import place_of
from odibi_core.plugin.sources import errors_explained, find_sources
from odibi_engine_pandas.arrow import frame_of_table
from odibi_engine_pandas.columns import require_columns
from odibi_engine_pandas.options import ParquetReadOptions, parse_options
from odibi_engine_pandas.parquet_files import PARQUET_SUFFIXES, arrow_dataset, folder_schema
from odibi_engine_pandas.sources import Source

__all__ = ["PandasParquetReader"]


class PandasParquetReader:
    """Reads Parquet: a file, a glob, or a folder with or without hive partitions.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = str(pathlib.Path(folder, "a.parquet"))
        ...     pd.DataFrame({"tail": ["007", "N1"], "seats": [2, 4]}).to_parquet(path)
        ...     options = {"columns": ["tail"], "filters": [["seats", ">", 2]]}
        ...     dataset = Dataset(name="a", kind="path", format="parquet", location=path, options=options)
        ...     PandasParquetReader(None).read(dataset).to_dict("list")
        {'tail': ['N1']}
    """

    def __init__(self, engine: ExecutionEngine | None) -> None:
        del engine

    def read(self, dataset: Dataset, /) -> pd.DataFrame:
        """Return the rows of all files of a dataset.

        Args:
            dataset: What to read.

        Raises:
            DatasetNotFoundError: Nothing is there.
            DataFormatError: A file is no Parquet, or has other columns than the first.
            ColumnNotFoundError: An option names a column that is not there.
            ConfigError: An option is wrong.
        """
        options = parse_options(ParquetReadOptions, dataset)
        place = place_of(dataset)
        folder = place if place.is_folder() else None
        if folder is not None and folder.at(f"{folder.path.rstrip('/')}/_delta_log").is_folder():
            raise DataFormatError(
                f"{dataset.name!r}: {folder.shown} is a Delta table, some of whose files no longer count; "
                "read it with the format delta"
            )
        known = None if folder is None else folder_schema(folder)
        try:
            sources = find_sources(dataset, suffixes=PARQUET_SUFFIXES, kind=Source, compression=None)
            files = arrow_dataset(sources, folder, known)
        except DatasetNotFoundError:
            if known is None:
                raise
            files = ds.dataset(known.empty_table())  # partitions without rows have no files, and still columns
        names = files.schema.names
        subject = f"{dataset.name!r} ({place.shown})"
        require_columns(options.columns or (), names, subject=subject)
        expression = _expression(options.filters, files.schema, subject=subject)
        with errors_explained(Source(place, None, dataset.name, dataset.format)):
            return frame_of_table(files.to_table(columns=options.columns, filter=expression))


def _expression(filters: list[list[Any]] | None, schema: pa.Schema, *, subject: str) -> ds.Expression | None:
    """Return what rows must fulfil: a list of conditions, or a list of such lists of which one must hold."""
    if not filters:
        return None
    alternatives = filters if isinstance(filters[0][0], (list, tuple)) else [filters]
    conditions = [condition for alternative in alternatives for condition in alternative]
    for condition in conditions:
        if not (isinstance(condition, (list, tuple)) and len(condition) == len(("column", "operator", "value"))):
            raise ConfigError(f"{subject}: a filter is [column, operator, value], not {condition!r}")
    require_columns([condition[0] for condition in conditions], schema.names, subject=subject)
    try:
        expression = pq.filters_to_expression(
            [
                [(name, operator, _typed(value, schema.field(name).type)) for name, operator, value in alternative]
                for alternative in alternatives
            ]
        )
        schema.empty_table().filter(expression)  # whether the types can be compared shows only now
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise ConfigError(f"{subject}: the filters {filters!r} cannot be used: {error}") from error
    return expression


def _typed(value: Any, kind: pa.DataType) -> Any:
    """Return a filter's value as the type of its column: a manifest has no dates, only their text."""
    if isinstance(value, (list, tuple, set)):
        return [_typed(part, kind) for part in value]
    return pa.scalar(value).cast(kind) if isinstance(value, str) and pa.types.is_temporal(kind) else value
