"""All of a save is there, or nothing has changed: also after kill -9, with a full disk, and with savers at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

NAMES = ["a.csv", "a.csv.gz", "a.json", "a.jsonl", "a.parquet", "a.arrow", "a.avro"]
OLD = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})

# Killed while Polars asks for the second batch of the plan: bytes may have been written, and none of them count.
KILLED = """
import os, signal, sys
from pathlib import Path
import polars as pl
from odibi_core.plugin import Dataset, EngineConfig
from odibi_engine_polars.engine import PolarsEngine
from odibi_engine_polars import plugin
from importlib import import_module

format_, location, mode, keys = sys.argv[1:]
engine = PolarsEngine(EngineConfig(project_root=Path()))
spec = next(spec for spec in plugin.odibi_register_savers() if spec.format == format_)
module, _, name = spec.factory.partition(":")
saver = getattr(import_module(module), name)(engine)
seen = 0

def die(batch):
    global seen
    seen += batch.height
    if seen > 150_000:
        os.kill(os.getpid(), signal.SIGKILL)
    return batch

frame = pl.LazyFrame({"a": range(400_000), "b": ["new"] * 400_000}).map_batches(die, streamable=True)
saver.save(
    frame,
    Dataset(name="a", kind="path", format=format_, location=location, mode=mode, partition_by=tuple(filter(None, [keys]))),
)
"""


def killed(format_, path, mode="overwrite", keys=""):
    command = [sys.executable, "-c", KILLED, format_, str(path), mode, keys]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
@pytest.mark.parametrize("mode", ["overwrite", "append"])
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.parquet"])
def test_a_killed_save_changes_nothing_and_the_next_one_tidies_up(files, tmp_path, name, mode):
    path = tmp_path / name
    files.save(OLD, path)
    before = path.read_bytes()

    done = killed(path.suffix[1:], path, mode)

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert path.read_bytes() == before
    files.save(OLD, path, "append")
    assert_frame_equal(files.read(path), pl.concat([OLD, OLD]))
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_a_killed_save_of_partitions_changes_nothing(files, tmp_path):
    path = tmp_path / "t"
    files.save(OLD, path, format="parquet", partition_by=("b",))
    before = {each: each.read_bytes() for each in path.rglob("*") if each.is_file()}

    done = killed("parquet", path, "append", "b")

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert {each: each.read_bytes() for each in path.rglob("*") if each.is_file()} == before
    files.save(OLD, path, "append", format="parquet", partition_by=("b",))
    assert files.read(path, format="parquet").height == 4
    assert [each.name for each in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize("name", NAMES)
def test_a_failing_plan_leaves_nothing_behind(files, tmp_path, name):
    def fail(batch):
        raise ValueError("no more rows")

    files.save(OLD, tmp_path / name)
    before = (tmp_path / name).read_bytes()

    with pytest.raises((ValueError, pl.exceptions.ComputeError), match="no more rows"):
        files.save(OLD.lazy().map_batches(fail), tmp_path / name)

    assert (tmp_path / name).read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.json", "a.parquet"])
def test_a_full_disk_is_an_error_of_the_system(files, tmp_path, name, monkeypatch):
    """The partial file is a link to a device on which nothing fits."""
    path = tmp_path / name
    files.save(OLD, path)
    before = path.read_bytes()
    original = os.open

    def on_full_disk(target, flags, *arguments, **more):
        if str(target).endswith(".partial"):
            Path(target).symlink_to("/dev/full")
            flags &= ~(os.O_EXCL | os.O_CREAT)
        return original(target, flags, *arguments, **more)

    monkeypatch.setattr(os, "open", on_full_disk)

    with pytest.raises((OSError, pl.exceptions.ComputeError), match=r"(?i)no space left"):
        files.save(pl.LazyFrame({"a": range(100_000), "b": ["new"] * 100_000}), path)

    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl.zst", "a.parquet", "a.arrow"])
def test_appends_of_many_threads_all_arrive(files, tmp_path, name):
    def append(number):
        files.save(pl.LazyFrame({"a": [number]}), tmp_path / name, "append")

    threads = [threading.Thread(target=append, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(files.read(tmp_path / name)["a"]) == list(range(8))
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_link_stays_and_its_file_is_replaced(files, tmp_path):
    files.save(OLD, tmp_path / "a.parquet")
    (tmp_path / "link.parquet").symlink_to(tmp_path / "a.parquet")

    files.save(OLD.head(1), tmp_path / "link.parquet")

    assert (tmp_path / "link.parquet").is_symlink()
    assert files.read(tmp_path / "a.parquet").height == 1
