"""Saving Delta tables for engines whose frames speak Arrow."""

import json

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from odibi_core.plugin import (
    ColumnNotFoundError,
    ConfigError,
    DataError,
    DataFormatError,
    Dataset,
    DatasetExistsError,
    TransientError,
)
from odibi_sinks.delta_tables.reader import DeltaTableReader

SALES = pa.table({"id": [1, 2, 3], "region": ["north", "south", None], "amount": [1.5, None, 3.0]})


def table_of(place):
    return DeltaTable(place)


# --- modes


def test_first_save_makes_the_table_in_one_commit(save, place, rows):
    report = save(SALES)

    assert rows() == sorted(SALES.to_pylist(), key=str)
    assert table_of(place).version() == 0
    assert (report.rows, report.location, report.was_written) == (3, str(place), True)


def test_rows_and_bytes_are_those_of_the_commit(save, place):
    save(SALES)

    report = save(SALES.slice(1), mode="append")

    added = [json.loads(line) for line in (place / "_delta_log" / f"{1:020}.json").read_text().splitlines()]
    files = [action["add"] for action in added if "add" in action]
    assert report.bytes == sum((place / file["path"]).stat().st_size for file in files)
    assert report.rows == sum(json.loads(file["stats"])["numRecords"] for file in files) == 2


def test_overwrite_replaces_rows_and_keeps_the_history(save, place, rows):
    save(SALES)

    save(SALES.slice(0, 1))

    assert rows() == SALES.slice(0, 1).to_pylist()
    assert pa.table(DeltaTable(place, version=0).scan()).num_rows == 3


def test_append_adds_rows(save, rows):
    save(SALES, mode="append")
    save(SALES, mode="append")

    assert len(rows()) == 6


def test_mode_error_leaves_a_table_that_is_there(save, place):
    save(SALES, mode="error")

    with pytest.raises(DatasetExistsError, match=r"'silver.sales' \(delta\).*exists.*mode is 'error'"):
        save(SALES, mode="error")
    assert table_of(place).version() == 0


def test_mode_ignore_leaves_a_table_that_is_there(save, place):
    first = save(SALES, mode="ignore")
    second = save(SALES.slice(0, 1), mode="ignore")

    assert (first.was_written, second.was_written) == (True, False)
    assert (second.rows, second.bytes) == (0, 0)
    assert table_of(place).version() == 0


def test_empty_frame_makes_an_empty_table(save, place, rows):
    report = save(SALES.slice(0, 0))

    assert rows() == []
    assert report.rows == 0
    assert [field.name for field in table_of(place).schema().fields] == ["id", "region", "amount"]


def test_rows_of_a_frame_keep_their_order(save, place):
    frame = pa.table({"id": range(100_000)})
    in_pieces = pa.Table.from_batches(frame.to_batches(max_chunksize=1000))

    save(in_pieces)

    back = DeltaTableReader(None).read(Dataset(name="s", kind="table", format="delta", location=str(place)))
    assert back.read_all()["id"].to_pylist() == list(range(100_000))


def test_stream_without_a_length_is_saved_too(save, rows):
    report = save(SALES.to_reader())

    assert report.rows == len(rows()) == 3


def test_table_may_be_overwritten_with_what_is_read_from_it(save, place, rows):
    save(SALES)
    reading = DeltaTableReader(None).read(Dataset(name="s", kind="table", format="delta", location=str(place)))

    save(reading)

    assert rows() == sorted(SALES.to_pylist(), key=str)


# --- partitions and conditions


def test_partitions_are_folders_and_stay_with_the_table(save, place, rows):
    save(SALES, partition_by=["region"])
    save(SALES, mode="append")
    save(SALES, partition_by=["region"], mode="append")

    assert table_of(place).metadata().partition_columns == ["region"]
    assert (place / "region=north").is_dir()
    assert len(rows()) == 9


def test_other_partitions_than_the_tables_are_refused(save):
    save(SALES, partition_by=["region"])

    with pytest.raises(ConfigError, match=r"is partitioned by region, and partition_by says id.*overwrite_schema"):
        save(SALES, partition_by=["id"])


def test_partitions_change_with_overwrite_schema(save, place):
    save(SALES, partition_by=["region"])

    save(SALES, partition_by=["id"], overwrite_schema=True)
    assert table_of(place).metadata().partition_columns == ["id"]
    save(SALES, overwrite_schema=True)
    assert table_of(place).metadata().partition_columns == []


def test_unknown_partition_column_is_named(save, place):
    with pytest.raises(ColumnNotFoundError, match=r"partition_by names 'regoin'.*Did you mean 'region'"):
        save(SALES, partition_by=["regoin"])
    with pytest.raises(ConfigError, match=r"names every column"):
        save(SALES.select(["region"]), partition_by=["region"])
    assert not (place / "_delta_log").exists()


@pytest.mark.parametrize("partition_by", [(), ("region",)], ids=["files", "partitions"])
def test_replace_where_replaces_only_what_it_is_true_for(save, rows, partition_by):
    save(SALES, partition_by=partition_by)
    new = pa.table({"id": [9], "region": ["north"], "amount": [9.0]})

    report = save(new, replace_where="region = 'north'")

    assert {(row["id"], row["region"]) for row in rows()} == {(9, "north"), (2, "south"), (3, None)}
    assert report.rows == 1


@pytest.mark.parametrize("is_there", [True, False], ids=["table", "no table"])
def test_rows_outside_of_replace_where_are_refused(save, place, is_there):
    if is_there:
        save(SALES)

    with pytest.raises(DataError, match=r"3 of the rows break a rule.*replace_where. Nothing was written") as caught:
        save(SALES, replace_where="region = 'west'")
    assert "north" not in str(caught.value)
    assert not is_there or table_of(place).version() == 0


def test_condition_that_cannot_be_read_is_an_error(save):
    save(SALES)

    with pytest.raises(DataError, match=r"sql parser error"):
        save(SALES, replace_where="region = = 'west'")


# --- columns of the table


def test_other_columns_are_refused_with_advice(save, rows):
    save(SALES)
    other = SALES.drop_columns(["amount"]).append_column("price", pa.array([1, 2, 3]))

    with pytest.raises(
        DataFormatError, match=r"has new columns 'price' and lacks columns 'amount'.*merge_schema.*overwrite_schema"
    ):
        save(other, mode="append")
    assert len(rows()) == 3


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_merge_schema_adds_columns_and_fills_others_with_null(save, rows, mode):
    save(SALES)
    other = pa.table({"id": [4], "region": ["west"], "Unit price.eur": [1]})

    save(other, mode=mode, merge_schema=True)

    new = {"id": 4, "region": "west", "amount": None, "Unit price.eur": 1}
    assert new in rows()
    assert len(rows()) == (4 if mode == "append" else 1)


def test_overwrite_schema_gives_the_table_the_frames_columns(save, rows):
    save(SALES)

    save(pa.table({"id": ["a"]}), overwrite_schema=True)

    assert rows() == [{"id": "a"}]


def test_name_that_differs_in_case_only_is_refused(save):
    save(SALES)

    with pytest.raises(DataFormatError, match=r"'ID' is 'id' in the table; rename it"):
        save(SALES.rename_columns(["ID", "region", "amount"]), mode="append", merge_schema=True)


def test_columns_may_come_in_another_order(save, rows):
    save(SALES)

    save(SALES.select(["amount", "region", "id"]))

    assert rows() == sorted(SALES.to_pylist(), key=str)


def test_new_table_gets_its_properties(save, place):
    save(SALES, tableProperties={"delta.enableChangeDataFeed": True})

    assert table_of(place).metadata().configuration == {"delta.enableChangeDataFeed": "true"}


def test_row_that_must_not_be_null_is_not_quoted_in_the_error(save, place):
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False), ("secret", pa.string())])
    DeltaTable.create(place, schema)

    with pytest.raises(DataError, match=r"1 of the rows break a rule of the table") as caught:
        save(pa.table({"id": pa.array([None], pa.int64()), "secret": ["hunter2"]}), mode="append")
    assert "hunter2" not in str(caught.value)


def test_table_that_takes_appends_only_is_not_overwritten_and_not_tried_again(save, rows):
    save(SALES, table_properties={"delta.appendOnly": True})

    with pytest.raises(DataError, match=r"cannot be saved at") as caught:
        save(SALES.slice(1))
    assert not isinstance(caught.value, TransientError)
    assert len(rows()) == 3


def test_table_with_features_that_delta_rs_cannot_write_is_left_to_spark(save, place):
    save(SALES)
    log = place / "_delta_log" / f"{0:020}.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [], "writerFeatures": ["rowTracking"]}
    log.write_text("\n".join(json.dumps({"protocol": protocol} if "protocol" in one else one) for one in actions))

    with pytest.raises(DataError, match=r"Unsupported table features.*save this one with Spark"):
        save(SALES, mode="append")


# --- options


@pytest.mark.parametrize(
    ("mode", "options", "message"),
    [
        ("overwrite", {"mergeschema": True}, "unknown option 'mergeschema'. Did you mean 'merge_schema'?"),
        ("merge", {}, "mode 'merge' needs the option merge_keys"),
        ("append", {"replace_where": "id = 1"}, "replace_where: only mode 'overwrite' has a use for it"),
        ("append", {"overwrite_schema": True}, "overwrite_schema: only mode 'overwrite' has a use for it"),
        ("append", {"merge_keys": ["id"]}, "merge_keys: only mode 'merge' has a use for it"),
        ("overwrite", {"overwrite_schema": True, "merge_schema": True}, "contradict each other"),
        ("overwrite", {"overwrite_schema": True, "replace_where": "id = 1"}, "contradict each other"),
        ("merge", {"keys": "id", "change_columns": ["id"]}, "id: a column is one of merge_keys or of change_columns"),
        ("overwrite", {"merge_schema": "perhaps"}, "option 'merge_schema'"),
        ("overwrite", {"table_properties": {"owner": "me"}}, "'owner' is no property of a Delta table"),
    ],
)
def test_wrong_options_are_errors(save, place, mode, options, message):
    with pytest.raises(ConfigError) as caught:
        save(SALES, mode=mode, **options)
    assert message in str(caught.value)
    assert not place.exists()


# --- the table's log


def test_log_is_summed_up_every_ten_commits(save, place):
    for _ in range(11):
        save(SALES, mode="append")

    checkpoints = sorted(entry.name for entry in (place / "_delta_log").glob("*.checkpoint.parquet"))
    assert checkpoints == [f"{10:020}.checkpoint.parquet"]


def test_log_that_cannot_be_summed_up_fails_no_save(save, place, rows):
    for _ in range(10):
        save(SALES, mode="append")
    (place / "_delta_log" / f"{10:020}.checkpoint.parquet").mkdir()

    report = save(SALES, mode="append")

    assert report.rows == 3
    assert len(rows()) == 33
