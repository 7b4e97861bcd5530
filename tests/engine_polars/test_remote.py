"""Files of other stores, through fsspec: the store is memory."""

from __future__ import annotations

import fsspec
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from odibi_core.plugin import ConfigError, DataFormatError, DatasetExistsError, DatasetNotFoundError

NAMES = ["a.csv", "a.csv.gz", "a.json", "a.jsonl", "a.parquet", "a.arrow", "a.avro"]
OLD = pl.DataFrame({"a": [1, 2], "b": ["x", None]})


@pytest.fixture
def store():
    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    yield store
    store.store.clear()


@pytest.mark.parametrize("name", NAMES)
def test_every_format_goes_to_a_store_and_back(files, store, name):
    location = f"memory://lake/deep/{name}"

    report = files.save(OLD.lazy(), location)
    files.save(OLD.lazy(), location, "append")

    assert_frame_equal(files.read(location), pl.concat([OLD, OLD]))
    assert (report.rows, report.location) == (2, location)
    assert [path.rpartition("/")[2] for path in store.find("/lake")] == [name]


def test_modes_mean_the_same(files, store):
    location = "memory://lake/a.parquet"
    files.save(OLD, location)

    with pytest.raises(DatasetExistsError, match="memory://lake/a"):
        files.save(OLD, location, "error")
    assert not files.save(OLD, location, "ignore").was_written


def test_globs_and_folders_are_found(files, store):
    for number in (1, 2):
        files.save(OLD, f"memory://lake/in/{number}.parquet")

    assert files.read("memory://lake/in/*.parquet").height == 4
    assert files.read("memory://lake/in", format="parquet").height == 4


def test_partitions_of_a_store_are_read(files, store, tmp_path):
    files.save(OLD, tmp_path / "t", format="parquet", partition_by=("a",))
    store.put(str(tmp_path / "t"), "/lake/t", recursive=True)

    assert sorted(files.read("memory://lake/t", format="parquet").rows()) == OLD.rows()
    with pytest.raises(ConfigError, match="partitions can be saved on a local file system only"):
        files.save(OLD, "memory://lake/u", format="parquet", partition_by=("a",))


def test_what_is_not_there_or_damaged_is_named(files, store):
    with pytest.raises(DatasetNotFoundError, match=r"memory://lake/b\.parquet"):
        files.scan("memory://lake/b.parquet")
    store.pipe_file("/lake/a.parquet", b"no parquet")
    with pytest.raises(DataFormatError, match=r"memory://lake/a\.parquet cannot be read as parquet"):
        files.scan("memory://lake/a.parquet")


def test_unknown_schemes_are_refused_and_secrets_hidden(files):
    with pytest.raises(ConfigError, match="no location that fsspec knows") as caught:
        files.scan("nowhere://me:secret@host/a.parquet")
    assert "secret" not in str(caught.value).partition(" is no location")[0]


def test_a_file_url_is_a_path(files, tmp_path):
    files.save(OLD, f"file://{tmp_path}/a b.parquet".replace(" ", "%20"))

    assert_frame_equal(files.read(tmp_path / "a b.parquet"), OLD)


def test_without_fsspec_the_error_says_what_to_install(run_python, tmp_path):
    done = run_python(
        "import sys; sys.modules['fsspec'] = None\n"
        "from odibi_core.plugin import ConfigError, Dataset\n"
        "from odibi_core.plugin.places import place_of\n"
        "try:\n"
        "    place_of(Dataset(name='a', kind='path', format='csv', location='s3://lake/a.csv'))\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )

    assert "pip install fsspec" in done.stdout, done.stderr
