"""Tries a command of ``odibi`` with some plugins blocked: a process of its own each time, in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["Attempt", "Child", "copied_project"]

_START: Final = "from odibi_core.cli import main; main()"
_PATIENCE: Final = 10.0
_IGNORED: Final = (".git", ".venv", "__pycache__", "node_modules")
# What is another at each run, and says nothing about what went wrong.
_VARYING: Final = re.compile(
    r"\d{8}T\d{6}\.\d{6}-[0-9a-f]{8}"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|0x[0-9a-f]+|\bpid \d+|\d+(?:\.\d+)? (?:ms|s|min|h)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of the command with some plugins.

    Args:
        plugins: The plugins that were left in, sorted.
        code: The exit code; None if it took too long and was ended.
        error: The first line of what went wrong, without what differs from run to run.
        text: All that was printed.
        seconds: How long it took.
    """

    plugins: tuple[str, ...]
    code: int | None
    error: str
    text: str = field(repr=False)
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the attempt as JSON-ready data."""
        return {name: getattr(self, name) for name in ("plugins", "code", "error")} | {
            "seconds": round(self.seconds, 3)
        }

    def fails_like(self, other: Attempt, *, match: str | None) -> bool:
        """Return whether it failed in the same way: exit code and first line of the error, or the text to match."""
        if self.code == 0:
            return False
        if match is not None:
            return match.casefold() in self.text.casefold()
        return (self.code, self.error) == (other.code, other.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """The command that is tried.

    Args:
        words: The words behind ``odibi``.
        folder: Where it runs.
        blocked: What the environment blocks anyway.
        timeout: Seconds after which it is ended; None waits for ever.
    """

    words: tuple[str, ...]
    folder: Path
    blocked: tuple[str, ...] = ()
    timeout: float | None = None

    def run(self, *, enabled: frozenset[str], everything: Sequence[str]) -> Attempt:
        """Run the command with some of the plugins; its output is taken, and shown to nobody.

        Args:
            enabled: The plugins that are left in.
            everything: All plugins that could be.
        """
        disabled = [*self.blocked, *(name for name in everything if name not in enabled)]
        environment = {**os.environ, "ODIBI_PLUGINS_DISABLE": ",".join(disabled), "NO_COLOR": "1"}
        started = time.monotonic()
        code, stdout, stderr = _run(
            [sys.executable, "-c", _START, "--json", *self.words], self.folder, environment, self.timeout
        )
        error = "" if code == 0 else _first_error(stdout, stderr)
        if code is None:
            error = f"it took longer than {self.timeout:g} seconds"
        return Attempt(
            plugins=tuple(sorted(enabled)),
            code=code,
            error=error.replace(str(self.folder), "."),
            text=f"{stdout}\n{stderr}",
            seconds=time.monotonic() - started,
        )


@contextmanager
def copied_project(root: Path, *, with_state: bool) -> Iterator[Path]:
    """Give a copy of a project that is removed afterwards.

    Links are followed: what they lead to is copied, so that nothing is written through them.

    Args:
        root: The project's folder.
        with_state: Whether the command needs what is known of earlier runs. Leases stay behind in any case: a run that
            goes on in the project does not go on in the copy.

    Raises:
        OSError: It cannot be copied, or there is not enough room.
    """
    size = sum(_sizes(root))
    with tempfile.TemporaryDirectory(prefix="odibi-bisect-", ignore_cleanup_errors=True) as folder:
        free = shutil.disk_usage(folder).free
        if size > free // 2:
            raise OSError(f"the project has {size:,} bytes, and {folder} has only {free:,} free")

        def ignored(path: str, names: list[str]) -> set[str]:
            skipped = set(_IGNORED)
            if Path(path) == root and not with_state:
                skipped.add(".odibi")
            if Path(path) == root / ".odibi":
                skipped.add("leases")
            return skipped & set(names)

        copy = Path(folder).resolve() / root.name
        shutil.copytree(root, copy, ignore=ignored)
        yield copy


def _sizes(root: Path) -> Iterator[int]:
    for folder, folders, files in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if name not in _IGNORED]
        for name in files:
            with suppress(OSError):
                yield (Path(folder) / name).stat().st_size


def _run(
    command: list[str], folder: Path, environment: Mapping[str, str], timeout: float | None
) -> tuple[int | None, str, str]:
    with subprocess.Popen(  # noqa: S603 - this very Python and odibi, with the words of whoever called it
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        # A group of its own, so that what it starts ends with it.
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            stdout, stderr = process.communicate()
            return None, stdout, stderr
        except BaseException:
            _end(process)
            raise
        return process.returncode, stdout, stderr


def _end(process: subprocess.Popen[str]) -> None:
    """End a command and what it has started: in order, and if that takes too long at once."""
    _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)
    if hasattr(signal, "SIGKILL"):
        _signal(process, signal.SIGKILL)
    else:
        process.kill()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def _first_error(stdout: str, stderr: str) -> str:
    """Return the first line that says what went wrong, without what differs from run to run."""
    with suppress(ValueError):
        found = _error_in(json.loads(stdout))
        if found:
            return _steady(found)
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return _steady(next((line for line in lines if line.startswith("Error:")), lines[-1] if lines else ""))


def _error_in(document: Any) -> str:
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict):
        return str(error.get("message", ""))
    return error if isinstance(error, str) else ""


def _steady(text: str) -> str:
    return _VARYING.sub("...", text.strip().splitlines()[0].strip() if text.strip() else "")
