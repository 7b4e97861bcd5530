"""Reads template files: the names of the columns in the first line, then a row in each line, all of it JSON.

For example::

    ["tag", "value", "is_valid"]
    ["FC-101", 21.5, true]
    ["FC-102", null, false]
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from odibi_core.plugin import DataFormatError, Dataset, DatasetNotFoundError, ExecutionEngine

__all__ = ["TemplateReader", "parse_lines"]


class TemplateReader:
    """Reads template files of this machine.

    Args:
        engine: The engine that the rows are for.
    """

    def __init__(self, engine: ExecutionEngine) -> None:
        del engine  # rows leave as Arrow, which every engine takes

    def read(self, dataset: Dataset, /) -> pa.Table:
        """Return the rows of a file. Called from several threads at once, so nothing is kept in between.

        Args:
            dataset: The file.

        Raises:
            DatasetNotFoundError: There is no such file.
            DataFormatError: The file is not of this format; the message says why.
        """
        try:
            with Path(dataset.location).open(encoding="utf-8") as file:
                table = parse_lines(file)
        except FileNotFoundError:
            raise DatasetNotFoundError(f"{dataset.name!r} is not there: {dataset.location}") from None
        except (TypeError, ValueError) as error:  # of JSON, of UTF-8, and of Arrow
            raise DataFormatError(f"{dataset.name!r} cannot be read from {dataset.location}: {error}") from error
        return table


def parse_lines(lines: Iterable[str]) -> pa.Table:
    """Return the rows of a file: what a format of your own begins with.

    Args:
        lines: The lines of the file.

    Raises:
        ValueError: A line is wrong; the message says which.

    Example:
        >>> parse_lines(['["tag", "value"]', '["FC-101", 21.5]']).to_pylist()
        [{'tag': 'FC-101', 'value': 21.5}]
    """
    names: list[str] = []
    columns: list[list[Any]] = []
    for number, line in enumerate(lines, start=1):
        cells = _cells(line, number=number)
        if not columns:
            names, columns = cells, [[] for _ in cells]
        elif len(cells) != len(columns):
            raise ValueError(f"line {number} has {len(cells)} cells, and there are {len(columns)} columns")
        else:
            for column, cell in zip(columns, cells, strict=True):
                column.append(cell)
    return pa.table([pa.array(column) for column in columns], names=names)


def _cells(line: str, *, number: int) -> list[Any]:
    try:
        cells = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number} is no JSON: {error}") from error
    if not isinstance(cells, list):
        raise ValueError(f"line {number} is no list, but {type(cells).__name__}")
    return cells
