"""Whatever happens to a save, the old file or the new one is there, whole, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from odibi_core.plugin import DatasetExistsError
from odibi_core.plugin.files import TargetAppearedError, locked, staged_file, staged_folder

FORMATS = ["a.csv", "a.csv.gz", "a.json", "a.jsonl", "a.csv.zip", "a.csv.zst", "a.parquet"]
OLD = pd.DataFrame({"a": ["old"], "n": [1]})

SAVE = """
import os, sys
import pandas as pd
from odibi_core.plugin import Dataset
from odibi_engine_pandas import plugin
from importlib import import_module

savers = {spec.format: spec for spec in plugin.odibi_register_savers()}

def save(frame, path, mode="overwrite", keys=()):
    suffix = path.split(".")[1]
    module, _, name = savers[suffix].factory.partition(":")
    dataset = Dataset(name="t", kind="path", format=suffix, location=path, mode=mode, partition_by=keys)
    return getattr(import_module(module), name)(None).save(frame, dataset)
"""


class Stops(BaseException):
    """Not an Exception, like a KeyboardInterrupt, and nothing that a saver could mean to catch."""


class Bomb:
    """A value that stops whoever asks for its text."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error("in the middle")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def start(code: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SAVE + code, *arguments],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "error", "mode"),
    [
        ("a.csv", KeyboardInterrupt, "overwrite"),
        ("a.csv", RuntimeError, "append"),
        ("a.csv.gz", RuntimeError, "overwrite"),
        ("a.csv.zip", Stops, "append"),
        ("a.json", Stops, "append"),
        ("a.jsonl.zst", KeyboardInterrupt, "append"),
    ],
)
def test_an_exception_in_mid_save_leaves_the_old_file_and_no_partial(files, tmp_path, name, error, mode):
    files.save(OLD, tmp_path / name)
    before = (tmp_path / name).read_bytes()
    rows = 70_000  # more than one block, so that some of it has been written by then
    frame = pd.DataFrame({"a": pd.Series([1] * rows + [Bomb(error)], dtype=object), "n": 1})

    with pytest.raises(error, match="in the middle"):
        files.save(frame, tmp_path / name, mode)

    assert (tmp_path / name).read_bytes() == before
    assert names_in(tmp_path) == [name]


def test_kill_9_in_mid_save_leaves_the_old_file_and_the_next_save_cleans_up(files, tmp_path):
    files.save(OLD, tmp_path / "a.csv")
    before = (tmp_path / "a.csv").read_bytes()
    child = start(
        """
class Waits:
    def __str__(self):
        print("in the middle", flush=True)
        sys.stdin.read()

save(pd.DataFrame({"a": pd.Series([1] * 200_000 + [Waits()], dtype=object), "n": 1}), "a.csv", "append")
""",
        tmp_path,
    )
    assert child.stdout.readline() == "in the middle\n"
    (partial,) = [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]
    assert partial.name.startswith(f".a.csv.{child.pid}.")
    assert partial.stat().st_size > 100_000
    # A process that is still at it keeps its file.
    files.save(OLD, tmp_path / "b.csv")
    with staged_file(tmp_path / "a.csv", only_if_absent=False) as mine:
        assert partial.exists()
        mine.write_bytes(before)

    os.kill(child.pid, signal.SIGKILL)
    child.communicate()

    assert (tmp_path / "a.csv").read_bytes() == before
    assert partial.exists()
    files.save(OLD, tmp_path / "a.csv", "append")
    assert names_in(tmp_path) == ["a.csv", "b.csv"]
    assert len(files.read(tmp_path / "a.csv")) == 2


def test_a_full_disk_is_an_error_that_names_the_file_and_death_in_mid_write_leaves_the_old(files, tmp_path):
    for name in FORMATS:
        files.save(OLD, tmp_path / name)
    files.save(OLD, tmp_path / "parts.parquet", partition_by=("n",))
    before = {name: (tmp_path / name).read_bytes() for name in FORMATS}
    child = start(
        """
import random, resource, signal
generator = random.Random(7)
frame = pd.DataFrame({"a": ["".join(generator.choices("abcdefgh", k=20)) for _ in range(10_000)], "n": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for path in sys.argv[1:]:
    for mode in ("overwrite", "append"):
        try:
            save(frame, path, mode)
            print("no error", path)
        except OSError as error:
            print(type(error).__name__, error.errno, os.path.basename(error.filename), flush=True)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # from here on it dies where it would get an error
save(frame, "parts.parquet", "append", ("n",))
""",
        tmp_path,
        *FORMATS,
    )
    out, err = child.communicate(timeout=60)

    assert err == ""
    assert out.splitlines() == [f"OSError 27 {name}" for name in FORMATS for _ in range(2)]
    assert {name: (tmp_path / name).read_bytes() for name in FORMATS} == before
    assert child.returncode == -signal.SIGXFSZ
    (partial,) = set(names_in(tmp_path)) - {*FORMATS, "parts.parquet"}
    assert partial.startswith(f".parts.parquet.{child.pid}.")
    pd.testing.assert_frame_equal(files.read(tmp_path / "parts.parquet"), OLD)

    files.save(OLD, tmp_path / "parts.parquet", "append", partition_by=("n",))
    assert names_in(tmp_path) == sorted([*FORMATS, "parts.parquet"])
    assert len(files.read(tmp_path / "parts.parquet")) == 2


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.parquet", "a.jsonl.gz"])
def test_appends_of_many_threads_all_arrive(files, tmp_path, name):
    def save(number):
        files.save(pd.DataFrame({"thread": [number] * 3}), tmp_path / name, "append")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(save, range(24)))

    assert sorted(files.read(tmp_path / name)["thread"]) == sorted([number for number in range(24) for _ in range(3)])
    assert names_in(tmp_path) == [name]


def test_appends_of_two_processes_all_arrive(files, tmp_path):
    child = start(
        """
print("ready", flush=True)
for number in range(30):
    save(pd.DataFrame({"who": ["child"], "n": [number]}), "a.csv", "append")
""",
        tmp_path,
    )
    assert child.stdout.readline() == "ready\n"
    for number in range(30):
        files.save(pd.DataFrame({"who": ["parent"], "n": [number]}), tmp_path / "a.csv", "append")
    assert child.communicate(timeout=60) == ("", "")

    frame = files.read(tmp_path / "a.csv")
    assert {who: part["n"].tolist() for who, part in frame.groupby("who")} == {
        "child": list(range(30)),
        "parent": list(range(30)),
    }


@pytest.mark.parametrize("keys", [(), ("key",)], ids=["file", "partitions"])
def test_overwrites_of_many_threads_never_mix_with_each_other_or_with_readers(files, tmp_path, keys):
    path = tmp_path / "a.parquet"

    def save(number):
        files.save(pd.DataFrame({"key": [1, 2] * 500, "thread": [number] * 1000}), path, partition_by=keys)

    save(-1)
    with ThreadPoolExecutor(4) as pool:
        saves = [pool.submit(save, number) for number in range(16)]
        while not all(future.done() for future in saves) and not keys:
            assert len(set(files.read(path)["thread"])) == 1
        for future in saves:
            future.result()

    final = files.read(path)
    assert (len(final), final["thread"].nunique()) == (1000, 1)
    assert names_in(tmp_path) == ["a.parquet"]


def test_of_many_that_create_one_wins_and_the_others_say_so(files, tmp_path):
    def save(number):
        try:
            files.save(pd.DataFrame({"thread": [number]}), tmp_path / "a.csv", "error")
        except DatasetExistsError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(save, range(32)) if number is not None]

    assert len(winners) == 1
    assert files.read(tmp_path / "a.csv")["thread"].tolist() == winners
    assert names_in(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("mode", ["overwrite", "append", "error", "ignore"])
@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_an_error_of_the_operating_system_names_the_target(files, tmp_path, name, mode):
    long = "é" * 130 + "." + name

    with pytest.raises(OSError, match="File name too long") as caught:
        files.save(OLD, tmp_path / long, mode)

    assert caught.value.filename == str(tmp_path / long)
    assert names_in(tmp_path) == []


def test_a_name_that_just_fits_can_be_saved(files, tmp_path):
    name = "n" * 251 + ".csv"
    files.save(OLD, tmp_path / name)
    files.save(OLD, tmp_path / name, "append")

    assert len(files.read(tmp_path / name)) == 2
    assert names_in(tmp_path) == [name]


@pytest.mark.parametrize("staged", [staged_file, staged_folder])
def test_what_appears_meanwhile_is_not_replaced_if_nothing_was_to_be(tmp_path, staged):
    target = tmp_path / "a"

    def create():
        with staged(target, only_if_absent=True):
            target.write_text("theirs")

    with pytest.raises(TargetAppearedError):
        create()

    assert target.read_text() == "theirs"
    assert names_in(tmp_path) == ["a"]


def test_a_lock_is_of_what_is_there_now(tmp_path):
    target = tmp_path / "a"
    target.write_text("1")

    with ThreadPoolExecutor(1) as pool:
        with locked(target):
            waiting = pool.submit(lambda: _read_locked(target))
            with staged_file(target) as partial:
                partial.write_text("2")
        assert waiting.result(timeout=30) == "2"


def _read_locked(target: Path) -> str:
    with locked(target):
        return target.read_text()


@pytest.mark.parametrize(
    ("name", "is_removed"),
    [
        pytest.param(".a.csv.999999999.1.partial", True, id="of-a-dead-process"),
        pytest.param(".a.csv.99999999999999999999.1.partial", True, id="of-no-process"),
        pytest.param(f".a.csv.{os.getpid()}.987654321.partial", True, id="of-this-process-id-in-another-life"),
        pytest.param(".a.csv.1.1.partial", False, id="of-a-living-process"),
        pytest.param(".b.csv.999999999.1.partial", False, id="of-another-target"),
        pytest.param(".a.csv.partial", False, id="of-somebody-else"),
        pytest.param("a.csv.999999999.1.partial", False, id="not-hidden"),
    ],
)
def test_only_what_was_left_behind_for_the_target_is_removed(files, tmp_path, name, is_removed):
    (tmp_path / name).touch()

    files.save(OLD, tmp_path / "a.csv")

    assert names_in(tmp_path) == sorted(["a.csv"] if is_removed else ["a.csv", name])


def test_a_folder_left_behind_is_removed(files, tmp_path):
    (tmp_path / ".a.parquet.999999999.1.partial" / "n=1").mkdir(parents=True)

    files.save(OLD, tmp_path / "a.parquet")

    assert names_in(tmp_path) == ["a.parquet"]
