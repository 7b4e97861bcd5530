"""What this distribution provides. Imported wherever Odibi is: the standard library and the plugin surface, no more."""

from __future__ import annotations

from collections.abc import Iterator

from odibi_core.plugin import Capability, ReaderSpec, hookimpl

__all__ = ["odibi_register_readers"]

# Awkward values that a file of this format cannot say, in the words of the contract tests: they hold the reader to it.
LOST = (
    *("all_null", "binary", "dates", "decimals", "empty", "nested_times", "small_numbers", "times", "unsigned"),
    *("zone_names", "zones"),
)


@hookimpl
def odibi_register_readers() -> Iterator[ReaderSpec]:
    """Yield the reader of template files."""
    yield ReaderSpec(
        engine="any",
        format="template",
        factory="odibi_template.reader:TemplateReader",
        summary="Text files with a row in each line",
        suffixes=(".template",),
        capabilities={word: Capability(supported=False, note="JSON has no such type") for word in LOST},
    )
