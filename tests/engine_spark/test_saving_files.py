"""Saving files: modes, all or nothing, facts, and folders that both engines read and replace."""

from __future__ import annotations

import datetime as dt
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from odibi_core.plugin import ColumnNotFoundError, ConfigError, DataFormatError, Dataset, DatasetExistsError
from odibi_engine_pandas.csv_reader import PandasCsvReader
from odibi_engine_pandas.csv_saver import PandasCsvSaver
from odibi_engine_pandas.json_reader import PandasJsonLinesReader, PandasJsonReader
from odibi_engine_pandas.json_saver import PandasJsonLinesSaver, PandasJsonSaver
from odibi_engine_pandas.parquet_reader import PandasParquetReader
from odibi_engine_pandas.parquet_saver import PandasParquetSaver
from odibi_engine_spark.files.reader import SparkFileReader
from odibi_engine_spark.files.saver import SparkFileSaver

FORMATS = ("csv", "json", "jsonl", "parquet")
PANDAS = {
    "csv": (PandasCsvReader, PandasCsvSaver),
    "json": (PandasJsonReader, PandasJsonSaver),
    "jsonl": (PandasJsonLinesReader, PandasJsonLinesSaver),
    "parquet": (PandasParquetReader, PandasParquetSaver),
}


def output(path: Path, format_: str | None = None, **keys: Any) -> Dataset:
    return Dataset(name="silver.a", kind="table", format=format_ or path.suffix[1:], location=str(path), **keys)


def frame_of(engine: Any, rows: list[dict[str, Any]], schema: str = "n bigint, s string") -> Any:
    return engine.session.createDataFrame([tuple(row.values()) for row in rows], schema)


def save(engine: Any, rows: list[dict[str, Any]], dataset: Dataset, schema: str = "n bigint, s string") -> Any:
    return SparkFileSaver(engine).save(frame_of(engine, rows, schema), dataset)


def read(engine: Any, dataset: Dataset) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in SparkFileReader(engine).read(dataset).collect()), key=repr)


def pandas_rows(dataset: Dataset) -> list[tuple[Any, ...]]:
    frame = PANDAS[dataset.format][0](None).read(dataset)
    return sorted((tuple(row.values()) for row in pa.Table.from_pandas(frame).to_pylist()), key=repr)


ONE, TWO = {"n": 1, "s": "x"}, {"n": 2, "s": None}


@pytest.mark.parametrize("format_", FORMATS)
def test_modes(spark_engine, tmp_path, format_):
    path = tmp_path / f"deep/a.{format_}"
    report = save(spark_engine, [ONE, TWO], output(path, mode="error"))
    assert report.rows in {2, None if not spark_engine.flavour.observe else 2}
    assert report.bytes == sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    assert report.was_written
    with pytest.raises(DatasetExistsError, match=f"a.{format_} exists, and the mode is 'error'"):
        save(spark_engine, [ONE], output(path, mode="error"))
    assert not save(spark_engine, [ONE], output(path, mode="ignore")).was_written
    assert save(spark_engine, [ONE], output(path, mode="append")).was_written
    assert read(spark_engine, output(path)) == [(1, "x"), (1, "x"), (2, None)]
    assert pandas_rows(output(path)) == [(1, "x"), (1, "x"), (2, None)]
    save(spark_engine, [{"n": 3, "s": "z"}], output(path, mode="overwrite"))
    assert pandas_rows(output(path)) == read(spark_engine, output(path)) == [(3, "z")]
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert not [file for file in path.rglob("*") if file.name.startswith(("_", "."))]


@pytest.mark.parametrize("format_", FORMATS)
def test_what_pandas_saved_is_replaced_and_appended_to_and_back(spark_engine, tmp_path, format_):
    dataset = output(tmp_path / f"a.{format_}")
    added = output(tmp_path / f"a.{format_}", mode="append")
    PANDAS[format_][1](None).save(pd.DataFrame({"n": [1], "s": ["x"]}), dataset)
    assert read(spark_engine, dataset) == [(1, "x")]
    save(spark_engine, [TWO], added)
    assert read(spark_engine, dataset) == pandas_rows(dataset) == [(1, "x"), (2, None)]
    PANDAS[format_][1](None).save(pd.DataFrame({"n": [3], "s": ["z"]}), dataset)
    assert (tmp_path / f"a.{format_}").is_file()
    assert read(spark_engine, dataset) == pandas_rows(dataset) == [(3, "z")]
    save(spark_engine, [ONE], dataset)
    assert read(spark_engine, dataset) == pandas_rows(dataset) == [(1, "x")]
    (tmp_path / f"a.{format_}/_SUCCESS").touch()
    (tmp_path / f"a.{format_}/.part-00000.{format_}.crc").touch()
    PANDAS[format_][1](None).save(pd.DataFrame({"n": [3], "s": ["z"]}), dataset)
    assert read(spark_engine, dataset) == [(3, "z")]


def test_pandas_appends_to_a_folder_of_parquet_and_not_of_text(spark_engine, tmp_path):
    frame = pd.DataFrame({"n": [2], "s": [None]}).astype({"s": "str"})
    for format_ in FORMATS:
        save(spark_engine, [ONE], output(tmp_path / f"a.{format_}"))
    PandasParquetSaver(None).save(frame, output(tmp_path / "a.parquet", mode="append"))
    assert read(spark_engine, output(tmp_path / "a.parquet")) == [(1, "x"), (2, None)]
    assert pandas_rows(output(tmp_path / "a.parquet")) == [(1, "x"), (2, None)]
    for format_ in ("csv", "json", "jsonl"):
        with pytest.raises(DataFormatError, match=f"is a folder of {format_} files; append with the engine that saved"):
            PANDAS[format_][1](None).save(frame, output(tmp_path / f"a.{format_}", mode="append"))


@pytest.mark.parametrize("format_", FORMATS)
def test_a_table_is_read_and_overwritten_in_one_go(spark_engine, tmp_path, format_):
    dataset = output(tmp_path / f"a.{format_}")
    save(spark_engine, [ONE, TWO], dataset)
    frame = SparkFileReader(spark_engine).read(dataset)
    SparkFileSaver(spark_engine).save(frame.where("n = 1").selectExpr("n + 1 as n", "s"), dataset)
    assert read(spark_engine, dataset) == [(2, "x")]


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("there", ["nothing", "folder"])
def test_a_save_that_fails_changes_nothing(spark_engine, tmp_path, format_, there):
    dataset = output(tmp_path / f"a.{format_}")
    if there == "folder":
        save(spark_engine, [ONE], dataset)
    before = files_of(tmp_path)
    broken = frame_of(spark_engine, [ONE, TWO]).selectExpr("if(n = 2, raise_error('on purpose'), n) as n", "s")
    for mode in ("overwrite", "append"):
        with pytest.raises(Exception, match="on purpose"):
            SparkFileSaver(spark_engine).save(broken, output(tmp_path / f"a.{format_}", mode=mode))
        assert files_of(tmp_path) == before


def files_of(folder: Path) -> list[Path]:
    """What is in a project's folder, without what the engine itself keeps there."""
    return sorted(path for path in folder.rglob("*") if ".odibi" not in path.parts)


def test_appends_at_once_lose_no_row(spark_engine, tmp_path):
    dataset = output(tmp_path / "a.parquet", mode="append")
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda n: save(spark_engine, [{"n": n, "s": "x"}], dataset), range(4)))
    assert all(report.was_written for report in reports)
    assert [n for n, _ in read(spark_engine, dataset)] == [0, 1, 2, 3]


def test_one_of_several_that_create_wins(spark_engine, tmp_path):
    dataset = output(tmp_path / "a.parquet", mode="ignore")
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(lambda n: save(spark_engine, [{"n": n, "s": "x"}], dataset), range(3)))
    assert sum(report.was_written for report in reports) == 1
    assert len(read(spark_engine, dataset)) == 1


@pytest.mark.parametrize("format_", FORMATS)
def test_a_frame_without_rows_keeps_its_columns(spark_engine, tmp_path, format_):
    dataset = output(tmp_path / f"a.{format_}")
    report = SparkFileSaver(spark_engine).save(frame_of(spark_engine, [ONE]).where("n > 5"), dataset)
    assert report.rows in {0, None}
    if format_ in {"csv", "parquet"}:
        assert SparkFileReader(spark_engine).read(dataset).columns == ["n", "s"]
        assert PANDAS[format_][0](None).read(dataset).columns.tolist() == ["n", "s"]
    assert read(spark_engine, dataset) == []


def test_a_folder_of_other_things_is_left_alone(sail_engine, tmp_path):
    (tmp_path / "a.parquet").mkdir()
    (tmp_path / "a.parquet" / "notes.md").write_text("mine")
    with pytest.raises(DataFormatError, match="holds other things than parquet files; nothing was written"):
        save(sail_engine, [ONE], output(tmp_path / "a.parquet"))
    assert (tmp_path / "a.parquet" / "notes.md").read_text() == "mine"


def test_odd_names_of_files_and_columns(spark_engine, tmp_path):
    schema = "`a.b` bigint, `c ``d;{}()=` string"
    for format_ in FORMATS:
        dataset = output(tmp_path / f"o dd%20[x]#é.{format_}")
        save(spark_engine, [ONE], dataset, schema)
        assert SparkFileReader(spark_engine).read(dataset).columns == ["a.b", "c `d;{}()="]
        assert pandas_rows(dataset) == read(spark_engine, dataset) == [(1, "x")]


def test_partitions_are_columns_on_both_engines(spark_engine, tmp_path):
    dataset = output(tmp_path / "a.parquet", partition_by=("y", "p"))
    schema = "n bigint, y int, p string"
    rows = [{"n": 1, "y": 2013, "p": "007"}, {"n": 2, "y": 2014, "p": None}, {"n": 3, "y": 2013, "p": "a b/c=é"}]
    save(spark_engine, rows[:2], dataset, schema)
    save(spark_engine, rows[2:], output(tmp_path / "a.parquet", partition_by=("y", "p"), mode="append"), schema)
    expected = [(1, 2013, "007"), (2, 2014, None), (3, 2013, "a b/c=é")]
    found = SparkFileReader(spark_engine).read(output(tmp_path / "a.parquet"))
    assert found.dtypes == [("n", "bigint"), ("y", "int"), ("p", "string")]
    assert sorted((tuple(row) for row in found.collect()), key=repr) == expected
    assert pandas_rows(output(tmp_path / "a.parquet")) == expected
    frame = PandasParquetReader(None).read(output(tmp_path / "a.parquet"))
    PandasParquetSaver(None).save(frame, dataset)
    assert read(spark_engine, dataset) == expected
    with pytest.raises(DataFormatError, match="is partitioned by y, p, not by y"):
        save(spark_engine, rows, output(tmp_path / "a.parquet", partition_by=("y",), mode="append"), schema)


def test_partitions_of_others_keep_every_letter(spark_engine, tmp_path):
    dataset = output(tmp_path / "a.parquet", partition_by=("p",))
    frame = pd.DataFrame({"n": [1, 2], "p": ["é/=", "x"], "t": pd.to_datetime(["2013-01-01", None]).as_unit("ns")})
    PandasParquetSaver(None).save(frame, dataset)
    found = SparkFileReader(spark_engine).read(dataset)
    assert sorted((row["n"], row["p"]) for row in found.collect()) == [(1, "é/="), (2, "x")]
    assert dict(found.dtypes)["t"] == "timestamp_ntz"


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_text_formats_have_partitions(spark_engine, tmp_path, format_):
    dataset = output(tmp_path / f"a.{format_}", partition_by=("s",))
    save(spark_engine, [ONE, TWO], dataset)
    assert sorted(path.name for path in (tmp_path / f"a.{format_}").iterdir()) == [
        "s=__HIVE_DEFAULT_PARTITION__",
        "s=x",
    ]
    assert read(spark_engine, dataset) == [(1, "x"), (2, None)]


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_text_is_appended_to_partitions_of_numbers(spark_engine, tmp_path, format_):
    keys = {"partition_by": ("n",)}
    save(spark_engine, [ONE], output(tmp_path / f"a.{format_}", **keys))
    save(spark_engine, [TWO], output(tmp_path / f"a.{format_}", mode="append", **keys))

    found = SparkFileReader(spark_engine).read(output(tmp_path / f"a.{format_}", **keys))

    assert sorted(int(row["n"]) for row in found.select("n").collect()) == [1, 2]


def csv_of_one_column(engine: Any, tmp_path: Path, value: object, kind: str, **options: Any) -> list[Any]:
    """Save a null between two values, and return what is read, in any order."""
    rows = [{"a": value}, {"a": None}, {"a": value}]
    save(engine, rows, output(tmp_path / "a.csv", options=options), f"a {kind}")
    looks = {key: kept for key, kept in options.items() if key in {"header", "quote"}}
    looks |= {"names": ["a"]} if options.get("header") is False else {}
    found = SparkFileReader(engine).read(output(tmp_path / "a.csv", options=looks))
    return sorted((row[0] for row in found.collect()), key=repr)


@pytest.mark.parametrize(("kind", "value"), [("string", "x"), ("bigint", 3), ("double", 1.5)])
def test_a_row_of_one_null_is_a_row_of_csv(spark_engine, tmp_path, kind, value):
    assert csv_of_one_column(spark_engine, tmp_path, value, kind) == sorted([value, None, value], key=repr)


def test_a_row_of_one_null_is_a_row_without_a_header_too(spark_engine, tmp_path):
    assert csv_of_one_column(spark_engine, tmp_path, 3, "bigint", header=False) == [3, 3, None]


@pytest.mark.spark
@pytest.mark.parametrize("options", [{"quote": "'"}, {"null_value": "NA"}, {"quote_all": True}], ids=str)
def test_a_row_of_one_null_is_a_row_however_it_is_written(classic_engine, tmp_path, options):
    assert csv_of_one_column(classic_engine, tmp_path, 3, "bigint", **options) == [3, 3, None]


def test_columns_to_partition_by_are_checked(sail_engine, tmp_path):
    with pytest.raises(ColumnNotFoundError, match="no column 'm'"):
        save(sail_engine, [ONE], output(tmp_path / "a.parquet", partition_by=("m",)))
    with pytest.raises(DataFormatError, match="names every column"):
        save(sail_engine, [ONE], output(tmp_path / "a.parquet", partition_by=("n", "s")))
    with pytest.raises(DataFormatError, match="column 'f' is double; make it integers"):
        save(sail_engine, [{"f": 1.5, "n": 1}], output(tmp_path / "a.parquet", partition_by=("f",)), "f double, n int")


def test_appending_fits_columns_and_types(spark_engine, tmp_path):
    dataset = output(tmp_path / "a.parquet", mode="append")
    save(spark_engine, [ONE], dataset)
    save(spark_engine, [{"s": "y", "n": 5}], dataset, "s string, n int")
    assert read(spark_engine, dataset) == [(1, "x"), (5, "y")]
    with pytest.raises(DataFormatError, match=r"lacks 's' and has 't' besides"):
        save(spark_engine, [ONE], dataset, "n bigint, t string")
    with pytest.raises(DataFormatError, match="column 'n' is double, and what is there has bigint"):
        save(spark_engine, [{"n": 1.5, "s": "x"}], dataset, "n double, s string")
    assert read(spark_engine, dataset) == [(1, "x"), (5, "y")]
    csv = output(tmp_path / "a.csv", mode="append")
    save(spark_engine, [ONE], csv)
    save(spark_engine, [{"s": "y", "n": 5}], csv, "s string, n bigint")
    assert read(spark_engine, csv) == [(1, "x"), (5, "y")]
    with pytest.raises(DataFormatError, match="lacks 's'"):
        save(spark_engine, [{"n": 5}], csv, "n bigint")


TYPES = {
    "i": pa.array([1, None, -(2**63)], pa.int64()),
    "f": pa.array([1.5, None, math.inf]),
    "b": pa.array([True, None, False]),
    "s": pa.array(["x", None, 'q"\n,é']),
    "dec": pa.array([Decimal("1.230"), None, Decimal("-9999999.999")], pa.decimal128(10, 3)),
    "d": pa.array([dt.date(2013, 1, 1), None, dt.date(1950, 2, 3)]),
    "t": pa.array([1356998400123456, None, -631152000000000], pa.timestamp("us")),
    "z": pa.array([1356998400123456, None, -1], pa.timestamp("us", "UTC")),
    "l": pa.array([[1, None], None, []], pa.list_(pa.int64())),
    "st": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
}


def test_columns_and_filters_of_parquet(spark_engine, tmp_path):
    save(spark_engine, [ONE, TWO], output(tmp_path / "a.parquet"))
    assert read(
        spark_engine, output(tmp_path / "a.parquet", options={"columns": ["s"], "filters": [["n", "<", 2]]})
    ) == [("x",)]
    assert read(spark_engine, output(tmp_path / "a.parquet", options={"filters": [["n", "in", [2, 3]]]})) == [(2, None)]
    with pytest.raises(ConfigError, match=r"a filter is \[column, operator, value\]"):
        read(spark_engine, output(tmp_path / "a.parquet", options={"filters": [["n", "<"]]}))
    with pytest.raises(ColumnNotFoundError, match="no column 'm'"):
        read(spark_engine, output(tmp_path / "a.parquet", options={"columns": ["m"]}))


def test_csv_text_is_what_both_engines_read_back(spark_engine, tmp_path):
    values = {name: TYPES[name] for name in ("i", "f", "b", "s", "d", "t", "z")} | {
        "p": pa.array([" pad ", None, "c\rd"])
    }
    pq.write_table(pa.table(values), tmp_path / "a.parquet")
    frame = SparkFileReader(spark_engine).read(output(tmp_path / "a.parquet"))
    dataset = output(tmp_path / "b.csv", options={"sep": ";"})
    SparkFileSaver(spark_engine).save(frame, dataset)
    assert read(spark_engine, dataset) == pandas_rows(dataset)
    z = SparkFileReader(spark_engine).read(output(tmp_path / "b.csv", options={"sep": ";", "parse_dates": ["z", "t"]}))
    assert dict(z.dtypes)["z"] == "timestamp"
    assert sorted(map(repr, z.toArrow()["z"].to_pylist())) == sorted(map(repr, TYPES["z"].to_pylist()))
    assert sorted(map(repr, z.toArrow()["t"].to_pylist())) == sorted(map(repr, TYPES["t"].to_pylist()))


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_moments_before_there_were_zones_are_the_same_moments(spark_engine, tmp_path, format_):
    """In Kathmandu it was 5:41:16 later than in Greenwich then; Spark's usual text leaves out the seconds."""
    session, dataset = spark_engine.session, output(tmp_path / f"a.{format_}", options={"parse_dates": ["at"]})
    micros = [-62135596800000000 + 86_400_000_000, -3773735999876544, 1356998400123456, 253402214400999999]
    zone = session.conf.get("spark.sql.session.timeZone")
    session.conf.set("spark.sql.session.timeZone", "Asia/Kathmandu")
    try:
        values = ", ".join(f"(timestamp_micros({one}))" for one in micros)
        SparkFileSaver(spark_engine).save(
            session.sql(f"SELECT * FROM VALUES {values}, (NULL) AS t(at)"), replace(dataset, options={})
        )
        texts = " ".join(path.read_text() for path in Path(dataset.location).rglob(f"[!.]*.{format_}"))
        found = SparkFileReader(spark_engine).read(dataset).selectExpr("unix_micros(at) AS at").toArrow()["at"]
    finally:
        session.conf.set("spark.sql.session.timeZone", zone)

    assert sorted(found.drop_null().to_pylist()) == micros
    assert "1850-06-01 12:00:00.123456+00:00" in texts


def test_tab_separated_and_compressed_files_are_known_by_name(spark_engine, tmp_path):
    for name in ("a.tsv", "a.csv.gz"):
        dataset = output(tmp_path / name, "csv")
        save(spark_engine, [ONE, TWO], dataset)
        assert read(spark_engine, dataset) == pandas_rows(dataset) == [(1, "x"), (2, None)]
    assert all(path.name.endswith(".csv.gz") for path in (tmp_path / "a.csv.gz").iterdir())
    with pytest.raises(ConfigError, match="Spark cannot write zip"):
        save(spark_engine, [ONE], output(tmp_path / "a.csv.zip", "csv"))


def test_json_keeps_names_in_order_and_every_digit(spark_engine, tmp_path):
    for format_ in ("json", "jsonl"):
        dataset = output(tmp_path / f"a.{format_}")
        frame = spark_engine.session.sql("select 1L as z, 'x' as a, timestamp_micros(1356998400123456) as t")
        SparkFileSaver(spark_engine).save(frame, dataset)
        assert SparkFileReader(spark_engine).read(dataset).columns == ["z", "a", "t"]
        found = PANDAS[format_][0](None).read(output(tmp_path / f"a.{format_}", options={"parse_dates": ["t"]}))
        assert found["t"][0] == pd.Timestamp(1356998400123456, unit="us", tz="UTC")


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_json_that_is_appended_has_its_names_in_the_order_of_what_is_there(spark_engine, tmp_path, format_):
    # Files are read in the order of their names, which are random; several appends leave hardly a lucky order.
    path = tmp_path / f"a.{format_}"
    save(spark_engine, [{"z": 1, "n": 2, "a": "x"}], output(path), "z bigint, n bigint, a string")
    for _ in range(3):
        save(
            spark_engine,
            [{"new": 4, "a": None, "n": 2, "z": 1}],
            output(path, mode="append"),
            "new bigint, a string, n bigint, z bigint",
        )

    frame = SparkFileReader(spark_engine).read(output(path))

    assert [name for name in frame.columns if name != "a"] == ["z", "n", "new"]
    assert frame.count() == 4


def test_text_behind_numbers_is_refused_where_json_of_both_could_not_be_read(spark_engine, tmp_path):
    there, added = output(tmp_path / "a.jsonl"), output(tmp_path / "a.jsonl", mode="append")
    save(spark_engine, [{"n": 1, "d": 1.5, "t": None}], there, "n bigint, d double, t timestamp")
    save(
        spark_engine,
        [{"n": 2, "d": 2, "t": dt.datetime(2013, 1, 1, tzinfo=dt.UTC)}],
        added,
        "n smallint, d int, t timestamp",
    )

    if spark_engine.flavour.kind == "sail":
        with pytest.raises(
            DataFormatError, match="'n' is string, which JSON has as text, and what is there has a whole"
        ):
            save(spark_engine, [{"n": "x"}], added, "n string")
    else:
        save(spark_engine, [{"n": "x"}], added, "n string")

    numbers = sorted(str(row[0]) for row in SparkFileReader(spark_engine).read(there).select("n").collect())
    assert numbers == ["1", "2", "x"][: len(numbers)]
    assert len(numbers) == (2 if spark_engine.flavour.kind == "sail" else 3)


def test_documents_are_arrays_of_records(spark_engine, tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"data": {"rows": [{"z": 1, "a": "x"}, {"z": 2}]}}')
    nested = output(path, options={"record_path": ["data", "rows"]})
    assert read(spark_engine, nested) == [(1, "x"), (2, None)]
    with pytest.raises(
        DataFormatError, match=r"is no array of records. If it has one record per line, say format: jsonl"
    ):
        read(spark_engine, output(path))
    with pytest.raises(DataFormatError, match=r"has no key 'row' of the record_path; it has rows"):
        read(spark_engine, output(path, options={"record_path": ["data", "row"]}))
    path.write_text('[{"z": 1, "a": "007"}, {"z": 2.5, "m": {"k": [1]}}]')
    assert read(spark_engine, output(path)) == [(1.0, "007", None), (2.5, None, ([1],))]


def test_lines_are_typed_as_asked(spark_engine, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"d": "2013-01-02", "s": "7"}\n{"d": null, "s": "8"}\n')
    options = {"parse_dates": ["d"], "dtype": {"s": "Int64"}, "columns": ["s", "d"]}
    frame = SparkFileReader(spark_engine).read(output(path, options=options))
    assert frame.dtypes == [("s", "bigint"), ("d", "timestamp_ntz")]
    assert sorted(row["s"] for row in frame.collect()) == [7, 8]


def test_text_is_one_column(spark_engine, tmp_path):
    dataset = output(tmp_path / "a.txt", "text")
    save(spark_engine, [{"v": "x"}, {"v": "y"}], dataset, "v string")
    assert read(spark_engine, dataset) == [("x",), ("y",)]
    with pytest.raises(DataFormatError, match="text is one column of strings, and the frame has n bigint, s string"):
        save(spark_engine, [ONE], dataset)


@pytest.mark.spark
def test_orc_is_saved_and_read(classic_engine, tmp_path):
    dataset = output(tmp_path / "a.orc", partition_by=("n",))
    save(classic_engine, [ONE, TWO], dataset)
    save(classic_engine, [ONE], output(tmp_path / "a.orc", partition_by=("n",), mode="append"))
    assert read(classic_engine, dataset) == [("x", 1), ("x", 1), (None, 2)]


def test_a_missing_module_is_named(spark_engine, tmp_path):
    has_no = "Sail has no avro" if spark_engine.flavour.kind == "sail" else r"org.apache.spark:spark-avro_2.13:4\."
    with pytest.raises(ConfigError, match=has_no):
        save(spark_engine, [ONE], output(tmp_path / "a.avro"))
    assert list(tmp_path.glob("*.avro")) == []
    (tmp_path / "b.avro").touch()
    if spark_engine.flavour.kind != "sail":  # which reads Avro, and does not write it
        with pytest.raises(ConfigError, match=has_no):
            read(spark_engine, output(tmp_path / "b.avro"))


def test_csv_keeps_the_blanks_around_text(spark_engine, tmp_path):
    path = tmp_path / "a.csv"

    save(spark_engine, [{" name ": " a "}, {" name ": "b  "}], output(path), schema="` name ` string")

    text = "".join(part.read_text() for part in sorted(path.rglob("*.csv"))) if path.is_dir() else path.read_text()
    assert sorted(set(text.splitlines())) == [" a ", " name ", "b  "]
