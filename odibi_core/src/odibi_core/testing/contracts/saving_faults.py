"""What happens to a save happens to its process, its disk or its permissions: the dataset stays whole."""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from odibi_core.loading.records import describe_error
from odibi_core.plugin import SaveMode
from odibi_core.testing.access.dataset_access import DatasetAccess, TestedDataset
from odibi_core.testing.contract import refuse
from odibi_core.testing.contracts.reading import files_below
from odibi_core.testing.data.comparing import difference
from odibi_core.testing.data.tables import plain_table
from odibi_core.testing.processes.fault_host import fault_host

__all__ = ["FaultsContract"]

_ROWS = 20_000
_STAGE = (
    "Write to another name beside the target and rename it in one step when it is complete; "
    "odibi_core.plugin.files.staged_file and staged_folder do."
)


class FaultsContract(DatasetAccess):
    """The part of the contract that is about faults; each in a real process, of which the fault is one."""

    @pytest.fixture
    def in_child(
        self, request: pytest.FixtureRequest, tested: TestedDataset, tmp_path: Path
    ) -> Callable[..., dict[str, Any]]:
        """Save or read in another process, with a fault, and return what came of it."""
        if not hasattr(os, "fork"):
            pytest.skip("this operating system has no fork")
        if tested.path is None or tested.saver_spec is None or tested.reader_spec is None:
            pytest.skip("it takes a saver, a reader, and a location that is a path")
        if not self.kill_points:
            pytest.xfail("gap: kill_points is 0, so no save was killed")
        host = fault_host(request.config, self.plugins())
        order = {
            "engine": self.engine,
            "engine_options": dict(self.engine_options),
            "format": self.format,
            "kind": self.kind,
            "root": str(tmp_path),
            "options": dict(self.options),
            "save_options": dict(self.save_options),
        }

        def run(table: pa.Table | None, *, mode: SaveMode = "overwrite", **fault: Any) -> dict[str, Any]:
            file = None if table is None else _written(table, tmp_path / "frame.arrow")
            answer = host.ask(order | {"table": file, "location": tested.location, "mode": mode, "fault": fault})
            if answer["outcome"] == "broken":
                refuse(
                    f"In a process of its own, nothing could be saved: {answer['error']}",
                    advice="The plugin must work in a fresh process, with the class attributes of this contract alone.",
                )
            return answer

        run.ask = host.ask  # type: ignore[attr-defined]  # to let a process go on that was stopped
        return run

    @pytest.mark.parametrize("mode", ["overwrite", "append"])
    def test_save_that_is_killed_leaves_old_or_new(
        self, mode: SaveMode, tested: TestedDataset, in_child: Callable[..., dict[str, Any]]
    ) -> None:
        """``kill -9`` at each step, and in the middle of a write; then the next save is as any."""
        _needs(tested, mode)
        old, new = plain_table(), plain_table(_ROWS, start=100)
        after = pa.concat_tables([old, new]) if mode == "append" else new
        tested.save(old)
        killed = 0
        for fault in self._moments(tested, in_child(new, mode=mode), old):
            answer = in_child(new, mode=mode, **fault)
            killed += answer["outcome"] == "killed"
            found = tested.state()
            if found is None or (difference(old, found) and difference(after, found)):
                wrong = "nothing is there" if found is None else difference(old, found)
                refuse(
                    f"A save with mode {mode!r} was killed {_moment(fault)} ({answer['outcome']}), and afterwards the "
                    f"dataset is neither what it was nor what was saved: {wrong}.",
                    advice=_STAGE,
                )
            tested.save(old)
            _check_old(tested, old, after=f"the save that followed one killed {_moment(fault)}")
        if not killed:
            refuse(
                "No save could be killed: it writes from elsewhere, and in smaller files than are there afterwards.",
                advice="Set kill_points = 0, which counts as a gap, and show in a test of your own what a kill does.",
            )

    def test_first_save_that_is_killed_leaves_nothing_or_all(
        self, tested: TestedDataset, in_child: Callable[..., dict[str, Any]]
    ) -> None:
        """Half a dataset is worse than none: it is read."""
        path, new = tested.path, plain_table(_ROWS)
        if path is None:
            pytest.skip("the location is no path")
        _needs(tested, "overwrite")
        tested.location = str(path.parent / "first" / path.name)
        moments = self._moments(tested, in_child(new), None)
        for number, fault in enumerate(moments):
            tested.location = str(path.parent / str(number) / path.name)
            Path(tested.location).parent.mkdir()
            in_child(new, **fault)
            found = tested.state()
            wrong = None if found is None else difference(new, found)
            if wrong:
                refuse(
                    f"The first save was killed {_moment(fault)}, and what is there is read as a dataset: {wrong}.",
                    advice=_STAGE,
                )

    def _moments(
        self,
        tested: TestedDataset,
        whole: Mapping[str, Any],
        old: pa.Table | None,
    ) -> Iterator[dict[str, Any]]:
        """Yield when to kill, from what a save does that is left alone: its steps, and the size of its files."""
        if whole["outcome"] != "returned":
            refuse(f"A save that nothing happened to did not return: {whole['error']}", advice="Save in this test.")
        largest = max(size for size, _ in files_below(tested.path).values())
        steps = range(1, whole["events"] + 1)
        if old is not None:
            tested.save(old)
        count = max(1, self.kill_points // 2)
        for part in range(count):
            yield {"bytes": largest * part // count, "dies": True}
        for step in steps[:: max(1, len(steps) // count)]:
            yield {"at_event": step}
        for change in (1, 3):
            yield {"kill_at_change": change}

    @pytest.mark.parametrize("mode", ["overwrite", "append"])
    def test_full_disk_is_an_error_and_changes_nothing(
        self, mode: SaveMode, tested: TestedDataset, in_child: Callable[..., dict[str, Any]]
    ) -> None:
        """A write beyond a limit fails, as on a disk that is full."""
        _needs(tested, mode)
        old, new = plain_table(), plain_table(_ROWS, start=100)
        in_child(new)
        largest = max(size for size, _ in files_below(tested.path).values())
        tested.save(old)
        beside = _beside(tested)
        for limit in (0, largest // 2):
            answer = in_child(new, mode=mode, bytes=limit, dies=False)
            if answer["outcome"] == "returned":
                refuse(
                    f"With room for {limit:,} bytes of {largest:,}, save returned and reported {answer['rows']} rows.",
                    advice="Let the error of the write through; whoever swallows it loses data silently.",
                )
            _check_old(tested, old, after=f"a save for which the disk was full ({answer['outcome']})")
            if _beside(tested) != beside:
                refuse(
                    f"A save for which the disk was full left something behind: {sorted(_beside(tested) - beside)}.",
                    advice="Remove what was begun, in a finally: a full disk is no place for it.",
                )

    def test_lost_permission_is_an_error_and_changes_nothing(
        self, tested: TestedDataset, in_child: Callable[..., dict[str, Any]]
    ) -> None:
        """The folder may be read and no longer be written."""
        _needs(tested, "overwrite")
        old, new = plain_table(), plain_table(_ROWS, start=100)
        tested.save(old)
        with _read_only(tested):
            answer = in_child(new, without_permission=True)
        found = tested.state()
        if answer["outcome"] == "returned" and (found is None or difference(new, found)):
            refuse(
                "The folder could not be written to, and save returned as if it had been.",
                advice="Let the error of the write through.",
            )
        if answer["outcome"] != "returned":
            _check_old(tested, old, after="a save that was not permitted")

    def test_unreadable_dataset_is_an_error(
        self, tested: TestedDataset, in_child: Callable[..., dict[str, Any]]
    ) -> None:
        """What may not be read is neither empty nor absent."""
        tested.save(plain_table())
        with _read_only(tested, mode=0):
            answer = in_child(None, without_permission=True)
        if answer["outcome"] == "returned":
            refuse(
                f"Nothing of the dataset may be read, and the reader returned {answer['rows']} rows.",
                advice="Let PermissionError through.",
            )
        if "DatasetNotFoundError" in answer["kinds"]:
            refuse(
                f"The dataset is there and may not be read, and the reader says that it is not: {answer['error']}",
                advice="Tell PermissionError from FileNotFoundError; the next step may create what seems absent.",
            )

    def test_slow_target_shows_old_until_new(
        self, tested: TestedDataset, in_child: Callable[..., dict[str, Any]]
    ) -> None:
        """While a save is stopped halfway, others read the old rows; when it goes on, it ends well."""
        _needs(tested, "overwrite")
        old, new = plain_table(), plain_table(_ROWS, start=100)
        tested.save(old)
        steps = in_child(new)["events"]
        if not steps:
            pytest.skip("the save writes outside of Python, where it cannot be stopped at a step")
        for step in sorted({1, (steps + 1) // 2, steps}):
            tested.save(old)
            answer = in_child(new, at_event=step, signal=int(signal.SIGSTOP))
            if answer["outcome"] != "stopped":
                continue
            found = tested.state()
            wrong = "nothing is there" if found is None else difference(old, found) and difference(new, found)
            answer = in_child.ask({})  # type: ignore[attr-defined]
            if wrong:
                refuse(
                    f"A save was stopped at its step {step} of {steps}, and whoever reads meanwhile finds neither the "
                    f"old dataset nor the new one: {wrong}.",
                    advice=_STAGE,
                )
            if answer["outcome"] != "returned":
                refuse(
                    f"A save that was stopped and went on ended as {answer['outcome']}: {answer.get('error', '')}",
                    advice="A pause is no error: do not go by the clock.",
                )
            _check_old(tested, new, after="a save that was stopped for a while")


def _needs(tested: TestedDataset, mode: SaveMode) -> None:
    if tested.saver_spec is not None and mode not in tested.saver_spec.modes:
        pytest.skip(f"the saver has no mode {mode!r}")


def _moment(fault: Mapping[str, Any]) -> str:
    if "bytes" in fault:
        return f"when a file had {fault['bytes']:,} bytes"
    if "at_event" in fault:
        return f"before its step {fault['at_event']}"
    return f"at change {fault['kill_at_change']} of its folder"


def _written(table: pa.Table, path: Path) -> str:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return str(path)


def _beside(tested: TestedDataset) -> set[str]:
    return {path.name for path in Path(tested.location).parent.iterdir()}


def _check_old(tested: TestedDataset, wanted: pa.Table, *, after: str) -> None:
    try:
        found = tested.state()
    except Exception as error:  # noqa: BLE001 - a torn dataset may raise anything
        refuse(f"After {after}, the dataset cannot be read any more: {describe_error(error)}.", advice=_STAGE)
    wrong = "nothing is there" if found is None else difference(wanted, found)
    if wrong:
        refuse(f"After {after}, the dataset is not what it must be: {wrong}.", advice=_STAGE)


@contextmanager
def _read_only(tested: TestedDataset, *, mode: int = 0o400) -> Iterator[None]:
    """Take the permission to write from the dataset and its folder, with `mode` 0 also that to read the dataset."""
    path = Path(tested.location)
    below = [path, *sorted(path.rglob("*"))] if path.is_dir() else [path]
    before = {one: one.stat().st_mode & 0o7777 for one in (path.parent, *below)}
    try:
        for one in reversed(below):
            one.chmod((mode and 0o500) if one.is_dir() else mode)
        path.parent.chmod(0o500)
        yield
    finally:
        for one, was in before.items():
            with contextlib.suppress(FileNotFoundError):
                one.chmod(was)
