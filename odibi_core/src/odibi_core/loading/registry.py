"""Read-only views of what plugins provide, one per kind of thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar, cast

from odibi_core.errors import EngineNotFoundError, PluginConflictError, PluginNotFoundError
from odibi_core.loading.catalog import Catalog
from odibi_core.loading.hooks import Spec
from odibi_core.loading.not_found import explain_not_found
from odibi_core.loading.records import PluginRecord

__all__ = ["SpecRegistry"]

S = TypeVar("S", bound=Spec)


class SpecRegistry(Generic[S]):
    """The specs of one kind that may be used, by name; for readers and savers the name is ``"<engine>/<format>"``.

    Names are looked up in any case and with blanks around them. A name that two plugins provide is not in the
    registry, and asking for it raises an error that names both.

    Args:
        kind: What the specs describe, such as ``"engine"``.
        catalog: Returns the present catalog.
        records: Returns the present records, which errors quote.

    Example:
        >>> from odibi_core.loading import PluginManager, PluginSettings
        >>> PluginManager(PluginSettings()).connections.names()
        ('local', 'package')
    """

    def __init__(
        self, kind: str, *, catalog: Callable[[], Catalog], records: Callable[[], tuple[PluginRecord, ...]]
    ) -> None:
        self.kind = kind
        self._catalog = catalog
        self._records = records

    def get(self, key: str) -> S:
        """Return a spec.

        Args:
            key: Its name.

        Returns:
            The spec.

        Raises:
            PluginNotFoundError: Nothing provides the name; `EngineNotFoundError` if it is an engine's.
            PluginConflictError: Two plugins provide it and `prefer` does not choose.
        """
        spec = self._specs().get(self._fold(key))
        if spec is not None:
            return spec
        clash = self._catalog().clashes.get(f"{self.kind} {self._fold(key)}")
        if clash is not None:
            raise PluginConflictError(str(clash))
        error = EngineNotFoundError if self.kind == "engine" else PluginNotFoundError
        raise error(explain_not_found(self.kind, key, installed=self.names(), records=self._records()))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._fold(key) in self._specs()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self._specs())

    def names(self) -> tuple[str, ...]:
        """Return the names that may be used, sorted."""
        return tuple(self._specs())

    def values(self) -> tuple[S, ...]:
        """Return the specs that may be used, sorted by name."""
        return tuple(self._specs().values())

    def conflicts(self) -> Mapping[str, tuple[PluginRecord, ...]]:
        """Return the names that more than one plugin provides and nobody chose for, each with its plugins."""
        prefix = f"{self.kind} "
        return {
            key.removeprefix(prefix): clash.records
            for key, clash in self._catalog().clashes.items()
            if key.startswith(prefix)
        }

    def _specs(self) -> Mapping[str, S]:
        return cast("Mapping[str, S]", self._catalog().specs.get(self.kind, {}))

    def _fold(self, key: str) -> str:
        # Modules of functions are Python names, which are not the same in another case.
        return key.strip() if self.kind == "functions" else key.strip().lower()
