"""Arrow IPC files, also called Feather."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import polars as pl

from odibi_core.plugin import Dataset, SaveReport
from odibi_core.plugin.files import early_writeback
from odibi_engine_polars.engine import PolarsEngine, PolarsFrame
from odibi_engine_polars.option_models import parse_options
from odibi_engine_polars.options import ColumnOptions, IpcWriteOptions
from odibi_engine_polars.sources import Source
from odibi_engine_polars.whole_files import read_files, save_file

__all__ = ["IPC_SUFFIXES", "PolarsIpcReader", "PolarsIpcSaver"]

IPC_SUFFIXES = (".arrow", ".feather", ".ipc")


class PolarsIpcReader:
    """Reads Arrow IPC files as scans: a file, a folder or a glob.

    Args:
        engine: The engine, which says whether frames are lazy.
    """

    def __init__(self, engine: PolarsEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> PolarsFrame:
        """Return the rows of all files of a dataset.

        Args:
            dataset: What to read.

        Raises:
            DatasetNotFoundError: Nothing is there.
            DataFormatError: A file is none, or has other columns than the first.
            ColumnNotFoundError: An option names a column that is not there.
            ConfigError: An option is wrong.
        """
        options = parse_options(ColumnOptions, dataset)
        frame = read_files(dataset, suffixes=IPC_SUFFIXES, load=_scan, columns=options.columns, nrows=options.nrows)
        return self._engine.frame_of(frame)


class PolarsIpcSaver:
    """Saves frames as Arrow IPC files, computed while they are written.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = str(pathlib.Path(folder, "a.arrow"))
        ...     dataset = Dataset(name="a", kind="path", format="ipc", location=path)
        ...     report = PolarsIpcSaver(None).save(pl.LazyFrame({"carrier": ["F9"], "delay": [21.9]}), dataset)
        ...     report.rows, pl.read_ipc(path).rows()
        (1, [('F9', 21.9)])
    """

    def __init__(self, engine: PolarsEngine | None) -> None:
        del engine

    def save(self, frame: PolarsFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, the file is written anew with the rows at its end, and then replaced.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: The frame does not fit what it is appended to.
            ConfigError: An option is wrong.
        """
        options = parse_options(IpcWriteOptions, dataset)

        def store(rows: pl.LazyFrame, path: Path) -> int:
            with path.open("wb") as file, early_writeback(file):
                rows.sink_ipc(
                    file,
                    compression="uncompressed" if options.compression == "none" else options.compression,
                    engine="streaming",
                )
            return cast("int", pl.scan_ipc(path, glob=False).select(pl.len()).collect().item())

        return save_file(frame.lazy(), dataset, suffixes=IPC_SUFFIXES, load=_scan, store=store)


def _scan(source: Source) -> pl.LazyFrame:
    return pl.scan_ipc(source.scannable(), glob=False)
