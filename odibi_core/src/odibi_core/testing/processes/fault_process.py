"""A process that saves until something happens to it; a program, not a library.

``python -P -m odibi_core.testing.processes.fault_process`` imports the plugins that its first line names and then forks
for each line: the child saves or reads, with the fault, and is killed by it or says what came of it. Nothing is
computed before a fork, as threads do not survive one.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from odibi_core.testing.access.dataset_access import TestedDataset

__all__ = ["main"]

_AUDITED: Final = frozenset(
    {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree"}
)
# <linux/capability.h>: what lets root write where permissions say no.
_CAPABILITY_VERSION: Final = 0x20080522
_WITHOUT_OVERRIDE: Final = ~0b110 & 0xFFFFFFFF


def main() -> None:
    """Do what is ordered on stdin, a line of JSON at a time, and answer each with one."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what plugins print is no answer
    sys.dont_write_bytecode = True  # a fault is to strike the save, not the import of a module
    orders = json.loads(sys.stdin.readline())
    import pyarrow.ipc

    from odibi_core.project import checked_options
    from odibi_core.testing.contract import plugin_manager

    # Loaded here, so that no fork has to: at its first array, pyarrow looks for pandas, which takes a second.
    pyarrow.array([0])
    del checked_options

    manager = plugin_manager(*orders["plugins"])
    _say(answers, {"ready": True})
    for line in sys.stdin:
        task = json.loads(line)
        _prepare(manager, orders | task)
        _say(answers, _run(manager, orders | task, answers))


def _prepare(manager: Any, orders: Mapping[str, Any]) -> None:
    """Import what the child needs, so that each fork has it: classes, options models, and what checks those."""
    from odibi_core.testing.data.arrow_frames import ArrowEngine

    if orders["engine"] in manager.engines:
        manager.load(manager.engine(orders["engine"]))
    tested = _tested(manager, ArrowEngine(), orders)
    for spec in (tested.reader_spec, tested.saver_spec):
        if spec is not None:
            manager.load(spec)
            tested.dataset(for_saving=spec is tested.saver_spec)


def _tested(manager: Any, engine: Any, orders: Mapping[str, Any]) -> TestedDataset:
    from odibi_core.testing.access.dataset_access import TestedDataset

    key = f"{orders['engine']}/{orders['format']}"
    return TestedDataset(
        manager,
        engine,
        manager.readers.get(key) if key in manager.readers else None,
        manager.savers.get(key) if key in manager.savers else None,
        orders["location"],
        orders["kind"],
        orders["options"],
        orders["save_options"],
    )


def _run(manager: Any, orders: Mapping[str, Any], answers: Any) -> dict[str, Any]:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            answer = _child(manager, orders)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
            answer = {"outcome": "broken", "error": f"{type(error).__name__}: {error}"}
        os.write(write, json.dumps(answer).encode())
        # Without the ends of objects and of the interpreter: a process that is killed has none either.
        os._exit(0)
    os.close(write)
    status = _waited(child, orders, answers)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    if os.WIFSIGNALED(status):
        return {"outcome": "killed", "signal": os.WTERMSIG(status)}
    answer = json.loads(said) if said else {"outcome": "broken", "error": f"exit status {status}"}
    return dict(answer)


def _waited(child: int, orders: Mapping[str, Any], answers: Any) -> int:
    """Wait for the end of the child; kill it at the change that is ordered, let it go on after it has stopped."""
    changes, seen = orders["fault"].get("kill_at_change", 0), _below(orders["location"])
    while changes:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        if (now := _below(orders["location"])) != seen:
            seen, changes = now, changes - 1
            if not changes:
                os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, os.WUNTRACED)
    while os.WIFSTOPPED(status):
        _say(answers, {"outcome": "stopped"})
        sys.stdin.readline()
        os.kill(child, signal.SIGCONT)
        _, status = os.waitpid(child, os.WUNTRACED)
    return status


def _child(manager: Any, orders: Mapping[str, Any]) -> dict[str, Any]:
    import pyarrow as pa

    from odibi_core.plugin import EngineConfig
    from odibi_core.testing.access.dataset_access import ANY_ENGINE
    from odibi_core.testing.data.arrow_frames import ArrowEngine

    if orders["engine"] == ANY_ENGINE:
        engine: Any = ArrowEngine()
    else:
        config = EngineConfig(project_root=Path(orders["root"]), options=orders["engine_options"])
        engine = manager.load(manager.engine(orders["engine"]))(config)
    tested = _tested(manager, engine, orders)
    saves = orders["table"] is not None
    if saves:
        with pa.ipc.open_file(orders["table"]) as file:
            table = file.read_all()
        frame, saver = tested.frame(table), tested.saver()
        dataset = tested.dataset(for_saving=True, mode=orders["mode"])
    seen = _armed(orders["fault"], orders["location"])
    try:
        rows = saver.save(frame, dataset).rows if saves else tested.read().num_rows
    except Exception as error:  # noqa: BLE001 - that it raises is what is asked for
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return {"outcome": "raised", "kinds": kinds, "error": f"{type(error).__name__}: {error}"[:2000]}
    return {"outcome": "returned", "rows": rows, "events": len(seen)}


def _armed(fault: Mapping[str, Any], location: str) -> list[str]:
    """Let a fault strike at what follows, and return the list of what was done to files since."""
    if "bytes" in fault:
        import resource

        # A write beyond the limit ends the process in the middle of it, or is an error as on a full disk.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if fault["dies"] else signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault["bytes"], fault["bytes"]))
    if fault.get("without_permission") and os.geteuid() == 0:
        _drop_override()
    events: list[str] = []
    folder, at, what = str(Path(location).parent), fault.get("at_event", 0), fault.get("signal", signal.SIGKILL)

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event in _AUDITED or (event == "open" and _is_for_writing(arguments))
        if writes and arguments and str(arguments[0]).startswith(folder):
            events.append(event)
            if len(events) == at:
                os.kill(os.getpid(), what)

    sys.addaudithook(listen)
    return events


def _is_for_writing(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0  # noqa: PLR2004 - path, mode, flags
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


def _drop_override() -> None:
    """Let permissions bind this process, although it is root's."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capget(header, sets) == 0:
        sets[0] &= _WITHOUT_OVERRIDE
        libc.capset(header, sets)


def _below(location: str) -> dict[str, int]:
    """Return the size of all that is in the folder of a dataset."""
    found: dict[str, int] = {}
    for folder, folders, names in os.walk(Path(location).parent):
        for name in (*folders, *names):
            try:
                found[os.path.join(folder, name)] = os.stat(os.path.join(folder, name)).st_size  # noqa: PTH116, PTH118 - it is polled
            except FileNotFoundError:
                continue
    return found


def _say(answers: Any, answer: Mapping[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
