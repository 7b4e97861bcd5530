"""Print the worst airlines by mean arrival delay, and where the outputs are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

WORST = 5


def show(root: Path) -> None:
    """Print the table and the paths.

    Args:
        root: The project's folder, after ``odibi run``.
    """
    data = root / "data"
    airlines = pd.read_parquet(data / "gold" / "delay_by_airline.parquet")
    table = Table("Airline", title="Late on arrival, on average")
    table.add_column("Flights", justify="right")
    table.add_column("Minutes", justify="right")
    for row in airlines.head(WORST).to_dict("records"):
        table.add_row(row["airline"], f"{row['flights']:,}", f"{row['mean_arr_delay']:.3f}")
    console = Console()
    console.print(table)
    console.print("Outputs:")
    for path in sorted(data.rglob("*.parquet")):
        console.print(f"  {path}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    show(Path(__file__).resolve().parent)
