"""Each save mode means the same for every format and compression."""

from __future__ import annotations

import pandas as pd
import pytest

from odibi_core.plugin import ConfigError, DataFormatError, DatasetExistsError

TEXT = [f"flights.{format_}{packed}" for format_ in ("csv", "json", "jsonl") for packed in ("", ".gz", ".zip", ".zst")]
NAMES = [*TEXT, "flights.csv.bz2", "flights.jsonl.xz", "flights.tsv", "flights.ndjson", "flights.parquet", "flights.pq"]

OLD = pd.DataFrame({"carrier": ["F9", "AA"], "delay": [21.5, -3.0]})
NEW = pd.DataFrame({"carrier": ["é,\"'\n", "UA"], "delay": [0.1, 2.0]})


@pytest.fixture(params=NAMES)
def path(request, tmp_path):
    return tmp_path / "silver" / "deep" / request.param


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def check(frame, *parts):
    pd.testing.assert_frame_equal(frame, pd.concat(parts, ignore_index=True))


def test_overwrite_replaces_what_is_there(files, path):
    files.save(OLD, path)
    report = files.save(NEW, path)

    check(files.read(path), NEW)
    assert (report.rows, report.bytes, report.location) == (2, path.stat().st_size, str(path))
    assert report.was_written
    assert names_in(path.parent) == [path.name]


def test_append_adds_rows(files, path):
    files.save(OLD, path)
    files.save(NEW, path, "append")
    report = files.save(OLD, path, "append")

    check(files.read(path), OLD, NEW, OLD)
    assert (report.rows, report.bytes) == (2, path.stat().st_size)
    assert names_in(path.parent) == [path.name]


def test_append_creates_what_is_missing(files, path):
    report = files.save(OLD, path, "append")

    check(files.read(path), OLD)
    assert (report.rows, report.was_written) == (2, True)


def test_append_puts_columns_in_the_order_of_the_file(files, path):
    files.save(OLD, path)
    files.save(NEW[["delay", "carrier"]], path, "append")

    check(files.read(path), OLD, NEW)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        pytest.param(OLD[["carrier"]], "is missing delay; what is there has carrier, delay", id="missing"),
        pytest.param(OLD.assign(origin="JFK"), "has origin besides", id="extra"),
        pytest.param(OLD.rename(columns={"delay": "Delay"}), "is missing delay and has Delay besides", id="renamed"),
    ],
)
def test_append_of_other_columns_is_refused_and_changes_nothing(files, path, frame, message):
    files.save(OLD, path)
    before = path.read_bytes()

    with pytest.raises(DataFormatError, match=message) as caught:
        files.save(frame, path, "append")

    assert str(path) in str(caught.value)
    assert "bronze.flights" in str(caught.value)
    assert path.read_bytes() == before
    assert names_in(path.parent) == [path.name]


def test_append_of_no_rows_keeps_the_rows(files, path):
    files.save(OLD, path)
    report = files.save(OLD.iloc[:0], path, "append")

    check(files.read(path), OLD)
    assert report.rows == 0


def test_error_saves_only_if_nothing_is_there(files, path):
    files.save(OLD, path, "error")

    with pytest.raises(DatasetExistsError, match="mode is 'error'") as caught:
        files.save(NEW, path, "error")

    assert isinstance(caught.value, FileExistsError)
    assert str(path) in str(caught.value)
    check(files.read(path), OLD)


def test_ignore_keeps_what_is_there_and_says_so(files, path):
    first = files.save(OLD, path, "ignore")
    second = files.save(NEW, path, "ignore")

    assert (first.rows, first.was_written) == (2, True)
    assert (second.rows, second.bytes, second.was_written) == (0, 0, False)
    check(files.read(path), OLD)


def test_saving_does_not_change_the_frame(files, path):
    frame = NEW.set_index("carrier")
    before = frame.copy()

    files.save(frame, path)

    pd.testing.assert_frame_equal(frame, before)


def test_another_mode_is_refused(files, path):
    with pytest.raises(ConfigError, match="mode 'merge' is none of overwrite, append, error, ignore"):
        files.save(OLD, path, "merge")


def test_a_folder_of_other_things_is_never_replaced(files, path):
    path.mkdir(parents=True)
    (path / "precious.txt").write_text("precious")

    for mode in ("overwrite", "append"):
        with pytest.raises(DataFormatError, match="folder"):
            files.save(OLD, path, mode)

    assert names_in(path) == ["precious.txt"]


def test_a_link_stays_a_link(files, path, tmp_path):
    real = tmp_path / "elsewhere" / path.name
    files.save(OLD, real)
    path.parent.mkdir(parents=True)
    path.symlink_to(real)

    files.save(NEW, path, "append")

    assert path.is_symlink()
    check(files.read(real), OLD, NEW)


def test_permissions_of_a_file_are_kept_and_those_of_a_new_one_are_usual(files, path, tmp_path):
    files.save(OLD, path)
    (tmp_path / "usual").touch()
    usual = (tmp_path / "usual").stat().st_mode
    assert path.stat().st_mode == usual

    path.chmod(0o640)
    files.save(NEW, path)

    assert path.stat().st_mode & 0o777 == 0o640


def test_equal_frames_make_equal_files(files, path):
    files.save(OLD, path)
    first = path.read_bytes()
    files.save(OLD, path)

    assert path.read_bytes() == first


@pytest.mark.parametrize("name", ["flights.csv", "flights.json", "flights.jsonl.gz"])
def test_partitions_of_a_format_without_them_are_refused(files, tmp_path, name):
    with pytest.raises(ConfigError, match="has no partitions"):
        files.save(OLD, tmp_path / name, partition_by=("carrier",))


def test_a_query_is_refused(files, tmp_path):
    with pytest.raises(ConfigError, match="is a query"):
        files.read(tmp_path / "a.csv", kind="query")
