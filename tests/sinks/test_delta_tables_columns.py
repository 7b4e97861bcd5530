"""What becomes of a frame's types in a Delta table, and what does not fit."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.plugin import DataFormatError, Dataset, EngineConfig
from odibi_engine_pandas.engine import PandasEngine
from odibi_sinks.delta_tables.reader import DeltaTableReader
from odibi_sinks.delta_tables.saver import DeltaTableSaver

MOMENT = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture
def dataset(tmp_path):
    def dataset(**options):
        mode = options.pop("mode", "overwrite")
        return Dataset(name="s", kind="table", format="delta", location=str(tmp_path / "t"), mode=mode, options=options)

    return dataset


@pytest.fixture
def back(dataset):
    """Save a column and return it as it is read."""

    def back(column, **options):
        DeltaTableSaver(None).save(pa.table({"c": column}), dataset(**options))
        return DeltaTableReader(None).read(dataset()).read_all()["c"]

    return back


@pytest.mark.parametrize(
    ("column", "becomes"),
    [
        (pa.array(["a", None]).dictionary_encode(), pa.string()),
        (pa.array(["a", None], pa.large_string()), pa.string()),
        (pa.array(["a", None], pa.string_view()), pa.string()),
        (pa.array([b"a", None], pa.large_binary()), pa.binary()),
        (pa.array([b"a", None], pa.binary(1)), pa.binary()),
        (pa.array([255, None], pa.uint8()), pa.int16()),
        (pa.array([65_535, None], pa.uint16()), pa.int32()),
        (pa.array([2**32 - 1, None], pa.uint32()), pa.int64()),
        (pa.array([2**63 - 1, None], pa.uint64()), pa.int64()),
        (pa.array([-128, None], pa.int8()), pa.int8()),
        (pa.array([1.5, None], pa.float16()), pa.float32()),
        (pa.array([1.5, None], pa.float32()), pa.float32()),
        (pa.array([float("nan"), None]), pa.float64()),
        (pa.array([MOMENT, None], pa.timestamp("ns")), pa.timestamp("us")),
        (pa.array([MOMENT.replace(microsecond=0), None], pa.timestamp("s")), pa.timestamp("us")),
        (pa.array([MOMENT, None], pa.timestamp("us", "UTC")), pa.timestamp("us", "UTC")),
        (pa.array([MOMENT, None], pa.timestamp("ns", "America/New_York")), pa.timestamp("us", "UTC")),
        (pa.array([date(1, 1, 1), None]), pa.date32()),
        (pa.array([date(2026, 1, 1), None], pa.date64()), pa.date32()),
        (pa.array([Decimal("1.50"), None], pa.decimal128(38, 2)), pa.decimal128(38, 2)),
        (pa.array([Decimal("1.50"), None], pa.decimal64(10, 2)), pa.decimal128(10, 2)),
        (pa.array([True, None]), pa.bool_()),
        (pa.array([[1, None], [], None], pa.large_list(pa.uint8())), pa.list_(pa.int16())),
        (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), pa.list_(pa.int64())),
        (
            pa.array([{"x": MOMENT}, None], pa.struct([("x", pa.timestamp("ns"))])),
            pa.struct([("x", pa.timestamp("us"))]),
        ),
        (pa.array([[("k", 1)], None], pa.map_(pa.large_string(), pa.uint8())), pa.map_(pa.string(), pa.int16())),
    ],
    ids=lambda value: str(value) if isinstance(value, pa.DataType) else str(value.type),
)
def test_every_value_comes_back(back, column, becomes):
    read = back(column)

    assert read.type.equals(becomes) or pa.types.is_list(becomes) or pa.types.is_map(becomes)
    assert read.cast(becomes).to_pylist() == column.cast(becomes).to_pylist() or str(column[0]) == "nan"
    assert read.null_count == column.null_count


def test_times_with_a_zone_are_timestamps_and_others_have_none(back, tmp_path):
    back(pa.array([MOMENT], pa.timestamp("us", "Europe/Berlin")))
    assert DeltaTable(tmp_path / "t").schema().fields[0].type.type == "timestamp"

    back(pa.array([MOMENT], pa.timestamp("us")), overwrite_schema=True)
    assert DeltaTable(tmp_path / "t").schema().fields[0].type.type == "timestamp_ntz"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([None, None]), r"column 'c' \(null\) has nothing but nulls to tell its type by.*astype\('string'\)"),
        (pa.array([[], None], pa.list_(pa.null())), r"nothing but nulls to tell its type by"),
        (pa.array([time(12)]), r"column 'c' is time64\[us\], for which Delta has no type; convert it"),
        (pa.array([timedelta(1)]), r"column 'c' is duration\[us\], for which Delta has no type"),
        (pa.array([{}], pa.struct([])), r"for which Delta has no type"),
        (pa.array([[1]], pa.list_view(pa.int64())), r"for which Delta has no type"),
        (pa.array([Decimal(1)], pa.decimal256(50, 0)), r"for which Delta has no type"),
        (pa.array([2**63], pa.uint64()), r"column 'c' is uint64 and would be int64.*9223372036854775808"),
        (pa.array([1], pa.timestamp("ns")), r"column 'c' is timestamp\[ns\].*would lose data.*Round it to microsec"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_what_delta_lacks_is_refused_by_name(back, tmp_path, column, message):
    with pytest.raises(DataFormatError, match=message):
        back(column)
    assert not list(tmp_path.glob("t/_delta_log/*.json"))


def test_value_far_down_a_stream_that_does_not_fit_leaves_nothing(back, dataset, tmp_path):
    back(pa.array([1], pa.int64()))
    batches = [pa.record_batch({"c": pa.array([value], pa.uint64())}) for value in (1, 2, 2**64 - 1)]

    with pytest.raises(DataFormatError, match=r"column 'c' is uint64 and would be int64 in the table"):
        DeltaTableSaver(None).save(pa.RecordBatchReader.from_batches(batches[0].schema, iter(batches)), dataset())
    assert DeltaTable(tmp_path / "t").version() == 0


@pytest.mark.parametrize(
    ("there", "column", "value"),
    [
        (pa.int32(), pa.array([7, None], pa.int64()), 7),
        (pa.int64(), pa.array([7.0, None]), 7),
        (pa.float64(), pa.array([7, None], pa.int64()), 7.0),
        (pa.decimal128(20, 2), pa.array([7, None], pa.int16()), Decimal("7.00")),
        (pa.decimal128(10, 2), pa.array([Decimal("7.5"), None]), Decimal("7.50")),
        (pa.string(), pa.array([None, None]), None),
        (pa.struct([("x", pa.int32())]), pa.array([{"x": 7}, None]), {"x": 7}),
        (pa.list_(pa.string()), pa.array([[], None], pa.list_(pa.null())), []),
        (pa.map_(pa.string(), pa.int32()), pa.array([[("a", 7)]], pa.map_(pa.string(), pa.int64())), [("a", 7)]),
    ],
    ids=str,
)
def test_values_take_the_tables_type_where_nothing_is_lost(back, there, column, value):
    back(pa.nulls(1, there))

    read = back(column)

    assert read.type.id == there.id
    assert read.to_pylist()[0] == value


@pytest.mark.parametrize(
    ("there", "column", "message"),
    [
        (pa.int32(), pa.array([2**31]), r"column 'c' is int64 and would be int32.*2147483648"),
        (pa.int64(), pa.array([1.5]), r"column 'c' is double and would be int64.*1.5"),
        (pa.float64(), pa.array([2**53 + 1]), r"column 'c' is int64 and would be double"),
        (pa.float32(), pa.array([0.1]), r"column 'c' is double, and float in the table; convert it"),
        (pa.string(), pa.array([1]), r"column 'c' is int64, and string in the table; convert it"),
        (pa.int64(), pa.array(["1"]), r"column 'c' is string, and int64 in the table"),
        (pa.timestamp("us"), pa.array([MOMENT.replace(tzinfo=UTC)]), r"column 'c' is timestamp\[us, tz=UTC\], and"),
        (pa.date32(), pa.array([MOMENT]), r"column 'c' is timestamp\[us\], and date32\[day\] in the table"),
        (pa.struct([("x", pa.int64())]), pa.array([{"y": 1}]), r"column 'c' is struct<y: int64>, and struct<x: int64>"),
    ],
    ids=str,
)
def test_what_would_lose_something_is_refused(back, tmp_path, there, column, message):
    back(pa.nulls(1, there))

    with pytest.raises(DataFormatError, match=message):
        back(column, mode="append")
    assert DeltaTable(tmp_path / "t").version() == 0


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "A"], r"two columns that differ at most in case: 'a'"),
        (["a", "a"], r"two columns that differ at most in case: 'a'"),
        ([], r"no columns"),
    ],
    ids=str,
)
def test_names_that_no_table_can_have_are_refused(dataset, names, message):
    with pytest.raises(DataFormatError, match=message):
        DeltaTableSaver(None).save(pa.table([[1]] * len(names), names=names), dataset())


@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
        unique_by=str.casefold,
    )
)
def test_any_name_is_a_column(names, tmp_path_factory):
    location = str(tmp_path_factory.mktemp("names") / "t")
    dataset = Dataset(name="s", kind="table", format="delta", location=location, mode="append")
    frame = pa.table([[number] for number in range(len(names))], names=names)

    DeltaTableSaver(None).save(frame, dataset)
    DeltaTableSaver(None).save(frame, dataset)

    chosen = Dataset(name="s", kind="table", format="delta", location=location, options={"columns": names})
    assert DeltaTableReader(None).read(chosen).read_all().to_pylist() == frame.to_pylist() * 2


def test_frame_of_pandas_comes_back_as_it_was(dataset, tmp_path):
    engine = PandasEngine(EngineConfig(project_root=tmp_path))
    frame = pd.DataFrame(
        {
            "id": pd.array([1, None], dtype="Int64"),
            "name": ["a", None],
            "share": [0.5, float("nan")],
            "is_open": pd.array([True, None], dtype="boolean"),
            "at": pd.to_datetime(["2026-03-01T12:00:00Z", None]).as_unit("us"),
            "kind": pd.Categorical(["x", None]),
        }
    )

    DeltaTableSaver(engine).save(engine.to_arrow(frame), dataset())
    back = engine.from_arrow(DeltaTableReader(engine).read(dataset()))

    pd.testing.assert_frame_equal(back, frame.astype({"kind": "str"}))
