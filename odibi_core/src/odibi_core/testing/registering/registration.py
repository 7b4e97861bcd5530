"""Registers a plugin in a process of its own and reports what that did."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from odibi_core.testing.contract import refuse
from odibi_core.testing.processes.child import child_environment

__all__ = ["Registration", "observe_registration"]

_ENVIRONMENT: Final = dict(os.environ)
"""As it was before a plugin was imported here: a variable that a plugin sets would be there already in a child."""

_LONGEST = 60.0
"""Seconds after which a registration is taken to hang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What one registration did.

    Args:
        module: The registration module.
        foreign: What it imported that is neither of the standard library, nor the plugin surface, nor its own.
        printed: What it wrote to stdout and stderr.
        cpu_seconds: Processor time that it took.
        seconds: Time by the clock that it took.
        changes: What of the process it changed.
        threads: The threads that it started.
        warnings: What it warned of.
        error: The traceback of what it raised, None if it did not.
    """

    module: str
    foreign: tuple[str, ...]
    printed: str
    cpu_seconds: float
    seconds: float
    changes: tuple[str, ...]
    threads: tuple[str, ...]
    warnings: tuple[str, ...]
    error: str | None


def observe_registration(module: str, *, again: bool = False) -> Registration:
    """Return what registering a plugin does in a process that has imported nothing but the plugin surface.

    Args:
        module: The registration module.
        again: Whether to look anew; otherwise each module is looked at once in a process.

    Example:
        >>> observe_registration("odibi_core.loading.builtin").foreign
        ()
    """
    return _observe(module, tuple(sys.path)) if again else _observe_once(module, tuple(sys.path))


def _observe(module: str, _path: tuple[str, ...]) -> Registration:
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "registration.json"
        command = [sys.executable, "-P", "-m", "odibi_core.testing.registering.registration_probe", module, str(answer)]
        try:
            done = subprocess.run(  # noqa: S603 - our own module, on the plugin that the author names
                command,
                env=_ENVIRONMENT | {"PYTHONPATH": child_environment()["PYTHONPATH"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_LONGEST,
                check=False,
            )
        except subprocess.TimeoutExpired:
            refuse(
                f"Registration of {module} had not ended after {_LONGEST:g} s.",
                advice="A registration module must not wait for anything.",
            )
        printed = done.stdout.decode(errors="backslashreplace")
        if not answer.exists():
            refuse(
                f"The process that registered {module} ended with code {done.returncode}: {printed[-2000:]}",
                advice="A registration module must not end the process.",
            )
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return Registration(
        module=module,
        foreign=_foreign(found["imported"], module=module),
        printed=printed,
        cpu_seconds=found["cpu_seconds"],
        seconds=found["seconds"],
        changes=tuple(found["changes"]),
        threads=tuple(found["threads"]),
        warnings=tuple(found["warnings"]),
        error=found["error"],
    )


_observe_once = functools.cache(_observe)


def _foreign(imported: list[str], *, module: str) -> tuple[str, ...]:
    own = module.partition(".")[0]
    foreign = set()
    for name in imported:
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top != own:
            # Of the kernel it matters which room; of a library only which library.
            foreign.add(name if top == "odibi_core" else top)
    # Compiled parts of libraries, such as _cython_3_3_0, are modules too, and say nothing beside their library.
    named = {name for name in foreign if not name.startswith("_")}
    return tuple(sorted(named or foreign))
