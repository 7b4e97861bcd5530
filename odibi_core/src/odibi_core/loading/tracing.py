"""Shows every hook call on standard error if ``ODIBI_TRACE_HOOKS=1``: names and types, never values.

A value may be a frame of a million rows, which takes 90 ms to format for each call, or a secret.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import pluggy

from odibi_core.loading.hooks import HookKind
from odibi_core.loading.implementations import Implementations

__all__ = ["is_tracing", "trace_implementations", "trace_run_hooks"]


def is_tracing() -> bool:
    """Return whether ``ODIBI_TRACE_HOOKS`` asks for a trace."""
    return os.environ.get("ODIBI_TRACE_HOOKS", "").strip() == "1"


def trace_run_hooks(manager: pluggy.PluginManager) -> None:
    """Trace the hooks that pluggy calls.

    Args:
        manager: The pluggy manager.
    """

    def before(hook: str, implementations: Sequence[pluggy.HookImpl], arguments: Mapping[str, Any]) -> None:
        by = ", ".join(one.plugin_name for one in reversed(implementations))
        _write(f"{hook} in {by} takes ({', '.join(map(_name, arguments.values()))})")

    def after(
        outcome: pluggy.Result[Any], hook: str, implementations: Sequence[pluggy.HookImpl], arguments: Mapping[str, Any]
    ) -> None:
        del implementations, arguments
        error = outcome.exception
        _write(f"{hook} {'returned ' + _name(outcome.get_result()) if error is None else 'raised ' + _name(error)}")

    manager.add_hookcall_monitoring(before, after)


def trace_implementations(implementations: Implementations) -> Implementations:
    """Return implementations that trace those of their calls that the kernel makes itself, past pluggy.

    Args:
        implementations: One plugin's implementations.
    """
    traced = tuple(
        one if one.hook.kind is HookKind.RUN else replace(one, function=_trace(one.function, hook=one.hook.name))
        for one in implementations
    )
    return Implementations(traced, unknown=implementations.unknown)


def _trace(function: Callable[..., Any], *, hook: str) -> Callable[..., Any]:
    where = f"{hook} in {function.__module__}"

    @wraps(function)
    def traced(*arguments: Any) -> Any:
        _write(f"{where} takes ({', '.join(map(_name, arguments))})")
        try:
            result = function(*arguments)
        except BaseException as error:
            _write(f"{where} raised {_name(error)}")
            raise
        _write(f"{where} returned {_name(result)}")
        return result

    return traced


def _name(value: object) -> str:
    return type(value).__name__


def _write(line: str) -> None:
    sys.stderr.write(f"odibi hook: {line}\n")
