"""What is left when a read or a save is over: files, open handles, and what a reader remembers."""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from odibi_core.plugin import SaveMode, SaveReport
from odibi_core.testing.access.dataset_access import DatasetAccess, TestedDataset
from odibi_core.testing.contract import refuse
from odibi_core.testing.contracts.saving import NEW, OLD
from odibi_core.testing.data.comparing import difference

__all__ = ["LeftoversContract"]

_HANDLES = Path("/proc/self/fd")
_TIMES = 4


class LeftoversContract(DatasetAccess):
    """The part of the contract that is about what a run of a year would drown in."""

    @pytest.mark.parametrize("mode", ["overwrite", "append"])
    def test_a_save_leaves_nothing_beside_the_dataset(
        self,
        mode: SaveMode,
        tested: TestedDataset,
        saved: Callable[..., SaveReport],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """No copy of what was there before, and nothing in the folder for temporary files."""
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        saved(OLD, mode=mode)
        saved(NEW, mode=mode)

        left = sorted(str(one.relative_to(tmp_path)) for one in temporary.iterdir())
        if tested.path is not None:
            left += sorted(one.name for one in tested.path.parent.iterdir() if one != tested.path)
        if left:
            refuse(
                f"A save with mode {mode!r} over what was there left something behind: {', '.join(left)}.",
                advice="Remove files of your own before save returns: whoever lists the folder takes them for data, "
                "and a disk fills up.",
            )

    def test_files_are_closed(self, tested: TestedDataset, stored: Callable[[pa.Table], object]) -> None:
        """A process may have a thousand files open; a layer may have more inputs."""
        tested.reader()
        if not _HANDLES.is_dir():
            pytest.skip("this operating system does not list a process's open files")
        for number in range(_TIMES + 2):
            tested.location = str(stored(OLD))
            tested.read()
            if number == 1:  # what a library opens once, for good, is open by now
                before = _open_files()
        left = _open_files() - before
        if left >= _TIMES:
            refuse(
                f"After {_TIMES} reads and saves more, {left} files more are open.",
                advice="Open files in a `with` block, and keep none of them in an attribute or a cache.",
            )

    def test_a_reader_sees_what_was_saved_since(
        self, tested: TestedDataset, stored: Callable[[pa.Table], object]
    ) -> None:
        """A run has one reader for all its layers, and a notebook runs again in the same process."""
        reader = tested.reader()
        for table in (OLD, NEW):
            tested.location = str(stored(table))
            wrong = difference(table, tested.read(reader))
            if wrong:
                refuse(
                    f"What was stored last is not what one and the same reader read then: {wrong}.",
                    advice="Keep nothing about a dataset in the reader, its class or its module: no cache, no handle.",
                )


def _open_files() -> int:
    gc.collect()
    return len(os.listdir(_HANDLES))  # noqa: PTH208 - names, of which one is gone when they are looked at
