"""The program's own log, and the masking of secrets in everything that is shown.

Not the run log: that is data, and has a room of its own. This is what Odibi says about itself while it works.
"""

from __future__ import annotations

from odibi_core.diagnostics.errors_in_words import describe_error, error_location, shortened
from odibi_core.diagnostics.formats import ConsoleFormatter, JsonFormatter
from odibi_core.diagnostics.log_file import LogFile
from odibi_core.diagnostics.program_log import get_logger
from odibi_core.diagnostics.redaction import MASK, redact, redact_value
from odibi_core.diagnostics.scopes import level_number, log_context, log_level, log_to_file

__all__ = [
    "MASK",
    "ConsoleFormatter",
    "JsonFormatter",
    "LogFile",
    "describe_error",
    "error_location",
    "get_logger",
    "level_number",
    "log_context",
    "log_level",
    "log_to_file",
    "redact",
    "redact_value",
    "shortened",
]
