"""The contract of a plugin that observes events."""

from __future__ import annotations

import copy
import inspect
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTimeError
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from odibi_core.errors import did_you_mean
from odibi_core.loading import PluginManager
from odibi_core.loading.records import describe_error
from odibi_core.plugin import EVENT_ALIASES, EVENT_TYPES, EngineConfig, Event, ProjectConfig
from odibi_core.testing.contract import Contract, plugin_manager, refuse
from odibi_core.testing.processes.threads import frequent_switches
from odibi_core.testing.processes.waiting import noticed_waits
from odibi_core.testing.sample_events import WatchedFrame, make_event, sample_events

if TYPE_CHECKING:
    from odibi_core.events.observers import Observer

__all__ = ["ObserverContract"]

_THREADS = 8
_ROUNDS = 25

_SECONDS = 0.05
"""Seconds that an observer may take for an event, the middle of several calls. A transformation has about ten events
on its own thread, so this is half a second of each; writing a line takes a thousandth of it."""

_HANGING = 5.0
"""Seconds after which one call is not waited for any longer."""

_LONGEST = 60.0
"""Seconds after which threads are taken to wait for each other."""


class ObserverContract(Contract):
    """What every observer keeps to: it looks, quickly and from any thread, and changes nothing.

    Attributes:
        events: The events that it is tested with; by default all that the plugin observes.
        settings: What ``odibi_configure`` is given before the first event, as ``plugins.settings``.
        engine: An installed engine, whose frames it is tested with as well; for observers that know one.

    Example:
        >>> class TestLineage(ObserverContract):
        ...     plugin = "acme_lineage.plugin"
        ...     events = ("post_save",)
    """

    events: ClassVar[Sequence[str]] = ()
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})
    engine: ClassVar[str] = ""

    @pytest.fixture
    def observers(self, manager: PluginManager, tmp_path: Path) -> Iterator[Mapping[str, tuple[Observer, ...]]]:
        """The plugin's observers by event, configured as at the start of a run."""
        found = manager.observers()
        for name in self.events:
            canonical = EVENT_ALIASES.get(name, name)
            if canonical not in found:
                refuse(
                    f"{self.plugin} does not observe {name!r}. It observes: {', '.join(sorted(found)) or 'nothing'}.",
                    advice=did_you_mean(name, EVENT_TYPES) or "Correct `events`, or write the hook.",
                )
        if not found:
            refuse(f"{self.plugin} observes no event.", advice="Write a hook such as odibi_post_save(event).")
        config = ProjectConfig(project="Energy Efficiency", env="qat", root=tmp_path, settings=self.settings)
        manager.configure(config)
        wanted = {EVENT_ALIASES.get(name, name) for name in self.events} or set(found)
        yield {name: those for name, those in found.items() if name in wanted}
        manager.unconfigure(config)

    def test_each_takes_the_event_and_nothing_else(self, observers: Mapping[str, tuple[Observer, ...]]) -> None:
        """Events grow by fields; arguments are never added."""
        for observer in _all(observers):
            arguments = list(inspect.signature(observer.function).parameters)
            if arguments != ["event"]:
                refuse(f"{observer.hook} takes {', '.join(arguments)}.", advice=f"Write {observer.hook}(event).")

    def test_no_event_makes_it_raise(self, observers: Mapping[str, tuple[Observer, ...]]) -> None:
        """Not what is missing, either: rows are None where they would have to be counted, errors where there is none.

        An exception of an observer changes nothing, and is logged and counted in each run.
        """
        for event, observer in _calls(observers):
            error = _raised(observer, event)
            if error is not None:
                refuse(
                    f"{observer.hook} raised {describe_error(error)} for {event}.",
                    advice="Fields may be None, names may hold anything; catch what you expect, where you expect it.",
                )

    def test_events_are_not_changed(self, observers: Mapping[str, tuple[Observer, ...]]) -> None:
        """The next observer gets the same object, and the transformation works with the same frames."""
        for event, observer in _calls(observers):
            before = _snapshot(event)
            _raised(observer, event)
            after = _snapshot(event)
            changed = [field for field in before if before[field] != after[field]]
            changed += [note for frame in _frames(event) for note in frame.noted if "sets" in note or "deletes" in note]
            if changed:
                refuse(
                    f"{observer.hook} changes its event: {', '.join(changed)}.",
                    advice="Observers look. What is to be changed belongs into a transformation or a wrapper of "
                    "odibi_run_transformation.",
                )

    def test_frames_are_not_touched(self, observers: Mapping[str, tuple[Observer, ...]]) -> None:
        """An observer cannot know the engine, and on a lazy one nearly everything starts a computation."""
        for event, observer in _calls(observers):
            error = _raised(observer, event)
            touched = [note for frame in _frames(event) for note in frame.noted if "sets" not in note]
            if touched:
                refuse(
                    f"{observer.hook} touches the frame: {', '.join(dict.fromkeys(touched))}"
                    f"{f' ({describe_error(error)})' if error else ''}.",
                    advice="Use event.rows, which is None where rows would have to be counted; columns, dtypes and "
                    "schema may be looked at.",
                )

    def test_frames_of_an_engine_are_not_changed(
        self, observers: Mapping[str, tuple[Observer, ...]], tmp_path: Path
    ) -> None:
        """What an observer does to a frame of an engine that it knows, it does to the rows that are saved."""
        if not self.engine:
            pytest.skip("the contract names no engine")
        from odibi_core.testing.access.dataset_access import engine_plugin
        from odibi_core.testing.data.comparing import difference
        from odibi_core.testing.data.tables import plain_table

        manager = plugin_manager(engine_plugin(self.engine, beside=self.plugin) or self.plugin)
        engine = manager.load(manager.engine(self.engine))(EngineConfig(project_root=tmp_path))
        try:
            for name, those in observers.items():
                for observer in those:
                    frame = engine.from_arrow(plain_table())
                    _raised(observer, make_event(name, frame=frame))
                    problem = difference(plain_table(), engine.to_arrow(frame))
                    if problem is not None:
                        refuse(
                            f"{observer.hook} changes the frame of {self.engine!r} that it is shown: {problem}.",
                            advice="Observers look. What is to be changed belongs into a transformation.",
                        )
        finally:
            engine.close()

    def test_it_can_be_called_from_several_threads_at_once(self, observers: Mapping[str, tuple[Observer, ...]]) -> None:
        """Transformations run on worker threads, and so do their events."""
        if any(_raised(observer, event) for event, observer in _calls(observers)):
            pytest.skip("it raises on one thread already: test_no_event_makes_it_raise")

        start = threading.Barrier(_THREADS)

        def call(number: int) -> list[str]:
            start.wait(_LONGEST)
            return [
                f"{observer.hook} raised {describe_error(error)}"
                for _ in range(_ROUNDS)
                for event, observer in _calls(observers, run_id=f"20260329T01300{number}-t")
                if (error := _called(observer, event)) is not None
            ]

        pool = ThreadPoolExecutor(_THREADS)
        try:
            with frequent_switches():
                raised = [one for found in pool.map(call, range(_THREADS), timeout=_LONGEST) for one in found]
        except NotInTimeError:
            refuse(f"{_THREADS} threads have not ended after {_LONGEST:g} s.", advice="Do they wait for each other?")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if raised:
            refuse(
                f"Called from {_THREADS} threads at once, {'; '.join(dict.fromkeys(raised))}.",
                advice="Guard what calls share with a threading.Lock, or keep it by run_id and transformation_id.",
            )

    def test_it_waits_for_nothing(self, observers: Mapping[str, tuple[Observer, ...]]) -> None:
        """The transformation waits for its observers: no network, no sleep, no other program on its thread."""
        for event, observer in _calls(observers):
            waits: list[str] = []
            _raised(observer, event, waits=waits)
            if waits:
                refuse(
                    f"{observer.hook} {', '.join(waits)}.",
                    advice="Put the event into a queue, and send from a thread that odibi_unconfigure joins.",
                )

    def test_it_is_quick(self, observers: Mapping[str, tuple[Observer, ...]]) -> None:
        """The middle of several calls, so that one pause of the machine decides nothing."""
        for name, those in observers.items():
            for observer in those:
                seconds = []
                for _ in range(9):
                    event = make_event(name)
                    start = time.perf_counter()
                    _raised(observer, event)
                    seconds.append(time.perf_counter() - start)
                if statistics.median(seconds) > _SECONDS:
                    refuse(
                        f"{observer.hook} takes {statistics.median(seconds):.3f} s; allowed are {_SECONDS}.",
                        advice="Put the event into a queue, and work on a thread that odibi_unconfigure joins.",
                    )


def _all(observers: Mapping[str, tuple[Observer, ...]]) -> Iterator[Observer]:
    for those in observers.values():
        yield from those


def _calls(observers: Mapping[str, tuple[Observer, ...]], **given: Any) -> Iterator[tuple[Event, Observer]]:
    for name, those in observers.items():
        for observer in those:
            for event in sample_events([name]):
                for field, value in given.items():
                    setattr(event, field, value)
                yield event, observer


def _raised(observer: Observer, event: Event, *, waits: list[str] | None = None) -> Exception | None:
    """Call an observer on a thread of its own, which is left to itself if it does not end; note what it waits for."""
    raised: list[Exception | None] = []
    ending: list[BaseException] = []

    def call() -> None:
        with noticed_waits() as noticed:
            try:
                raised.append(_called(observer, event))
            except BaseException as error:  # noqa: BLE001 - one that is to end the program is raised where it is seen
                ending.append(error)
        if waits is not None:
            waits.extend(noticed)

    thread = threading.Thread(target=call, name=f"contract of {observer.hook}", daemon=True)
    thread.start()
    thread.join(_HANGING)
    if thread.is_alive():
        refuse(
            f"{observer.hook} has not returned after {_HANGING:g} s for {event}.",
            advice="The transformation waits as long. Put the event into a queue, and work on a thread that "
            "odibi_unconfigure joins.",
        )
    if ending:
        raise ending[0]
    return raised[0]


def _called(observer: Observer, event: Event) -> Exception | None:
    try:
        observer.function(event)
    except Exception as error:  # noqa: BLE001 - what it raises is told, or looked for, by whoever calls
        return error
    return None


def _snapshot(event: Event) -> dict[str, Any]:
    """Return the fields of an event, copied but for frames, which are who they are."""
    values: dict[str, Any] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name == "frames":
            values[field.name] = {name: id(frame) for name, frame in value.items()}
        elif field.name == "frame":
            values[field.name] = id(value)
        else:
            values[field.name] = copy.deepcopy(value)
    return values


def _frames(event: Event) -> list[WatchedFrame]:
    found = [getattr(event, "frame", None), *getattr(event, "frames", {}).values()]
    return [frame for frame in found if isinstance(frame, WatchedFrame)]
