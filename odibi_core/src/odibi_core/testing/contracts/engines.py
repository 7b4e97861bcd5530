"""The contract of an execution engine."""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from odibi_core.errors import OdibiError
from odibi_core.loading import PluginManager, resolve_reference
from odibi_core.loading.registration import HEAVY_LIBRARIES
from odibi_core.plugin import Capability, EngineConfig, EngineSpec, ExecutionEngine
from odibi_core.testing.access.engine_access import EngineAccess
from odibi_core.testing.contract import find_plugin_module, refuse
from odibi_core.testing.contracts.engine_extras import EngineExtras
from odibi_core.testing.data.arrow_frames import STREAMS, table_of
from odibi_core.testing.data.comparing import difference
from odibi_core.testing.data.hostile import HOSTILE_VALUES
from odibi_core.testing.data.tables import (
    AWKWARD,
    MANY_ROWS,
    awkward_table,
    hostile_names,
    pieced_table,
    plain_table,
    wide_table,
)
from odibi_core.testing.processes.child import child_environment
from odibi_core.testing.processes.threads import frequent_switches

__all__ = ["EngineContract"]

_THREADS = 8


class EngineContract(EngineExtras, EngineAccess):
    """What every engine keeps to: frames told from other things, rows that come through Arrow as they went in.

    Example:
        >>> class TestPolars(EngineContract):
        ...     plugin = "acme_polars.plugin"
        ...     engine = "polars"
    """

    @pytest.fixture
    def spec(self, manager: PluginManager) -> EngineSpec:
        """The engine's spec."""
        return manager.engine(self.engine)

    @pytest.fixture
    def sheet(self, spec: EngineSpec) -> Mapping[str, Capability]:
        """The engine's capability sheet."""
        return spec.capabilities

    # --- frames ---

    @pytest.mark.parametrize("name", HOSTILE_VALUES)
    def test_is_frame_says_no_to_other_things_and_never_raises(
        self, name: str, execution_engine: ExecutionEngine
    ) -> None:
        """The kernel asks it of whatever a function returns."""
        try:
            answer = execution_engine.is_frame(HOSTILE_VALUES[name]())
        except Exception as error:  # noqa: BLE001 - that it raises is what is reported
            refuse(
                f"is_frame raised {type(error).__name__} for {name}; it must not raise, whatever it is given.",
                advice="Ask only isinstance(value, YourFrame), which runs no code of the value.",
            )
        if answer is not False:
            refuse(
                f"is_frame returned {answer!r} for {name}, which is no frame of this engine.",
                advice="Return True for the engine's own frames, and the bool False for all else.",
            )

    @pytest.mark.parametrize("stream", STREAMS)
    def test_from_arrow_returns_a_frame_of_this_engine(self, stream: str, execution_engine: ExecutionEngine) -> None:
        """A table, a reader of batches, or an object of another library that only has ``__arrow_c_stream__``."""
        frame = execution_engine.from_arrow(STREAMS[stream](plain_table()))

        if execution_engine.is_frame(frame) is not True:
            refuse(
                f"from_arrow returned {_kind(frame)}, and is_frame says that this is no frame of engine "
                f"{self.engine!r}.",
                advice="Return a frame of this engine's own library; it is what functions are given.",
            )
        self._check_came_back(plain_table(), execution_engine, frame, in_order=False)

    @pytest.mark.parametrize("stream", STREAMS)
    def test_rows_in_pieces_come_back(self, stream: str, execution_engine: ExecutionEngine) -> None:
        """Batches that are parts of larger ones: what is taken from the beginning of a buffer is another row."""
        frame = execution_engine.from_arrow(STREAMS[stream](pieced_table()))

        self._check_came_back(pieced_table(), execution_engine, frame, in_order=False)

    def test_many_rows_come_back(self, execution_engine: ExecutionEngine) -> None:
        """More than one page or batch of any library: whoever takes only the first one loses the rest."""
        given = plain_table(MANY_ROWS)

        self._check_came_back(given, execution_engine, execution_engine.from_arrow(given), in_order=False)

    def test_to_arrow_returns_an_arrow_stream(self, execution_engine: ExecutionEngine) -> None:
        """Savers for any engine, and other engines, take frames by this protocol alone."""
        stream = execution_engine.to_arrow(execution_engine.from_arrow(plain_table()))

        if not hasattr(stream, "__arrow_c_stream__"):
            refuse(
                f"to_arrow returned {_kind(stream)}, which has no __arrow_c_stream__.",
                advice="Return a pyarrow Table or RecordBatchReader, or a frame that has the protocol itself.",
            )

    @pytest.mark.parametrize("word", AWKWARD)
    def test_arrow_round_trip(self, word: str, execution_engine: ExecutionEngine) -> None:
        """What came in by Arrow goes out the same, or the sheet says that it does not."""
        given = awkward_table(word)

        self._check_came_back(given, execution_engine, execution_engine.from_arrow(given), in_order=False, word=word)

    @pytest.mark.parametrize("word", ["row_order"])
    def test_rows_keep_their_order(self, word: str, execution_engine: ExecutionEngine) -> None:
        """Many rows, in several batches."""
        given = plain_table(10_000)
        frame = execution_engine.from_arrow(STREAMS["reader"](given))

        self._check_came_back(given, execution_engine, frame, in_order=True, word=word)

    @pytest.mark.parametrize("word", ["many_columns"])
    def test_wide_table(self, word: str, execution_engine: ExecutionEngine) -> None:
        """As many columns as `wide` says."""
        given = wide_table(self.wide)

        self._check_came_back(given, execution_engine, execution_engine.from_arrow(given), in_order=False, word=word)

    @pytest.mark.parametrize("word", ["hostile_names"])
    def test_hostile_names(self, word: str, execution_engine: ExecutionEngine) -> None:
        """Columns keep names that Hypothesis makes up, or are refused in words."""

        @settings(max_examples=self.examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(hostile_names())
        def check(names: list[str]) -> None:
            table = pa.table([pa.array([0, 1]) for _ in ("id", *names)], names=["id", *names])
            try:
                frame = execution_engine.from_arrow(table)
                found = table_of(execution_engine.to_arrow(frame))
            except OdibiError:
                return
            self._compare(table, found, in_order=False, word=word)

        check()

    def test_a_frame_can_be_handed_over_twice(self, execution_engine: ExecutionEngine) -> None:
        """An output may be saved to two places: to_arrow must not use the frame up, nor change it."""
        frame = execution_engine.from_arrow(plain_table())

        for _ in range(2):
            self._check_came_back(plain_table(), execution_engine, frame, in_order=False)

    # --- rows ---

    @pytest.mark.parametrize("rows", [0, 1, 5])
    def test_count_rows_is_true_or_none(self, rows: int, execution_engine: ExecutionEngine) -> None:
        """The run log quotes it."""
        counted = execution_engine.count_rows(execution_engine.from_arrow(plain_table(rows)))

        if counted is not None and (type(counted) is not int or counted != rows):
            refuse(
                f"count_rows returned {counted!r} for a frame of {rows} rows.",
                advice="Return the true number as an int, or None where it is not known without computing.",
            )

    @pytest.fixture
    def costly_frame(self, execution_engine: ExecutionEngine) -> Any:  # noqa: ARG002 - whoever overrides it needs it
        """A frame whose computation raises; an engine that works at once has none, and leaves this None."""
        return None

    def test_count_rows_starts_nothing(self, execution_engine: ExecutionEngine, costly_frame: Any) -> None:
        """It is asked after every read; a lazy frame must not be computed for a line of the log."""
        if costly_frame is None:
            pytest.skip("frames of this engine are computed at once")
        try:
            execution_engine.count_rows(costly_frame)
        except Exception as error:  # noqa: BLE001 - that it raises is what is reported
            refuse(
                f"count_rows started the computation of a frame, which raised {type(error).__name__}.",
                advice="Return None for a frame whose number of rows is not known yet.",
            )

    def test_threads(self, execution_engine: ExecutionEngine) -> None:
        """One engine serves a run from several threads at once."""

        def go(number: int) -> str | None:
            given = plain_table(200, start=number * 1_000)
            return difference(given, table_of(execution_engine.to_arrow(execution_engine.from_arrow(given))))

        with frequent_switches(), ThreadPoolExecutor(_THREADS) as pool:
            wrong = [text for text in pool.map(go, range(_THREADS * 4)) if text]
        if wrong:
            refuse(
                f"Of {_THREADS * 4} tables from {_THREADS} threads, {len(wrong)} came back wrong: {wrong[0]}.",
                advice="Keep nothing about a frame in the engine's attributes, or keep it per thread.",
            )

    # --- life ---

    def test_close_can_be_called_twice(self, manager: PluginManager, spec: EngineSpec, config: EngineConfig) -> None:
        """A run that is interrupted while it closes closes again; and an engine can be made anew afterwards."""
        engine = manager.load(spec)(config)
        engine.close()
        try:
            engine.close()
        except Exception as error:  # noqa: BLE001 - that it raises is what is reported
            refuse(
                f"close raised {type(error).__name__} when it was called again: {error}",
                advice="Forget what was let go of, so that closing twice does nothing.",
            )
        again = manager.load(spec)(config)
        try:
            self._check_came_back(plain_table(), again, again.from_arrow(plain_table()), in_order=False)
        finally:
            again.close()

    def test_registration_imports_nothing_heavy(self) -> None:
        """Every start of ``odibi`` imports the registration module, and every plan the options model."""
        module = find_plugin_module(self.plugin)[1].__name__
        script = (
            "import json, sys\nfrom odibi_core.testing.contract import plugin_manager\n"
            f"spec = plugin_manager({module!r}).engine({self.engine!r})\n"
            "if spec.options_model: __import__(spec.options_model.partition(':')[0])\n"
            f"print(json.dumps([name for name in {HEAVY_LIBRARIES!r} if name in sys.modules]))"
        )
        done = subprocess.run(  # noqa: S603 - this interpreter, with a script of ours
            [sys.executable, "-c", script],
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            refuse(f"{module} cannot be registered in a fresh process:\n{done.stderr}", advice="Make it importable.")
        heavy = json.loads(done.stdout.splitlines()[-1])
        if heavy:
            refuse(
                f"Registering {module}, or loading its options model, imports {', '.join(heavy)}: every start pays.",
                advice="Name classes as strings in specs, and import data libraries in the modules of these classes.",
            )

    def test_transient_errors_are_exceptions(self, spec: EngineSpec) -> None:
        """What is retried is named in the spec."""
        for reference in spec.transient_errors:
            found = resolve_reference(reference)
            if not (isinstance(found, type) and issubclass(found, BaseException)):
                refuse(
                    f"transient_errors names {reference!r}, which is {_kind(found)} and no exception.",
                    advice="Name exception classes as 'package.module:Error'.",
                )

    # --- inside ---

    def _check_came_back(
        self, given: pa.Table, engine: ExecutionEngine, frame: Any, *, in_order: bool, word: str = ""
    ) -> None:
        self._compare(given, table_of(engine.to_arrow(frame)), in_order=in_order, word=word)

    def _compare(self, given: pa.Table, found: pa.Table, *, in_order: bool, word: str) -> None:
        wrong = difference(given, found, in_order=in_order)
        if wrong:
            say = f"declare it: capabilities={{{word!r}: Capability(supported=False, note=...)}}" if word else "mend it"
            refuse(
                f"What from_arrow took and to_arrow gave back is not the same: {wrong}.",
                advice=f"Bring back every row, column, type and value. If the library cannot, {say}.",
            )


def _kind(value: object) -> str:
    return f"a {type(value).__module__}.{type(value).__qualname__}"
