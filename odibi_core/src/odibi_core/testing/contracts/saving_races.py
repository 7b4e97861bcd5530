"""Saves at the same time, saves that take long, and clocks that are set back."""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from odibi_core.plugin import Saver
from odibi_core.testing.access.dataset_access import ANY_ENGINE, DatasetAccess, TestedDataset
from odibi_core.testing.contract import refuse
from odibi_core.testing.contracts.saving import check_holds
from odibi_core.testing.data.comparing import difference
from odibi_core.testing.data.tables import plain_table

__all__ = ["RacesContract"]

_SAVES = 6
_ROWS = 50


class RacesContract(DatasetAccess):
    """The part of the contract that is about saves which meet."""

    @pytest.fixture
    def racing(self, tested: TestedDataset) -> TestedDataset:
        """The dataset, with a saver and a reader."""
        tested.saver()
        tested.reader()
        return tested

    def test_concurrent_saves_to_datasets_of_their_own(self, racing: TestedDataset) -> None:
        """One saver is called from several threads at once; it keeps nothing of one dataset for another."""
        if racing.path is None:
            pytest.skip("the location is no path")
        saver, folder, name = racing.saver(), racing.path.parent, racing.path.name
        places = [str(folder / str(number) / name) for number in range(_SAVES)]
        _save_at_once(racing, saver, [{"location": place} for place in places])

        for number, place in enumerate(places):
            wrong = difference(_rows(number), racing.read(location=place))
            if wrong:
                refuse(
                    f"Of {_SAVES} datasets that {_SAVES} threads saved with one saver, one is wrong: {wrong}.",
                    advice="Keep nothing about a save in the saver's attributes.",
                )

    def test_concurrent_overwrites_leave_one_of_them(self, racing: TestedDataset) -> None:
        """Whole: the rows of one save, and of no other."""
        racing.save(_rows(0))
        errors = _save_at_once(racing, racing.saver(), [{}] * _SAVES)
        found = racing.read()

        if all(difference(_rows(number), found) for number in range(_SAVES)):
            refuse(
                f"After {_SAVES} overwrites at the same time ({len(errors)} raised) the dataset is none of them: "
                f"{difference(_rows(0), found)}.",
                advice="Write to a name of its own for each save, and rename it to the target in one step "
                "(odibi_core.plugin.files.staged_file does).",
            )

    def test_concurrent_appends_are_all_there(self, racing: TestedDataset) -> None:
        """Each append that returned; one that cannot be made raises."""
        if racing.saver_spec is None or "append" not in racing.saver_spec.modes:
            pytest.skip("the saver has no mode 'append'")
        errors = _save_at_once(racing, racing.saver(), [{"mode": "append"}] * _SAVES)
        kept = [_rows(number) for number in range(_SAVES) if number not in errors]
        wrong = difference(pa.concat_tables(kept), racing.read()) if kept else "all of them raised"

        if wrong:
            refuse(
                f"Of {_SAVES} appends at the same time {len(errors)} raised, and the dataset does not hold the "
                f"others: {wrong}.",
                advice="Let one append wait for the other (odibi_core.plugin.files.locked), or raise TransientError.",
            )

    def test_source_that_fails_midway_changes_nothing(self, racing: TestedDataset) -> None:
        """A stream is read while it is saved, and its source may fail."""
        if self.engine != ANY_ENGINE:
            pytest.skip("frames of an engine are not read while they are saved")
        racing.save(_rows(0))
        broken = pa.RecordBatchReader.from_batches(_rows(1).schema, _failing(_rows(1)))
        try:
            racing.saver().save(broken, racing.dataset(for_saving=True))
        except Exception:  # noqa: BLE001 - what it raises is the source's; that it raises is what is asked for
            check_holds(racing, _rows(0), after="a save whose source failed midway")
            return
        refuse(
            "The source of a stream failed in the middle, and save returned as if nothing had happened.",
            advice="Let the error through; rows that did not come are not saved.",
        )

    def test_clock_that_is_set_back_loses_nothing(self, racing: TestedDataset, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither files named after the time, nor caches that go by it, take a new save for an old one."""
        modes = racing.saver_spec.modes if racing.saver_spec is not None else ()
        racing.save(_rows(0))
        racing.read()
        _set_times(racing.path, time.time() + 86_400)
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now - 3_600)
        monkeypatch.setattr(time, "time_ns", lambda: int((now - 3_600) * 1e9))
        racing.save(_rows(1))
        _set_times(racing.path, now + 86_400)
        check_holds(racing, _rows(1), after="an overwrite with the clock set back by an hour")
        if "append" in modes:
            racing.save(_rows(2), mode="append")
            racing.save(_rows(3), mode="append")
            every = pa.concat_tables([_rows(number) for number in (1, 2, 3)])
            check_holds(racing, every, after="two appends in the same instant")


def _rows(number: int) -> pa.Table:
    return plain_table(_ROWS, start=number * 1_000)


def _save_at_once(tested: TestedDataset, saver: Saver, hows: list[dict[str, Any]]) -> dict[int, Exception]:
    """Save as many tables at once, and return the errors by their number."""
    gate = threading.Barrier(len(hows))
    frames = [tested.frame(_rows(number)) for number in range(len(hows))]
    datasets = [tested.dataset(for_saving=True, **how) for how in hows]

    def go(number: int) -> Exception | None:
        gate.wait()
        try:
            saver.save(frames[number], datasets[number])
        except Exception as error:  # noqa: BLE001 - which saves did not come about is what is asked for
            return error
        return None

    with ThreadPoolExecutor(len(hows)) as pool:
        return {number: error for number, error in enumerate(pool.map(go, range(len(hows)))) if error is not None}


def _failing(table: pa.Table) -> Iterator[pa.RecordBatch]:
    yield from table.to_batches()
    raise OSError("the source of the stream is gone")


def _set_times(path: Path | None, moment: float) -> None:
    if path is None:
        return
    for one in [path, *path.rglob("*")] if path.is_dir() else [path]:
        os.utime(one, (moment, moment))
