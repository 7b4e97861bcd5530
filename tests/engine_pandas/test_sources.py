"""Which files a dataset is made of, and how they become one frame."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from odibi_core.plugin import ConfigError, DataFormatError, DatasetNotFoundError

EQUAL = pd.testing.assert_frame_equal


@pytest.fixture
def landing(files, tmp_path) -> Path:
    folder = tmp_path / "landing"
    for name, number in (("b.csv", 2), ("a.csv", 1), ("2013/c.csv.gz", 3), ("2013/deep/d.csv.zst", 4)):
        files.save(pd.DataFrame({"n": [number], "s": [f"x{number}"]}), folder / name)
    for other in (".hidden.csv", "_notes.csv", "2013/_temporary/0.csv", "readme.txt", ".a.csv.1.1.partial"):
        (folder / other).parent.mkdir(exist_ok=True)
        (folder / other).write_text("n,s\n9,passed over in a folder\n")
    return folder


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("*.csv", [9, 1, 2], id="star"),
        pytest.param("[ab].csv", [1, 2], id="set"),
        pytest.param("?.csv", [1, 2], id="question-mark"),
        pytest.param("**/*.csv*", [9, 3, 4, 9, 1, 2], id="any-depth"),
        pytest.param("*/c.csv.gz", [3], id="folder"),
        pytest.param("", [3, 4, 1, 2], id="whole-folder"),
        pytest.param("2013", [3, 4], id="subfolder"),
        pytest.param("b.csv", [2], id="file"),
    ],
)
def test_files_are_found_and_sorted_by_path(files, landing, pattern, expected):
    frame = files.read(landing / pattern, format="csv")

    assert frame["n"].tolist() == expected
    assert frame.index.equals(pd.RangeIndex(len(expected)))


def test_a_name_with_magic_characters_is_a_file_if_it_is_there(files, tmp_path):
    files.save(pd.DataFrame({"n": [1]}), tmp_path / "a[1].csv")

    assert files.read(tmp_path / "a[1].csv")["n"].tolist() == [1]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        pytest.param("c.csv", r"c\.csv does not exist; .*landing has b\.csv, a\.csv", id="file"),
        pytest.param("*.cvs", r"no file matches .*\*\.cvs; .*landing has", id="glob"),
        pytest.param("2014/c.csv", r"2014/c\.csv does not exist; .*landing has 2013", id="folder"),
        pytest.param("2014/*.csv", r"no file matches .*; .*landing has 2013", id="glob-in-a-missing-folder"),
    ],
)
def test_what_is_missing_is_named_with_what_is_near(files, landing, location, message):
    with pytest.raises(DatasetNotFoundError, match=message) as caught:
        files.read(landing / location, format="csv")

    assert isinstance(caught.value, FileNotFoundError)
    assert str(landing / location) in str(caught.value)


def test_a_folder_without_files_of_the_format_says_which_those_are(files, landing):
    with pytest.raises(DatasetNotFoundError, match=r"has no jsonl files \(\.jsonl, \.ndjson\)"):
        files.read(landing, format="jsonl")


def test_an_empty_folder_is_said_to_be_empty(files, tmp_path):
    with pytest.raises(DatasetNotFoundError, match="is empty or does not exist"):
        files.read(tmp_path / "a.csv")


def test_types_of_several_csv_files_are_those_of_one(files, tmp_path):
    texts = {
        "1.csv": "code,n,f,late,nothing\n007,1,1,True,\n",
        "2.csv": "code,n,f,late,nothing\nN12,,0.5,,\n",
        "3.csv": "code,n,f,late,nothing\n",
        "4.csv": "n,code,f,late,nothing\n,,,,x\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)

    frame = files.read(tmp_path / "*.csv")

    whole = files.read_text(tmp_path / "all.txt", "code,n,f,late,nothing\n007,1,1,True,\nN12,,0.5,,\n,,,,x\n")
    EQUAL(frame, whole)
    assert frame["code"].tolist()[:2] == ["007", "N12"]


def test_files_with_other_columns_are_refused_by_name(files, tmp_path):
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("a,c\n1,2\n")

    with pytest.raises(DataFormatError, match=r"2\.csv lacks b and has c besides, compared with .*1\.csv"):
        files.read(tmp_path / "*.csv")
    assert files.read(tmp_path / "*.csv", options={"columns": ["a"]})["a"].tolist() == [1, 1]


def test_an_empty_file_among_others_is_named(files, tmp_path):
    (tmp_path / "1.csv").write_text("a\n1\n")
    (tmp_path / "2.csv").touch()

    with pytest.raises(DataFormatError, match=r"2\.csv is empty"):
        files.read(tmp_path / "*.csv")


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_records_of_several_files_are_one_frame(files, tmp_path, name):
    files.save(pd.DataFrame({"a": [1], "b": ["x"]}), tmp_path / f"1.{name}")
    files.save(pd.DataFrame({"b": [None], "c": [[1]]}), tmp_path / f"2.{name}")

    frame = files.read(tmp_path / f"*.{name}")

    assert frame.dtypes.astype(str).to_dict() == {"a": "Int64", "b": "str", "c": "object"}
    assert frame["a"].tolist() == [1, pd.NA]
    assert frame["c"].tolist() == [None, [1]]


def test_the_row_limit_counts_over_all_files(files, landing):
    assert len(files.read(landing / "*.csv", options={"nrows": 1})) == 1


@pytest.mark.parametrize("packed", [".gz", ".zip", ".zst", ".bz2", ".xz"])
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl"])
def test_what_is_cut_off_is_never_read_in_part(files, tmp_path, name, packed):
    path = tmp_path / f"{name}{packed}"
    files.save(pd.DataFrame({"a": [f"row {number}" for number in range(20_000)]}), path)
    whole = path.read_bytes()

    for size in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DataFormatError) as caught:
            files.read(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("packed", [".gz", ".zip", ".zst", ".bz2", ".xz"])
def test_what_is_not_compressed_at_all_is_said(files, tmp_path, packed):
    path = tmp_path / f"a.csv{packed}"
    path.write_text("a\n1\n")

    with pytest.raises(DataFormatError, match="by its first bytes it is not"):
        files.read(path)
    assert files.read(path, options={"compression": None})["a"].tolist() == [1]


def test_members_that_were_joined_are_read_as_one(files, tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a\n1\n") + gzip.compress(b"2\n"))

    assert files.read(tmp_path / "a.csv.gz")["a"].tolist() == [1, 2]


def test_compression_can_be_told(files, tmp_path):
    files.save(pd.DataFrame({"a": [1]}), tmp_path / "a.csv", options={"compression": "gzip"})

    assert gzip.decompress((tmp_path / "a.csv").read_bytes()) == b"a\n1\n"
    assert files.read(tmp_path / "a.csv", options={"compression": "gzip"})["a"].tolist() == [1]
    with pytest.raises(DataFormatError, match="by its first bytes it is gzip"):
        files.read(tmp_path / "a.csv")


def test_a_zip_archive_holds_one_file_of_the_plain_name(files, tmp_path):
    files.save(pd.DataFrame({"a": [1]}), tmp_path / "flights.csv.zip")

    with zipfile.ZipFile(tmp_path / "flights.csv.zip") as archive:
        assert archive.namelist() == ["flights.csv"]
        assert archive.testzip() is None


def test_what_a_mac_adds_to_an_archive_is_no_data(files, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        archive.writestr("__MACOSX/._a.csv", b"junk")
        archive.writestr("folder/.DS_Store", b"junk")
        archive.writestr("folder/a.csv", "a\n1\n")

    assert files.read(tmp_path / "a.csv.zip")["a"].tolist() == [1]


@pytest.mark.parametrize("names", [[], ["a.csv", "b.csv"]], ids=["none", "two"])
def test_archives_of_several_files_are_refused(files, tmp_path, names):
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "a\n1\n")

    with pytest.raises(DataFormatError, match=rf"must hold one file .*, and holds {len(names)}"):
        files.read(tmp_path / "a.csv.zip")


def test_zstd_of_other_writers_is_read(files, tmp_path):
    with pa.CompressedOutputStream(str(tmp_path / "a.csv.zst"), "zstd") as stream:
        stream.write(b"a\n1\n")

    assert files.read(tmp_path / "a.csv.zst")["a"].tolist() == [1]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        pytest.param("nonsense://x/a.csv", "is no location that fsspec knows", id="unknown-scheme"),
        pytest.param("dropbox://x/a.csv", "needs a package that is not installed", id="missing-package"),
        pytest.param("dropbox://me:secret@x/a.csv", r"\*\*\*@x", id="no-secrets"),
    ],
)
def test_locations_that_cannot_be_reached_say_why(files, location, message):
    with pytest.raises(ConfigError, match=message) as caught:
        files.read(location, storage_options={"token": "secret"})

    assert "secret" not in str(caught.value)
