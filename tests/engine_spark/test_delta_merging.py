"""MERGE on every flavour: what the shared contract says, and what is Spark's own (A-87)."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odibi_core.plugin import (
    ColumnNotFoundError,
    ConfigError,
    DataFormatError,
    DataQualityError,
    Dataset,
)
from odibi_engine_spark.delta.commits import latest_version
from odibi_engine_spark.delta.merges import DeltaMergeManager
from odibi_engine_spark.delta.saver import SparkDeltaSaver


def frame_of(engine: Any, **columns: Any) -> Any:
    return engine.session.createDataFrame(pa.table(columns))


def merge(engine: Any, path: Path, frame: Any, **options: Any) -> Any:
    dataset = Dataset(
        name="silver.sales", kind="table", format="delta", location=str(path), mode="merge", options=options
    )
    return SparkDeltaSaver(engine).save(frame, dataset)


def rows(engine: Any, path: Path) -> list[dict[str, Any]]:
    return sorted(engine.session.read.format("delta").load(str(path)).toArrow().to_pylist(), key=repr)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sales"


def test_new_rows_are_added_changed_ones_updated_and_the_others_left(spark_engine, folder):
    first = frame_of(spark_engine, id=[1, 2, None], name=["a", "b", "c"], note=["x", "x", "x"])
    assert merge(spark_engine, folder, first, merge_keys="id").rows == 3
    version = latest_version(folder)
    second = frame_of(spark_engine, id=[2, None, 4], name=["B", None, "d"], note=["x", "x", "x"])
    report = merge(spark_engine, folder, second, merge_keys=["id"])
    assert rows(spark_engine, folder) == [
        {"id": 1, "name": "a", "note": "x"},
        {"id": 2, "name": "B", "note": "x"},
        {"id": 4, "name": "d", "note": "x"},
        {"id": None, "name": None, "note": "x"},
    ]
    assert report.rows == 3
    assert latest_version(folder) == version + 1


def test_a_merge_that_changes_nothing_changes_no_row(spark_engine, folder):
    frame = frame_of(spark_engine, id=[1, None], x=[1.5, None])
    merge(spark_engine, folder, frame, merge_keys=["id"], audit_columns=True)
    before = rows(spark_engine, folder)
    assert merge(spark_engine, folder, frame, merge_keys=["id"], audit_columns=True).rows == 0
    assert rows(spark_engine, folder) == before


def test_only_change_columns_are_compared_and_updated(spark_engine, folder):
    merge(spark_engine, folder, frame_of(spark_engine, id=[1, 2], a=[1, 1], b=[1, 1]), merge_keys=["id"])
    new = frame_of(spark_engine, id=[1, 2, 3], a=[1, 2, 3], b=[9, 9, 9])
    merge(spark_engine, folder, new, merge_keys=["id"], change_columns=["a"])
    assert rows(spark_engine, folder) == [
        {"id": 1, "a": 1, "b": 1},
        {"id": 2, "a": 2, "b": 1},
        {"id": 3, "a": 3, "b": 9},
    ]


def test_null_keys_do_not_collide(spark_engine, folder):
    keys = {"x": [None, "x", None, "x||"], "y": ["x", None, None, "|"]}
    merge(
        spark_engine, folder, frame_of(spark_engine, **keys, v=[1, 2, 3, 4]), merge_keys=["x", "y"], audit_columns=True
    )
    report = merge(
        spark_engine, folder, frame_of(spark_engine, **keys, v=[1, 2, 30, 4]), merge_keys=["x", "y"], audit_columns=True
    )
    found = rows(spark_engine, folder)
    assert sorted(row["v"] for row in found) == [1, 2, 4, 30]
    assert len({row["Merge_Id"] for row in found}) == 4
    assert report.rows == 1


def test_duplicates_in_the_source_are_named_and_nothing_is_written(spark_engine, folder):
    twice = frame_of(spark_engine, id=[1, 1, None, None, 2], site=["a", "a", None, None, "b"], v=[1, 2, 3, 4, 5])
    with pytest.raises(DataQualityError) as caught:
        merge(spark_engine, folder, twice, merge_keys=["id", "site"])
    text = str(caught.value)
    assert "id=1, site='a' (2 rows)" in text
    assert "id=NULL, site=NULL (2 rows)" in text
    assert not folder.exists()


def test_duplicates_are_refused_though_the_table_has_no_such_row(spark_engine, folder):
    merge(spark_engine, folder, frame_of(spark_engine, id=[1], v=[1]), merge_keys=["id"])
    with pytest.raises(DataQualityError, match=r"id=7 \(2 rows\)"):
        merge(spark_engine, folder, frame_of(spark_engine, id=[7, 7], v=[1, 2]), merge_keys=["id"])
    assert rows(spark_engine, folder) == [{"id": 1, "v": 1}]


ODD = ("a b", "x.y", "q`r", 'it\'s "so"', "é,;{}()=", "Upper", "odibi_new", "count")


@pytest.mark.parametrize("audit", [False, True], ids=["plain", "audit"])
def test_odd_names_are_keys_and_changes(spark_engine, folder, audit):
    before = {name: [1, None] for name in ODD} | {"-- v": ["a", "b"]}
    after = {name: [None, 1] for name in ODD} | {"-- v": ["B", "a"]}
    options = {"merge_keys": list(ODD), "audit_columns": audit}
    merge(spark_engine, folder, frame_of(spark_engine, **before), **options)
    report = merge(spark_engine, folder, frame_of(spark_engine, **after), **options)
    found = rows(spark_engine, folder)
    assert sorted((row["Upper"], row["-- v"]) for row in found if row["Upper"]) == [(1, "a")]
    assert [row["-- v"] for row in found if row["Upper"] is None] == ["B"]
    assert len(found) == 2
    assert report.rows == 1


def test_names_that_differ_in_case_mean_the_same_column(spark_engine, folder):
    merge(spark_engine, folder, frame_of(spark_engine, Id=[1], Name=["a"]), merge_keys=["Id"])
    merge(spark_engine, folder, frame_of(spark_engine, NAME=["b"], iD=[1]), merge_keys=["id"], change_columns=["name"])
    assert rows(spark_engine, folder) == [{"Id": 1, "Name": "b"}]


def test_columns_that_the_table_lacks(spark_engine, folder):
    merge(spark_engine, folder, frame_of(spark_engine, id=[1, 2], a=[1, 1]), merge_keys=["id"])
    more = frame_of(spark_engine, id=[1, 3], a=[1, 3], n=["x", "y"])
    with pytest.raises(DataFormatError, match=r"no column 'n'.*merge_schema: true"):
        merge(spark_engine, folder, more, merge_keys=["id"])
    merge(spark_engine, folder, more, merge_keys=["id"], merge_schema=True)
    assert rows(spark_engine, folder) == [
        {"id": 1, "a": 1, "n": "x"},
        {"id": 2, "a": 1, "n": None},
        {"id": 3, "a": 3, "n": "y"},
    ]


def test_columns_that_the_source_lacks_stay_and_are_null_in_new_rows(spark_engine, folder):
    merge(spark_engine, folder, frame_of(spark_engine, id=[1], a=[1], b=["kept"]), merge_keys=["id"])
    merge(spark_engine, folder, frame_of(spark_engine, id=[1, 2], a=[9, 2]), merge_keys=["id"])
    assert rows(spark_engine, folder) == [{"id": 1, "a": 9, "b": "kept"}, {"id": 2, "a": 2, "b": None}]


def test_a_source_of_keys_alone_adds_what_is_new(spark_engine, folder):
    merge(spark_engine, folder, frame_of(spark_engine, id=[1]), merge_keys=["id"])
    assert merge(spark_engine, folder, frame_of(spark_engine, id=[1, 2]), merge_keys=["id"]).rows == 1
    assert rows(spark_engine, folder) == [{"id": 1}, {"id": 2}]


@pytest.mark.spark
def test_a_frame_that_somebody_keeps_in_memory_stays_there(classic_engine, folder):
    kept = frame_of(classic_engine, id=[1]).persist()
    merge(classic_engine, folder, kept, merge_keys=["id"])
    assert kept.storageLevel.useMemory
    kept.unpersist()
    other = frame_of(classic_engine, id=[2])
    merge(classic_engine, folder, other, merge_keys=["id"])
    assert not other.storageLevel.useMemory


def test_text_for_numbers_is_refused(spark_engine, folder):
    merge(spark_engine, folder, frame_of(spark_engine, id=[1], a=[1]), merge_keys=["id"])
    with pytest.raises(DataFormatError, match=r"'a' is string, and bigint"):
        merge(spark_engine, folder, frame_of(spark_engine, id=[1], a=["x"]), merge_keys=["id"])


def test_nested_values_are_compared_and_maps_are_refused(spark_engine, folder):
    def nested(inner: Any) -> dict[str, Any]:
        return {"id": pa.array([1]), "s": pa.array([{"x": inner, "l": [1, None]}])}

    merge(spark_engine, folder, frame_of(spark_engine, **nested(1)), merge_keys=["id"])
    assert merge(spark_engine, folder, frame_of(spark_engine, **nested(1)), merge_keys=["id"]).rows == 0
    assert merge(spark_engine, folder, frame_of(spark_engine, **nested(None)), merge_keys=["id"]).rows == 1
    maps = {"id": pa.array([1]), "m": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))}
    other = folder.with_name("maps")
    merge(spark_engine, other, frame_of(spark_engine, **maps), merge_keys=["id"])
    with pytest.raises(DataFormatError, match="'m' holds a map"):
        merge(spark_engine, other, frame_of(spark_engine, **maps), merge_keys=["id"])
    assert merge(spark_engine, other, frame_of(spark_engine, **maps), merge_keys=["id"], change_columns=[]).rows == 0


def test_wrong_columns_are_said(sail_engine, folder):
    frame = frame_of(sail_engine, id=[1], name=["a"])
    with pytest.raises(ColumnNotFoundError, match=r"no column 'nmae'.*'name'"):
        merge(sail_engine, folder, frame, merge_keys=["nmae"])
    with pytest.raises(ConfigError, match="'id' is among the merge_keys and the change_columns"):
        merge(sail_engine, folder, frame, merge_keys=["id"], change_columns=["id"])
    assert not folder.exists()


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_audit_columns_say_which_row_is_which_and_since_when(spark_engine, folder):
    manager = DeltaMergeManager(spark_engine.session, str(folder), is_path=True)
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
    report = manager.merge(frame_of(spark_engine, id=[1, 2], site=["a", None], v=["p|q", "r"]), ["id", "site"], ["v"])
    assert report.created
    first = {row["id"]: row for row in rows(spark_engine, folder)}
    assert first[1]["Merge_Id"] == sha("1||a")
    assert first[2]["Merge_Id"] == sha("2||\\N")
    assert (first[1]["Change_Id"], first[2]["Change_Id"]) == (sha("p\\|q"), sha("r"))
    assert before < first[1]["Created_Timestamp"] == first[1]["Updated_Timestamp"] < dt.datetime.now(dt.UTC)

    again = frame_of(spark_engine, id=[1, 2, 3], site=["a", None, "c"], v=["p|q", "new", "s"])
    manager.merge(again, ["id", "site"], ["v"])
    second = {row["id"]: row for row in rows(spark_engine, folder)}
    assert second[1] == first[1]
    assert second[2]["Change_Id"] == sha("new")
    assert second[2]["Created_Timestamp"] == first[2]["Created_Timestamp"] < second[2]["Updated_Timestamp"]
    assert second[3]["Created_Timestamp"] == second[3]["Updated_Timestamp"]


def test_a_table_without_audit_columns_is_not_replaced(spark_engine, folder):
    merge(spark_engine, folder, frame_of(spark_engine, id=[1], v=[1]), merge_keys=["id"])
    with pytest.raises(DataFormatError, match="no column 'Merge_Id'"):
        DeltaMergeManager(spark_engine.session, str(folder), is_path=True).merge(
            frame_of(spark_engine, id=[2], v=[2]), ["id"], ["v"]
        )
    assert rows(spark_engine, folder) == [{"id": 1, "v": 1}]


def test_a_table_that_cannot_be_read_is_not_taken_for_one_that_is_absent(spark_engine, folder):
    merge(spark_engine, folder, frame_of(spark_engine, id=[1], v=[1]), merge_keys=["id"])
    log = folder / "_delta_log" / f"{0:020d}.json"
    log.write_text("{broken\n")
    for stale in log.parent.glob("*.crc"):
        stale.unlink()
    copy = folder.with_name("copy")
    folder.rename(copy)
    with pytest.raises(Exception) as caught:
        merge(spark_engine, copy, frame_of(spark_engine, id=[2], v=[2]), merge_keys=["id"])
    assert "there is no" not in str(caught.value)
    assert log.with_name(log.name).name == f"{0:020d}.json"
    assert [path.name for path in (copy / "_delta_log").glob("*.json")] == [f"{0:020d}.json"]


def test_a_named_table(spark_engine):
    session = spark_engine.session
    schema = f"merge_{uuid.uuid4().hex[:8]}"
    session.sql(f"CREATE SCHEMA {schema}")
    catalog = session.catalog.currentCatalog()
    manager = DeltaMergeManager(session, f"{catalog}.{schema}.sales")
    assert manager.merge(frame_of(spark_engine, id=[1, None], v=[1, 2]), ["id"], ["v"]).created
    report = DeltaMergeManager(session, f"{schema}.sales").merge(
        frame_of(spark_engine, id=[1, None, 3], v=[1, 20, 3]), ["id"], ["v"]
    )
    assert not report.created
    found = session.table(f"{schema}.sales").select("id", "v").toArrow().to_pylist()
    assert sorted(found, key=repr) == [{"id": 1, "v": 1}, {"id": 3, "v": 3}, {"id": None, "v": 20}]
    views = [table.name for table in session.catalog.listTables() if table.isTemporary]
    assert [name for name in views if name.startswith("odibi_merge")] == []


# No NaN: of a file whose other numbers are all the same, Sail 0.7.2 reads it as that number.
FRAMES = st.dictionaries(
    st.tuples(st.none() | st.integers(0, 2), st.none() | st.sampled_from(["", "a", "|", "\\N"])),
    st.tuples(st.none() | st.sampled_from([0.0, -1.5, 1e300]), st.none() | st.text(max_size=3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=FRAMES, second=FRAMES)
def test_merging_is_what_a_dictionary_does_and_twice_is_once(sail_engine, tmp_path, first, second):
    folder = tmp_path / uuid.uuid4().hex

    def frame(of: dict[Any, Any]) -> Any:
        table = pa.table(
            {
                "k1": pa.array([key[0] for key in of], pa.int64()),
                "k2": pa.array([key[1] for key in of], pa.string()),
                "x": pa.array([value[0] for value in of.values()], pa.float64()),
                "t": pa.array([value[1] for value in of.values()], pa.string()),
            }
        )
        return sail_engine.session.createDataFrame(table)

    for step in (first, second, second):
        merge(sail_engine, folder, frame(step), merge_keys=["k1", "k2"])
    found = {(row["k1"], row["k2"]): (row["x"], row["t"]) for row in rows(sail_engine, folder)}
    assert repr(sorted(found.items(), key=repr)) == repr(sorted({**first, **second}.items(), key=repr))
