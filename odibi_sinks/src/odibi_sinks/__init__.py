"""Log sinks for Odibi: where the records of runs go besides the project's own run log.

One module or package per kind of sink: `files` (CSV and JSON lines), `delta`, `sql` and `console`. `plugin` tells the
kernel what there is, and `options` what each can be told in a manifest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odibi_sinks.console import ConsoleLogSink
    from odibi_sinks.delta.sink import DeltaLogSink
    from odibi_sinks.files import FileLogSink
    from odibi_sinks.sql.sink import SQLTableLogSink

__all__ = ["ConsoleLogSink", "DeltaLogSink", "FileLogSink", "SQLTableLogSink"]


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
    if name == "SQLTableLogSink":
        from odibi_sinks.sql.sink import SQLTableLogSink

        return SQLTableLogSink
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
