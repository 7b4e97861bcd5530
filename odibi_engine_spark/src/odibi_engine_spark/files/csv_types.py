"""Types of CSV columns found by this process, for files that it sees: a tenth of the time that a Spark job takes.

What is found is what `odibi_engine_spark.files.text_types.inferred` finds. Where this cannot tell (a dialect that Arrow
does not know, a malformed row, many gigabytes), it says nothing, and Spark is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from odibi_core.plugin import DataFormatError
from odibi_engine_spark.files.compression import compression_of, opened
from odibi_engine_spark.files.text_types import FRACTION, INTEGER, LONG_INTEGER, NUMBER, TEXT, TRUTH

if TYPE_CHECKING:
    from odibi_engine_spark.files.csv_options import CsvReadOptions

__all__ = ["MOST_BYTES", "CsvPart", "looked_at"]

MOST_BYTES = 512 << 20
"""Up to this size of all files together this process looks at them; beyond it, Spark's parallel job is quicker."""

_BLOCK = 4 << 20
_UNKNOWN = frozenset({"comment", "ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace", "lineSep"})
_LEAST, _MOST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvPart:
    """One file of a CSV dataset.

    Args:
        path: The file, as UTF-8.
        names: Its columns.
        partition: The values of the columns that are in its path.
        dialect: What Spark is told of it.
    """

    path: Path
    names: list[str]
    partition: dict[str, str | None]
    dialect: dict[str, str]


def looked_at(parts: Sequence[CsvPart], options: CsvReadOptions) -> dict[str, int] | None:
    """Return the kinds of values that each column has, as bits, or None if Spark has to be asked.

    Args:
        parts: The files.
        options: The options of the input.
    """
    asks_more = options.sampling_ratio or options.nrows is not None or options.date_format or options.timestamp_format
    dialect = parts[0].dialect
    is_known = all(len(part.dialect["sep"]) == 1 for part in parts) and not dialect.keys() & _UNKNOWN
    if asks_more or not is_known or options.mode != "FAILFAST":
        return None
    if sum(part.path.stat().st_size for part in parts) > MOST_BYTES:
        return None
    kinds: dict[str, int] = {}
    try:
        for part in parts:
            _look(part, options, kinds)
    except (pa.ArrowException, DataFormatError):
        return None
    return kinds


def _look(part: CsvPart, options: CsvReadOptions, kinds: dict[str, int]) -> None:
    quote, escape = part.dialect["quote"], part.dialect["escape"]
    numbered = [str(number) for number in range(len(part.names))]
    with (
        opened(part.path, compression_of(part.path, "infer"), subject="") as stream,
        csv.open_csv(
            stream,
            read_options=csv.ReadOptions(
                column_names=numbered, skip_rows_after_names=1 if options.header else 0, block_size=_BLOCK
            ),
            parse_options=csv.ParseOptions(
                delimiter=part.dialect["sep"],
                quote_char=quote or False,
                double_quote=options.doublequote,
                escape_char=False if escape == quote else escape,
                newlines_in_values=options.multi_line,
            ),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(numbered, pa.string())),
        ) as reader,
    ):
        for batch in reader:
            for name, values in zip(part.names, batch.columns, strict=True):
                if kinds.get(name, 0) != TEXT:
                    kinds[name] = kinds.get(name, 0) | _kinds_of(values, name, options)
    for name in part.names:
        kinds.setdefault(name, 0)


def _kinds_of(values: pa.Array, name: str, options: CsvReadOptions) -> int:
    nulls = pa.array(sorted(options.null_texts_of(name)), pa.string())
    values = pc.utf8_trim(values.filter(pc.invert(pc.is_in(values, value_set=nulls))), characters=" ")
    texts = values
    if options.thousands is not None:
        values = pc.replace_substring(values, options.thousands, "")
    if options.decimal != ".":
        values = pc.replace_substring(values, options.decimal, ".")
    found = 0
    for pattern, kind in ((r"^[+-]?[0-9]{1,18}$", INTEGER), (r"^[+-]?[0-9]{19,38}$", LONG_INTEGER), (NUMBER, FRACTION)):
        if not len(values):
            return found
        fits = pc.match_substring_regex(values, pattern)
        if pc.any(fits).as_py():
            found |= _of_long(values.filter(fits)) if kind == LONG_INTEGER else kind
            values, texts = values.filter(pc.invert(fits)), texts.filter(pc.invert(fits))
    if not len(texts):
        return found
    words = pa.array([*(word.lower() for word in ("true", "false", *options.true_values, *options.false_values))])
    is_word = pc.is_in(pc.utf8_lower(texts), value_set=words)
    found |= TRUTH if pc.any(is_word).as_py() else 0
    return TEXT if not pc.all(is_word).as_py() else found


def _of_long(values: Any) -> int:
    found = 0
    for text in values.to_pylist():
        found |= INTEGER if _LEAST <= int(text) <= _MOST else LONG_INTEGER
    return found
