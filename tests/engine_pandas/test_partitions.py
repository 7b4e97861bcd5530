from __future__ import annotations

import ctypes
from datetime import date

import pandas as pd
import pyarrow.parquet as pq
import pytest

from odibi_core.plugin import ColumnNotFoundError, DataFormatError, DatasetExistsError, DatasetNotFoundError

FRAME = pd.DataFrame({"carrier": ["F9", None, "a/b =é", "F9"], "month": [1, 1, 2, 2], "delay": [1.5, 2.5, None, 4.5]})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "silver" / "flights.parquet"


def rows(frame):
    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return sorted(repr(sorted(record.items())) for record in records)


def snapshot(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_written_and_read_back(files, path):
    report = files.save(FRAME, path, partition_by=("month", "carrier"))

    assert sorted(child.name for child in path.iterdir()) == ["_common_metadata", "month=1", "month=2"]
    assert rows(files.read(path)) == rows(FRAME)
    assert files.read(path).dtypes.equals(FRAME.dtypes)
    assert report.rows == 4
    assert report.bytes == sum(map(len, snapshot(path).values()))
    assert [child.name for child in path.parent.iterdir()] == ["flights.parquet"]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(["x", None], id="text"),
        pytest.param(["007", ""], id="text-like-numbers"),
        pytest.param([1, -2], id="integers"),
        pytest.param(pd.array([2**62, None], dtype="Int64"), id="nullable"),
        pytest.param(pd.array([1, 2], dtype="int8"), id="small"),
        pytest.param([True, False], id="truth"),
        pytest.param([date(2013, 1, 1), None], id="dates"),
    ],
)
def test_types_of_partitions_come_back(files, path, keys):
    frame = pd.DataFrame({"key": keys, "n": [1, 2]})

    files.save(frame, path, partition_by=("key",))

    pd.testing.assert_frame_equal(files.read(path).sort_values("n", ignore_index=True), frame)


def test_rows_of_a_partition_keep_their_order(files, path):
    frame = pd.DataFrame({"key": [0, 1] * 50_000, "n": range(100_000)})

    files.save(frame, path, partition_by=("key",), options={"row_group_size": 1000})

    assert files.read(path, options={"filters": [["key", "=", 1]]})["n"].tolist() == list(range(1, 100_000, 2))


def test_categories_come_back_as_their_values(files, path):
    files.save(FRAME.astype({"carrier": "category"}), path, partition_by=("carrier",))

    assert rows(files.read(path)) == rows(FRAME)


def test_overwrite_leaves_no_partition_of_before(files, path):
    files.save(FRAME, path, partition_by=("month",))
    files.save(FRAME[FRAME.month == 1], path, partition_by=("month",))

    assert sorted(child.name for child in path.iterdir()) == ["_common_metadata", "month=1"]


def test_append_adds_rows_and_keeps_files(files, path):
    files.save(FRAME, path, partition_by=("month",))
    before = snapshot(path)
    report = files.save(FRAME[["delay", "month", "carrier"]], path, "append", partition_by=("month",))

    assert rows(files.read(path)) == sorted(rows(FRAME) * 2)
    after = snapshot(path)
    del before["_common_metadata"]
    assert {name: after[name] for name in before} == before
    assert report.bytes == sum(len(after[name]) for name in after if name not in before)
    assert report.rows == 4


def test_append_promotes_types_for_old_and_new_files(files, path):
    files.save(FRAME.assign(n=[1, 2, 3, 4]), path, partition_by=("month",))
    files.save(FRAME.assign(n=[0.5] * 4), path, "append", partition_by=("month",))

    assert sorted(files.read(path)["n"]) == [0.5, 0.5, 0.5, 0.5, 1.0, 2.0, 3.0, 4.0]


def test_no_rows_still_have_columns(files, path):
    files.save(FRAME.iloc[:0], path, partition_by=("month",))

    assert files.read(path).dtypes.equals(FRAME.dtypes)
    assert files.read(path, options={"columns": ["month"]}).columns.tolist() == ["month"]
    files.save(FRAME, path, "append", partition_by=("month",))
    assert rows(files.read(path)) == rows(FRAME)


def test_error_and_ignore(files, path):
    files.save(FRAME, path, "error", partition_by=("month",))
    before = snapshot(path)

    with pytest.raises(DatasetExistsError):
        files.save(FRAME.iloc[:1], path, "error", partition_by=("month",))
    assert not files.save(FRAME.iloc[:1], path, "ignore", partition_by=("month",)).was_written
    assert snapshot(path) == before


def test_a_file_can_become_a_folder_and_a_folder_a_file(files, path):
    files.save(FRAME, path)
    files.save(FRAME, path, partition_by=("month",))
    assert path.is_dir()

    files.save(FRAME, path)
    assert path.is_file()
    assert [child.name for child in path.parent.iterdir()] == ["flights.parquet"]


def test_a_swap_in_two_steps_works_where_one_is_not_to_be_had(files, path, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())  # an operating system without renameat2
    files.save(FRAME, path, partition_by=("month",))
    files.save(FRAME.iloc[:1], path, partition_by=("month",))

    assert rows(files.read(path)) == rows(FRAME.iloc[:1])
    assert [child.name for child in path.parent.iterdir()] == ["flights.parquet"]


def test_what_was_set_aside_by_a_process_that_died_comes_back_with_the_next_save(files, path, tmp_path):
    files.save(FRAME, path, partition_by=("month",))
    path.rename(path.with_name(".flights.parquet.999999999.1.old.partial"))

    files.save(FRAME, path, "append", partition_by=("month",))

    assert rows(files.read(path)) == sorted(rows(FRAME) * 2)


@pytest.mark.parametrize(
    ("before", "mode", "keys", "error", "message"),
    [
        pytest.param(
            None, "overwrite", ("mont",), ColumnNotFoundError, "'mont'.*Did you mean 'month'", id="no-such-column"
        ),
        pytest.param(None, "overwrite", ("carrier", "month", "delay"), DataFormatError, "names every column", id="all"),
        pytest.param(None, "overwrite", ("delay",), DataFormatError, "column 'delay' is double", id="floats"),
        pytest.param(
            ("month",),
            "append",
            ("carrier",),
            DataFormatError,
            "is partitioned by month, not by carrier",
            id="other-keys",
        ),
        pytest.param(("month",), "append", (), DataFormatError, "give the partition_by", id="no-keys"),
        pytest.param((), "append", ("month",), DataFormatError, "is one file, without partitions", id="file"),
    ],
)
def test_what_cannot_be_partitioned_is_refused_and_changes_nothing(files, path, before, mode, keys, error, message):
    path.parent.mkdir()
    if before is not None:
        files.save(FRAME, path, partition_by=before)
    there = snapshot(path.parent)

    with pytest.raises(error, match=message):
        files.save(FRAME, path, mode, partition_by=keys)

    assert snapshot(path.parent) == there


@pytest.mark.parametrize(
    "other", ["notes.txt", "_delta_log/00000000000000000000.json", "month=1/precious.csv", ".hidden"]
)
@pytest.mark.parametrize("keys", [(), ("month",)], ids=["file", "folder"])
def test_a_folder_that_holds_other_things_is_never_replaced(files, path, other, keys):
    files.save(FRAME, path, partition_by=("month",))
    (path / other).parent.mkdir(exist_ok=True)
    (path / other).write_text("precious")
    before = snapshot(path)

    with pytest.raises(DataFormatError, match="holds other things"):
        files.save(FRAME, path, partition_by=keys)

    assert snapshot(path) == before


def test_folders_of_other_writers_are_read(files, path):
    for month in (1, 2):
        part = path / f"month={month}" / "part-0.snappy.parquet"
        part.parent.mkdir(parents=True)
        FRAME[FRAME.month == month].drop(columns="month").to_parquet(part)
    (path / "_SUCCESS").touch()

    assert rows(files.read(path)) == rows(FRAME)
    files.save(FRAME, path, "append", partition_by=("month",))
    assert rows(files.read(path)) == sorted(rows(FRAME) * 2)


def test_files_with_other_types_or_columns_in_one_folder(files, path):
    path.mkdir(parents=True)
    pd.DataFrame({"a": [1], "b": ["x"]}).to_parquet(path / "1.parquet")
    pd.DataFrame({"b": ["y"], "a": [0.5]}).to_parquet(path / "2.parquet")
    assert files.read(path).to_dict("list") == {"a": [1.0, 0.5], "b": ["x", "y"]}

    pd.DataFrame({"a": [1], "c": ["x"]}).to_parquet(path / "3.parquet")
    with pytest.raises(DataFormatError, match=r"3\.parquet lacks b and has c besides, compared with .*1\.parquet"):
        files.read(path)

    (path / "3.parquet").unlink()
    pd.DataFrame({"a": ["text"], "b": ["x"]}).to_parquet(path / "3.parquet")
    with pytest.raises(DataFormatError, match=r"column 'a' is .*, which do not go together"):
        files.read(path)


def test_mixed_levels_of_partitions_are_refused(files, path):
    files.save(FRAME, path, partition_by=("month",))
    (path / "_common_metadata").unlink()
    pq.write_table(pq.read_table(path / "month=1"), path / "loose.parquet")

    with pytest.raises(DataFormatError, match="different partitions"):
        files.read(path)


def test_a_delta_table_is_not_read_as_its_files(files, path):
    files.save(FRAME, path, partition_by=("month",))
    (path / "_delta_log").mkdir()

    with pytest.raises(DataFormatError, match=r"Delta table.*format delta"):
        files.read(path)


def test_a_folder_without_files_is_not_found(files, path):
    path.mkdir(parents=True)

    with pytest.raises(DatasetNotFoundError, match="has no parquet files"):
        files.read(path)
