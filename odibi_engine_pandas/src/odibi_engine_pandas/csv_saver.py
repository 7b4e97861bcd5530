"""Saving CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from odibi_core.plugin import DataFormatError, Dataset, ExecutionEngine, SaveReport
from odibi_core.plugin.compression import compression_of, plain_name
from odibi_core.plugin.places import Place
from odibi_core.plugin.saving import Written, refuse_folder, save, subject_of
from odibi_core.plugin.sources import is_folder_of
from odibi_engine_pandas.columns import aligned_to, flat_frame
from odibi_engine_pandas.csv_reader import CSV_SUFFIXES, column_names, default_separator
from odibi_engine_pandas.csv_text import CsvText
from odibi_engine_pandas.options import CsvReadOptions, CsvWriteOptions, parse_options
from odibi_engine_pandas.sources import Source
from odibi_engine_pandas.text_files import Block, encoded, read_blocks, write_blocks

__all__ = ["PandasCsvSaver"]


class PandasCsvSaver:
    r"""Saves frames as CSV or TSV, compressed by the file's name.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.csv")
        ...     dataset = Dataset(name="a", kind="path", format="csv", location=str(path), options={"sep": ";"})
        ...     _ = PandasCsvSaver(None).save(pd.DataFrame({"carrier": ["F9"], "delay": [21.9]}), dataset)
        ...     path.read_text()
        'carrier;delay\nF9;21.9\n'
    """

    def __init__(self, engine: ExecutionEngine | None) -> None:
        del engine

    def save(self, frame: pd.DataFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, the file is written anew with the rows at its end, and then replaced.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: The frame cannot be held by CSV, or has other columns than the file it is appended to.
            ConfigError: An option is wrong.
        """
        options = parse_options(CsvWriteOptions, dataset)
        subject = subject_of(dataset)
        flat = flat_frame(frame, subject=subject)
        if not flat.columns.size:
            raise DataFormatError(f"{subject}: a frame without columns cannot be saved as csv")
        sep = options.sep or default_separator(dataset.location)
        text = CsvText(options, sep=sep, subject=subject)
        compression = compression_of(dataset.location, options.compression)

        def write(path: Path, old: Path | None) -> Written:
            refuse_folder(old, dataset)
            blocks = text.blocks(flat)
            if old is not None:
                source = Source(Place(str(old), dataset.location), compression, dataset.name, dataset.format)
                if next(read_blocks(source), b""):
                    looks = CsvReadOptions(
                        sep=sep, header=options.header, encoding=options.encoding, quotechar=options.quotechar
                    )
                    aligned = _aligned(flat, source, looks, subject=subject)
                    blocks = _behind(source, text.blocks(aligned, is_continued=True), options)
            size = write_blocks(path, blocks, compression=compression, member=plain_name(dataset.location))
            return Written(len(flat), size)

        return save(dataset, write=write, replaces_folder=lambda folder: is_folder_of(folder, CSV_SUFFIXES))


def _aligned(frame: pd.DataFrame, source: Source, looks: CsvReadOptions, *, subject: str) -> pd.DataFrame:
    names = column_names(source, looks)
    if looks.header:
        return aligned_to(frame, names, subject=subject)
    if len(names) != frame.columns.size:
        raise DataFormatError(
            f"{subject}: cannot append {frame.columns.size} columns to rows of {len(names)}; "
            "give the frame the same columns, or save with mode 'overwrite'"
        )
    return frame


def _behind(source: Source, rows: Iterator[Block], options: CsvWriteOptions) -> Iterator[Block]:
    """Return the content of a file and then rows, on lines of their own."""
    last = b""
    for block in read_blocks(source):
        last = block
        yield block
    if not last.rstrip(b"\x00").endswith((b"\n", b"\r")):
        yield from encoded([options.lineterminator.encode()], options.encoding, is_continued=True)
    yield from rows
