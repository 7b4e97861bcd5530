"""Every error Odibi raises, in one tree.

::

    OdibiError
    ├── ConfigError (ValueError)                 what was asked for, or written down, is wrong
    │   ├── ProjectNotFoundError (LookupError)   no manifest where one was looked for
    │   ├── RunInProgressError                   another run of the project and environment is going on
    │   ├── SelectionError (LookupError)         unknown layer, environment or transformation id
    │   ├── UnknownEventError (LookupError)      a hook for an event, or a filter key, that does not exist
    │   └── ValidationFailed                     a project with problems; carries all of them
    ├── PluginError
    │   ├── PluginNotFoundError (LookupError)    no installed plugin provides the name
    │   │   └── EngineNotFoundError              ... and the name is an engine's
    │   ├── PluginConflictError                  two distributions provide the same name
    │   ├── PluginLoadError (ImportError)        a plugin, or a class it names, cannot be loaded
    │   ├── PluginLockError (ConfigError)        installed plugins are not those of the project's lock
    │   ├── PluginContractError (TypeError)      a plugin does not keep the contract of its hook
    │   └── ManagerFrozenError (RuntimeError)    registration after start-up
    ├── FunctionError
    │   ├── FunctionNotFoundError (LookupError)  no such function in the row's module
    │   └── FunctionSignatureError (TypeError)   a function whose parameters fit no style
    ├── DataError
    │   ├── DatasetNotFoundError (FileNotFoundError)
    │   ├── DatasetExistsError (FileExistsError) mode "error" and the output is there
    │   ├── DataFormatError (ValueError)         unreadable or empty data
    │   ├── HandOverTooLargeError (MemoryError)  a frame is too big to pass between engines
    │   ├── ColumnNotFoundError (KeyError)
    │   └── DataQualityError (AssertionError)    a verdict on data: fails the transformation, never retried
    ├── TransientError                           raise it to say: trying again may help
    ├── TransformationTimeoutError (TimeoutError) a transformation took longer than it may
    ├── LeaseLostError (RuntimeError)            another run took this one's place; it writes nothing more
    ├── RunLogError (OSError)                    the run log cannot be read or written
    └── RunFailed (RuntimeError)                 the run ended FAILED; carries the result

Each is also the builtin that a caller would expect, so ``except FileNotFoundError`` keeps working.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ColumnNotFoundError",
    "ConfigError",
    "DataError",
    "DataFormatError",
    "DataQualityError",
    "DatasetExistsError",
    "DatasetNotFoundError",
    "EngineNotFoundError",
    "FunctionError",
    "FunctionNotFoundError",
    "FunctionSignatureError",
    "HandOverTooLargeError",
    "LeaseLostError",
    "ManagerFrozenError",
    "OdibiError",
    "PluginConflictError",
    "PluginContractError",
    "PluginError",
    "PluginLoadError",
    "PluginLockError",
    "PluginNotFoundError",
    "Problem",
    "ProjectNotFoundError",
    "RunFailed",
    "RunInProgressError",
    "RunLogError",
    "SelectionError",
    "TransformationTimeoutError",
    "TransientError",
    "UnknownEventError",
    "ValidationFailed",
    "did_you_mean",
]


class OdibiError(Exception):
    """Base of every error that Odibi raises on purpose.

    The message is one that can be shown to a user as it is: what was asked, what was found, what to do.
    """

    def __str__(self) -> str:
        # KeyError shows its argument's repr; a message is shown as written.
        return str(self.args[0]) if len(self.args) == 1 else super().__str__()


class ConfigError(OdibiError, ValueError):
    """What was asked for, or written in a project's files, is wrong."""


class ProjectNotFoundError(ConfigError, LookupError):
    """No manifest where one was looked for."""


class SelectionError(ConfigError, LookupError):
    """A layer, an environment or a transformation id that the project does not have."""


class RunInProgressError(ConfigError):
    """Another run of the same project and environment is going on; this one has not begun.

    Args:
        message: Which run, where and since when, and what to do about it.
        run_id: The run that is going on, None if that is not known.
    """

    def __init__(self, message: str, *, run_id: str | None = None) -> None:
        super().__init__(message)
        self.run_id = run_id


class UnknownEventError(ConfigError, LookupError):
    """A hook names an event, or a filter a key, that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a project, and where.

    Args:
        message: What is wrong, as one sentence.
        file: The file it is in, relative to the project's root where possible.
        line: The line, counted from 1.
        suggestion: What to do about it.
    """

    message: str
    file: str | None = None
    line: int | None = None
    suggestion: str | None = None

    def __str__(self) -> str:
        where = "" if self.file is None else self.file if self.line is None else f"{self.file}:{self.line}"
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} {self.suggestion}" if self.suggestion else text


class ValidationFailed(ConfigError):
    """A project has problems; all of them are in `problems`.

    Args:
        problems: What was found, in the order of the files.
        what: What was being validated, for the headline.
    """

    def __init__(self, problems: Sequence[Problem], *, what: str = "project") -> None:
        self.problems = tuple(problems)
        self.what = what
        count = len(self.problems)
        headline = f"{what}: {count} problem{'' if count == 1 else 's'}"
        super().__init__("\n".join([headline, *(f"  {problem}" for problem in self.problems)]))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_validation_failed, (self.problems, self.what)


def _rebuild_validation_failed(problems: tuple[Problem, ...], what: str) -> ValidationFailed:
    return ValidationFailed(problems, what=what)


class PluginError(OdibiError):
    """Something is wrong with a plugin; the message names it, its distribution and its version."""


class PluginNotFoundError(PluginError, LookupError):
    """No installed plugin provides what was asked for."""


class EngineNotFoundError(PluginNotFoundError, ConfigError):
    """No installed plugin provides the engine that was asked for."""


class PluginConflictError(PluginError):
    """Two distributions provide the same name and nothing says which one is meant."""


class PluginLoadError(PluginError, ImportError):
    """A plugin, or a class that it names, cannot be loaded."""


class PluginLockError(PluginError, ConfigError):
    """The installed plugins are not those of the project's lock, or the lock cannot be read."""


class PluginContractError(PluginError, TypeError):
    """A plugin does not keep the contract of the hook it implements."""


class ManagerFrozenError(PluginError, RuntimeError):
    """A plugin was registered after the manager was frozen."""


class FunctionError(OdibiError):
    """Something is wrong with a transformation's function."""


class FunctionNotFoundError(FunctionError, LookupError):
    """The row's module has no such function."""


class FunctionSignatureError(FunctionError, TypeError):
    """The function's parameters fit neither the managed nor the v2 style."""


class DataError(OdibiError):
    """Something is wrong with data that a transformation reads or writes."""


class DatasetNotFoundError(DataError, FileNotFoundError):
    """An input is not there."""


class DatasetExistsError(DataError, FileExistsError):
    """An output is there already and its mode is ``error``."""


class DataFormatError(DataError, ValueError):
    """Data cannot be read as the format it is said to have, or is empty where a header is needed."""


class HandOverTooLargeError(DataError, MemoryError):
    """A frame is bigger than what may be handed over from one engine to another."""


class ColumnNotFoundError(DataError, KeyError):
    """A column is not there."""


class DataQualityError(DataError, AssertionError):
    """A verdict on data: raised by a function or a hook, it fails the transformation and is never retried."""


class TransientError(OdibiError):
    """Raise it (or a subclass) from a function, a reader or a saver to say that trying again may help."""


class TransformationTimeoutError(OdibiError, TimeoutError):
    """A transformation took longer than its timeout and was given up; it is not tried again."""


class LeaseLostError(OdibiError, RuntimeError):
    """Another run of the same project and environment took this one's place; this one must write nothing more."""


class RunLogError(OdibiError, OSError):
    """The run log cannot be read or written; never to be confused with an empty one."""


class RunFailed(OdibiError, RuntimeError):
    """A run ended FAILED.

    Args:
        message: What failed, in one or a few lines.
        result: The `RunResult`, complete with every transformation's status.
    """

    def __init__(self, message: str, *, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return ``"Did you mean 'x'?"`` for the choice nearest to a misspelt word, or an empty string.

    Args:
        word: What was written.
        choices: What could have been meant.

    Example:
        >>> did_you_mean("sprak", ["pandas", "spark"])
        "Did you mean 'spark'?"
        >>> did_you_mean("duckdb", ["pandas", "spark"])
        ''
    """
    by_folded = {choice.casefold(): choice for choice in choices}
    near = difflib.get_close_matches(word.strip().casefold(), by_folded, n=1, cutoff=0.6)
    return f"Did you mean {by_folded[near[0]]!r}?" if near else ""
