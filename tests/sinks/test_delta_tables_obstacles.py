"""What may be in the way of a Delta table: files, folders, other tables, damage."""

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from odibi_core.plugin import ConfigError, DataError, DataFormatError

SALES = pa.table({"id": [1, 2, 3], "region": ["north", "south", None], "amount": [1.5, None, 3.0]})


def test_first_save_that_was_killed_is_no_obstacle(save, place, rows):
    save(SALES, partition_by=["region"])
    for file in (place / "_delta_log").iterdir():
        file.unlink()

    save(SALES, partition_by=["region"])

    assert len(rows()) == 3


def test_folder_with_other_things_is_left_alone(save, place):
    place.mkdir(parents=True)
    (place / "notes.txt").write_text("mine")

    with pytest.raises(DataFormatError, match=r"is no Delta table and holds 'notes.txt'. Nothing was written"):
        save(SALES)
    assert [entry.name for entry in place.iterdir()] == ["notes.txt"]


def test_table_inside_of_a_table_is_refused(save, place):
    save(SALES)

    with pytest.raises(DataFormatError, match=r"would be inside the Delta table.*vacuum"):
        save(SALES, location=place / "daily")


def test_table_around_a_table_is_refused(save, place):
    save(SALES)

    with pytest.raises(DataFormatError, match=r"is no Delta table and holds 'sales'"):
        save(SALES, location=place.parent)


def test_file_in_place_of_a_folder_is_refused(save, place):
    place.parent.mkdir(parents=True)
    place.write_text("mine")

    with pytest.raises(DataFormatError, match=r"is a file, and a Delta table is a folder"):
        save(SALES)
    assert place.read_text() == "mine"


@pytest.mark.parametrize("damage", ["first commit", "nonsense"])
def test_table_with_a_damaged_log_is_not_taken_for_absent(save, place, damage):
    for _ in range(3):
        save(SALES, mode="append")
    first = place / "_delta_log" / f"{0:020}.json"
    if damage == "nonsense":
        first.write_text("{nonsense")
    else:
        first.unlink()
    before = sorted(entry.name for entry in place.rglob("*"))

    with pytest.raises(DataError, match=r"'silver.sales'"):
        save(SALES)
    assert sorted(entry.name for entry in place.rglob("*")) == before


def test_path_that_delta_rs_would_misread_is_refused(save, tmp_path):
    with pytest.raises(ConfigError, match=r"delta-rs takes .*a%20b for .*a b; rename it"):
        save(SALES, location=tmp_path / "a%20b")


@pytest.mark.parametrize("name", ["a b", "a#b", "a?b", "ä:*", "100%"])
def test_odd_paths_work(save, tmp_path, name):
    save(SALES, location=tmp_path / name)

    assert pa.table(DeltaTable(tmp_path / name).scan()).num_rows == 3
