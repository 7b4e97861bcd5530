"""Frames as real ones are: long, in pieces, cut out of larger ones, with the same row twice, or without any row."""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from odibi_core.errors import OdibiError
from odibi_core.plugin import SaveReport
from odibi_core.testing.access.dataset_access import ANY_ENGINE, DatasetAccess, TestedDataset
from odibi_core.testing.contract import refuse
from odibi_core.testing.contracts.saving import NEW, OLD, check_holds
from odibi_core.testing.data.arrow_frames import STREAMS
from odibi_core.testing.data.comparing import difference
from odibi_core.testing.data.tables import MANY_ROWS, pieced_table, plain_table

__all__ = ["ShapesContract"]

_NOTHING = plain_table(0)


class ShapesContract(DatasetAccess):
    """The part of the contract that is about what a table of a few rows in one piece does not show."""

    def test_many_rows_come_back(self, restored: Callable[[pa.Table], pa.Table]) -> None:
        """More than the page, batch or row group of any library: whoever takes only the first one loses the rest."""
        given = plain_table(MANY_ROWS)
        wrong = difference(given, restored(given))
        if wrong:
            refuse(
                f"What was stored and what was read is not the same: {wrong}.",
                advice="Go through all pages, batches and row groups of the library, and set no limit.",
            )

    @pytest.mark.parametrize("stream", STREAMS)
    def test_a_frame_in_pieces_is_saved_whole(
        self, stream: str, tested: TestedDataset, saved: Callable[..., SaveReport]
    ) -> None:
        """Frames have several batches, which are parts of larger ones; a stream can be consumed once."""
        saved(OLD)
        given = STREAMS[stream](pieced_table())
        frame = given if self.engine == ANY_ENGINE else tested.engine.from_arrow(given)
        try:
            tested.saver().save(frame, tested.dataset(for_saving=True))
        except Exception as error:  # noqa: BLE001 - that it raises is what is reported
            refuse(
                f"Saving rows in several batches ({stream}) raised "
                f"{type(error).__module__}.{type(error).__qualname__}: {error}",
                advice="Take anything that has __arrow_c_stream__, once: pa.RecordBatchReader.from_stream(frame), or "
                "pa.table(frame) for all of it in memory.",
            )
        check_holds(tested, pieced_table(), after=f"a save of rows in several batches ({stream})")

    def test_rows_that_are_the_same_are_all_kept(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """Twice the same reading is two readings; only a merge goes by keys."""
        twice = pa.concat_tables([NEW, NEW])
        saved(twice)
        check_holds(tested, twice, after="a save of rows that are there twice")
        saved(NEW, mode="append")

        check_holds(tested, pa.concat_tables([twice, NEW]), after="an append of rows that were there already")

    def test_overwrite_with_no_rows_leaves_no_rows(
        self, tested: TestedDataset, saved: Callable[..., SaveReport]
    ) -> None:
        """Nothing is an answer too: what was there before is not."""
        saved(OLD)
        try:
            saved(_NOTHING, mode="overwrite")
        except OdibiError:
            check_holds(tested, OLD, after="an overwrite with no rows that was refused")
            return
        rows = tested.read().num_rows
        if rows:
            refuse(
                f"A save of no rows with mode 'overwrite' over {OLD.num_rows} rows left {rows} rows.",
                advice="Write an empty dataset: who reads it next takes old rows for new ones.",
            )

    def test_append_of_no_rows_changes_nothing(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """A day on which nothing happened."""
        saved(OLD, mode="append")
        saved(_NOTHING, mode="append")

        check_holds(tested, OLD, after="7 rows, and none more with mode 'append'")

    def test_append_to_no_rows_adds(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """The first day was one on which nothing happened."""
        try:
            saved(_NOTHING, mode="append")
            saved(NEW, mode="append")
        except OdibiError:
            return  # what has no rows may have no types either, and is refused in words
        check_holds(tested, NEW, after="no rows, and 3 more with mode 'append'")
