"""CSV text as a list of mappings, with the line of every row."""

from __future__ import annotations

import csv
import io

from odibi_core.project.documents import KeyPath, Parsed, TextFault

__all__ = ["parse"]


def parse(text: str) -> Parsed:
    """Read CSV text whose first row names the columns; an empty cell is None.

    Args:
        text: The text.

    Raises:
        TextFault: It is not CSV, or has no usable header.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[dict[str, str | None]] = []
    lines: list[int] = []
    faults: list[TextFault] = []
    header: list[str] = []
    last_line = 0
    try:
        for cells in reader:
            line, last_line = last_line + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _header(cells, line=line)
                continue
            if len(cells) > len(header):
                message = f"The row has {len(cells)} cells, but the header has {len(header)} columns."
                faults.append(TextFault(message, line=line, suggestion="Put a cell with commas in double quotes."))
            rows.append({name: cell.strip() or None for name, cell in zip(header, cells, strict=False)})
            lines.append(line)
    except csv.Error as error:
        hint = 'Inside a quoted cell, write a double quote twice: "".'
        raise TextFault(f"Not valid CSV: {error}.", line=last_line + 1, suggestion=hint) from error

    def locate(path: KeyPath) -> int | None:
        first = path[0] if path else None
        return lines[first] if isinstance(first, int) and first < len(lines) else 1

    return Parsed(data=rows, locate=locate, faults=faults)


def _header(cells: list[str], *, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        raise TextFault("The columns are not separated by commas.", line=line, suggestion="Save it with commas.")
    for position, name in enumerate(names):
        if not name:
            raise TextFault(f"Column {position + 1} of the header has no name.", line=line)
        if name in names[:position]:
            raise TextFault(f"The header names the column {name!r} twice.", line=line)
    return names
