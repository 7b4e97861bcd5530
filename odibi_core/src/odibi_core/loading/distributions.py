"""Level 0 of discovery: which plugins are installed, read from metadata alone.

Only the metadata of distributions that list a plugin, and of what those require, is opened: in an environment of 400
distributions reading all of them takes 70 ms, reading ours takes one or two.
"""

from __future__ import annotations

import email
import importlib.metadata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import Distribution, EntryPoint

from odibi_core.diagnostics import get_logger
from odibi_core.loading.records import PluginRecord, canonical_name, describe_error
from odibi_core.plugin import ENTRY_POINT_GROUP

__all__ = ["FoundPlugin", "InstalledDistributions", "find_plugins"]

_log = get_logger("loading")


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """The part of a distribution's metadata that matters to a loader."""

    name: str
    version: str = ""
    requires: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlugin:
    """An entry point of the group ``odibi.plugins``, not imported.

    Args:
        record: Its record, in the state ``found``.
        module: The registration module; empty if there is a problem.
        requires: The requirements of its distribution, as the metadata states them.
        problem: Why it cannot be imported, if that is known already.
    """

    record: PluginRecord
    module: str
    requires: tuple[str, ...]
    problem: str = ""


@dataclass(slots=True)
class InstalledDistributions:
    """What is installed, each distribution read at most once.

    Made for one discovery and thrown away, because in a notebook the next cell may install something.
    """

    _known: dict[str, Headers | None] = field(default_factory=dict)

    def headers(self, name: str) -> Headers | None:
        """Return a distribution's headers, or None if it is not installed.

        Args:
            name: The distribution's name, in any spelling.
        """
        key = canonical_name(name)
        if key not in self._known:
            try:
                headers = _read_headers(importlib.metadata.distribution(name))
            except (importlib.metadata.PackageNotFoundError, ValueError):
                # ValueError: an empty name, or metadata that is not text.
                headers = None
            self._known[key] = headers if headers is not None and headers.version else None
        return self._known[key]

    def version(self, name: str) -> str | None:
        """Return the version of a distribution, or None if it is not installed."""
        headers = self.headers(name)
        return None if headers is None else headers.version


def find_plugins() -> tuple[FoundPlugin, ...]:
    """Return every installed plugin, sorted by name and distribution, without importing anything.

    Where one distribution is on the path twice, only the first is seen, as for any import. Two *distributions* with
    plugins of one name are both returned: what that means is for the manager to say.

    Returns:
        What was found.

    Example:
        >>> [plugin.record.name for plugin in find_plugins() if plugin.record.distribution == "nowhere"]
        []
    """
    found: dict[tuple[str, str], FoundPlugin] = {}
    sources: dict[tuple[str, str], Distribution | None] = {}
    read: dict[int, Headers] = {}
    entry_points, unreadable = _entry_points()
    for entry_point in entry_points:
        plugin = _read_entry_point(entry_point, read)
        key = (plugin.record.name, canonical_name(plugin.record.distribution))
        if key not in found:
            found[key] = plugin
            sources[key] = entry_point.dist
        elif sources[key] is entry_point.dist and found[key].record.entry_point != plugin.record.entry_point:
            values = f"{found[key].record.entry_point!r} and {plugin.record.entry_point!r}"
            found[key] = replace(found[key], problem=f"its distribution lists the name twice, for {values}")
    return tuple(
        sorted([*found.values(), *unreadable], key=lambda plugin: (plugin.record.name, plugin.record.distribution))
    )


def _entry_points() -> tuple[Iterable[EntryPoint], list[FoundPlugin]]:
    try:
        return importlib.metadata.entry_points(group=ENTRY_POINT_GROUP), []
    except Exception:  # noqa: BLE001 - one unreadable entry_points.txt, of anybody's, ends the whole scan of the stdlib
        return _entry_points_one_by_one()


def _entry_points_one_by_one() -> tuple[list[EntryPoint], list[FoundPlugin]]:
    entry_points: list[EntryPoint] = []
    unreadable: list[FoundPlugin] = []
    for distribution in _unshadowed(importlib.metadata.distributions()):
        try:
            entry_points.extend(distribution.entry_points.select(group=ENTRY_POINT_GROUP))
        except Exception as error:  # noqa: BLE001 - it must not hide the plugins of the others
            headers = _read_headers(distribution)
            _log.warning("The entry points of %s cannot be read: %s", headers.name, describe_error(error))
            if _mentions_plugins(distribution):
                record = PluginRecord(headers.name, headers.name, headers.version, "")
                problem = f"its entry_points.txt cannot be read: {describe_error(error)}"
                unreadable.append(FoundPlugin(record=record, module="", requires=(), problem=problem))
    return entry_points, unreadable


def _unshadowed(distributions: Iterable[Distribution]) -> Iterator[Distribution]:
    seen: set[str] = set()
    for distribution in distributions:
        name = canonical_name(_read_headers(distribution).name)
        if name not in seen:
            seen.add(name)
            yield distribution


def _mentions_plugins(distribution: Distribution) -> bool:
    try:
        return ENTRY_POINT_GROUP in (distribution.read_text("entry_points.txt") or "")
    except UnicodeDecodeError as error:
        return ENTRY_POINT_GROUP.encode() in error.object


def _read_entry_point(entry_point: EntryPoint, read: dict[int, Headers]) -> FoundPlugin:
    distribution = entry_point.dist
    if distribution is None:
        headers = Headers(name="")
    else:
        # Several entry points of one distribution share the object, so its metadata is read once.
        headers = read.get(id(distribution)) or read.setdefault(id(distribution), _read_headers(distribution))
    record = PluginRecord(entry_point.name, headers.name, headers.version, entry_point.value)
    problem = headers.problem or _refusal(entry_point)
    return FoundPlugin(
        record=record,
        module="" if problem else entry_point.module,
        requires=headers.requires,
        problem=problem,
    )


def _refusal(entry_point: EntryPoint) -> str:
    if not entry_point.name:
        return "its entry point has no name"
    try:
        extras, attribute = entry_point.extras, entry_point.attr
    except (AssertionError, AttributeError, ValueError):
        # What the standard library makes of a value that it cannot parse differs from version to version.
        return f"its entry point {entry_point.value!r} is no module; write it as 'package.plugin'"
    if extras:
        return (
            f"its entry point asks for the extras {', '.join(extras)}, which entry points do not support any more; "
            "put the requirements into the `requires` of the specs"
        )
    if attribute:
        return (
            f"its entry point names the attribute {attribute!r}; an entry point names a module: {entry_point.module!r}"
        )
    return ""


def _read_headers(distribution: Distribution) -> Headers:
    try:
        text = distribution.read_text("METADATA")
    except UnicodeDecodeError:
        return Headers(name="(unknown)", problem="the METADATA of its distribution is not UTF-8")
    if text is None:
        # An .egg-info: where its requirements are, only the standard library knows.
        metadata = distribution.metadata
        name, version = metadata.get_all("Name", []), metadata.get_all("Version", [])
        requires = distribution.requires or []
    else:
        # Without the description, which is most of the file and is parsed line by line.
        message = email.message_from_string(text.partition("\n\n")[0])
        name, version = message.get_all("Name", []), message.get_all("Version", [])
        requires = message.get_all("Requires-Dist", [])
    if not name:
        return Headers(name="(unknown)", problem="the metadata of its distribution has no name")
    return Headers(name=name[0], version=version[0] if version else "", requires=tuple(requires))
