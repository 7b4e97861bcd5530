"""What is missing from specs, and what they name that is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from odibi_core.errors import OdibiError
from odibi_core.loading import PluginManager, resolve_reference
from odibi_core.loading.hooks import Spec, kind_of_spec
from odibi_core.loading.records import describe_error
from odibi_core.plugin import Capability, EngineSpec

__all__ = ["incomplete_parts", "unresolved_references"]


def incomplete_parts(specs: Iterable[Spec]) -> Iterator[str]:
    """Yield what specs leave unsaid, one phrase each.

    Args:
        specs: The specs.

    Example:
        >>> list(incomplete_parts([EngineSpec(name="duckdb", factory="acme.engine:Engine")]))
        ['engine duckdb has no summary']
    """
    for spec in specs:
        name = f"{kind_of_spec(spec)} {spec.name}"
        summary = spec.summary.strip()
        if not summary:
            yield f"{name} has no summary"
        elif "\n" in summary:
            yield f"the summary of {name} has several lines"
        sheet: Mapping[str, Capability] = getattr(spec, "capabilities", {})
        for capability, entry in sorted(sheet.items()):
            if entry.supported and not entry.since:
                yield f"{name} supports {capability} and does not say since which version"
            elif not entry.supported and (entry.since or not entry.note):
                yield f"{name} does not support {capability} and says {'since' if entry.since else 'not why'}"


def unresolved_references(specs: Iterable[Spec], *, manager: PluginManager) -> Iterator[str]:
    """Yield what specs name and cannot be loaded, or is not what it should be.

    Args:
        specs: Specs of the manager's.
        manager: The manager.
    """
    for spec in specs:
        for load in (manager.load, manager.load_options_model):
            try:
                load(spec)
            except OdibiError as error:
                yield str(error).rstrip(".")
        if isinstance(spec, EngineSpec):
            yield from _wrong_transient_errors(spec)


def _wrong_transient_errors(spec: EngineSpec) -> Iterator[str]:
    for reference in spec.transient_errors:
        try:
            named = resolve_reference(reference)
        except Exception as error:  # noqa: BLE001 - an import may raise anything
            yield f"transient error {reference} of engine {spec.name} cannot be loaded: {describe_error(error)}"
        else:
            if not (isinstance(named, type) and issubclass(named, Exception)):
                yield f"transient error {reference} of engine {spec.name} is no exception"
