"""The reader and the saver that a contract is about, with a dataset of theirs at hand."""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from odibi_core.errors import DatasetNotFoundError
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.planning.options import check_options
from odibi_core.plugin import (
    ENTRY_POINT_GROUP,
    Capability,
    Dataset,
    DatasetKind,
    ExecutionEngine,
    Reader,
    ReaderSpec,
    SaveMode,
    Saver,
    SaveReport,
    SaverSpec,
)
from odibi_core.testing.access.engine_access import EngineAccess
from odibi_core.testing.contract import find_plugin_module, plugin_manager, refuse
from odibi_core.testing.data.arrow_frames import ArrowEngine, table_of

__all__ = ["ANY_ENGINE", "DatasetAccess", "TestedDataset", "engine_plugin"]

ANY_ENGINE = "any"


@dataclass(slots=True)
class TestedDataset:
    """One dataset, saved and read as the kernel does it.

    Args:
        manager: Where the specs are from.
        engine: The engine whose frames are used.
        reader_spec: The reader's spec, if there is one.
        saver_spec: The saver's spec, if there is one.
        location: Where it is.
        kind: What kind of dataset it is.
        options: Options to read with.
        save_options: Options to save with.
    """

    __test__ = False  # a name that pytest would collect

    manager: PluginManager
    engine: ExecutionEngine
    reader_spec: ReaderSpec | None
    saver_spec: SaverSpec | None
    location: str
    kind: DatasetKind
    options: Mapping[str, Any]
    save_options: Mapping[str, Any]

    @property
    def path(self) -> Path | None:
        """The file or folder, None if the location is something else."""
        return Path(self.location) if os.path.isabs(self.location) else None  # noqa: PTH117 - it may be a URI

    def reader(self) -> Reader:
        """Return a new reader."""
        if self.reader_spec is None:
            pytest.skip("there is no reader")
        reader: Reader = self.manager.load(self.reader_spec)(self.engine)
        return reader

    def saver(self) -> Saver:
        """Return a new saver."""
        if self.saver_spec is None:
            pytest.skip("there is no saver")
        saver: Saver = self.manager.load(self.saver_spec)(self.engine)
        return saver

    def frame(self, table: pa.Table) -> Any:
        """Return rows as the saver gets them."""
        if self.saver_spec is not None and self.saver_spec.engine == ANY_ENGINE:
            return self.engine.to_arrow(self.engine.from_arrow(table))
        return self.engine.from_arrow(table)

    def dataset(self, *, for_saving: bool = False, mode: SaveMode = "overwrite", **how: Any) -> Dataset:
        """Return the dataset with its options validated.

        Args:
            for_saving: Whether it is an output.
            mode: How it is saved.
            how: More fields of the dataset; ``options`` are added to those of the contract.
        """
        spec = self.saver_spec if for_saving else self.reader_spec
        if spec is None:
            pytest.skip("there is no saver" if for_saving else "there is no reader")
        options = {**(self.save_options if for_saving else self.options), **how.pop("options", {})}
        fields = {"location": self.location, "kind": self.kind} | how
        dataset = Dataset(name="contract.data", format=spec.format, mode=mode, options=options, **fields)
        return check_options(dataset, spec=spec, manager=self.manager)

    def save(self, table: pa.Table, *, mode: SaveMode = "overwrite", **how: Any) -> SaveReport:
        """Save rows as a frame of the engine, and return the report.

        Args:
            table: The rows.
            mode: How.
            how: More fields of the dataset.
        """
        return self.saver().save(self.frame(table), self.dataset(for_saving=True, mode=mode, **how))

    def read(self, reader: Reader | None = None, **how: Any) -> pa.Table:
        """Read the rows by way of the engine.

        Args:
            reader: The reader; without it a new one.
            how: More fields of the dataset.
        """
        frame = (reader or self.reader()).read(self.dataset(**how))
        if self.reader_spec is not None and self.reader_spec.engine == ANY_ENGINE:
            frame = self.engine.from_arrow(frame)
        return table_of(self.engine.to_arrow(frame))

    def state(self) -> pa.Table | None:
        """Return the rows that are there, None if there is nothing."""
        try:
            return self.read()
        except DatasetNotFoundError:
            return None


class DatasetAccess(EngineAccess):
    """Fixtures of contracts that need a reader or saver.

    Attributes:
        engine: The engine whose frames are read and saved; ``"any"`` for a reader or saver of Arrow streams.
        format: The format.
        kind: The kind of the dataset: ``"path"``, ``"table"`` or ``"query"``.
        options: Options to read with.
        save_options: Options to save with, in every mode.
        merge_options: Options to merge with, by the column ``id``.
        engine_plugin: The plugin of the engine, if it is another one: found by itself where it is installed.
        kill_points: At how many moments a save is killed. With 0 nothing is done in processes of their own, which
            counts as a gap.
    """

    format: ClassVar[str] = ""
    kind: ClassVar[DatasetKind] = "path"
    options: ClassVar[Mapping[str, Any]] = {}
    save_options: ClassVar[Mapping[str, Any]] = {}
    merge_options: ClassVar[Mapping[str, Any]] = {"merge_keys": ["id"]}
    engine_plugin: ClassVar[str] = ""
    kill_points: ClassVar[int] = 8

    @pytest.fixture
    def manager(self) -> PluginManager:
        """A frozen manager that discovers nothing and holds this plugin and that of its engine."""
        return plugin_manager(*self.plugins())

    @classmethod
    def plugins(cls) -> tuple[str, ...]:
        """Return the plugins that the tests need."""
        if cls.engine == ANY_ENGINE:
            return (cls.plugin,)
        found = cls.engine_plugin or engine_plugin(cls.engine, beside=cls.plugin)
        return (cls.plugin, found) if found else (cls.plugin,)

    @pytest.fixture
    def reader_spec(self, manager: PluginManager) -> ReaderSpec | None:
        """The reader's spec, None if the plugin has only a saver."""
        key = f"{self.engine}/{self.format}"
        return manager.readers.get(key) if key in manager.readers else None

    @pytest.fixture
    def saver_spec(self, manager: PluginManager) -> SaverSpec | None:
        """The saver's spec, None if the plugin has only a reader."""
        key = f"{self.engine}/{self.format}"
        return manager.savers.get(key) if key in manager.savers else None

    @pytest.fixture
    def sheet(
        self, manager: PluginManager, reader_spec: ReaderSpec | None, saver_spec: SaverSpec | None
    ) -> Mapping[str, Capability]:
        """What engine, reader and saver say together: what one of them cannot, cannot be done."""
        sheets = [manager.engine(self.engine).capabilities] if self.engine in manager.engines else []
        sheets += [spec.capabilities for spec in (reader_spec, saver_spec) if spec is not None]
        lines: dict[str, Capability] = {}
        for sheet in sheets:
            lines.update({word: line for word, line in sheet.items() if word not in lines or lines[word].supported})
        return lines

    @pytest.fixture
    def execution_engine(self, request: pytest.FixtureRequest, manager: PluginManager) -> Iterator[ExecutionEngine]:
        """The engine, closed after the test; Arrow itself for a reader or saver of any engine."""
        if self.engine == ANY_ENGINE:
            yield ArrowEngine()
            return
        engine: ExecutionEngine = manager.load(manager.engine(self.engine))(request.getfixturevalue("config"))
        yield engine
        engine.close()

    @pytest.fixture
    def location(self, tmp_path: Path, reader_spec: ReaderSpec | None, saver_spec: SaverSpec | None) -> Path | str:
        """Where the dataset is: by default ``data`` with the format's first suffix, in a folder of its own."""
        suffixes = next((spec.suffixes for spec in (saver_spec, reader_spec) if spec is not None), ())
        folder = tmp_path / "target"
        folder.mkdir()
        return folder / f"data{suffixes[0] if suffixes else ''}"

    @pytest.fixture
    def tested(
        self,
        manager: PluginManager,
        execution_engine: ExecutionEngine,
        reader_spec: ReaderSpec | None,
        saver_spec: SaverSpec | None,
        location: Path | str,
    ) -> TestedDataset:
        """The dataset, where nothing is yet."""
        if reader_spec is None and saver_spec is None:
            refuse(
                f"Plugin {self.plugin!r} has neither a reader nor a saver {self.engine}/{self.format}. It has: "
                f"{', '.join(sorted({*manager.readers, *manager.savers})) or 'none at all'}.",
                advice="Set `engine` and `format` as the spec has them, or yield the spec.",
            )
        return TestedDataset(
            manager,
            execution_engine,
            reader_spec,
            saver_spec,
            str(location),
            self.kind,
            self.options,
            self.save_options,
        )

    @pytest.fixture
    def stored(self, tested: TestedDataset) -> Callable[[pa.Table], object]:
        """Put rows where the reader finds them, and return the location; a reader without a saver overrides it."""

        def store(table: pa.Table) -> str:
            tested.save(table)
            return tested.location

        return store

    @pytest.fixture
    def restored(self, tested: TestedDataset, stored: Callable[[pa.Table], object]) -> Callable[[pa.Table], pa.Table]:
        """Store rows and read them back."""
        if tested.reader_spec is None:
            pytest.skip("there is no reader")

        def restore(table: pa.Table) -> pa.Table:
            tested.location = str(stored(table))
            return tested.read()

        return restore


def engine_plugin(engine: str, *, beside: str) -> str:
    """Return the module of the installed plugin that provides an engine; empty if `beside` does, or none.

    Args:
        engine: The engine's name.
        beside: The plugin that is tested.
    """
    own = find_plugin_module(beside)[1].__name__
    if engine in plugin_manager(own).engines:
        return ""
    found = [entry for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP) if entry.value != own]
    # The conventional name first, so that seldom more than one module is imported.
    for entry_point in sorted(found, key=lambda entry: (entry.name != f"engine-{engine}", entry.name)):
        manager = PluginManager(PluginSettings(discover=False))
        try:
            manager.register(find_plugin_module(entry_point.value)[1], name=entry_point.name)
        except Exception:  # noqa: BLE001, S112 - another plugin that is broken is none of this contract's
            continue
        if engine in manager.engines:
            return entry_point.value
    return refuse(
        f"No installed plugin provides the engine {engine!r}, whose frames {beside!r} is tested with.",
        advice=f"Install it: pip install odibi-engine-{engine}; or set `engine_plugin` to its module.",
    )
