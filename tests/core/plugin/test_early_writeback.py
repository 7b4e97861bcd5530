"""A file that is sent to the disk while it is written: nothing of it is lost, and nothing stays behind."""

import os
import queue
import sys
import threading

import pytest

from odibi_core.plugin import files


@pytest.fixture
def sent(monkeypatch):
    """What Linux was really asked to send, and its answer: pairs of a file's number and 0."""
    find, asked = files._function_of_libc, queue.SimpleQueue()

    def observed(name, *types):
        function = find(name, *types)

        def call(handle, *more):
            answer = function(handle, *more)
            asked.put((handle, answer))
            return answer

        return call

    monkeypatch.setattr(files, "_function_of_libc", observed)
    return asked


def senders():
    return [thread for thread in threading.enumerate() if thread.name == "odibi-writeback"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked to send a file")
def test_what_is_written_so_far_is_sent_and_all_of_it_is_there(tmp_path, sent):
    blocks = [os.urandom(1 << 20) for _ in range(3)]

    with (tmp_path / "a").open("wb") as file, files.early_writeback(file):
        for block in blocks:
            file.write(block)
            assert sent.get(timeout=60) == (file.fileno(), 0)

    assert (tmp_path / "a").read_bytes() == b"".join(blocks)
    assert not senders()


def test_an_error_passes_and_the_thread_ends(tmp_path):
    def fail():
        with (tmp_path / "a").open("wb") as file, files.early_writeback(file):
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
