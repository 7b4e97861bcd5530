"""Mode `merge` means one thing, whoever does it (A-87): the same rows, the same ids, the same refusals."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from odibi_core.plugin import (
    ColumnNotFoundError,
    ConfigError,
    DataError,
    DataFormatError,
    DataQualityError,
    DatasetExistsError,
)

AUDIT = {"Merge_Id", "Change_Id", "Created_Timestamp", "Updated_Timestamp"}
ODD_NAMES = ["Unit price", "net.eur", "it's", 'a "b"', "back`tick", "UPPER", "select", "target", "source.id", "größe"]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def files_of(delta: Any) -> set[str]:
    return {str(path) for path in delta.path.rglob("*") if path.is_file() and not path.name.endswith(".crc")}


# --- rows


def test_first_load_makes_the_table(delta):
    report = delta.save({"id": [1, 2], "name": ["a", "b"]}, merge_keys=["id"])

    assert delta.rows() == [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    assert report.rows == 2


def test_changed_rows_are_updated_new_ones_inserted_and_the_others_left(delta):
    delta.save({"id": [1, 2, 3], "name": ["a", "b", "c"]}, merge_keys=["id"])

    report = delta.save({"id": [2, 3, 4], "name": ["B", "c", "d"]}, merge_keys=["id"])

    assert delta.rows() == [
        {"id": 1, "name": "a"},
        {"id": 2, "name": "B"},
        {"id": 3, "name": "c"},
        {"id": 4, "name": "d"},
    ]
    assert report.rows == 2


def test_merging_again_changes_nothing(delta):
    rows = {"id": [1, None, 3], "name": ["a", None, "c"], "share": [0.5, 1.5, None]}
    delta.save(rows, merge_keys=["id"], audit_columns=True)
    before = delta.rows()

    report = delta.save(rows, merge_keys=["id"], audit_columns=True)

    assert delta.rows() == before
    assert report.rows in {0, None}


def test_null_is_a_key_like_any_other(delta):
    keys = {"plant": [None, "x", None, "x"], "asset": ["x", None, None, "x"]}
    delta.save({**keys, "load": [1, 2, 3, 4]}, merge_keys=["plant", "asset"])

    delta.save({**keys, "load": [1, 20, 30, 4]}, merge_keys=["plant", "asset"])

    assert {(row["plant"], row["asset"]): row["load"] for row in delta.rows()} == {
        (None, "x"): 1,
        ("x", None): 20,
        (None, None): 30,
        ("x", "x"): 4,
    }
    assert len(delta.rows()) == 4


def test_long_numbers_are_keys_to_their_last_digit(delta):
    """As decimals, in which databases and pandas have them; floats, as which delta-rs lists them, would be too short."""
    first, second = Decimal(100000000000000001), Decimal(100000000000000002)
    for number in (0, 1):
        keys = [first, second] if number else [first]
        rows = pa.table({"id": pa.array(keys, pa.decimal128(38, 0)), "n": [number] * len(keys)})
        delta.save(rows, merge_keys=["id"])

    assert {row["id"]: row["n"] for row in delta.rows()} == {first: 1, second: 1}
    assert len(delta.rows()) == 2


def test_null_is_a_change_like_any_other(delta):
    for names in (["a", None, None], [None, "b", None]):
        delta.save({"id": [1, 2, 3], "name": names}, merge_keys=["id"])

    assert {row["id"]: row["name"] for row in delta.rows()} == {1: None, 2: "b", 3: None}


def test_only_change_columns_are_compared_and_updated(delta):
    delta.save({"id": [1, 2], "a": [1, 1], "b": [1, 1]}, merge_keys=["id"])

    delta.save({"id": [1, 2, 3], "a": [1, 5, 5], "b": [9, 9, 9]}, merge_keys=["id"], change_columns=["a"])

    assert delta.rows() == [{"id": 1, "a": 1, "b": 1}, {"id": 2, "a": 5, "b": 1}, {"id": 3, "a": 5, "b": 9}]


def test_rows_of_keys_alone_are_only_inserted(delta):
    delta.save({"id": [1, 2]}, merge_keys=["id"])
    delta.save({"id": [2, 3]}, merge_keys=["id"])

    assert delta.rows() == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_columns_that_the_source_lacks_stay_and_are_null_in_new_rows(delta):
    delta.save({"id": [1, 2], "name": ["a", "b"], "note": ["x", "y"]}, merge_keys=["id"])

    delta.save({"id": [2, 3], "name": ["B", "c"]}, merge_keys=["id"])

    assert delta.rows() == [
        {"id": 1, "name": "a", "note": "x"},
        {"id": 2, "name": "B", "note": "y"},
        {"id": 3, "name": "c", "note": None},
    ]


def test_no_rows_are_no_change(delta):
    rows = pa.table({"id": [1], "name": ["a"]})
    delta.save(rows, merge_keys=["id"])

    delta.save(rows.slice(0, 0), merge_keys=["id"])

    assert delta.rows() == rows.to_pylist()


# --- names


@pytest.mark.parametrize("is_turned", [False, True], ids=["some keys", "the others"])
def test_any_name_is_a_key_or_a_change_column(delta, is_turned):
    keys, changes = (ODD_NAMES[5:], ODD_NAMES[:5]) if is_turned else (ODD_NAMES[:5], ODD_NAMES[5:])
    for numbers, letters in (([1, 2], ["a", "b"]), ([2, 3], ["B", "c"])):
        rows = {name: numbers if name in keys else letters for name in ODD_NAMES}
        delta.save(rows, merge_keys=keys, audit_columns=True)

    assert {(row[keys[0]], row[changes[0]], row[changes[-1]]) for row in delta.rows()} == {
        (1, "a", "a"),
        (2, "B", "B"),
        (3, "c", "c"),
    }


# --- audit columns


def test_audit_columns_say_which_row_is_which_and_since_when(delta):
    started = datetime.now(UTC)
    delta.save({"plant": ["A", "B"], "no": [7, 8], "load": ["x", "y"]}, keys=["plant", "no"], audit_columns=True)

    first = {row["plant"]: row for row in delta.rows()}

    assert set(first["A"]) == {"plant", "no", "load"} | AUDIT
    assert first["A"]["Merge_Id"] == sha("A||7")
    assert first["A"]["Change_Id"] == sha("x")
    assert first["A"]["Created_Timestamp"] == first["A"]["Updated_Timestamp"]
    assert started - timedelta(minutes=1) < first["A"]["Created_Timestamp"] < datetime.now(UTC) + timedelta(minutes=1)


def test_created_timestamp_survives_updates(delta):
    for load in ("x", "y"):
        delta.save({"id": [1, 2], "load": [load, "same"]}, keys="id", audit_columns=True)

    changed, same = sorted(delta.rows(), key=lambda row: row["id"])

    assert changed["Created_Timestamp"] == same["Created_Timestamp"] == same["Updated_Timestamp"]
    assert changed["Updated_Timestamp"] > changed["Created_Timestamp"]
    assert changed["Change_Id"] == sha("y")
    assert changed["Merge_Id"] == sha("1")


def test_no_two_keys_have_one_id(delta):
    texts = {
        (None, "x"): "\\N||x",
        ("x", None): "x||\\N",
        ("\\N", "x"): "\\\\N||x",
        ("x||y", "z"): "x\\|\\|y||z",
        ("x", "y||z"): "x||y\\|\\|z",
        ("", ""): "||",
        ("größe \U0001f600", "'\""): "größe \U0001f600||'\"",
    }
    columns = {name: [key[place] for key in texts] for place, name in enumerate(("a", "b"))}

    delta.save({**columns, "load": list(range(len(texts)))}, keys=["a", "b"], audit_columns=True)

    assert {(row["a"], row["b"]): row["Merge_Id"] for row in delta.rows()} == {
        key: sha(text) for key, text in texts.items()
    }


def test_ids_of_numbers_are_those_of_their_digits(delta):
    numbers = {"small": pa.array([-5], pa.int16()), "large": pa.array([2**63 - 1])}
    rows = pa.table({**numbers, "load": pa.nulls(1, pa.int32())})

    delta.save(rows, keys=["small", "large"], audit_columns=True)

    assert delta.rows()[0]["Merge_Id"] == sha("-5||9223372036854775807")
    assert delta.rows()[0]["Change_Id"] == sha("\\N")


def test_ids_of_other_types_are_those_of_their_texts(delta):
    values = {
        "truth": pa.array([True, False]),
        "day": pa.array([date(2026, 3, 1), date(999, 12, 31)]),
        "price": pa.array([Decimal("-1.50"), Decimal("0.00")], pa.decimal128(10, 2)),
        "tiny": pa.array([Decimal("0.00000001"), Decimal("12.00000000")], pa.decimal128(20, 8)),
    }

    delta.save(pa.table({"id": [1, 2], **values}), keys="id", audit_columns=True)

    assert {row["id"]: row["Change_Id"] for row in delta.rows()} == {
        1: sha("true||2026-03-01||-1.50||0.00000001"),
        2: sha("false||0999-12-31||0.00||12.00000000"),
    }


def test_audit_columns_of_the_source_itself_are_made_anew(delta):
    delta.save({"id": [1], "load": ["x"]}, keys="id", audit_columns=True)

    delta.save({"id": [1], "load": ["y"], "Merge_Id": ["mine"], "Change_Id": ["mine"]}, keys="id", audit_columns=True)

    (row,) = delta.rows()
    assert (row["load"], row["Merge_Id"], row["Change_Id"]) == ("y", sha("1"), sha("y"))


# --- what is refused


def test_duplicate_keys_are_named_and_nothing_is_written(delta):
    delta.save({"id": [1], "name": ["a"]}, merge_keys=["id"])
    before = files_of(delta)

    with pytest.raises(DataQualityError) as caught:
        delta.save({"id": [1, 7, 7, 8, 8, 8], "name": list("abcdef")}, merge_keys=["id"])
    for part in ("silver.sales", "id=7", "id=8", "3 rows", "Nothing was written"):
        assert part in str(caught.value)
    assert files_of(delta) == before


def test_duplicate_keys_make_no_table(delta):
    with pytest.raises(DataQualityError, match="id"):
        delta.save({"id": ["x", None, None], "no": [1, 1, 1]}, merge_keys=["id", "no"])
    assert not (delta.path / "_delta_log").exists()


def test_new_columns_are_refused_unless_they_are_to_be_added(delta):
    delta.save({"id": [1], "name": ["a"]}, merge_keys=["id"])
    new = {"id": [1, 2], "name": ["a", "b"], "price": [None, 5]}

    with pytest.raises(DataFormatError, match=r"price.*merge_schema"):
        delta.save(new, merge_keys=["id"])
    assert delta.rows() == [{"id": 1, "name": "a"}]

    delta.save(new, merge_keys=["id"], merge_schema=True)
    assert delta.rows() == [{"id": 1, "name": "a", "price": None}, {"id": 2, "name": "b", "price": 5}]


def test_values_of_another_type_are_refused(delta):
    delta.save({"id": [1], "amount": [5]}, merge_keys=["id"])

    with pytest.raises(DataError, match="amount"):
        delta.save({"id": [1], "amount": ["six"]}, merge_keys=["id"])
    assert delta.rows() == [{"id": 1, "amount": 5}]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ConfigError, "merge_keys"),
        ({"merge_keys": ["idd"]}, ColumnNotFoundError, "idd"),
        ({"merge_keys": ["id"], "change_columns": ["nam"]}, ColumnNotFoundError, "nam"),
        ({"merge_keys": ["id"], "change_columns": ["id"]}, ConfigError, "id"),
        ({"merge_keys": ["id"], "overwrite": True}, ConfigError, "unknown option 'overwrite'"),
    ],
    ids=str,
)
def test_wrong_options_are_errors(delta, options, error, message):
    with pytest.raises(error, match=message):
        delta.save({"id": [1], "name": ["a"]}, **options)
    assert not (delta.path / "_delta_log").exists()


# --- a table that is there is never replaced


def test_table_without_audit_columns_is_not_replaced(delta):
    delta.save({"id": [1], "name": ["a"]}, mode="overwrite")

    with pytest.raises(DataFormatError, match="Merge_Id"):
        delta.save({"id": [2], "name": ["b"]}, keys="id", audit_columns=True)
    assert delta.rows() == [{"id": 1, "name": "a"}]


def test_table_that_cannot_be_read_is_not_taken_for_one_that_is_absent(delta):
    delta.save({"id": [1], "name": ["a"]}, merge_keys=["id"])
    delta.save({"id": [2], "name": ["b"]}, merge_keys=["id"])
    (delta.path / "_delta_log" / f"{0:020}.json").unlink()
    for checksum in (delta.path / "_delta_log").glob("*.crc"):
        checksum.unlink()
    before = files_of(delta)

    # Whose error it is differs; that nothing is made in place of the table does not.
    with pytest.raises(Exception, match=r"(?i)log|version|metadata"):
        delta.save({"id": [3], "name": ["c"]}, merge_keys=["id"])
    assert {file for file in files_of(delta) if file.endswith((".parquet", ".json"))} == {
        file for file in before if file.endswith((".parquet", ".json"))
    }


def test_folder_with_other_things_gets_no_table(delta):
    delta.path.mkdir()
    (delta.path / "notes.txt").write_text("mine")

    with pytest.raises((DataFormatError, DatasetExistsError), match=r"notes\.txt"):
        delta.save({"id": [1], "name": ["a"]}, merge_keys=["id"])
    assert [path.name for path in delta.path.iterdir()] == ["notes.txt"]
