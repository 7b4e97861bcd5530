"""Two plugins for one name: who wins, and what is said if nobody does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from odibi_core.loading.records import PluginRecord, canonical_name
from odibi_core.loading.requirements import KERNEL

__all__ = ["Clash", "choose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A name that more than one plugin provides.

    Args:
        key: What is contested, as `prefer` names it: ``"engine pandas"``.
        records: The plugins, sorted by name.
        choice: What `prefer` says, if it names none of them, or more than one.
    """

    key: str
    records: tuple[PluginRecord, ...]
    choice: str | None = None

    def __str__(self) -> str:
        """Return who clashes and the two ways out."""
        import json

        owners = ", ".join(record.describe() for record in self.records)
        wrong = f" `prefer` says {self.choice!r}, which is not one of them alone." if self.choice else ""
        # The kernel cannot be disabled, and who installed a plugin probably means it.
        handle = next(
            handle for record, handle in zip(self.records, self._handles(), strict=True) if not _is_kernel(record)
        )
        prefer = json.dumps({"plugins": {"prefer": {self.key: handle}}})
        return (
            f"{self.key} is provided by {len(self.records)} plugins: {owners}.{wrong} Disable one "
            f'(ODIBI_PLUGINS_DISABLE={handle}, or {{"plugins": {{"disable": ["{handle}"]}}}} in the manifest), '
            f"or choose one in the manifest: {prefer}"
        )

    def _handles(self) -> list[str]:
        distributions = [record.distribution for record in self.records]
        return [
            record.distribution
            if record.distribution and distributions.count(record.distribution) == 1
            else record.name
            for record in self.records
        ]


def choose(records: Sequence[PluginRecord], choice: str | None) -> int | None:
    """Return the position of the plugin that a choice names, or None if it names none or several of them.

    Args:
        records: The plugins that clash.
        choice: A plugin's or a distribution's name, canonical.

    Example:
        >>> a, b = PluginRecord("a", "acme-a", "1", "a"), PluginRecord("b", "acme-b", "1", "b")
        >>> choose([a, b], "acme-b")
        1
    """
    chosen = [
        position
        for position, record in enumerate(records)
        if choice is not None and choice in {canonical_name(record.name), canonical_name(record.distribution)}
    ]
    return chosen[0] if len(chosen) == 1 else None


def _is_kernel(record: PluginRecord) -> bool:
    return record.distribution == KERNEL
