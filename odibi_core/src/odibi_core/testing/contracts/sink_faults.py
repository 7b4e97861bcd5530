"""What happens to log sinks at night: the process is killed, the disk is full, permission is lost."""

from __future__ import annotations

import importlib.util
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast

import pytest

from odibi_core.plugin import LogSinkSpec, RememberingLogSink
from odibi_core.testing.access.sink_access import OpenSink, SinkAccess, Stored, deliver
from odibi_core.testing.contract import refuse
from odibi_core.testing.data.run_records import describe_difference
from odibi_core.testing.processes.child import child_environment
from odibi_core.testing.processes.sink_process import BATCH, Orders, batch

__all__ = ["SinkFaults"]


class SinkFaults(SinkAccess):
    """The part of `LogSinkContract` that needs processes of its own; not a contract of its own."""

    @pytest.fixture
    def orders(self, sink_spec: LogSinkSpec, sink_arguments: dict[str, Any], tmp_path: Path) -> Orders:
        """What another process does with the sink: it writes, without end."""
        return Orders(factory=sink_spec.factory, arguments=sink_arguments, folder=str(tmp_path))

    @pytest.mark.parametrize("batches", [1, 3])
    def test_killed_in_mid_write_it_has_what_it_took_and_goes_on(
        self, orders: Orders, open_sink: OpenSink, stored: Stored, batches: int
    ) -> None:
        """``kill -9`` loses nothing that `write` returned for, and what comes next makes the log whole."""
        with _started(orders) as (process, lines):
            for expected in range(1, batches + 1):
                said = _next(process, lines)
                if said != f"wrote {expected * BATCH}":
                    refuse(
                        f"Batch {expected} could not be written: {said}.", advice="See test_records_are_stored_whole."
                    )
            # Now it is at the next batch, which takes much longer than saying so.
            process.send_signal(signal.SIGKILL)
            process.wait()
        written = [record for number in range(1, batches + 3) for record in batch(number)]
        taken = batches * BATCH
        sink = open_sink()
        if isinstance(sink, RememberingLogSink):
            has = sink.last_seq(written[0]["run_id"])
            if not taken <= has <= taken + BATCH:
                refuse(
                    f"Killed after it had taken {taken} records, the sink's last_seq is {has}.",
                    advice="`write` may return only when the records would survive the process.",
                )
        for number in range(batches, batches + 3):
            if number * BATCH > taken or not isinstance(sink, RememberingLogSink):
                deliver(sink, batch(number))
        found = stored()
        if not isinstance(sink, RememberingLogSink):
            found = _once(found)  # its batches come again after a crash: each record at least once
        problem = describe_difference(written, found)
        if problem is not None:
            refuse(
                f"Killed in mid-write and gone on with, {problem}.",
                advice="Write a batch in one transaction, or cut off the torn end of the last one before the next.",
            )

    def test_on_a_full_disk_a_batch_is_stored_whole_or_not_at_all(
        self, orders: Orders, open_sink: OpenSink, stored: Stored
    ) -> None:
        """A sink without files of its own takes the batch; then all of it must be there."""
        if importlib.util.find_spec("resource") is None:
            pytest.skip("this system has no limit for the size of files to play a full disk with")
        _survives(replace(orders, fault="full disk", batches=2), open_sink, stored)

    def test_without_permission_a_batch_is_stored_whole_or_not_at_all(
        self, orders: Orders, open_sink: OpenSink, stored: Stored
    ) -> None:
        """Of root permission cannot be taken, so the process becomes another user."""
        if not hasattr(os, "geteuid"):
            pytest.skip("this system has no permissions that could be taken in this way")
        _survives(replace(orders, fault="permission lost", batches=2), open_sink, stored)


def _survives(orders: Orders, open_sink: OpenSink, stored: Stored) -> None:
    folder, fault = Path(orders.folder), orders.fault
    modes = {path: path.stat().st_mode for path in [folder, *folder.rglob("*")]}
    with _started(orders) as (process, lines):
        said = _next(process, lines)
        if said != f"wrote {BATCH}":
            refuse(f"The first batch could not be written: {said}.", advice="See test_records_are_stored_whole.")
        said = _next(process, lines)
        process.wait()
    _permit(folder, modes)
    returned = said == f"wrote {2 * BATCH}"
    problem = describe_difference([*batch(1), *(batch(2) if returned else [])], stored())
    if problem is not None:
        refuse(
            f"When the fault was {fault!r}, `write` {'returned' if returned else said}, and then {problem}.",
            advice="`write` returns if everything is stored, else it raises and takes back what it began.",
        )
    if returned:
        return
    deliver(open_sink(), batch(2))
    problem = describe_difference([*batch(1), *batch(2)], stored())
    if problem is not None:
        refuse(
            f"When the fault {fault!r} was over and the batch came again, {problem}.",
            advice="A sink must go on where it was when its place can be written again.",
        )


@contextmanager
def _started(orders: Orders) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Start a process that writes, and kill it at the end if it is still there."""
    command = [sys.executable, "-P", "-m", "odibi_core.testing.processes.sink_process"]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, env=child_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        try:
            stdin.write(pickle.dumps(orders))
            stdin.flush()
            said = _next(process, stdout)
            if said != "ready":
                refuse(f"The sink cannot be made in another process: {said}", advice="Its options must be plain data.")
            stdin.write(b"go\n")
            stdin.flush()
            yield process, stdout
        finally:
            process.kill()
            process.wait()


def _next(process: subprocess.Popen[bytes], lines: IO[bytes]) -> str:
    line = lines.readline().decode().rstrip("\n")
    if line:
        return line
    code = process.wait()
    return f"the process ended with code {code}: {cast('IO[bytes]', process.stderr).read().decode()[-2000:]}"


def _permit(folder: Path, modes: Mapping[Path, int]) -> None:
    """Give permissions back, from the top, and such as new files have to what was not there before."""
    folder.chmod(modes[folder])
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            path.chmod(modes.get(path, 0o700 if name in folders else 0o600))


def _once(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    by_seq = {record.get("seq"): record for record in records}
    return sorted(by_seq.values(), key=lambda record: record.get("seq") or 0)
