"""The lock of a project's plugins: what ``odibi.lock`` holds, as text and as data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from odibi_core.errors import PluginLockError
from odibi_core.loading.distributions import FoundPlugin
from odibi_core.loading.records import canonical_name
from odibi_core.plugin import API_VERSION

__all__ = ["LOCK_FILE", "LockedPlugin", "PluginLock", "read_lock"]

LOCK_FILE: Final = "odibi.lock"
"""The file's name; it is beside the manifest."""

_LOCK_VERSION: Final = 1
_REQUIRED_KERNEL: Final = re.compile(r"odibi[-_.]+core(?:\[[^\]]*\])?\(?([<>=!~][^)]*)?\)?", re.IGNORECASE)
_AGAIN: Final = "Write it again: odibi plugins lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPlugin:
    """One plugin, as it was when the lock was written.

    Args:
        name: The name of its entry point.
        distribution: Its distribution, in the one spelling that is compared.
        version: The distribution's version.
        entry_point: The registration module.
        requires_api: The kernels that its distribution says it works with, such as ``"<1,>=0.1"``: its API window.
    """

    name: str
    distribution: str
    version: str
    entry_point: str
    requires_api: str = ""

    @classmethod
    def of(cls, plugin: FoundPlugin) -> Self:
        """Return what is locked of an installed plugin."""
        record = plugin.record
        return cls(
            name=record.name,
            distribution=canonical_name(record.distribution),
            version=record.version,
            entry_point=record.entry_point,
            requires_api=_api_window(plugin.requires),
        )

    def describe(self) -> str:
        """Return the name with where it came from, for messages."""
        return f"{self.name!r} ({self.distribution} {self.version})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginLock:
    """The plugins that a project was last seen to be right with.

    Args:
        plugins: The plugins, sorted by name and distribution.
        api: The version of the plugin surface.

    Example:
        >>> lock = PluginLock()
        >>> PluginLock.from_text(lock.to_text()) == lock
        True
    """

    plugins: tuple[LockedPlugin, ...] = ()
    api: int = API_VERSION

    @classmethod
    def of(cls, plugins: Iterable[FoundPlugin]) -> Self:
        """Return the lock of installed plugins.

        Args:
            plugins: What is to be locked.
        """
        locked = [LockedPlugin.of(plugin) for plugin in plugins]
        return cls(plugins=tuple(sorted(locked, key=lambda one: (one.name, one.distribution))))

    def to_text(self) -> str:
        """Return the text of the file: the same for the same plugins, on every machine."""
        plugins = [asdict(one) for one in self.plugins]
        return json.dumps({"lock_version": _LOCK_VERSION, "api": self.api, "plugins": plugins}, indent=2) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the text of a lock file.

        Args:
            text: The text.

        Raises:
            PluginLockError: It is none, or one of a later Odibi.
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise PluginLockError(f"{LOCK_FILE} is no JSON ({error}). {_AGAIN}") from error
        version = data.get("lock_version") if isinstance(data, dict) else None
        if version != _LOCK_VERSION:
            raise PluginLockError(
                f"{LOCK_FILE} has lock_version {version!r}, and this Odibi knows {_LOCK_VERSION}. {_AGAIN}"
            )
        try:
            plugins = tuple(_locked(one) for one in data["plugins"])
            return cls(plugins=plugins, api=_typed(data["api"], int))
        except (KeyError, TypeError) as error:
            raise PluginLockError(f"{LOCK_FILE} is not as Odibi writes it ({error}). {_AGAIN}") from error


def read_lock(path: Path) -> PluginLock:
    """Read a project's lock file.

    Args:
        path: The file.

    Raises:
        PluginLockError: It is not there, cannot be read, or is none.
    """
    try:
        return PluginLock.from_text(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PluginLockError(
            f"The manifest says `plugins: {{lock: true}}`, and there is no {LOCK_FILE} beside it. "
            "Write it, and keep it with the project: odibi plugins lock"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PluginLockError(f"{LOCK_FILE} cannot be read: {why}. {_AGAIN}") from error


def _locked(data: Any) -> LockedPlugin:
    fields = {name: _typed(value, str) for name, value in _typed(data, dict).items()}
    return LockedPlugin(**fields)


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is not {kind.__name__}")
    return value


def _api_window(requires: Iterable[str]) -> str:
    """Return the ranges on the kernel among requirements, without markers, in an order of their own."""
    matches = filter(None, (_REQUIRED_KERNEL.fullmatch("".join(text.partition(";")[0].split())) for text in requires))
    return ",".join(sorted({clause for match in matches for clause in (match[1] or "").split(",") if clause}))
