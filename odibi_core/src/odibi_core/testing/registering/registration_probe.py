"""Imports one registration module in a bare process and writes down what that did; a program, not a library.

``python -P -m odibi_core.testing.registering.registration_probe MODULE FILE`` writes JSON to FILE. It calls the
providers as the loader does, but without the loader: what a plugin imports of the kernel would otherwise be there
already.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from odibi_core.plugin import hookspecs
from odibi_core.testing.registering.process_state import describe_changes, process_state

__all__ = ["probe"]


def probe(name: str) -> dict[str, Any]:
    """Import a registration module, call its providers and say what happened.

    Args:
        name: The module.

    Returns:
        ``imported``: the modules that came with it; ``cpu_seconds`` and ``seconds``; ``changes`` of the process;
        ``threads`` that it started; ``warnings``; ``error``, the traceback of what it raised, or None.
    """
    error = None
    loaded, threads = set(sys.modules), set(threading.enumerate())
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        before = process_state()  # in here, because what it does to the filters is undone at the end
        cpu, clock = time.process_time(), time.perf_counter()
        try:
            _register(name)
        except (Exception, SystemExit):  # noqa: BLE001 - it is told whole, by whoever reads the file
            error = traceback.format_exc()
        cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
        changes = describe_changes(before, process_state())
    return {
        "imported": sorted(set(sys.modules) - loaded),
        "cpu_seconds": cpu,
        "seconds": clock,
        "changes": changes,
        "threads": sorted(thread.name for thread in threading.enumerate() if thread not in threads),
        "warnings": [f"{one.category.__name__}: {one.message} ({one.filename}:{one.lineno})" for one in warned],
        "error": error,
    }


def _register(name: str) -> None:
    module = importlib.import_module(name)
    for attribute, value in sorted(vars(module).items()):
        marks = getattr(value, "odibi_impl", None)  # what pluggy's marker leaves on a function
        if isinstance(marks, dict):
            hook = marks.get("specname") or attribute
            if hook.startswith("odibi_register_") and hook in hookspecs.__all__:
                list(value() or ())


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(probe(sys.argv[1])), encoding="utf-8")
