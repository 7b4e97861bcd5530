"""Run hooks of plugins with a clock in them: what each takes itself, without what it wraps."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, Final, TypeAlias

from odibi_core.loading.records import PluginRecord

__all__ = ["Charge", "charged", "charging"]

Charge: TypeAlias = Callable[[PluginRecord, float, Exception | None], None]
"""Told of each call of a plugin's run hook: whose, how many seconds, and what it raised."""

_charge: ContextVar[Charge | None] = ContextVar("odibi_charge", default=None)
_clock: Final = time.perf_counter


@contextmanager
def charging(charge: Charge | None) -> Iterator[None]:
    """Tell of the run hooks that are called on this thread inside the block.

    Args:
        charge: What is told; None tells nobody.
    """
    token = _charge.set(charge)
    try:
        yield
    finally:
        _charge.reset(token)


def charged(function: Callable[..., Any], *, record: PluginRecord, is_wrapper: bool) -> Callable[..., Any]:
    """Return an implementation of a run hook that does the same and tells what it took, if anybody wants to know.

    Args:
        function: The implementation.
        record: Its plugin.
        is_wrapper: Whether it is a generator around the hook's other implementations.
    """
    return _charged_wrapper(function, record) if is_wrapper else _charged_answer(function, record)


def _charged_answer(function: Callable[..., Any], record: PluginRecord) -> Callable[..., Any]:
    @wraps(function)
    def answered(*arguments: Any) -> Any:
        charge, began, raised = _charge.get(), _clock(), None
        try:
            return function(*arguments)
        except Exception as error:
            raised = error
            raise
        finally:
            if charge is not None:
                charge(record, _clock() - began, raised)

    return answered


def _charged_wrapper(
    function: Callable[..., Generator[Any, Any, Any]], record: PluginRecord
) -> Callable[..., Generator[Any, Any, Any]]:
    @wraps(function)
    def wrapped(*arguments: Any) -> Generator[Any, Any, Any]:
        charge = _charge.get()
        if charge is None:
            return (yield from function(*arguments))
        generator, began = function(*arguments), _clock()
        try:
            yielded = next(generator)
        except StopIteration as done:
            # It never yields, of which pluggy complains as ever.
            return done.value
        except Exception as error:
            charge(record, _clock() - began, error)
            raise
        spent, passing = _clock() - began, None
        try:
            result = yield yielded
        except BaseException as error:  # noqa: BLE001 - handed on to the wrapper, which raises it again or does not
            passing = error
            resume: Callable[[], Any] = partial(generator.throw, error)
        else:
            resume = partial(generator.send, result)
        began = _clock()
        try:
            again = resume()
        except StopIteration as done:
            charge(record, spent + _clock() - began, None)
            return done.value
        except Exception as error:
            # What only passes through is an error of what it wraps.
            charge(record, spent + _clock() - began, None if error is passing else error)
            raise
        # It yields twice, of which pluggy complains as ever.
        return (yield again)

    return wrapped
