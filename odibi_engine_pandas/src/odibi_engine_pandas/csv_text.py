"""A frame as the text of a CSV file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from odibi_core.plugin import DataFormatError
from odibi_engine_pandas.cells import TEXT, Cells, Notation, cells_of, column_named, joined, row_blocks
from odibi_engine_pandas.options import CsvWriteOptions
from odibi_engine_pandas.text_files import Block, encoded

__all__ = ["CsvText"]

_OF_NUMBERS_AND_TIMES = frozenset("0123456789.+-: eTFinfaruls")


class CsvText:
    r"""The text of frames, by one set of options.

    Args:
        options: How to write.
        sep: What separates fields.
        subject: What is written, for messages.

    Example:
        >>> text = CsvText(CsvWriteOptions(), sep=",", subject="a.csv")
        >>> b"".join(text.blocks(pd.DataFrame({"a": [1.0, None], "b": ["x, y", "z"]})))
        b'a,b\n1.0,"x, y"\n,z\n'
    """

    def __init__(self, options: CsvWriteOptions, *, sep: str, subject: str) -> None:
        self._options = options
        self._sep = sep
        self._subject = subject
        special = "".join(f"\\x{{{ord(character):x}}}" for character in (sep, options.quotechar, "\n", "\r"))
        # Blanks at the ends get quotes, too: readers may trim them, and pass over a line that is only blanks.
        self._special = rf"[{special}]|^\s|\s$"
        self._notation = Notation(
            true="True",
            false="False",
            time_separator=" ",
            dates_alone=True,
            other=_object_text,
            float_text=_float_text(options.float_format),
            date_format=options.date_format,
        )
        self._numbers_are_plain = options.decimal == "." and not {sep, options.quotechar} & _OF_NUMBERS_AND_TIMES

    def blocks(self, frame: pd.DataFrame, *, is_continued: bool = False) -> Iterator[Block]:
        """Return header and rows.

        Args:
            frame: A flat frame.
            is_continued: Whether this goes behind rows that are there, so that no header is wanted.

        Raises:
            DataFormatError: A column has values that CSV, or the encoding, cannot hold.
        """
        utf8 = self._utf8(frame, has_header=self._options.header and not is_continued)
        try:
            yield from encoded(utf8, self._options.encoding, is_continued=is_continued)
        except UnicodeEncodeError as error:
            raise DataFormatError(f"{self._subject}: {error}; save with encoding 'utf-8'") from error

    def _utf8(self, frame: pd.DataFrame, *, has_header: bool) -> Iterator[Block]:
        columns = frame.columns.tolist()
        # A line that is empty because its only field is would be passed over by readers.
        quotes_empty = len(columns) == 1
        if has_header:
            names = self._quoted(
                pa.array(columns, TEXT),
                is_always=self._options.quoting in {"all", "nonnumeric"},
                quotes_empty=quotes_empty,
            )
            yield (self._sep.join(names.to_pylist()) + self._options.lineterminator).encode()
        cells = {}
        for name in columns:
            with column_named(name, subject=self._subject):
                cells[name] = cells_of(frame[name], self._notation)
        for block in row_blocks(frame):
            parts: list[Any] = []
            for name in columns:
                with column_named(name, subject=self._subject):
                    texts = self._fields(block[name], cells[name], quotes_empty=quotes_empty)
                parts += [texts, pa.scalar(self._sep, TEXT)]
            parts[-1] = pa.scalar(self._options.lineterminator, TEXT)
            yield joined(parts)

    def _fields(self, part: pd.Series, cells: Cells, *, quotes_empty: bool) -> pa.Array:
        texts = cells.texts(part)
        if cells.kind == "number" and self._options.decimal != ".":
            texts = pc.replace_substring(texts, ".", self._options.decimal)
        is_always = self._options.quoting == "all" or (self._options.quoting == "nonnumeric" and cells.kind != "number")
        if is_always or cells.kind != "number" or not self._numbers_are_plain:
            texts = self._quoted(texts, is_always=is_always, quotes_empty=quotes_empty)
        if not texts.null_count:
            return texts
        na_rep = self._quoted(pa.array([self._options.na_rep], TEXT), is_always=is_always, quotes_empty=quotes_empty)
        return pc.fill_null(texts, na_rep[0])

    def _quoted(self, texts: pa.Array, *, is_always: bool, quotes_empty: bool) -> pa.Array:
        if self._options.quoting == "none":
            return self._unquoted(texts)
        if is_always:
            chosen = None
        else:
            chosen = pc.match_substring_regex(texts, self._special)
            if quotes_empty:
                chosen = pc.or_(chosen, pc.equal(texts, pa.scalar("", TEXT)))
            if not pc.any(chosen).as_py():
                return texts
        quote = pa.scalar(self._options.quotechar, TEXT)
        doubled = pc.replace_substring(texts, self._options.quotechar, self._options.quotechar * 2)
        quoted = pc.binary_join_element_wise(quote, doubled, quote, pa.scalar("", TEXT))
        return quoted if chosen is None else pc.if_else(chosen, quoted, texts)

    def _unquoted(self, texts: pa.Array) -> pa.Array:
        special = texts.filter(pc.match_substring_regex(texts, self._special))
        if len(special):
            raise DataFormatError(f"has {special[0].as_py()!r}, which needs quotes around it; leave out quoting 'none'")
        return texts


def _float_text(float_format: str | None) -> Callable[[float], str] | None:
    if float_format is None:
        return None
    return float_format.format if "{" in float_format else float_format.__mod__


def _object_text(value: Any) -> str:
    """Return the text of what has no common type with its column; lists and mappings are written as JSON."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise DataFormatError("holds binary data, which CSV cannot; save as parquet, or decode it to text first")
    if isinstance(value, (dict, list, tuple, np.ndarray)):
        return json.dumps(
            value, ensure_ascii=False, default=lambda part: part.tolist() if hasattr(part, "tolist") else str(part)
        )
    return str(value)
