"""How the contract of log sinks gets at a sink and at what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

import pytest

from odibi_core.errors import RunLogError
from odibi_core.loading import PluginManager
from odibi_core.plugin import LogSink, LogSinkSpec, ReadableLogSink, RememberingLogSink
from odibi_core.testing.contract import Contract, refuse

__all__ = ["OpenSink", "SinkAccess", "Stored", "close", "deliver"]

OpenSink: TypeAlias = Callable[[], Any]
"""Makes one more sink of the same options, as another process would."""

Stored: TypeAlias = Callable[[], list[dict[str, Any]]]
"""Returns what the sink holds."""


class SinkAccess(Contract):
    """Attributes and fixtures of `LogSinkContract`; not a contract of its own."""

    sink: ClassVar[str] = ""
    options: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    secrets: ClassVar[tuple[str, ...]] = ()

    def stored_records(self, options: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what the sink holds, typed as `LogSink.write` gets it; for a sink that cannot be read back itself.

        Args:
            options: What the sink was made with.
        """
        raise NotImplementedError(options)

    @pytest.fixture
    def sink_spec(self, manager: PluginManager) -> LogSinkSpec:
        """The sink's spec."""
        if not self.sink:
            refuse("The contract does not say which log sink it is about.", advice='Set: sink = "splunk".')
        return manager.log_sinks.get(self.sink)

    @pytest.fixture
    def sink_options(self) -> Mapping[str, Any]:
        """The options as a manifest has them, without ``type``, of a place that is empty at the start of each test."""
        return self.options

    @pytest.fixture
    def unreachable_options(self) -> Mapping[str, Any] | None:
        """Options that are right, of a place that cannot be reached; None if there is no such place."""
        return None

    @pytest.fixture
    def given_options(
        self, sink_options: Mapping[str, Any], unreachable_options: Mapping[str, Any] | None
    ) -> tuple[Mapping[str, Any], ...]:
        """All options that the contract uses: what may hold secrets."""
        return (sink_options, unreachable_options or {})

    @pytest.fixture
    def open_unreachable(
        self,
        manager: PluginManager,
        sink_spec: LogSinkSpec,
        unreachable_options: Mapping[str, Any] | None,
        tmp_path: Path,
    ) -> OpenSink | None:
        """Makes a sink of `unreachable_options`; None if there are none."""
        if unreachable_options is None:
            return None
        arguments = _resolved(unreachable_options, spec=sink_spec, manager=manager, root=tmp_path)
        return lambda: manager.load(sink_spec)(**arguments)

    @pytest.fixture
    def sink_arguments(
        self, manager: PluginManager, sink_spec: LogSinkSpec, sink_options: Mapping[str, Any], tmp_path: Path
    ) -> dict[str, Any]:
        """What the sink is made with: the options, checked by its own model in a project below ``tmp_path``."""
        return _resolved(sink_options, spec=sink_spec, manager=manager, root=tmp_path)

    @pytest.fixture
    def open_sink(
        self, manager: PluginManager, sink_spec: LogSinkSpec, sink_arguments: dict[str, Any]
    ) -> Iterator[OpenSink]:
        """Makes a sink, as often as it is called; at the end those that can be closed are."""
        made: list[Any] = []

        def make() -> Any:
            made.append(manager.load(sink_spec)(**sink_arguments))
            return made[-1]

        yield make
        for one in made:
            close(one)

    @pytest.fixture
    def stored(self, open_sink: OpenSink, sink_arguments: dict[str, Any]) -> Stored:
        """Returns what the sink holds, by a new sink: what is still in the memory of the old one is not stored."""

        def read() -> list[dict[str, Any]]:
            if type(self).stored_records is not SinkAccess.stored_records:
                return self.stored_records(sink_arguments)
            sink = open_sink()
            if not isinstance(sink, ReadableLogSink):
                refuse(
                    f"Log sink {self.sink!r} has no read_records, so nobody can tell what it stored.",
                    advice="Define in the test class: def stored_records(self, options) -> list[dict].",
                )
            try:
                return [dict(record) for record in sink.read_records()]
            except RunLogError:
                return []  # there is no log, as there is none in a place where nothing was written

        return read


def _resolved(options: Mapping[str, Any], *, spec: LogSinkSpec, manager: PluginManager, root: Path) -> dict[str, Any]:
    """Return options as the kernel gives them to a sink."""
    from odibi_core.project import resolve_options

    given = {key: value for key, value in options.items() if key != "type"}
    return resolve_options(given, spec=spec, manager=manager, what=f"log sink {spec.name!r}", root=root)


def close(sink: object) -> None:
    """Close a sink, if it can be.

    Args:
        sink: The sink.
    """
    closing = getattr(sink, "close", None)
    if callable(closing):
        closing()


def deliver(sink: LogSink, records: Sequence[Mapping[str, Any]]) -> None:
    """Give a sink a batch of one run for the second time, as the kernel does: without what it says that it has.

    Args:
        sink: The sink.
        records: The batch.
    """
    if isinstance(sink, RememberingLogSink):
        has = sink.last_seq(records[0]["run_id"])
        records = [record for record in records if record["seq"] > has]
    sink.write(records)
