"""Saving JSON and JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from odibi_core.plugin import Dataset, ExecutionEngine, SaveReport
from odibi_core.plugin.compression import compression_of, plain_name
from odibi_core.plugin.places import Place
from odibi_core.plugin.saving import Written, refuse_folder, save, subject_of
from odibi_core.plugin.sources import is_folder_of
from odibi_engine_pandas.columns import aligned_to, flat_frame
from odibi_engine_pandas.json_records import (
    JSON_SUFFIXES,
    JSONL_SUFFIXES,
    first_record,
    frame_of,
    parse_document,
    read_lines,
    read_text,
)
from odibi_engine_pandas.json_text import json_rows
from odibi_engine_pandas.options import JsonWriteOptions, parse_options
from odibi_engine_pandas.sources import Source
from odibi_engine_pandas.text_files import Block, read_blocks, write_blocks

__all__ = ["PandasJsonLinesSaver", "PandasJsonSaver"]

_Blocks: TypeAlias = Callable[[pd.DataFrame, Source | None, str], Iterator[Block]]


class PandasJsonSaver:
    r"""Saves frames as one JSON array of records, compressed by the file's name.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.json")
        ...     dataset = Dataset(name="a", kind="path", format="json", location=str(path))
        ...     _ = PandasJsonSaver(None).save(pd.DataFrame({"carrier": ["F9"], "delay": [21.9]}), dataset)
        ...     path.read_text()
        '[\n{"carrier":"F9","delay":21.9}\n]\n'
    """

    def __init__(self, engine: ExecutionEngine | None) -> None:
        del engine

    def save(self, frame: pd.DataFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, the document is written anew with the records at its end, and then replaced.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: The frame cannot be held by JSON, or has other columns than what it is appended to.
            ConfigError: An option is wrong.
        """
        return _save(frame, dataset, _document)


class PandasJsonLinesSaver:
    r"""Saves frames as JSON lines, compressed by the file's name.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.jsonl")
        ...     dataset = Dataset(name="a", kind="path", format="jsonl", location=str(path))
        ...     _ = PandasJsonLinesSaver(None).save(pd.DataFrame({"carrier": ["F9"], "delay": [21.9]}), dataset)
        ...     path.read_text()
        '{"carrier":"F9","delay":21.9}\n'
    """

    def __init__(self, engine: ExecutionEngine | None) -> None:
        del engine

    def save(self, frame: pd.DataFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, the file is written anew with the records at its end, and then replaced.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: The frame cannot be held by JSON, or has other columns than what it is appended to.
            ConfigError: An option is wrong.
        """
        return _save(frame, dataset, _lines)


def _save(frame: pd.DataFrame, dataset: Dataset, blocks: _Blocks) -> SaveReport:
    options = parse_options(JsonWriteOptions, dataset)
    subject = subject_of(dataset)
    flat = flat_frame(frame, subject=subject)
    compression = compression_of(dataset.location, options.compression)

    def write(path: Path, old: Path | None) -> Written:
        refuse_folder(old, dataset)
        source = (
            None
            if old is None
            else Source(Place(str(old), dataset.location), compression, dataset.name, dataset.format)
        )
        is_something = source is not None and bool(next(read_blocks(source), b""))
        content = blocks(flat, source if is_something else None, subject)
        size = write_blocks(path, content, compression=compression, member=plain_name(dataset.location))
        return Written(len(flat), size)

    suffixes = JSON_SUFFIXES if dataset.format == "json" else JSONL_SUFFIXES
    return save(dataset, write=write, replaces_folder=lambda folder: is_folder_of(folder, suffixes))


def _document(frame: pd.DataFrame, old: Source | None, subject: str) -> Iterator[Block]:
    frames = [frame]
    records = b""
    if old is not None:
        text = read_text(old)
        known = frame_of([parse_document(text, old)])
        frames = [aligned_to(frame, known.columns.tolist(), subject=subject)]
        if text.lstrip().startswith("["):
            # The records stay as they are written, to the last digit.
            records = text.strip().removeprefix("[").removesuffix("]").strip().encode()
        else:
            frames.insert(0, known)
    rows = chain.from_iterable(json_rows(part, before=",\n", after="", subject=subject) for part in frames)
    first = next(rows, None)
    yield b"[\n" + records if records or first is not None else b"["
    if first is not None:
        yield first if records else first[len(",\n") :]
    yield from rows
    yield b"\n]\n" if records or first is not None else b"]\n"


def _lines(frame: pd.DataFrame, old: Source | None, subject: str) -> Iterator[Block]:
    if old is not None:
        known = list(first_record(old))
        if set(known) != set(frame.columns):
            # Records may leave out what they have no value for; then only all of them say which columns there are.
            known = frame_of([read_lines(old)]).columns.tolist()
        frame = aligned_to(frame, known, subject=subject)
        last = b""
        for block in read_blocks(old):
            last = block
            yield block
        if not last.endswith(b"\n"):
            yield b"\n"
    yield from json_rows(frame, before="", after="\n", subject=subject)
