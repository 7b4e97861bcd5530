"""A process that writes to a log sink until something happens to it; a program, not a library.

``python -P -m odibi_core.testing.processes.sink_process`` reads a pickled `Orders` from stdin. It says ``ready``, waits
for a line, lets the fault strike after the first batch, and says ``wrote <seq>`` after each batch, or
``raised <type>: ...``.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import pickle
import random
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from odibi_core.testing.data.run_records import make_records

__all__ = ["BATCH", "RUN", "Fault", "Orders", "batch"]

Fault: TypeAlias = Literal["none", "full disk", "permission lost"]

RUN: Final = "20260329T013000-b"
BATCH: Final = 20
"""Records in a batch."""

_MESSAGE: Final = 20_000
"""Characters of each record's error: a batch takes longer to write than a process takes to be killed."""

_LARGEST: Final = 65_536
"""Bytes that a file may have on a full disk: a third of what a batch takes, however well it is compressed."""

_NOBODY: Final = 65534


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the process does.

    Args:
        factory: The sink, as its spec names it.
        arguments: What it is made with.
        folder: The folder whose permissions are lost.
        fault: What happens after the first batch.
        batches: How many batches are written; None for no end.
    """

    factory: str
    arguments: Mapping[str, Any]
    folder: str
    fault: Fault = "none"
    batches: int | None = None


def batch(number: int) -> list[dict[str, Any]]:
    """Return a batch: the same for the same number, and no two texts alike, so that nothing compresses them away.

    Args:
        number: Which batch, counted from 1.
    """
    records = make_records(BATCH, after=(number - 1) * BATCH, run_id=RUN, status="FAILED")
    for record in records:
        digits = random.Random(record["seq"]).randbytes(_MESSAGE // 2).hex()  # noqa: S311 - no secret
        record["error_message"] = f"ValueError: {digits}"
    return records


def main() -> None:
    """Do what is ordered on stdin."""
    orders: Orders = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the test that started this process
    module, _, name = orders.factory.partition(":")
    sink = reduce(getattr, name.split("."), importlib.import_module(module))(**orders.arguments)  # type: ignore[operator]
    _say("ready")
    sys.stdin.buffer.readline()
    for number in _numbers(orders.batches):
        try:
            sink.write(batch(number))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            _say("raised", f"{type(error).__name__}: {error}"[:2000].replace("\n", " "))
            break
        _say("wrote", number * BATCH)
        if number == 1:
            _strike(orders)
    # Without the ends of objects and of the interpreter: a process that is gone has had none either.
    os._exit(0)


def _numbers(batches: int | None) -> Iterator[int]:
    return itertools.count(1) if batches is None else iter(range(1, batches + 1))


def _say(*words: object) -> None:
    os.write(1, f"{' '.join(map(str, words))}\n".encode())


def _strike(orders: Orders) -> None:
    if orders.fault == "full disk":
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a write that does not fit is an OSError
        resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    elif orders.fault == "permission lost":
        # From the deepest: in a folder that cannot be entered nothing can be changed.
        for path in sorted(Path(orders.folder).rglob("*"), reverse=True):
            with contextlib.suppress(FileNotFoundError):
                path.chmod(0o500 if path.is_dir() else 0o400)
        Path(orders.folder).chmod(0o500)
        if os.geteuid() == 0:  # whom permissions do not bind
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)


if __name__ == "__main__":
    main()
