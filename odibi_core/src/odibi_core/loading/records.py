"""What is known of each installed plugin: its state, the reason for it, and what it provides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["PluginAccident", "PluginRecord", "PluginState", "canonical_name", "describe_error"]

_LONGEST_ERROR = 400


class PluginState(StrEnum):
    """How far a plugin has come.

    Example:
        >>> PluginState("failed") is PluginState.FAILED
        True
    """

    FOUND = "found"
    """Its entry point was seen; nothing of it has been imported."""
    BLOCKED = "blocked"
    """Somebody said that it must not be imported."""
    INCOMPATIBLE = "incompatible"
    """It needs another kernel, or a library that is missing or of another version; it was not imported."""
    FAILED = "failed"
    """It could not be imported, or broke the rules of a hook; nothing of it is in use."""
    ACTIVE = "active"
    """It is in use."""


@dataclass(slots=True)
class PluginRecord:
    """One plugin, as ``odibi plugins list`` shows it.

    Args:
        name: The name of its entry point, or the one it was registered with.
        distribution: The distribution it came from; empty for a plugin that was registered by hand.
        version: The distribution's version; empty if there is none.
        entry_point: The registration module, such as ``"odibi_sinks.plugin"``.
        state: How far it has come.
        reason: Why it is in this state, or what is odd about it; empty if there is nothing to say.
        provides: What it provides, sorted: ``"engine pandas"``, ``"reader pandas/csv"``, ``"hook odibi_layer_start"``.

    Example:
        >>> PluginRecord("sinks", "odibi-sinks", "0.1.0", "odibi_sinks.plugin").describe()
        "'sinks' (odibi-sinks 0.1.0)"
    """

    name: str
    distribution: str
    version: str
    entry_point: str
    state: PluginState = PluginState.FOUND
    reason: str = ""
    provides: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return the name with where it came from, for messages."""
        origin = f"{self.distribution} {self.version}".strip()
        return f"{self.name!r} ({origin or 'registered by hand'})"

    def to_dict(self) -> dict[str, Any]:
        """Return the record as ``odibi plugins list --json`` prints it."""
        return {
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "state": self.state.value,
            "reason": self.reason,
            "provides": list(self.provides),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginAccident:
    """A configure hook that raised; the run went on.

    Args:
        plugin: The plugin's name.
        distribution: The distribution it came from.
        hook: The hook.
        error: The exception's type and message.
    """

    plugin: str
    distribution: str
    hook: str
    error: str


def canonical_name(name: str) -> str:
    """Return a distribution's or plugin's name in the one spelling that is compared (PEP 503).

    Example:
        >>> canonical_name(" Odibi_Engine.Pandas ")
        'odibi-engine-pandas'
    """
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def describe_error(error: BaseException) -> str:
    r"""Return an exception's type and message on one line, cut to a length that a table can show.

    Example:
        >>> describe_error(ValueError("no such\n  thing"))
        'ValueError: no such thing'
    """
    try:
        message = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - a plugin's exception may be unable to show itself; its type still can
        message = "(its message cannot be shown)"
    if len(message) > _LONGEST_ERROR:
        message = f"{message[:_LONGEST_ERROR]}..."
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
