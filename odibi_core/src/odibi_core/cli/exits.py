"""Exit codes, and what an error becomes on the command line."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

__all__ = ["ExitCode", "Interrupted", "Refusal", "answering", "problem_dict", "refusal_of"]


class ExitCode(IntEnum):
    """What the process tells whoever started it."""

    OK = 0
    """All is well."""
    FAILED = 1
    """The run failed; or something that was checked is not in order."""
    WRONG_REQUEST = 2
    """What was asked for, or the project, is wrong, and nothing has run; or the run log cannot be read, and there is no
    answer."""
    FAULT = 70
    """A fault of Odibi or of a plugin: EX_SOFTWARE of sysexits.h."""
    INTERRUPTED = 130
    """Ctrl-C: 128 + SIGINT."""
    NO_READER = 141
    """Whoever read the output has gone: 128 + SIGPIPE, as for a process that does not catch it."""
    TERMINATED = 143
    """128 + SIGTERM."""


class Interrupted(Exception):  # noqa: N818 - an interrupt is no error
    """A command was interrupted, and this is what to say about it.

    Args:
        message: What has become of the run.
        code: The exit code.
        run_id: The run, None if none had begun.
    """

    def __init__(self, message: str, *, code: ExitCode, run_id: str | None) -> None:
        super().__init__(message)
        self.code = code
        self.run_id = run_id


class _Unanswered(Exception):  # noqa: N818 - it only carries the error to where it is shown
    """A question that the run log cannot answer.

    Args:
        error: Why it cannot be read.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def answering() -> Iterator[None]:
    """Let a run log that cannot be read be exit code 2: code 1 could be taken for the answer itself."""
    from odibi_core.errors import RunLogError

    try:
        yield
    except RunLogError as error:
        raise _Unanswered(error) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error as it is shown.

    Args:
        code: The exit code.
        type: The class of the error.
        message: What to print; may have several lines.
        more: What else a program gets to know, such as ``problems``.
        usage: How the command is used, for somebody who mistyped it.
        trace: The traceback, for somebody who asked for it with ``ODIBI_DEBUG=1``.
    """

    code: int
    type: str
    message: str
    more: dict[str, Any] = field(default_factory=dict)
    usage: str = ""
    trace: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {"error": {"type": self.type, "message": self.message, **self.more}}


def refusal_of(error: Exception) -> Refusal:
    """Return how an error is shown.

    Args:
        error: Any error but those of click.

    Example:
        >>> from odibi_core.errors import SelectionError
        >>> refusal_of(SelectionError("Layer 'Slver' is not one of project 'P'.")).code
        <ExitCode.WRONG_REQUEST: 2>
    """
    from odibi_core.diagnostics import describe_error, error_location, redact
    from odibi_core.errors import OdibiError, ValidationFailed

    kind, more = type(error).__name__, {}
    if isinstance(error, Interrupted):
        return Refusal(code=error.code, type=kind, message=str(error), more={"run_id": error.run_id})
    if isinstance(error, _Unanswered):
        return replace(refusal_of(error.error), code=ExitCode.WRONG_REQUEST)
    is_debugging = os.environ.get("ODIBI_DEBUG", "") not in ("", "0")
    if isinstance(error, OdibiError):
        code, message = _code_of(error), redact(str(error))
        if isinstance(error, ValidationFailed):
            more = {"problems": [problem_dict(problem) for problem in error.problems]}
    else:
        hint = "" if is_debugging else " Run it again with ODIBI_DEBUG=1 to see the traceback."
        code, message = ExitCode.FAULT, f"{describe_error(error)} (unexpected, at {error_location(error)}){hint}"
    trace = redact("".join(traceback.format_exception(error))).rstrip() if is_debugging else ""
    return Refusal(code=code, type=kind, message=message, more=more, trace=trace)


def problem_dict(problem: Any) -> dict[str, Any]:
    """Return a `Problem` as JSON-ready data."""
    return {name: getattr(problem, name) for name in ("message", "file", "line", "suggestion")}


def _code_of(error: Exception) -> ExitCode:
    from odibi_core.errors import ConfigError, FunctionError, PluginError

    # What was asked for or written down can be put right; data and the run log are what they are.
    is_request = isinstance(error, ConfigError | PluginError | FunctionError)
    return ExitCode.WRONG_REQUEST if is_request else ExitCode.FAILED
