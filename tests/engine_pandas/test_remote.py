"""Files behind fsspec: the same meaning for every mode, nothing half-written under the target's name."""

from __future__ import annotations

import fsspec
import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from odibi_core.plugin import ConfigError, DataFormatError, DatasetExistsError, DatasetNotFoundError

OLD = pd.DataFrame({"carrier": ["F9", None], "delay": [1.5, 2.0]})
NEW = pd.DataFrame({"carrier": ["é"], "delay": [0.1]})
NAMES = ["a.csv", "a.csv.gz", "a.json", "a.jsonl.zip", "a.csv.zst", "a.parquet"]


@pytest.fixture
def store():
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


def check(frame, *parts):
    pd.testing.assert_frame_equal(frame, pd.concat(parts, ignore_index=True))


@pytest.mark.parametrize("name", NAMES)
def test_modes_mean_the_same(files, store, name):
    url = f"memory://lake/silver/{name}"

    first = files.save(OLD, url, "error")
    check(files.read(url), OLD)
    assert (first.rows, first.bytes, first.location) == (2, store.size(f"/lake/silver/{name}"), url)

    files.save(NEW, url, "append")
    check(files.read(url), OLD, NEW)

    assert not files.save(NEW, url, "ignore").was_written
    with pytest.raises(DatasetExistsError, match="memory://lake/silver"):
        files.save(NEW, url, "error")
    check(files.read(url), OLD, NEW)

    files.save(NEW, url)
    check(files.read(url), NEW)
    assert store.find("/") == [f"/lake/silver/{name}"]


def test_globs_and_folders_are_read(files, store):
    for name in ("b.csv", "a.csv", "deep/c.csv.gz", "_hidden.csv", "deep/.x.csv"):
        files.save(pd.DataFrame({"n": [name]}), f"memory://lake/{name}")

    assert files.read("memory://lake/[ab].csv")["n"].tolist() == ["a.csv", "b.csv"]
    assert files.read("memory://lake/**/c.csv*")["n"].tolist() == ["deep/c.csv.gz"]
    assert files.read("memory://lake", format="csv")["n"].tolist() == ["a.csv", "b.csv", "deep/c.csv.gz"]


def test_a_folder_of_parquet_partitions_is_read(files, store, tmp_path):
    files.save(OLD.assign(month=[1, 2]), tmp_path / "a.parquet", partition_by=("month",))
    store.put(str(tmp_path / "a.parquet"), "/lake/a.parquet", recursive=True)

    check(files.read("memory://lake/a.parquet"), OLD.assign(month=[1, 2]))


def test_what_is_missing_is_named_with_what_is_near(files, store):
    files.save(OLD, "memory://lake/flights.csv")

    with pytest.raises(DatasetNotFoundError, match=r"memory:///?lake/flight\.csv does not exist; .*has flights\.csv"):
        files.read("memory://lake/flight.csv")
    with pytest.raises(DatasetNotFoundError, match="no file matches"):
        files.read("memory://lake/*.jsonl")


def test_malformed_files_are_named(files, store):
    store.pipe("/lake/a.csv", b"")
    store.pipe("/lake/a.parquet", b"junk")

    for name in ("a.csv", "a.parquet"):
        with pytest.raises(DataFormatError, match=rf"memory:///?lake/{name}"):
            files.read(f"memory://lake/{name}")


def test_a_failed_move_leaves_the_old_file_and_nothing_else(files, store, monkeypatch):
    files.save(OLD, "memory://lake/a.csv")

    def refuse(*_, **__):
        raise PermissionError("the store says no")

    monkeypatch.setattr(MemoryFileSystem, "mv", refuse)
    with pytest.raises(PermissionError, match="the store says no"):
        files.save(NEW, "memory://lake/a.csv")

    assert store.find("/") == ["/lake/a.csv"]
    check(files.read("memory://lake/a.csv"), OLD)


def test_a_frame_that_cannot_be_written_never_reaches_the_store(files, store):
    with pytest.raises(DataFormatError, match="binary"):
        files.save(pd.DataFrame({"a": [b"x"]}), "memory://lake/a.csv")

    assert store.find("/") == []


def test_partitions_are_for_local_files(files, store):
    with pytest.raises(ConfigError, match="local file system only"):
        files.save(OLD, "memory://lake/a.parquet", partition_by=("carrier",))


def test_a_folder_is_not_replaced(files, store):
    files.save(OLD, "memory://lake/a.csv/inside.csv")

    with pytest.raises(DataFormatError, match="is a folder"):
        files.save(OLD, "memory://lake/a.csv", format="csv")


def test_file_urls_are_local_files(files, tmp_path):
    files.save(OLD, f"file://{tmp_path}/deep/a.csv")
    files.save(NEW, f"file://{tmp_path}/deep/a.csv", "append")

    check(files.read(tmp_path / "deep" / "a.csv"), OLD, NEW)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.csv"]


def test_storage_options_reach_the_file_system(files, store, tmp_path):
    files.save(OLD, tmp_path / "a.csv")

    check(files.read("dir://a.csv", storage_options={"target_protocol": "file", "path": str(tmp_path)}), OLD)
