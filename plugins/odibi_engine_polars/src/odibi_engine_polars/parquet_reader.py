"""Reading Parquet."""

from __future__ import annotations

import polars as pl

from odibi_core.plugin import DataFormatError, Dataset, DatasetNotFoundError
from odibi_core.plugin.places import place_of
from odibi_core.plugin.sources import find_sources
from odibi_engine_polars.columns import require_columns, selected
from odibi_engine_polars.engine import PolarsEngine, PolarsFrame
from odibi_engine_polars.filters import row_filter
from odibi_engine_polars.option_models import parse_options
from odibi_engine_polars.options import ParquetReadOptions
from odibi_engine_polars.parquet_files import PARQUET_SUFFIXES, folder_schema, scanned
from odibi_engine_polars.sources import Source

__all__ = ["PolarsParquetReader"]


class PolarsParquetReader:
    """Reads Parquet: a file, a glob, or a folder with or without hive partitions.

    Only footers are read at once. The rest is a scan: columns and row groups that nothing needs are never read.

    Args:
        engine: The engine, which says whether frames are lazy.

    Example:
        >>> import pathlib, tempfile
        >>> from odibi_core.plugin import EngineConfig
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.parquet")
        ...     pl.DataFrame({"tail": ["007", "N1"], "seats": [2, 4]}).write_parquet(path)
        ...     options = {"columns": ["tail"], "filters": [["seats", ">", 2]]}
        ...     dataset = Dataset(name="a", kind="path", format="parquet", location=str(path), options=options)
        ...     engine = PolarsEngine(EngineConfig(project_root=path.parent))
        ...     PolarsParquetReader(engine).read(dataset).collect().to_dicts()
        [{'tail': 'N1'}]
    """

    def __init__(self, engine: PolarsEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> PolarsFrame:
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
            frame = scanned(
                find_sources(dataset, suffixes=PARQUET_SUFFIXES, kind=Source, compression=None), folder, known
            )
        except DatasetNotFoundError:
            if known is None:
                raise
            frame = pl.LazyFrame(schema=known)  # partitions without rows have no files, and still columns
        schema = frame.collect_schema()
        subject = f"{dataset.name!r} ({place.shown})"
        require_columns(options.columns or (), schema.names(), subject=subject)
        condition = row_filter(options.filters, schema, subject=subject)
        frame = frame if condition is None else frame.filter(condition)
        return self._engine.frame_of(frame if options.columns is None else selected(frame, options.columns))
