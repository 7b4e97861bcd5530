"""Portable and converted functions in runs: native frames in and out, and what is refused."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from odibi_core import plan_project, run_project
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import hookimpl
from odibi_core.runlog import read_journal

ENGINE_FILE = Path(__file__).parents[1] / "tables_engine.py"

FUNCTIONS = """
from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw

from odibi_core.functions import odibi_function

if TYPE_CHECKING:
    from narwhals.stable.v2 import LazyFrame

SEEN = []


def see(frame):
    SEEN.append(f"{type(frame).__module__}.{type(frame).__name__}")
    return frame


@odibi_function(engine="any")
def double(df: LazyFrame, *, factor: int = 2) -> LazyFrame:
    return see(df).with_columns(nw.col("n") * factor)


@odibi_function(engine="any")
def eager(df: nw.DataFrame) -> nw.DataFrame:
    return see(df).filter(nw.col("n") > 1)


@odibi_function(engine="any", portable=True)
def split(df):
    return {"low": see(df).filter(nw.col("n") < 2), "high": df.filter(nw.col("n") >= 2)}


def total(left: nw.LazyFrame, right: nw.LazyFrame) -> nw.LazyFrame:
    return left.join(right, on="n", how="inner").select(nw.col("n").sum())


def native_answer(df: nw.LazyFrame):
    return df.collect().to_native()


def rename(df: nw.LazyFrame):
    return df.with_columns(N=nw.col("n"))


def collected(df: nw.LazyFrame):
    return df.collect().to_numpy()


@odibi_function(engine="tables", convert_from="pandas")
def on_tables(df, context=None):
    return see(df).append_column("engine", [[context.engine.value] * len(df)])


@odibi_function(engine="tables", convert_from=("pandas", "far"))
def portable_on_tables(df: nw.DataFrame) -> nw.DataFrame:
    return see(df).filter(nw.col("n") > 1)
"""


@pytest.fixture
def tables_engine(monkeypatch):
    spec = importlib.util.spec_from_file_location("tables_engine", ENGINE_FILE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "tables_engine", module)
    spec.loader.exec_module(module)
    return module


class Observer:
    def __init__(self, events):
        self.events = events

    @hookimpl
    def odibi_pre_transform(self, event):
        self.events.append(event)

    @hookimpl
    def odibi_post_transform(self, event):
        self.events.append(event)

    @hookimpl
    def odibi_pre_save(self, event):
        self.events.append(event)


@pytest.fixture
def observed():
    """The events of functions and saves, in their order."""
    return []


@pytest.fixture
def manager(tables_engine, observed):
    from odibi_engine_pandas import plugin as pandas_plugin

    manager = PluginManager(PluginSettings(discover=False))
    manager.register(tables_engine, name="tables-engine")
    manager.register(pandas_plugin, name="engine-pandas")
    manager.register(Observer(observed), name="observer")
    return manager.freeze()


@pytest.fixture
def project(make_project, tmp_path):
    """Make a project with one row that reads ``landing/in.ipc``."""

    def make(function, *, engine, outputs=("gold.out",), inputs=("landing/in.ipc",), table=None, manifest=None):
        row = {
            "transformation_id": function,
            "function": function,
            "inputs": list(inputs),
            "outputs": list(outputs),
            "constants": {"engine": engine},
        }
        files = {"steps.py": FUNCTIONS}
        shape = {"warehouse": {"path": "data", "format": "ipc"}, "default_engine": "pandas", **(manifest or {})}
        root = make_project([row], manifest=shape, files=files)
        (root / "landing").mkdir(exist_ok=True)
        table = pa.table({"n": [1, 2, 3]}) if table is None else table
        with pa.ipc.new_stream(root / "landing/in.ipc", table.schema) as writer:
            writer.write_table(table)
        return root

    return make


def saved(root, name="gold/out"):
    return pa.ipc.open_stream((root / f"data/{name}.ipc").read_bytes()).read_all()


def seen():
    return sys.modules["steps"].SEEN[-1]


@pytest.mark.parametrize("engine", ["pandas", "tables"])
def test_portable_function_runs_on_each_engine_and_native_frames_are_saved(project, manager, engine):
    root = project("double", engine=engine)

    result = run_project(root, manager=manager)

    assert result.status == "SUCCESS"
    assert saved(root)["n"].to_pylist() == [2, 4, 6]
    assert seen() == "narwhals.stable.v2.LazyFrame"


@pytest.mark.parametrize(
    ("function", "kind", "expected"),
    [
        ("eager", "DataFrame", [2, 3]),
        ("total", None, [6]),
        ("native_answer", None, [1, 2, 3]),
    ],
)
def test_function_gets_what_its_annotation_says(project, manager, function, kind, expected):
    inputs = ("landing/in.ipc",) if function != "total" else ("landing/in.ipc", {"path": "landing/in.ipc"})
    root = project(function, engine="pandas", inputs=inputs)

    run_project(root, manager=manager)

    assert saved(root)["n"].to_pylist() == expected
    if kind:
        assert seen() == f"narwhals.stable.v2.{kind}"


def test_several_frames_by_name_are_saved(project, manager):
    root = project("split", engine="tables", outputs=("gold.low", "gold.high"))

    run_project(root, manager=manager)

    assert [saved(root, f"gold/{name}")["n"].to_pylist() for name in ("low", "high")] == [[1], [2, 3]]
    assert seen() == "narwhals.stable.v2.LazyFrame"


@pytest.mark.parametrize("engine", ["pandas", "tables"])
def test_columns_that_differ_only_by_case_are_refused(project, manager, engine):
    root = project("double", engine=engine, table=pa.table({"n": [1], "N": [2]}))

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert "got 'df' with columns that differ by nothing but case: 'n' and 'N'" in result.transformations[0].error


def test_columns_that_a_function_makes_are_refused_too(project, manager):
    result = run_project(project("rename", engine="pandas"), manager=manager, raise_on_failure=False)

    assert "returned a frame with columns that differ by nothing but case: 'n' and 'N'" in (
        result.transformations[0].error
    )


def test_frames_that_narwhals_does_not_know_are_refused_with_a_way_out(project, manager):
    result = run_project(project("double", engine="far"), manager=manager, raise_on_failure=False)

    error = result.transformations[0].error
    assert "Narwhals knows no frames of engine 'far' (tables_engine.Far)" in error
    assert "convert_from='far'" in error


def test_what_is_no_frame_says_that_collecting_may_be_why(project, manager):
    result = run_project(project("collected", engine="pandas"), manager=manager, raise_on_failure=False)

    assert "numpy.ndarray, which is no frame of engine 'pandas'" in result.transformations[0].error
    assert "not what collect() made" in result.transformations[0].error


def test_declared_function_gets_frames_of_its_engine_and_the_row_keeps_its_own(project, manager, observed):
    root = project("on_tables", engine="pandas")

    result = run_project(root, manager=manager)

    assert result.status == "SUCCESS"
    assert seen() == "pyarrow.lib.Table"
    assert saved(root).to_pylist() == [{"n": n, "engine": "tables"} for n in (1, 2, 3)]
    before, after, saving = observed
    assert [type(frame) for frame in (*before.frames.values(), *after.frames.values(), saving.frame)] == (
        [pd.DataFrame] * 3
    )
    assert {event.engine for event in observed} == {"pandas"}


def test_plan_and_run_log_say_where_the_function_ran(project, manager):
    root = project("on_tables", engine="pandas")

    plan = plan_project(root, manager=manager).to_dict()["transformations"][0]
    result = run_project(root, manager=manager)

    assert (plan["engine"], plan["function_engine"]) == ("pandas", "tables")
    assert "frames are handed over from 'pandas' to 'tables' and back" in plan["function_why"]
    entry = read_journal(root / ".odibi/runs" / f"{result.run_id}.jsonl").header["plan"][0]
    assert (entry["engine"], entry["function_engine"]) == ("pandas", "tables")
    assert entry["function_why"] == plan["function_why"]


def test_converted_function_may_be_written_against_narwhals(project, manager):
    root = project("portable_on_tables", engine="far")

    run_project(root, manager=manager)

    assert saved(root)["n"].to_pylist() == [2, 3]
    assert seen() == "narwhals.stable.v2.DataFrame"


@pytest.mark.parametrize("direction", ["in", "back"])
def test_conversion_beyond_the_budget_is_refused_both_ways(project, manager, direction):
    table = pa.table({"n": list(range(100))})
    limit = 100 if direction == "in" else 900  # 100 numbers are 800 bytes, with the names of engines 1 500
    root = project("on_tables", engine="pandas", table=table, manifest={"hand_over": {"max_bytes": limit}})

    result = run_project(root, manager=manager, raise_on_failure=False)

    expected = {
        "in": "input 'landing/in.ipc', handed over from 'pandas' to 'tables', is more than may be handed over",
        "back": "output 'gold.out', handed over from 'tables' to 'pandas', is more than may be handed over",
    }
    assert expected[direction] in result.transformations[0].error
    assert "raise hand_over.max_bytes" in result.transformations[0].error
    assert not (root / "data/gold/out.ipc").exists()
