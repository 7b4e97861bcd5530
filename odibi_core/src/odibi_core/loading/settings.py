"""Which plugins may be used: what the environment, the manifest and the command line say."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from odibi_core.errors import ConfigError
from odibi_core.loading.lock import PluginLock
from odibi_core.loading.records import canonical_name

__all__ = ["PluginSettings"]

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSettings:
    """Which plugins may be used, and which one is meant where two provide the same.

    Plugins are named by their entry point or by their distribution, in any spelling that PEP 503 calls the same.
    Equal settings share one cached manager, and settings can be sent to another process, which a manager cannot.

    Args:
        disable: Plugins that are not imported.
        only: If given, the only plugins that are imported; the empty set means none.
        prefer: Which plugin wins a clash: ``{"engine pandas": "odibi-engine-pandas"}``. The key is the kind and the
            name as ``odibi plugins list`` shows them, ``"hook odibi_run_project"`` for a run hook, or
            ``"plugin <name>"`` for two distributions whose entry points have one name.
        strict: Whether a plugin that is failed or incompatible is an error.
        discover: Whether installed plugins are looked for at all.
        allow: If given, the only plugins that are imported, by the word of the project: a name that is a distribution's
            stands for that, and one that several distributions have for none of them.
        lock: What the installed plugins are compared with before any is imported; None compares nothing.
        refuses_drift: Whether a difference from the lock is an error; if not, what differs is only blocked.

    Example:
        >>> PluginSettings(disable=["Odibi_Sinks"]).disable
        frozenset({'odibi-sinks'})
    """

    disable: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    prefer: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    discover: bool = True
    allow: frozenset[str] | None = None
    lock: PluginLock | None = None
    refuses_drift: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "disable", _names(self.disable))
        object.__setattr__(self, "only", None if self.only is None else _names(self.only))
        object.__setattr__(self, "allow", None if self.allow is None else _names(self.allow))
        prefer = {" ".join(key.split()): canonical_name(choice) for key, choice in self.prefer.items()}
        object.__setattr__(self, "prefer", prefer)

    def __hash__(self) -> int:
        allowed = (self.disable, self.only, self.allow, frozenset(self.prefer.items()))
        return hash((*allowed, self.strict, self.discover, self.lock, self.refuses_drift))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read ``ODIBI_PLUGINS_DISABLE``, ``ODIBI_PLUGINS_ONLY`` (comma lists) and ``ODIBI_PLUGINS_STRICT``.

        A variable that is empty says nothing.

        Args:
            environ: The variables; by default those of this process.

        Returns:
            The settings.

        Raises:
            ConfigError: ``ODIBI_PLUGINS_STRICT`` is neither yes nor no.

        Example:
            >>> PluginSettings.from_environment({"ODIBI_PLUGINS_ONLY": "engine-pandas"}).only
            frozenset({'engine-pandas'})
        """
        environ = os.environ if environ is None else environ
        strict = environ.get("ODIBI_PLUGINS_STRICT", "").strip().lower()
        if strict not in _YES | _NO:
            raise ConfigError(f"ODIBI_PLUGINS_STRICT is {strict!r}. Set it to 1 or 0, or unset it.")
        only = _names(environ.get("ODIBI_PLUGINS_ONLY", "").split(","))
        return cls(
            disable=_names(environ.get("ODIBI_PLUGINS_DISABLE", "").split(",")),
            only=only or None,
            strict=strict in _YES,
        )

    def merged(
        self,
        *,
        disable: Iterable[str] = (),
        only: Iterable[str] | None = None,
        prefer: Mapping[str, str] | None = None,
        strict: bool | None = None,
        discover: bool | None = None,
        allow: Iterable[str] | None = None,
        lock: PluginLock | None = None,
        refuses_drift: bool | None = None,
    ) -> Self:
        """Return these settings with others on top, such as the manifest's on those of the environment.

        What blocks a plugin can only be added to: `disable` sets are united, `only` and `allow` sets are each
        intersected (as text, so name a plugin the same way in both), `strict` can only be switched on, `discover` and
        `refuses_drift` only off. A `prefer` or a `lock` on top replaces one below it.

        Args:
            disable: More plugins that are not imported.
            only: The only plugins that are imported.
            prefer: More choices.
            strict: Whether a broken plugin is an error.
            discover: Whether installed plugins are looked for.
            allow: The only plugins that the project allows.
            lock: What installed plugins are compared with.
            refuses_drift: Whether a difference from the lock is an error.

        Returns:
            New settings.

        Example:
            >>> PluginSettings(only={"a", "b"}).merged(only=["b", "c"], disable=["d"]).only
            frozenset({'b'})
        """
        return type(self)(
            disable=self.disable | _names(disable),
            only=_common(self.only, only),
            prefer={**self.prefer, **{" ".join(key.split()): choice for key, choice in (prefer or {}).items()}},
            strict=self.strict or bool(strict),
            discover=self.discover and discover is not False,
            allow=_common(self.allow, allow),
            lock=self.lock if lock is None else lock,
            refuses_drift=self.refuses_drift and refuses_drift is not False,
        )

    def choice(self, key: str) -> str | None:
        """Return the plugin or distribution that `prefer` chooses for a clash key, in any case of its letters.

        Args:
            key: Kind and name, such as ``"engine pandas"``.

        Example:
            >>> PluginSettings(prefer={"Engine  pandas": "Acme_Pandas"}).choice("engine pandas")
            'acme-pandas'
        """
        folded = key.casefold()
        return next((choice for name, choice in self.prefer.items() if name.casefold() == folded), None)


def _common(below: frozenset[str] | None, on_top: Iterable[str] | None) -> frozenset[str] | None:
    if on_top is None:
        return below
    added = _names(on_top)
    return added if below is None else below & added


def _names(names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str):
        raise TypeError(f"plugin names are a list, not one string: {names!r}")
    return frozenset(canonical_name(name) for name in names if name.strip())
