"""What comes back of what was saved, and what a reader says when it cannot read."""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from odibi_core.errors import DataFormatError, DatasetNotFoundError, OdibiError
from odibi_core.plugin import ReaderSpec
from odibi_core.testing.access.dataset_access import ANY_ENGINE, DatasetAccess, TestedDataset
from odibi_core.testing.contract import refuse
from odibi_core.testing.data.comparing import difference
from odibi_core.testing.data.tables import AWKWARD, awkward_table, hostile_names, plain_table, wide_table
from odibi_core.testing.options.unknown_options import check_unknown_option

__all__ = ["ReadingContract", "files_below"]

_THREADS = 4


class ReadingContract(DatasetAccess):
    """The part of the contract that is about reading."""

    garbage: ClassVar[bytes] = b"\x00\xff\xfe not of this format \x80\n" * 40

    @pytest.mark.parametrize("word", AWKWARD)
    def test_round_trip(self, word: str, restored: Callable[[pa.Table], pa.Table]) -> None:
        """What is saved is what is read, or the sheet says what is not."""
        given = awkward_table(word)
        try:
            found = restored(given)
        except OdibiError as error:
            refuse(f"The table of {word} was refused: {error}", advice=_declare(word))

        _check_same(given, found, word=word)

    @pytest.mark.parametrize("word", ["row_order"])
    def test_rows_keep_their_order(self, word: str, restored: Callable[[pa.Table], pa.Table]) -> None:
        """Many rows."""
        given = plain_table(10_000)

        _check_same(given, restored(given), word=word, in_order=True)

    @pytest.mark.parametrize("word", ["many_columns"])
    def test_wide_table(self, word: str, restored: Callable[[pa.Table], pa.Table]) -> None:
        """As many columns as `wide` says."""
        given = wide_table(self.wide)

        _check_same(given, restored(given), word=word)

    @pytest.mark.parametrize("word", ["hostile_names"])
    def test_hostile_names(self, word: str, restored: Callable[[pa.Table], pa.Table]) -> None:
        """Columns keep names that Hypothesis makes up, or are refused in words."""

        @settings(max_examples=self.examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(hostile_names())
        def check(names: list[str]) -> None:
            table = pa.table([pa.array([0, 1]) for _ in ("id", *names)], names=["id", *names])
            try:
                found = restored(table)
            except OdibiError:
                return
            _check_same(table, found, word=word)

        check()

    def test_reader_returns_a_frame_of_its_engine(
        self, tested: TestedDataset, restored: Callable[[pa.Table], pa.Table]
    ) -> None:
        """Functions get it as it is."""
        restored(plain_table())
        frame = tested.reader().read(tested.dataset())

        if not tested.engine.is_frame(frame):
            wanted = "has no __arrow_c_stream__" if self.engine == ANY_ENGINE else f"is no frame of {self.engine!r}"
            refuse(
                f"The reader returned a {type(frame).__module__}.{type(frame).__qualname__}, which {wanted}.",
                advice="Return a frame of the engine in the spec; from Arrow, `engine.from_arrow(table)` makes one.",
            )

    def test_rows_are_counted_truly(self, tested: TestedDataset, restored: Callable[[pa.Table], pa.Table]) -> None:
        """The run log quotes what count_rows says of what was read."""
        restored(plain_table())
        counted = tested.engine.count_rows(tested.reader().read(tested.dataset()))

        if counted not in (None, plain_table().num_rows):
            refuse(
                f"The frame that was read has {plain_table().num_rows} rows, and count_rows says {counted!r}.",
                advice="Return None where the number is not known.",
            )

    def test_reading_changes_nothing(self, tested: TestedDataset, restored: Callable[[pa.Table], pa.Table]) -> None:
        """Inputs are somebody else's, and read by others at the same time."""
        given = plain_table()
        restored(given)
        before = files_below(tested.path)
        for _ in range(2):
            _check_same(given, tested.read())

        if files_below(tested.path) != before:
            refuse(
                f"Reading {tested.location} changed what is there, or what is beside it.",
                advice="Open files for reading only, and leave no file of your own beside them.",
            )

    def test_concurrent_reads(self, tested: TestedDataset, restored: Callable[[pa.Table], pa.Table]) -> None:
        """One reader is called from several threads at once."""
        given = plain_table(2_000)
        restored(given)
        reader, dataset = tested.reader(), tested.dataset()

        def go(_number: int) -> str | None:
            frame = reader.read(dataset)
            stream = tested.engine.from_arrow(frame) if self.engine == ANY_ENGINE else frame
            return difference(given, pa.table(tested.engine.to_arrow(stream)))

        with ThreadPoolExecutor(_THREADS) as pool:
            wrong = [text for text in pool.map(go, range(_THREADS * 2)) if text]
        if wrong:
            refuse(
                f"Of {_THREADS * 2} reads from {_THREADS} threads, {len(wrong)} came back wrong: {wrong[0]}.",
                advice="Keep nothing about a dataset in the reader's attributes.",
            )

    def test_missing_dataset_is_not_found(self, tested: TestedDataset) -> None:
        """DatasetNotFoundError, which names what is missing; never an empty frame."""
        said = _error_of(tested.read, DatasetNotFoundError, what=f"{tested.location}, where nothing is,")

        if tested.location not in said and "contract.data" not in said:
            refuse(
                f"The error names neither the dataset nor its location: {said}",
                advice="Quote dataset.name and dataset.location: somebody looks for a misspelt path.",
            )

    @pytest.fixture
    def spoiled(self, tested: TestedDataset) -> str:
        """The location of something that is not of this format."""
        if tested.path is None:
            pytest.skip("the location is no path; override the fixture `spoiled` to put something wrong there")
        tested.path.write_bytes(self.garbage)
        return tested.location

    @pytest.mark.parametrize("word", ["garbage"])
    def test_what_is_not_of_this_format_is_refused(self, word: str, tested: TestedDataset, spoiled: str) -> None:  # noqa: ARG002 - the word of the sheet
        """DataFormatError, which names the place; never an empty frame."""
        tested.location = spoiled
        said = _error_of(tested.read, DataFormatError, what=f"{spoiled}, which is not of this format,")

        if Path(spoiled).name not in said and "contract.data" not in said:
            refuse(
                f"The error names neither the dataset nor the file: {said}",
                advice="Quote dataset.name and the file: there may be hundreds.",
            )

    def test_unknown_option_of_reader_is_refused(self, tested: TestedDataset, reader_spec: ReaderSpec | None) -> None:
        """A misspelt option must not be one that silently does nothing."""
        if reader_spec is None:
            pytest.skip("there is no reader")

        def resolve(options: Mapping[str, Any]) -> None:
            tested.dataset(options=options)

        model = tested.manager.load_options_model(reader_spec)
        check_unknown_option(model, resolve, what=f"reader {reader_spec.name}")


def files_below(path: Path | None) -> dict[str, tuple[int, int]]:
    """Return the size and time of each file in the folder of a dataset, by name; nothing if it is no path.

    Args:
        path: The dataset's file or folder.
    """
    if path is None or not path.parent.is_dir():
        return {}
    walked = (
        (folder, name) for folder, folders, names in os.walk(path.parent) for name in itertools.chain(folders, names)
    )
    found = [Path(folder, name) for folder, name in walked]
    return {str(one): (one.stat().st_size, one.stat().st_mtime_ns) for one in found if one.is_file()}


def _check_same(given: pa.Table, found: pa.Table, *, word: str = "", in_order: bool = False) -> None:
    wrong = difference(given, found, in_order=in_order)
    if wrong:
        refuse(f"What was stored and what was read is not the same: {wrong}.", advice=_declare(word))


def _declare(word: str) -> str:
    all_of_it = "Bring back every row, column, type and value."
    if not word:
        return all_of_it
    line = f"capabilities={{{word!r}: Capability(supported=False, note=...)}}"
    return f"{all_of_it} If the format cannot, say so in the spec: {line}."


def _error_of(call: Callable[[], pa.Table], wanted: type[OdibiError], *, what: str) -> str:
    said = ""
    try:
        found = call()
    except wanted as error:
        said = str(error)
    except Exception as error:  # noqa: BLE001 - that it is another one is what is reported
        refuse(
            f"Reading {what} raised {type(error).__module__}.{type(error).__qualname__}: {error}",
            advice=f"Raise {wanted.__name__} from odibi_core.plugin, `from error`, saying what was found.",
        )
    else:
        refuse(
            f"Reading {what} returned a frame of {found.num_rows} rows.",
            advice=f"Raise {wanted.__name__}: an empty answer is taken for an empty dataset, and saved over the next.",
        )
    return said
