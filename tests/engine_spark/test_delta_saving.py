"""Saving Delta tables: what is there is replaced, added to or left, as the mode says, on every flavour alike."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from odibi_core.plugin import (
    ColumnNotFoundError,
    ConfigError,
    DataFormatError,
    Dataset,
    DatasetExistsError,
    TransientError,
)
from odibi_engine_spark.delta.saver import SparkDeltaSaver


def frame_of(engine: Any, **columns: Any) -> Any:
    return engine.session.createDataFrame(pa.table(columns))


def dataset_of(
    path: Path | str, mode: str = "overwrite", partition_by: tuple[str, ...] = (), **options: Any
) -> Dataset:
    return Dataset(
        name="silver.sales",
        kind="table",
        format="delta",
        location=str(path),
        mode=mode,
        partition_by=partition_by,
        options=options,
    )


def save(engine: Any, path: Path | str, frame: Any, mode: str = "overwrite", **options: Any) -> Any:
    return SparkDeltaSaver(engine).save(frame, dataset_of(path, mode, **options))


def rows(engine: Any, path: Path | str) -> list[dict[str, Any]]:
    table = engine.session.read.format("delta").load(str(path)).toArrow()
    return sorted(table.to_pylist(), key=repr)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sales"


@pytest.mark.parametrize("mode", ["overwrite", "append", "error", "ignore"])
def test_a_table_is_made_by_every_mode(spark_engine, folder, mode):
    report = save(spark_engine, folder, frame_of(spark_engine, id=[1, None], name=["a", None]), mode)
    assert rows(spark_engine, folder) == [{"id": 1, "name": "a"}, {"id": None, "name": None}]
    assert report.was_written
    assert (report.rows, report.location) == (2, str(folder))
    written = sum(path.stat().st_size for path in folder.glob("*.parquet"))
    assert report.bytes == written


def test_modes_on_a_table_that_is_there(spark_engine, folder):
    save(spark_engine, folder, frame_of(spark_engine, id=[1]))
    with pytest.raises(DatasetExistsError, match=r"silver\.sales.*is there already"):
        save(spark_engine, folder, frame_of(spark_engine, id=[2]), "error")
    ignored = save(spark_engine, folder, frame_of(spark_engine, id=[2]), "ignore")
    assert not ignored.was_written
    assert rows(spark_engine, folder) == [{"id": 1}]
    assert save(spark_engine, folder, frame_of(spark_engine, id=[2, 3]), "append").rows == 2
    assert rows(spark_engine, folder) == [{"id": 1}, {"id": 2}, {"id": 3}]
    assert save(spark_engine, folder, frame_of(spark_engine, id=[4])).rows == 1
    assert rows(spark_engine, folder) == [{"id": 4}]


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_columns_that_the_table_lacks_are_refused_unless_they_may_be_added(spark_engine, folder, mode):
    save(spark_engine, folder, frame_of(spark_engine, id=[1]))
    more = frame_of(spark_engine, id=[2], note=["n"])
    with pytest.raises(DataFormatError, match=r"no column 'note'; it has 'id'.*merge_schema: true"):
        save(spark_engine, folder, more, mode)
    assert rows(spark_engine, folder) == [{"id": 1}]
    save(spark_engine, folder, more, mode, merge_schema=True)
    kept = [{"id": 1, "note": None}] if mode == "append" else []
    assert rows(spark_engine, folder) == [*kept, {"id": 2, "note": "n"}]


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_columns_that_the_frame_lacks_are_refused_unless_they_may_be_null(spark_engine, folder, mode):
    save(spark_engine, folder, frame_of(spark_engine, id=[1], name=["a"]))
    less = frame_of(spark_engine, name=["b"])
    with pytest.raises(DataFormatError, match=r"columns that the frame lacks: 'id'.*merge_schema: true"):
        save(spark_engine, folder, less, mode)
    assert rows(spark_engine, folder) == [{"id": 1, "name": "a"}]
    save(spark_engine, folder, less, mode, merge_schema=True)
    assert {"id": None, "name": "b"} in rows(spark_engine, folder)


def test_names_that_differ_in_case_and_order_mean_the_same_column(spark_engine, folder):
    save(spark_engine, folder, frame_of(spark_engine, Id=[1], name=["a"]))
    save(spark_engine, folder, frame_of(spark_engine, NAME=["b"], id=[2]), "append")
    assert rows(spark_engine, folder) == [{"Id": 1, "name": "a"}, {"Id": 2, "name": "b"}]


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_text_for_a_column_of_numbers_is_refused(spark_engine, folder, mode):
    save(spark_engine, folder, frame_of(spark_engine, id=[1], name=["a"]))
    with pytest.raises(DataFormatError, match=r"'id' is string, and bigint in the table"):
        save(spark_engine, folder, frame_of(spark_engine, id=["x"], name=["a"]), mode)
    assert rows(spark_engine, folder) == [{"id": 1, "name": "a"}]


def test_narrower_numbers_go_into_wider_columns(spark_engine, folder):
    save(spark_engine, folder, frame_of(spark_engine, id=pa.array([1], pa.int64()), x=pa.array([1.5], pa.float64())))
    save(
        spark_engine,
        folder,
        frame_of(spark_engine, id=pa.array([2], pa.int32()), x=pa.array([2.5], pa.float32())),
        "append",
    )
    assert rows(spark_engine, folder) == [{"id": 1, "x": 1.5}, {"id": 2, "x": 2.5}]


def test_overwrite_schema_changes_columns_and_partitions(spark_engine, folder):
    save(spark_engine, folder, frame_of(spark_engine, id=[1], name=["a"]))
    report = save(
        spark_engine,
        folder,
        frame_of(spark_engine, id=["x"], year=[2013]),
        overwrite_schema=True,
        partition_by=("year",),
    )
    assert rows(spark_engine, folder) == [{"id": "x", "year": 2013}]
    assert (folder / "year=2013").is_dir()
    assert report.rows == 1


def test_partitions(spark_engine, folder):
    save(spark_engine, folder, frame_of(spark_engine, id=[1, 2], year=[2013, 2014]), partition_by=("year",))
    assert {path.name for path in folder.glob("year=*")} == {"year=2013", "year=2014"}
    with pytest.raises(ColumnNotFoundError, match="no column 'month'"):
        save(spark_engine, folder, frame_of(spark_engine, id=[1]), partition_by=("month",))
    with pytest.raises(Exception, match=r"(?i)partition"):
        save(spark_engine, folder, frame_of(spark_engine, id=[1], year=[2013]), "append", partition_by=("id",))
    assert len(rows(spark_engine, folder)) == 2


@pytest.mark.parametrize("condition", ["id = 2", "year = 2013"])
def test_replace_where_replaces_only_what_the_condition_is_true_for(spark_engine, folder, condition):
    before = frame_of(spark_engine, id=[1, 2, None], year=[2014, 2013, None], note=["a", "b", "c"])
    save(spark_engine, folder, before, partition_by=("year",))
    new = frame_of(spark_engine, id=[2], year=[2013], note=["new"])
    report = save(spark_engine, folder, new, replace_where=condition)
    assert sorted(row["note"] for row in rows(spark_engine, folder)) == ["a", "c", "new"]
    # Sail counts rows of the same file that stay among those that are written, so nothing is said.
    assert report.rows == (None if spark_engine.flavour.kind == "sail" else 1)


def test_replace_where_refuses_rows_that_are_not_replaced(spark_engine, folder):
    save(spark_engine, folder, frame_of(spark_engine, id=[1, 2]))
    with pytest.raises(DataFormatError, match="id = 2"):
        save(spark_engine, folder, frame_of(spark_engine, id=[3]), replace_where="id = 2")
    with pytest.raises(DataFormatError, match="id = 2"):
        save(spark_engine, folder, frame_of(spark_engine, id=pa.array([None], pa.int64())), replace_where="id = 2")
    assert rows(spark_engine, folder) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("mode", "options", "words"),
    [
        ("append", {"overwrite_schema": True}, "overwrite_schema goes with mode overwrite"),
        ("append", {"replace_where": "id = 1"}, "replace_where goes with mode overwrite"),
        ("error", {"merge_schema": True}, "merge_schema goes with mode append or overwrite or merge"),
        ("overwrite", {"audit_columns": True}, "audit_columns goes with mode merge"),
        ("merge", {}, "mode merge needs the option merge_keys"),
        ("append", {"mergeShema": True}, "unknown option 'mergeShema'. Did you mean 'mergeSchema'"),
        ("overwrite", {"replace_where": "id = 1", "overwrite_schema": True}, "cannot change its columns"),
        ("overwrite", {"table_properties": {"appendOnly": True}}, "is no property of a Delta table"),
    ],
)
def test_options_that_do_not_go_together_are_refused(sail_engine, folder, mode, options, words):
    with pytest.raises(ConfigError) as caught:
        save(sail_engine, folder, frame_of(sail_engine, id=[1]), mode, **options)
    assert words in str(caught.value)
    assert not folder.exists()


@pytest.mark.parametrize("mode", ["overwrite", "append", "error", "ignore", "merge"])
def test_a_folder_that_holds_something_else_is_left_alone(spark_engine, folder, mode):
    folder.mkdir()
    (folder / "precious.csv").write_text("a\n1\n")
    options = {"merge_keys": ["id"]} if mode == "merge" else {}
    with pytest.raises(DatasetExistsError, match=r"holds 'precious\.csv'"):
        save(spark_engine, folder, frame_of(spark_engine, id=[1]), mode, **options)
    assert [path.name for path in folder.iterdir()] == ["precious.csv"]


def test_a_folder_of_parquet_files_does_not_become_a_delta_table(sail_engine, folder):
    (folder / "year=2013").mkdir(parents=True)
    (folder / "part-0.parquet").write_bytes(b"PAR1")
    with pytest.raises(DatasetExistsError, match=r"holds 'part-0\.parquet' and more"):
        save(sail_engine, folder, frame_of(sail_engine, id=[1]), "append")
    (folder / "_delta_log").mkdir()
    assert save(sail_engine, folder, frame_of(sail_engine, id=[1]), "append").rows == 1


ODD = {"a b": [1], "x.y": ["p"], "q`r": [2], 'it\'s "so"': [3], "é,;{}()=": [4]}


def test_odd_column_names_are_kept_and_others_can_read_them(spark_engine, folder):
    from deltalake import DeltaTable

    save(spark_engine, folder, frame_of(spark_engine, **ODD))
    save(spark_engine, folder, frame_of(spark_engine, **ODD), "append")
    expected = [{name: values[0] for name, values in ODD.items()}] * 2
    assert rows(spark_engine, folder) == expected
    assert DeltaTable(folder).to_pyarrow_table().to_pylist() == expected


def test_odd_paths_work_on_spark_and_are_refused_on_sail(spark_engine, tmp_path):
    folder = tmp_path / "odd `q` %20 #x?é [1] {b} *"
    if spark_engine.flavour.kind == "sail":
        with pytest.raises(ConfigError, match="Sail cannot keep a Delta table"):
            save(spark_engine, folder, frame_of(spark_engine, id=[1]))
        assert list(tmp_path.glob("*.parquet")) == []
        assert list(tmp_path.glob("_delta_log")) == []
        return
    save(spark_engine, folder, frame_of(spark_engine, id=[1]))
    assert save(spark_engine, folder, frame_of(spark_engine, id=[2]), "append").rows == 1
    assert (folder / "_delta_log").is_dir()
    assert rows(spark_engine, folder) == [{"id": 1}, {"id": 2}]


def race(number: int, action: Any) -> list[str]:
    """Run an action in threads that begin together; return how each ended."""
    ends: list[str] = []
    barrier = threading.Barrier(number)

    def run(which: int) -> None:
        barrier.wait(timeout=30)
        try:
            action(which)
        except Exception as error:  # noqa: BLE001  # how each thread ended is what is asserted
            ends.append(type(error).__name__)
        else:
            ends.append("done")

    threads = [threading.Thread(target=run, args=(which,)) for which in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return sorted(ends)


def test_of_many_that_make_one_table_one_makes_it(spark_engine, folder):
    ends = race(4, lambda which: save(spark_engine, folder, frame_of(spark_engine, id=[which]), "error"))
    assert ends == ["DatasetExistsError"] * 3 + ["done"]
    assert len(rows(spark_engine, folder)) == 1


def test_appends_at_the_same_time_are_all_there(spark_engine, folder):
    save(spark_engine, folder, frame_of(spark_engine, id=[-1]))
    assert (
        race(4, lambda which: save(spark_engine, folder, frame_of(spark_engine, id=[which]), "append")) == ["done"] * 4
    )
    assert [row["id"] for row in rows(spark_engine, folder)] == [-1, 0, 1, 2, 3]


def test_a_conflict_with_another_writer_can_be_tried_again(spark_engine, folder):
    save(spark_engine, folder, frame_of(spark_engine, id=[0], by=[-1]))

    def merge(which: int) -> None:
        for _ in range(50):
            try:
                save(spark_engine, folder, frame_of(spark_engine, id=[0], by=[which]), "merge", merge_keys=["id"])
            except TransientError:
                continue
            return
        raise AssertionError("never got through")

    assert race(3, merge) == ["done"] * 3
    (row,) = rows(spark_engine, folder)
    assert row["by"] in {0, 1, 2}


@pytest.mark.spark
@pytest.mark.parametrize("options", [{}, {"overwrite_schema": True}], ids=str)
def test_an_overwrite_replaces_all_partitions_in_a_session_that_overwrites_dynamically(
    classic_session, make_engine, tmp_path, options
):
    session = classic_session.newSession()
    session.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    saver = SparkDeltaSaver(make_engine(session))
    dataset = Dataset(
        name="t", kind="path", format="delta", location=str(tmp_path / "t"), partition_by=("p",), options=options
    )

    saver.save(session.sql("SELECT 1L AS id, 'a' AS p UNION ALL SELECT 2L, 'b'"), dataset)
    saver.save(session.sql("SELECT 3L AS id, 'a' AS p"), dataset)

    assert session.read.format("delta").load(str(tmp_path / "t")).collect() == [(3, "a")]
