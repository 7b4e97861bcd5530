"""What a saver does in each of its modes, to the dataset, to the frame, and in its report."""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from odibi_core.errors import DatasetExistsError, OdibiError
from odibi_core.plugin import SaveMode, SaveReport, SaverSpec
from odibi_core.testing.access.dataset_access import DatasetAccess, TestedDataset
from odibi_core.testing.contract import refuse
from odibi_core.testing.data.arrow_frames import table_of
from odibi_core.testing.data.comparing import difference
from odibi_core.testing.data.tables import plain_table
from odibi_core.testing.options.unknown_options import check_unknown_option

__all__ = ["SavingContract", "check_holds"]

OLD, NEW = plain_table(7), plain_table(3, start=100)
_UNFIT = {
    "columns_added": NEW.append_column("more", pa.array([1, 2, 3])),
    "columns_left_out": NEW.drop_columns(["value"]),
    "column_types": NEW.set_column(0, "id", pa.array(["a", "b", "c"])),
}


class SavingContract(DatasetAccess):
    """The part of the contract that is about saving."""

    @pytest.fixture
    def saved(self, tested: TestedDataset, saver_spec: SaverSpec | None) -> Callable[..., SaveReport]:
        """Save rows in a mode; a test of a mode that the spec does not name is left out."""
        if saver_spec is None:
            pytest.skip("there is no saver")

        def save(table: pa.Table, *, mode: SaveMode = "overwrite", **how: Any) -> SaveReport:
            if mode not in saver_spec.modes:
                pytest.skip(f"the saver has no mode {mode!r}")
            return tested.save(table, mode=mode, **how)

        return save

    @pytest.mark.parametrize("mode", ["overwrite", "append", "error", "ignore"])
    def test_any_mode_creates_what_is_not_there(
        self, mode: SaveMode, tested: TestedDataset, saved: Callable[..., SaveReport]
    ) -> None:
        """With the folders above it, and nothing else beside it."""
        path = tested.path
        if path is not None:
            tested.location = str(path.parent / "a" / "b" / path.name)
        saved(OLD, mode=mode)

        check_holds(tested, OLD, after=f"a save with mode {mode!r} where nothing was")
        beside = sorted(one.name for one in Path(tested.location).parent.iterdir()) if path is not None else []
        if path is not None and beside != [path.name]:
            refuse(
                f"After a save, there is more than {path.name} in its folder: {', '.join(beside)}.",
                advice="Remove files of your own before save returns: whoever lists the folder takes them for data.",
            )

    def test_overwrite_replaces(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """By fewer rows, so that a rest of the old ones would show."""
        saved(OLD)
        saved(NEW, mode="overwrite")

        check_holds(tested, NEW, after="a save with mode 'overwrite' over 7 rows")

    @pytest.mark.parametrize("word", ["other_columns"])
    def test_overwrite_replaces_columns_too(
        self,
        word: str,  # noqa: ARG002 - the word of the sheet
        tested: TestedDataset,
        saved: Callable[..., SaveReport],
    ) -> None:
        """What is replaced has no say in what replaces it."""
        other = pa.table({"id": pa.array([1, 2]), "text": pa.array([1.5, 2.5]), "added": pa.array(["a", "b"])})
        saved(OLD)
        saved(other, mode="overwrite")

        check_holds(tested, other, after="a save with mode 'overwrite' and other columns")

    def test_saving_twice_is_saving_once(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """A retry of a save whose answer was lost."""
        saved(OLD)
        saved(OLD, mode="overwrite")

        check_holds(tested, OLD, after="the same save with mode 'overwrite', twice")

    def test_append_adds(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """All of the old rows and all of the new ones."""
        saved(OLD, mode="append")
        saved(NEW, mode="append")

        check_holds(tested, pa.concat_tables([OLD, NEW]), after="7 rows, and 3 more with mode 'append'")

    @pytest.mark.parametrize("word", ["append_order"])
    def test_append_adds_at_the_end(self, word: str, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:  # noqa: ARG002 - the word of the sheet
        """Where rows have an order, new ones come after old ones."""
        saved(NEW, mode="append")
        saved(OLD, mode="append")

        both = pa.concat_tables([NEW, OLD])
        check_holds(tested, both, after="3 rows, and 7 more with mode 'append'", in_order=True)

    def test_append_minds_names_not_places(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """Columns in another order are put right, or refused; they never end up under each other's names."""
        saved(OLD, mode="append")
        turned = NEW.select(["value", "text", "id"])
        try:
            saved(turned, mode="append")
        except OdibiError:
            check_holds(tested, OLD, after="an append that was refused")
            return
        found = tested.read()
        if set(found.column_names) == set(OLD.column_names):
            # Text that names the columns in each record has them in the order of whichever is read first.
            found = found.select(OLD.column_names)
        _check(pa.concat_tables([OLD, NEW]), found, after="an append with the columns in another order")

    @pytest.mark.parametrize("word", ["columns_added", "columns_left_out", "column_types"])
    def test_append_that_does_not_fit(self, word: str, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """It is refused in words and nothing has changed, or all rows are there."""
        other = _UNFIT[word]
        saved(OLD, mode="append")
        try:
            saved(other, mode="append")
        except OdibiError:
            check_holds(tested, OLD, after="an append that was refused")
            return
        except Exception as error:  # noqa: BLE001 - that it is no error in words is what is reported
            refuse(
                f"An append that does not fit raised {type(error).__module__}.{type(error).__qualname__}: {error}",
                advice="Raise DataFormatError from odibi_core.plugin, `from error`, naming the columns.",
            )
        rows = tested.read().num_rows
        if rows != OLD.num_rows + other.num_rows:
            refuse(
                f"An append of {other.num_rows} rows with other columns to {OLD.num_rows} rows left {rows} rows.",
                advice="Refuse with DataFormatError what does not fit, before anything is written.",
            )

    def test_error_refuses_and_changes_nothing(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """DatasetExistsError."""
        saved(OLD, mode="error")
        try:
            saved(NEW, mode="error")
        except DatasetExistsError:
            check_holds(tested, OLD, after="a save with mode 'error' that was refused")
            return
        except Exception as error:  # noqa: BLE001 - that it is another one is what is reported
            refuse(
                f"Mode 'error' on what is there raised {type(error).__module__}.{type(error).__qualname__}: {error}",
                advice="Raise DatasetExistsError from odibi_core.plugin, naming what is there.",
            )
        refuse(
            "Mode 'error' saved over what was there, or said that it had.",
            advice="Raise DatasetExistsError before anything is written.",
        )

    def test_ignore_leaves_what_is_there(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """And says that nothing was written."""
        saved(OLD, mode="ignore")
        report = saved(NEW, mode="ignore")

        check_holds(tested, OLD, after="a save with mode 'ignore' on what is there")
        if report.was_written or report.rows not in (None, 0):
            refuse(
                f"Mode 'ignore' wrote nothing, and reports was_written={report.was_written}, rows={report.rows}.",
                advice="Return SaveReport(rows=0, was_written=False, ...).",
            )

    def test_merge_updates_by_key(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """Rows with a known key replace, others are added, and the rest stays."""
        changed = pa.table({"id": pa.array([2, 50]), "text": ["changed", "new"], "value": [-1.0, -2.0]})
        saved(OLD, mode="merge", options=self.merge_options)
        saved(changed, mode="merge", options=self.merge_options)

        kept = OLD.filter(pa.compute.not_equal(OLD["id"], 2))
        check_holds(tested, pa.concat_tables([kept, changed]), after="a merge by id of one known and one new row")

    def test_frame_is_not_changed(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """The next output may save the same frame, and observers hold it."""
        saved(OLD)  # whether there is a saver at all
        frame = tested.frame(OLD)
        before = _shape(frame)
        tested.saver().save(frame, tested.dataset(for_saving=True))

        wrong = difference(OLD, table_of(tested.engine.to_arrow(frame)), in_order=True)
        if wrong is None and _shape(frame) != before:
            wrong = f"its attributes were {before} and are {_shape(frame)}"
        if wrong:
            refuse(
                f"Saving a frame changed it: {wrong}.",
                advice="Work on a copy: functions and other outputs use the same frame.",
            )

    @pytest.mark.parametrize("mode", ["overwrite", "append"])
    def test_report_is_true(self, mode: SaveMode, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """The run log quotes it, for years."""
        saved(OLD, mode=mode)
        report = saved(NEW, mode=mode)

        if not isinstance(report, SaveReport):
            refuse(f"save returned {report!r}.", advice="Return a SaveReport from odibi_core.plugin.")
        if report.rows not in (None, NEW.num_rows):
            refuse(
                f"A save of {NEW.num_rows} rows with mode {mode!r} to {OLD.num_rows} rows reports {report.rows} rows.",
                advice="Report the rows of this save, or None where they would have to be counted.",
            )
        if not report.was_written or not report.location or (report.bytes is not None and report.bytes <= 0):
            refuse(
                f"A save that wrote reports {report} for {tested.location}.",
                advice="Say was_written=True, where the data is, and the bytes or None.",
            )

    def test_partitions(self, tested: TestedDataset, saved: Callable[..., SaveReport]) -> None:
        """Rows come back with the partition's column, whatever the order."""
        if tested.saver_spec is None or not tested.saver_spec.supports_partitions:
            pytest.skip("the saver has no partitions")
        table = OLD.append_column("half", pa.array(["a/b", "a/b", "c d", "c d", "ü", "ü", "="]))
        saved(table, partition_by=("half",))

        found = tested.read()
        if set(found.column_names) == set(table.column_names):
            found = found.select(table.column_names)
        _check(table, found, after="a save with partition_by")

    def test_unknown_option_of_saver_is_refused(self, tested: TestedDataset, saver_spec: SaverSpec | None) -> None:
        """A misspelt option must not be one that silently does nothing."""
        if saver_spec is None:
            pytest.skip("there is no saver")

        def resolve(options: Mapping[str, Any]) -> None:
            tested.dataset(for_saving=True, options=options)

        model = tested.manager.load_options_model(saver_spec)
        check_unknown_option(model, resolve, what=f"saver {saver_spec.name}")


def check_holds(tested: TestedDataset, wanted: pa.Table, *, after: str, in_order: bool = False) -> None:
    """Fail unless a dataset holds exactly some rows.

    Args:
        tested: The dataset.
        wanted: The rows.
        after: What was done before, for the message.
        in_order: Whether their order counts.
    """
    if tested.reader_spec is None:
        pytest.skip("there is no reader")
    _check(wanted, tested.read(), after=after, in_order=in_order)


def _check(wanted: pa.Table, found: pa.Table, *, after: str, in_order: bool = False) -> None:
    wrong = difference(wanted, found, in_order=in_order)
    if wrong:
        refuse(
            f"After {after}, the dataset does not hold what it must: {wrong}.",
            advice="A mode has one meaning for all formats; it is in the docstring of odibi_core.plugin.SAVE_MODES.",
        )


def _shape(frame: Any) -> dict[str, str]:
    """Return what Arrow does not show of a data frame with an index; of a lazy frame, asking would be computing."""
    if not hasattr(type(frame), "index") or not hasattr(type(frame), "columns"):
        return {}
    return {name: str(list(getattr(frame, name))) for name in ("index", "columns")}
