"""Log sinks for Odibi: where the records of runs go besides the project's own run log.

One module or package per kind of sink: `files` (CSV and JSON lines), `delta` and `console`. `plugin` tells the kernel
what there is, and `options` what each can be told in a manifest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odibi_sinks.console import ConsoleLogSink
    from odibi_sinks.delta.sink import DeltaLogSink
    from odibi_sinks.files import FileLogSink

__all__ = ["ConsoleLogSink", "DeltaLogSink", "FileLogSink"]


def __getattr__(name: str) -> Any:
    # A manifest that uses one sink imports what that one needs and no more.
    if name == "ConsoleLogSink":
        from odibi_sinks.console import ConsoleLogSink

        return ConsoleLogSink
    if name == "DeltaLogSink":
        from odibi_sinks.delta.sink import DeltaLogSink

        return DeltaLogSink
    if name == "FileLogSink":
        from odibi_sinks.files import FileLogSink

        return FileLogSink
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
