"""What is shown with rich, on a terminal only: tables that fit into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console  # noqa: TID253 - imported only where there is a terminal to draw on
from rich.table import Table  # noqa: TID253 - see above
from rich.text import Text  # noqa: TID253 - see above

from odibi_core.cli.output import COLOURS

if TYPE_CHECKING:
    from odibi_core.cli.output import Output

__all__ = ["console_of", "print_table"]

_MOST_FOR_WHOLE_COLUMNS: Final = 0.7
"""Of the terminal's width; beyond that the other columns would become too narrow to be read."""


def console_of(output: Output) -> Console:
    """Return rich's console for an output that is a terminal."""
    return Console(
        file=output.stdout,
        width=output.width,
        no_color=not output.has_colour,
        highlight=False,
        emoji=False,
        markup=False,
    )


def print_table(
    output: Output,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    whole: Sequence[int] = (),
    right: Sequence[int] = (),
) -> None:
    """Print a table as wide as the terminal at most; what does not fit goes on below, in its own column.

    Args:
        output: The terminal.
        headings: The names of the columns.
        rows: The cells.
        whole: The columns that are not broken if there is room for them.
        right: The columns that are aligned to the right.
    """
    console = console_of(output)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    widest = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    is_wide = sum(widest[position] for position in whole) < console.width * _MOST_FOR_WHOLE_COLUMNS
    for position, heading in enumerate(headings):
        table.add_column(
            heading,
            justify="right" if position in right else "left",
            overflow="fold",
            no_wrap=is_wide and position in whole,
        )
    for row in rows:
        table.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
    console.print(table)
