from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from odibi_core.plugin import DataFormatError, EngineConfig, ErrorExplainer
from odibi_engine_polars.engine import PolarsEngine


@pytest.fixture
def engine():
    return PolarsEngine(EngineConfig(project_root=Path()))


@pytest.fixture
def eager_engine():
    return PolarsEngine(EngineConfig(project_root=Path(), options={"mode": "eager"}))


def never(batch: pl.DataFrame) -> pl.DataFrame:
    raise AssertionError("computed")


def test_lazy_and_eager_frames_are_frames(engine, flights):
    assert engine.is_frame(flights)
    assert engine.is_frame(flights.lazy())
    assert not engine.is_frame(flights["carrier"])
    assert not engine.is_frame({"a": [1]})


def test_counting_starts_no_computation(engine, flights):
    assert engine.count_rows(flights) == 3
    assert engine.count_rows(flights.lazy().map_batches(never)) is None


def test_columns_are_told_of_frames_in_memory_only(engine, flights):
    assert engine.describe_frame(flights) == {name: str(kind) for name, kind in flights.schema.items()}
    assert engine.describe_frame(flights.lazy().map_batches(never)) is None


def test_readers_give_lazy_frames_unless_eager_ones_are_asked_for(files, eager_files, flights, tmp_path):
    for name in ("a.parquet", "a.csv"):
        files.save(flights, tmp_path / name)

        assert isinstance(files.scan(tmp_path / name), pl.LazyFrame)
        assert isinstance(eager_files.scan(tmp_path / name), pl.DataFrame)
        assert_frame_equal(files.read(tmp_path / name), eager_files.scan(tmp_path / name))


def test_arrow_goes_out_as_a_stream(engine, flights):
    for frame in (flights, flights.lazy()):
        assert pa.table(engine.to_arrow(frame)).to_pylist() == flights.to_dicts()


def test_a_stream_comes_in_over_the_same_memory(engine, eager_engine):
    column = pa.array(range(1000), pa.int64())
    reader = pa.table({"a": column}).to_reader()

    frame = eager_engine.from_arrow(reader)

    shared = pa.table(frame)["a"].chunk(0).buffers()[1].address
    assert shared == column.buffers()[1].address
    assert isinstance(engine.from_arrow(pa.table({"a": column})), pl.LazyFrame)


def test_arrow_round_trip_keeps_types(engine, eager_engine):
    table = pa.table(
        {
            "a": pa.array([1, None], pa.int16()),
            "t": pa.array([0, None], pa.timestamp("us", "UTC")),
            "d": pa.array([1, None], pa.date32()),
            "x": pa.array(["é", None]),
            "l": pa.array([[1, None], None], pa.list_(pa.int64())),
            "s": pa.array([{"x": 1}, None]),
            "c": pa.array(["u", None]).dictionary_encode(),
        }
    )

    assert pa.table(eager_engine.to_arrow(eager_engine.from_arrow(table))).to_pylist() == table.to_pylist()
    assert pa.table(engine.to_arrow(engine.from_arrow(table.schema.empty_table()))).num_rows == 0


def test_engine_explains(engine):
    assert isinstance(engine, ErrorExplainer)


FRAME = pl.LazyFrame({"dep_delay": [1], "carrier": ["F9"]})
MISSING = {
    "select": lambda frame: frame.select("dep_dely"),
    "filter": lambda frame: frame.filter(pl.col("dep_dely") > 1),
    "with_columns": lambda frame: frame.with_columns(pl.col("dep_dely") + 1),
    "group_by": lambda frame: frame.group_by("dep_dely").agg(pl.len()),
    "agg": lambda frame: frame.group_by("carrier").agg(pl.col("dep_dely").mean()),
    "sort": lambda frame: frame.sort("dep_dely"),
    "drop": lambda frame: frame.drop("dep_dely"),
    "eager": lambda frame: frame.collect()["dep_dely"],
    "over": lambda frame: frame.with_columns(pl.col("carrier").first().over("dep_dely")),
}


@pytest.mark.parametrize("ask", MISSING.values(), ids=MISSING.keys())
def test_missing_column_is_explained_with_input_and_suggestion(engine, ask):
    with pytest.raises(pl.exceptions.ColumnNotFoundError) as caught:
        ask(FRAME).lazy().collect()

    said = engine.explain_error(caught.value, {"bronze.flights": FRAME})

    assert said == (
        "column 'dep_dely' is not in input 'bronze.flights' (columns: dep_delay, carrier). Did you mean 'dep_delay'?"
    )


def test_column_that_only_another_input_has(engine):
    planes = pl.LazyFrame({"tailnum": ["N1"], "seats": [2]})
    with pytest.raises(pl.exceptions.ColumnNotFoundError) as caught:
        FRAME.join(planes, on="tailnum").collect()

    said = engine.explain_error(caught.value, {"bronze.flights": FRAME, "bronze.planes": planes})

    assert "column 'tailnum' is not in" in said
    assert "bronze.flights" in said or "bronze.planes" in said
    assert "Resolved plan" not in said


def test_error_of_a_lazy_frame_is_explained_when_it_is_saved(engine):
    with pytest.raises(pl.exceptions.ColumnNotFoundError) as caught:
        FRAME.filter(pl.col("dep_delay") > 0).select("dep_dely").collect()

    said = engine.explain_error(caught.value, {})

    assert said.startswith("column 'dep_dely' is not in the frame that was asked for it")
    assert "\n" not in said


def test_error_of_a_portable_function_is_explained_as_that_of_polars_behind_it(engine):
    narwhals = pytest.importorskip("narwhals.stable.v2")
    frame = pl.LazyFrame({"dep_delay": [1]})
    with pytest.raises(KeyError) as caught:
        narwhals.from_native(frame).select("dep_dely").collect_schema()

    said = engine.explain_error(caught.value, {"bronze.flights": frame})
    assert said == "column 'dep_dely' is not in input 'bronze.flights' (columns: dep_delay). Did you mean 'dep_delay'?"
    assert engine.explain_error(TypeError("of nobody"), {"bronze.flights": frame}) is None


def test_wrong_type_is_explained_in_one_line(engine):
    with pytest.raises(pl.exceptions.SchemaError) as caught:
        FRAME.with_columns(pl.col("dep_delay").str.to_uppercase()).collect()

    said = engine.explain_error(caught.value, {"bronze.flights": FRAME})

    assert "dep_delay" in said
    assert "\n" not in said


def test_errors_of_others_are_left_alone(engine):
    assert engine.explain_error(KeyError("x"), {"bronze.flights": FRAME}) is None


@pytest.mark.parametrize("is_lazy", [True, False])
def test_python_objects_are_not_handed_over_as_their_addresses(engine, is_lazy):
    frame = pl.DataFrame({"id": [1]}).with_columns(pl.Series("model", [object()], dtype=pl.Object))

    with pytest.raises(DataFormatError, match=r"column 'model' is Object, which Arrow does not have; make it text"):
        engine.to_arrow(frame.lazy() if is_lazy else frame)


@pytest.mark.parametrize(
    "kind", [pl.Int128(), pl.UInt128(), pl.Struct({"x": pl.List(pl.Int128)}), pl.Array(pl.Int128, 1)]
)
def test_integers_that_arrow_does_not_have_are_refused(engine, kind):
    with pytest.raises(DataFormatError, match=r"column 'count' is .*Int128.*; cast it first"):
        engine.to_arrow(pl.DataFrame(schema={"id": pl.Int64, "count": kind}))


def test_objects_in_a_file_are_explained(engine, tmp_path):
    frame = pl.DataFrame({"model": pl.Series([object()], dtype=pl.Object)})
    with pytest.raises(pl.exceptions.PolarsError) as caught:
        frame.lazy().sink_parquet(tmp_path / "a.parquet")

    assert "Python objects" in str(engine.explain_error(caught.value, {}))
