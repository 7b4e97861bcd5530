"""Where engines disagree through Narwhals: each line of the table in the documentation is what they answer today."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.plugin import EngineConfig
from odibi_engine_pandas.engine import PandasEngine

PAGE = Path(__file__).parents[2] / "docs/portable-functions.md"
TEXT = PAGE.read_text(encoding="utf-8")
TYPES = {
    "id": pa.int64(),
    "k": pa.string(),
    "v": pa.float64(),
    "n": pa.int64(),
    "one": pa.int64(),
    "none": pa.float64(),
    "text": pa.string(),
    "at": pa.string(),
    "part": pa.float64(),
}


def table_of_the_page() -> pa.Table:
    found = re.search(r"```python\n(NAN = .*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(found[1], names)  # the block of the page
    return pa.table({name: pa.array(names["COLUMNS"][name], type_) for name, type_ in TYPES.items()})


def lines_of_the_page() -> list[tuple[str, str, dict[str, str]]]:
    """What, expression and answers of each line of the table."""
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ") and "`df." in line]
    return [
        (what, expression.strip("`"), {"pandas": pandas, "polars": polars, "spark": spark})
        for what, expression, pandas, polars, spark, *_ in rows
    ]


LINES = lines_of_the_page()


def shown(value: Any) -> str:
    """An answer as the page has it."""
    if value is None:
        return "null"
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return repr(value) if isinstance(value, str) else str(value)


def answer(expression: str, frame: Any, to_arrow: Callable[[Any], Any]) -> str:
    """What an expression gives, or that it is refused."""
    try:
        made = eval(expression, {"nw": nw, "df": frame})
        values = pa.table(to_arrow(made.to_native()))["r"].to_pylist()
    except (NameError, SyntaxError):
        raise
    except Exception:  # noqa: BLE001 - which error it is differs, that it is one is what the page says
        return "error"
    return ", ".join(shown(value) for value in values)


def on_pandas(expression: str) -> str:
    engine = PandasEngine(EngineConfig(project_root=Path()))
    frame = nw.from_native(engine.from_arrow(table_of_the_page())).lazy()
    return answer(expression, frame, lambda native: engine.to_arrow(native.reset_index(drop=True)))


def on_polars(expression: str) -> str:
    frame = nw.from_native(pl.from_arrow(table_of_the_page()).lazy())
    return answer(expression, frame, lambda native: native.collect().to_arrow())


def on_spark(expression: str, engine: Any) -> str:
    frame = nw.from_native(engine.from_arrow(table_of_the_page()))
    return answer(expression, frame, engine.to_arrow)


def test_page_has_a_line_for_every_difference_that_is_known() -> None:
    assert len(LINES) >= 30
    assert sum(len(set(answers.values())) > 1 for _, _, answers in LINES) >= 15
    assert len({expression for _, expression, _ in LINES}) == len(LINES)


@pytest.mark.parametrize(("expression", "answers"), [line[1:] for line in LINES], ids=[line[0] for line in LINES])
def test_answers_of_pandas_and_polars(expression: str, answers: dict[str, str]) -> None:
    assert on_pandas(expression) == answers["pandas"]
    assert on_polars(expression) == answers["polars"]


@pytest.mark.parametrize(("expression", "answers"), [line[1:] for line in LINES], ids=[line[0] for line in LINES])
def test_answers_of_spark(expression: str, answers: dict[str, str], classic_engine: Any) -> None:
    assert on_spark(expression, classic_engine) == answers["spark"]
