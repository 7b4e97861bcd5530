"""A file that is sent to the disk while it is written: nothing of it is lost, and nothing stays behind."""

import os
import threading
import time

import pytest

from odibi_core.plugin import files


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(files, "_SECONDS_BETWEEN_WRITEBACKS", 0.001)


def senders():
    return [thread for thread in threading.enumerate() if thread.name == "odibi-writeback"]


@pytest.mark.usefixtures("often")
def test_all_that_is_written_is_there(tmp_path):
    blocks = [os.urandom(1 << 16) for _ in range(64)]

    with (tmp_path / "a").open("wb") as file, files.early_writeback(file):
        for block in blocks:
            file.write(block)
            time.sleep(0.001)

    assert (tmp_path / "a").read_bytes() == b"".join(blocks)
    assert not senders()


@pytest.mark.usefixtures("often")
def test_an_error_passes_and_the_thread_ends(tmp_path):
    def fail():
        with (tmp_path / "a").open("wb") as file, files.early_writeback(file):
            time.sleep(0.01)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not senders()


def test_without_the_call_of_linux_it_is_left_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_function_of_libc", lambda *_: None)

    with (tmp_path / "a").open("wb") as file, files.early_writeback(file):
        file.write(b"much")
        assert not senders()

    assert (tmp_path / "a").read_bytes() == b"much"
