"""The dispatch table: from an event of the kernel to everybody who listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from odibi_core.diagnostics import describe_error, error_location, get_logger
from odibi_core.events.callbacks import Callback, ReadOnlyPayload, name_of
from odibi_core.events.hooks import HookManager
from odibi_core.events.observers import Observer
from odibi_core.plugin import Event

__all__ = ["Accident", "Dispatcher", "is_verdict"]

_log = get_logger("events")
_VERDICT: Final = "_odibi_verdict"
_NO_OBSERVERS: Final[Mapping[str, tuple[Observer, ...]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Accident:
    """An exception in a listener that changed nothing.

    Args:
        event: The event's name.
        source: The plugin, or the callback's name.
        error: The error's type and message, secrets masked.
    """

    event: str
    source: str
    error: str


class Dispatcher:
    """Calls plugin observers and a user's callbacks; one per run, used from all its threads.

    Args:
        observers: By event name, the plugins' observers in the order in which they are called.
        hooks: The user's hooks; what is registered there later is heard from the next event on.

    Example:
        >>> from odibi_core.plugin import LayerStart
        >>> hooks = HookManager()
        >>> hooks.register("layer_start", lambda payload: print("start of", payload["layer"]))
        >>> dispatcher = Dispatcher(hooks=hooks)
        >>> if dispatcher.listens("layer_start"):
        ...     dispatcher.dispatch(LayerStart(run_id="r", project="P", env="qat", engine="pandas", layer="Gold"))
        start of Gold
    """

    __slots__ = ("_accidents", "_hooks", "_observers")

    def __init__(
        self, *, observers: Mapping[str, tuple[Observer, ...]] = _NO_OBSERVERS, hooks: HookManager | None = None
    ) -> None:
        self._observers = {event: tuple(those) for event, those in observers.items() if those}
        self._hooks = HookManager() if hooks is None else hooks
        self._accidents: list[Accident] = []

    @property
    def accidents(self) -> tuple[Accident, ...]:
        """What went wrong in listeners so far without changing anything."""
        return tuple(self._accidents)

    def listens(self, name: str) -> bool:
        """Return whether anybody listens to an event, so that it is worth being built.

        Args:
            name: The event's own name, no alias.
        """
        return name in self._observers or name in self._hooks.listeners

    def dispatch(self, event: Event) -> None:
        """Call everybody who listens to an event: plugin observers first, then callbacks, all of them.

        Args:
            event: What happened.

        Raises:
            Exception: A verdict, after everybody was called; the first one if there are several. It is what a callback
                raised: an ``AssertionError``, or anything if the callback has ``on_error="fail"``.
        """
        name = event.name
        for observer in self._observers.get(name, ()):
            try:
                observer.function(event)
            except Exception as error:  # noqa: BLE001  # observers are isolated from the run and each other
                self._observer_accident(observer, name, error)
        callbacks = self._hooks.listeners.get(name)
        if not callbacks:
            return
        payload = ReadOnlyPayload(event.payload())
        verdict: Exception | None = None
        for callback in callbacks:
            try:
                if callback.matches is None or callback.matches(payload):
                    callback.function(payload)
            except Exception as error:  # noqa: BLE001  # a verdict waits until everybody was called
                if not _means_it(callback, error):
                    self._callback_accident(callback, error)
                elif verdict is None:
                    verdict = error
                else:
                    verdict.add_note(f"also, from {name_of(callback.function)}: {describe_error(error)}")
        if verdict is not None:
            verdict.__dict__[_VERDICT] = True
            raise verdict

    def _observer_accident(self, observer: Observer, event: str, error: Exception) -> None:
        self._note(event, observer.plugin, error, plugin=observer.plugin, hook=observer.hook)

    def _callback_accident(self, callback: Callback, error: Exception) -> None:
        name = name_of(callback.function)
        self._note(callback.canonical, name, error, hook=name)

    def _note(self, event: str, source: str, error: Exception, **names: str) -> None:
        accident = Accident(event, source, describe_error(error))
        self._accidents.append(accident)
        at = error_location(error)
        _log.warning("observer failed", event_name=event, **names, error=accident.error, at=at)
        _log.debug("traceback of the failed observer", event_name=event, **names, exc_info=error)


def is_verdict(error: BaseException) -> bool:
    """Return whether an exception is a callback's verdict: final, whatever its type says about trying again.

    Args:
        error: An exception that was caught.

    Example:
        >>> is_verdict(ConnectionError("a wire was cut"))
        False
    """
    return _VERDICT in error.__dict__


def _means_it(callback: Callback, error: Exception) -> bool:
    if callback.on_error is None:
        return isinstance(error, AssertionError)
    return callback.on_error == "fail"
