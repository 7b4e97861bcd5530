"""A registered callback, its precompiled filters, and the payload that it is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn, TypeAlias

__all__ = ["Callback", "OnErrorPolicy", "Payload", "ReadOnlyPayload", "compile_filters", "name_of"]

OnErrorPolicy: TypeAlias = Literal["fail", "log"]
Payload: TypeAlias = Mapping[str, Any]
PayloadTest: TypeAlias = Callable[[Payload], object]

# What users write in another case than the manifest does, and mean the same.
_FOLDED_KEYS: Final = frozenset({"layer", "engine", "project", "env"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Callback:
    """One callback, registered for one event.

    Args:
        event: The event as the user wrote it, perhaps an alias.
        canonical: The event's own name.
        function: What is called, with a `ReadOnlyPayload`.
        filters: The filters as the user wrote them.
        matches: The filters, compiled; None if there are none.
        on_error: What an exception of it means; None leaves that to the exception's type.
    """

    event: str
    canonical: str
    function: Callable[[Payload], object]
    filters: Mapping[str, Any]
    matches: PayloadTest | None
    on_error: OnErrorPolicy | None


class ReadOnlyPayload(dict[str, Any]):
    """What a callback is called with: a dictionary of its own that cannot be changed.

    It is a real ``dict``, so ``json.dumps(payload)`` and ``{**payload, "seen": True}`` work as they did in v2; a copy
    of it is an ordinary dictionary.

    Example:
        >>> payload = ReadOnlyPayload({"layer": "Silver"})
        >>> payload["layer"] = "Gold"
        Traceback (most recent call last):
            ...
        TypeError: a hook's payload is read-only; take dict(payload) to work on a copy
        >>> payload.copy()
        {'layer': 'Silver'}
    """

    __slots__ = ()

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("a hook's payload is read-only; take dict(payload) to work on a copy")

    __setitem__ = _refuse
    __delitem__ = _refuse
    __ior__ = _refuse
    clear = _refuse
    pop = _refuse
    popitem = _refuse
    setdefault = _refuse
    update = _refuse

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)


def name_of(function: object) -> str:
    """Return what to call a callback in a message, such as ``"checks.schema_check"``.

    Example:
        >>> name_of(functools.partial(print, end=""))
        'builtins.print'
    """
    while isinstance(function, functools.partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{getattr(named, '__module__', None) or '?'}.{getattr(named, '__qualname__', '?')}"


def compile_filters(filters: Mapping[str, Any]) -> PayloadTest | None:
    """Return one test for all of a callback's filters, true where they hold; None if there are none.

    Args:
        filters: By key of the payload: a value (equality), a set, frozenset, tuple or list of values (membership), or a
            callable (a predicate on the value). All must hold. ``layer``, ``engine``, ``project`` and ``env`` are
            compared without regard to case.

    Example:
        >>> test = compile_filters({"layer": {"silver", "gold"}, "duration_seconds": lambda seconds: seconds > 60})
        >>> test({"layer": "Silver", "duration_seconds": 61.5}), test({"layer": "Bronze", "duration_seconds": 61.5})
        (True, False)
    """
    tests = tuple(_compile(key, wanted) for key, wanted in filters.items())
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]

    def all_hold(payload: Payload) -> bool:
        for test in tests:  # noqa: SIM110  # all() costs a generator, on the hot path
            if not test(payload):
                return False
        return True

    return all_hold


def _compile(key: str, wanted: Any) -> PayloadTest:
    if callable(wanted):
        return lambda payload: key in payload and wanted(payload[key])
    if isinstance(wanted, set | frozenset | tuple | list):
        fold = _fold if key in _FOLDED_KEYS else _keep
        return _membership(key, tuple(fold(value) for value in wanted), fold)
    if key not in _FOLDED_KEYS:
        return lambda payload: payload.get(key) == wanted
    folded = _fold(wanted)

    def equals(payload: Payload) -> object:
        value = payload.get(key)
        # Most users spell a layer as the manifest does; folding it costs as much again as the rest of the test.
        return value == wanted or _fold(value) == folded

    return equals


def _membership(key: str, values: tuple[Any, ...], fold: Callable[[Any], Any]) -> PayloadTest:
    try:
        hashed = frozenset(values)
    except TypeError:
        return lambda payload: fold(payload.get(key)) in values

    def is_member(payload: Payload) -> bool:
        value = fold(payload.get(key))
        try:
            return value in hashed
        except TypeError:
            # A custom payload may hold a list, which has no hash, so it equals none of them.
            return False

    return is_member


def _fold(value: Any) -> Any:
    return _fold_text(value) if isinstance(value, str) else value


@functools.lru_cache(maxsize=256)
def _fold_text(text: str) -> str:
    return text.strip().casefold()


def _keep(value: Any) -> Any:
    return value
