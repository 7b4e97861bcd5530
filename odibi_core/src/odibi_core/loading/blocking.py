"""Which plugins must not be imported, because somebody said so: decided from their names alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from odibi_core.loading.records import PluginRecord, canonical_name
from odibi_core.loading.settings import PluginSettings

__all__ = ["names_of", "why_blocked"]


def why_blocked(records: Sequence[PluginRecord], *, settings: PluginSettings) -> list[str]:
    """Return for each plugin why it must not be imported; an empty string if it may be.

    Args:
        records: All plugins that there are: what a name stands for depends on the others.
        settings: What is blocked and what is allowed.

    Returns:
        The reasons, in the order of the records.
    """
    claims = _claims(records)
    return [
        _disabled(record, settings) or _not_among(record, settings) or _not_allowed(record, settings, claims)
        for record in records
    ]


def names_of(record: PluginRecord) -> set[str]:
    """Return the names by which settings know a plugin: its own and its distribution's, in one spelling."""
    return {canonical_name(record.name), canonical_name(record.distribution)} - {""}


def _disabled(record: PluginRecord, settings: PluginSettings) -> str:
    disabled = sorted(names_of(record) & settings.disable)
    if not disabled:
        return ""
    return f"disabled as {disabled[0]!r}, by ODIBI_PLUGINS_DISABLE or by `plugins.disable` of the manifest"


def _not_among(record: PluginRecord, settings: PluginSettings) -> str:
    if settings.only is None or names_of(record) & settings.only:
        return ""
    allowed = ", ".join(sorted(settings.only)) or "none"
    return f"not among the plugins that are allowed ({allowed}), by ODIBI_PLUGINS_ONLY, `plugins.only` or --no-plugins"


def _not_allowed(record: PluginRecord, settings: PluginSettings, claims: Mapping[str, frozenset[str]]) -> str:
    name, distribution = canonical_name(record.name), canonical_name(record.distribution)
    if settings.allow is None or distribution in settings.allow:
        return ""
    if name not in settings.allow:
        return f"the manifest's `plugins.allow` does not name it ({', '.join(sorted(settings.allow)) or 'nothing'})"
    # A name that anybody can give an entry point must not let in more than the one plugin that was meant.
    others = sorted(claims[name] - {distribution})
    if not others:
        return ""
    return (
        f"the manifest's `plugins.allow` names {name!r}, which {', '.join(others)} has too; "
        f"name the distribution that is meant, such as {distribution!r}"
    )


def _claims(records: Iterable[PluginRecord]) -> Mapping[str, frozenset[str]]:
    """Return by each name the distributions that it may stand for."""
    claims: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for name in names_of(record):
            claims[name].add(canonical_name(record.distribution))
    return {name: frozenset(distributions) for name, distributions in claims.items()}
