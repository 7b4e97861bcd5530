"""What to say when nothing installed provides a name: what there is, what was meant, what to install."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from odibi_core.loading.records import PluginRecord, PluginState, canonical_name
from odibi_core.loading.requirements import pip_install

__all__ = ["FIRST_PARTY", "explain_not_found", "explain_unknown_format"]

FIRST_PARTY: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "engine": {
            "pandas": "odibi-engine-pandas",
            "polars": "odibi-engine-polars",
            "spark": "odibi-engine-spark",
        },
        "log sink": {"delta": "odibi-sinks[delta]", "file": "odibi-sinks", "sql": "odibi-sinks[sql]"},
        "reader": {"delta": "odibi-sinks[delta]", "sql": "odibi-sinks"},
        "saver": {"delta": "odibi-sinks[delta]", "sql": "odibi-sinks"},
        "config store": {"sql": "odibi-sinks"},
    }
)
"""By kind and name, the distribution of ours that provides it, with the extra that it needs; for readers and savers the
name is the format."""

_FIRST_ENGINE: Final = "odibi-engine-pandas"
_BROKEN: Final = frozenset({PluginState.FAILED, PluginState.INCOMPATIBLE})
_MOST_LISTED: Final = 40


def explain_not_found(kind: str, name: str, *, installed: Iterable[str], records: Iterable[PluginRecord]) -> str:
    """Return why a name was not found and what to do.

    Args:
        kind: Such as ``"engine"``.
        name: What was asked for.
        installed: The names that there are.
        records: Every plugin, to quote those that are not in use.

    Example:
        >>> explain_not_found("engine", "sprak", installed=["pandas"], records=[])
        "Engine 'sprak' not found. Installed: pandas. Did you mean 'spark'? It needs: pip install odibi-engine-spark"
    """
    installed, records = sorted(installed), tuple(records)
    there_is = f"Installed: {_listed(installed)}." if installed else f"No {kind} is installed."
    advice = _advise(name, kind=kind, there=installed, records=records, related=())
    if kind == "engine" and not installed and _nearest(name, FIRST_PARTY[kind]) == "":
        advice += _say_what_to_install("The one to start with", _FIRST_ENGINE, records)
    return " ".join([f"{kind.capitalize()} {name!r} not found.", there_is, *advice])


def explain_unknown_format(
    kind: str, format_: str, *, engine: str, formats: Iterable[str], records: Iterable[PluginRecord]
) -> str:
    """Return why there is no reader or saver of a format for an engine, and what to do.

    Args:
        kind: ``"reader"`` or ``"saver"``.
        format_: The format that was asked for.
        engine: The engine.
        formats: The formats that the engine has.
        records: Every plugin, to quote those that are not in use.

    Example:
        >>> explain_unknown_format("reader", "cvs", engine="pandas", formats=["csv"], records=[])
        "No reader for format 'cvs' on engine 'pandas'. It has: csv. Did you mean 'csv'?"
    """
    formats, records = sorted(formats), tuple(records)
    has = f"It has: {_listed(formats)}." if formats else f"No {kind} is installed for it."
    advice = _advise(format_, kind=kind, there=formats, records=records, related=(engine,))
    return " ".join([f"No {kind} for format {format_!r} on engine {engine!r}.", has, *advice])


def _advise(
    name: str, *, kind: str, there: list[str], records: tuple[PluginRecord, ...], related: tuple[str, ...]
) -> list[str]:
    """Say what was meant, what is broken, and what to install."""
    first_party = FIRST_PARTY.get(kind, {})
    meant = _nearest(name, [*there, *first_party])
    advice = [f"Did you mean {meant!r}?"] if meant not in {"", name} else []
    needed = first_party[meant] if meant and meant not in there else ""
    advice += _quote(records, [name, meant, *related, _without_extras(needed)])
    if needed:
        advice += _say_what_to_install("It needs", needed, records)
    return advice


def _nearest(name: str, choices: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name.strip().casefold(), sorted(set(choices)), n=1, cutoff=0.6)), "")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more


def _quote(records: Iterable[PluginRecord], words: Iterable[str]) -> list[str]:
    """Quote every broken plugin, since any may have provided the name, and the blocked ones that are named like it."""
    words = [part for word in words for part in canonical_name(word).split("/") if part]
    quoted = []
    for record in records:
        names = f"{canonical_name(record.name)} {canonical_name(record.distribution)}"
        is_blocked_one = record.state is PluginState.BLOCKED and any(word in names for word in words)
        if record.state in _BROKEN or is_blocked_one:
            quoted.append(f"Plugin {record.describe()} is {record.state}: {record.reason}.")
    return quoted


def _say_what_to_install(lead: str, distribution: str, records: Iterable[PluginRecord]) -> list[str]:
    name = _without_extras(distribution)
    states = {record.state for record in records if canonical_name(record.distribution) == name}
    if not states:
        return [f"{lead}: {pip_install(distribution)}"]
    if PluginState.ACTIVE in states:
        return [f"A newer {name} may have it: {pip_install(distribution, upgrade=True)}"]
    # It is installed and was quoted with the reason why it is not in use.
    return []


def _without_extras(distribution: str) -> str:
    return distribution.partition("[")[0]
