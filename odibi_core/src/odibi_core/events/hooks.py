"""The hooks of a user: callbacks for events, with filters."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_args, overload

from odibi_core.diagnostics import describe_error, get_logger
from odibi_core.errors import ConfigError, UnknownEventError, did_you_mean
from odibi_core.events.callbacks import Callback, OnErrorPolicy, ReadOnlyPayload, compile_filters, name_of
from odibi_core.plugin import EVENT_ALIASES, EVENT_TYPES

__all__ = ["HookManager"]

F = TypeVar("F", bound=Callable[..., object])

_log = get_logger("events")
_NO_FILTERS: Final[Mapping[str, Any]] = MappingProxyType({})


class HookManager:
    """Callbacks for the events of a run, and for events of your own.

    A callback gets one argument, the event's payload: a dictionary that it cannot change. Callbacks are called in the
    order in which they were registered, during a run on the thread where the event happens, so from several threads at
    once. Registering, also from within a callback, is safe at any time; what is registered while an event is on its way
    gets the next one.

    During a run an ``AssertionError`` (a `DataQualityError` is one) is a verdict: the transformation fails. Any other
    exception is an accident: it is logged and counted, and changes nothing. ``on_error="fail"`` makes every exception
    of a callback a verdict, ``on_error="log"`` makes every one an accident.

    Example:
        >>> hooks = HookManager()
        >>> @hooks.on("transform_success", filters={"layer": "silver"})
        ... def report(payload):
        ...     print(payload["transformation_id"], payload["duration_seconds"])
        >>> hooks.emit("transform_success", {"layer": "Silver", "transformation_id": "t1", "duration_seconds": 0.5})
        t1 0.5
    """

    __slots__ = ("_callbacks", "_declared", "_lock", "listeners")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: tuple[Callback, ...] = ()
        self._declared: Mapping[str, frozenset[str]] = {}
        # Never changed, only replaced, so that whoever reads it needs neither lock nor copy.
        self.listeners: Mapping[str, tuple[Callback, ...]] = {}

    @overload
    def on(
        self,
        event: str,
        callback: None = None,
        *,
        filters: Mapping[str, Any] | None = None,
        on_error: OnErrorPolicy | None = None,
    ) -> Callable[[F], F]: ...
    @overload
    def on(
        self,
        event: str,
        callback: F,
        *,
        filters: Mapping[str, Any] | None = None,
        on_error: OnErrorPolicy | None = None,
    ) -> F: ...
    def on(
        self,
        event: str,
        callback: F | None = None,
        *,
        filters: Mapping[str, Any] | None = None,
        on_error: OnErrorPolicy | None = None,
    ) -> F | Callable[[F], F]:
        """Register a callback, as a decorator or as a call.

        Args:
            event: An event's name, an alias of one, or a name that was declared.
            callback: What to call with the payload; leave it out to decorate.
            filters: By key of the payload: a value, a set, tuple or list of values, or a predicate on the value. All
                must hold. ``layer``, ``engine``, ``project`` and ``env`` match without regard to case.
            on_error: ``"fail"`` or ``"log"`` for every exception of it; None leaves that to the exception's type.

        Returns:
            The callback, unchanged.

        Raises:
            UnknownEventError: There is no such event, or it has no such key.
            TypeError: The callback cannot be called with one argument, or is ``async``.

        Example:
            >>> hooks = HookManager()
            >>> hooks.on("layer_end", print, filters={"status": ("failed", "skipped")}) is print
            True
        """
        if callback is None:
            # Checked here as well: an error belongs to the line of the decorator.
            self._check(event, filters, on_error)
            return lambda decorated: self.on(event, decorated, filters=filters, on_error=on_error)
        canonical = self._check(event, filters, on_error)
        _check_callback(callback, event)
        wanted = MappingProxyType(dict(filters)) if filters else _NO_FILTERS
        entry = Callback(
            event=event,
            canonical=canonical,
            function=callback,
            filters=wanted,
            matches=compile_filters(wanted),
            on_error=on_error,
        )
        with self._lock:
            self._callbacks = (*self._callbacks, entry)
            self.listeners = {**self.listeners, canonical: (*self.listeners.get(canonical, ()), entry)}
        return callback

    @overload
    def register(
        self, event: str, callback: None = None, filters: Mapping[str, Any] | None = None
    ) -> Callable[[F], F]: ...
    @overload
    def register(self, event: str, callback: F, filters: Mapping[str, Any] | None = None) -> None: ...
    def register(
        self, event: str, callback: F | None = None, filters: Mapping[str, Any] | None = None
    ) -> Callable[[F], F] | None:
        """Register a callback in the way of odibi_de_v2; without one, return a decorator.

        Args:
            event: An event's name, an alias of one, or a name that was declared.
            callback: What to call with the payload.
            filters: As for `on`.

        Raises:
            UnknownEventError: There is no such event, or it has no such key.

        Example:
            >>> hooks = HookManager()
            >>> hooks.register("layer_start", print, {"layer": "Silver_1"})
        """
        if callback is None:
            return self.on(event, filters=filters)
        self.on(event, callback, filters=filters)
        return None

    def declare(self, event: str, *keys: str) -> None:
        """Declare an event of your own, so that callbacks can be registered for it.

        Args:
            event: Its name; declaring it again adds keys.
            keys: What filters may name. Without any, nothing is known about its payload and a filter may name anything.

        Raises:
            ConfigError: The name is empty, or an event of Odibi has it.

        Example:
            >>> hooks = HookManager()
            >>> hooks.declare("data_quality_check", "table", "score")
            >>> hooks.register("data_quality_check", lambda payload: print(payload["score"]), {"table": "sales"})
            >>> hooks.emit("data_quality_check", {"table": "sales", "score": 0.98})
            0.98
        """
        if not event.strip():
            raise ConfigError("An event needs a name, such as 'data_quality_check'.")
        if event in EVENT_TYPES or event in EVENT_ALIASES:
            raise ConfigError(f"{event!r} is an event of Odibi and needs no declaration. Choose another name.")
        with self._lock:
            known = self._declared.get(event, frozenset())
            self._declared = {**self._declared, event: known.union(keys)}

    def emit(self, event: str, payload: Mapping[str, Any]) -> None:
        """Call the callbacks of an event now; what one raises reaches the caller, as in v2, and ends the round.

        During a run the kernel emits its events by itself. This is for events of your own and for trying callbacks out.

        Args:
            event: An event's name; if no callback is registered for it, nothing happens.
            payload: What to show the callbacks; each sees it read-only.

        Example:
            >>> hooks = HookManager()
            >>> hooks.emit("nobody_listens", {"rows": 3})
        """
        callbacks = self.listeners.get(EVENT_ALIASES.get(event, event))
        if not callbacks:
            return
        shown = ReadOnlyPayload(payload)
        for callback in callbacks:
            try:
                if callback.matches is None or callback.matches(shown):
                    callback.function(shown)
            except Exception as error:
                if callback.on_error != "log":
                    raise
                _log.warning(
                    "hook failed", event_name=event, hook=name_of(callback.function), error=describe_error(error)
                )

    def list_hooks(self) -> dict[str, list[dict[str, Any]]]:
        """Return what is registered: by event, as it was written, the callbacks with their filters.

        Example:
            >>> hooks = HookManager()
            >>> hooks.register("layer_end", print, {"layer": "Gold"})
            >>> hooks.list_hooks()
            {'layer_end': [{'callback': <built-in function print>, 'filters': {'layer': 'Gold'}}]}
        """
        listed: dict[str, list[dict[str, Any]]] = {}
        for entry in self._callbacks:
            listed.setdefault(entry.event, []).append({"callback": entry.function, "filters": dict(entry.filters)})
        return listed

    def unregister(self, event: str, callback: Callable[..., object]) -> bool:
        """Take a callback back, wherever it is registered for this event.

        Args:
            event: The event, by its name or an alias.
            callback: What was registered.

        Returns:
            Whether it was registered.
        """
        canonical = EVENT_ALIASES.get(event, event)
        with self._lock:
            kept = tuple(x for x in self._callbacks if x.canonical != canonical or x.function != callback)
            was_registered = len(kept) < len(self._callbacks)
            self._callbacks = kept
            listeners = {
                **self.listeners,
                canonical: tuple(x for x in kept if x.canonical == canonical),
            }
            self.listeners = {event: those for event, those in listeners.items() if those}
        return was_registered

    def clear(self) -> None:
        """Take all callbacks back; declared events stay declared."""
        with self._lock:
            self._callbacks = ()
            self.listeners = {}

    def _check(self, event: str, filters: Mapping[str, Any] | None, on_error: OnErrorPolicy | None) -> str:
        canonical = EVENT_ALIASES.get(event, event)
        if on_error is not None and on_error not in get_args(OnErrorPolicy):
            raise ConfigError(f"on_error={on_error!r} for event {event!r}: it is None, 'fail' or 'log'.")
        if canonical in EVENT_TYPES:
            keys: Iterable[str] | None = EVENT_TYPES[canonical].payload_keys()
        elif canonical in self._declared:
            keys = self._declared[canonical] or None
        else:
            raise UnknownEventError(self._unknown_event(event))
        for key in filters or ():
            if keys is not None and key not in keys:
                choices = f"It has: {', '.join(sorted(keys))}. {did_you_mean(str(key), keys)}".rstrip()
                raise UnknownEventError(f"Event {event!r} has no key {key!r} to filter by. {choices}")
        return canonical

    def _unknown_event(self, event: str) -> str:
        known = sorted({*EVENT_TYPES, *EVENT_ALIASES, *self._declared})
        hint = did_you_mean(str(event), known) or f"There are: {', '.join(known)}."
        return f"There is no event {event!r}. {hint} An event of your own is declared first: hooks.declare({event!r})."


def _check_callback(callback: Any, event: str) -> None:
    if not callable(callback):
        raise TypeError(f"The callback for event {event!r} is {callback!r}, which cannot be called.")
    called = callback if inspect.isroutine(callback) else getattr(callback, "__call__", callback)  # noqa: B004  # its kind is asked for, not its presence
    if inspect.iscoroutinefunction(called) or inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
        raise TypeError(
            f"The callback {name_of(callback)} for event {event!r} is async or a generator; its body would never run. "
            "Write a plain function."
        )
    try:
        signature = inspect.signature(callback)
    except ValueError:
        return  # some functions written in C do not tell
    try:
        signature.bind({})
    except TypeError:
        raise TypeError(
            f"The callback {name_of(callback)}{signature} for event {event!r} is called with one argument, "
            "the payload; payload['event'] is the event's name."
        ) from None
