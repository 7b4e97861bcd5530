"""What an event costs, listened to or not, and what finding a function costs.

    .venv/bin/python benchmarks/dispatch.py

CPU time, because the machine is shared: each figure is measured in several processes, and in each of them several
times; shown are the best repeat and the median of the processes' medians, in nanoseconds per call. The call site is
the kernel's own: ask whether anybody listens, and only then build the event and dispatch it.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from odibi_core.events import Dispatcher, HookManager, Observer
from odibi_core.functions import FunctionRegistry, resolve_function
from odibi_core.loading import PluginRecord
from odibi_core.plugin import Event, LayerStart
from odibi_core.running.plugin_costs import PluginCosts

PROCESSES = 3
REPEATS = 15
CALLS = 20_000

TARGETS = {
    "event nobody listens to": 150,
    "5 plugin observers": 1_500,
    "5 callbacks": 1_500,
    "registry: module, name, engine": 1_000,
    "registry: falls back to any": 1_000,
}


def nothing(_: object) -> None:
    """Listen."""


def one_event() -> Event:
    return LayerStart(run_id="r", project="P", env="qat", engine="pandas", layer="Silver", timestamp=datetime.now(UTC))


def dispatcher(
    *, observers: int = 0, callbacks: int = 0, filters: dict[str, object] | None = None, is_timed: bool = False
) -> Dispatcher:
    hooks = HookManager()
    for _ in range(callbacks):
        hooks.register("layer_start", nothing, filters)
    those = tuple(Observer(f"plugin-{n}", "dist", "odibi_layer_start", nothing) for n in range(observers))
    listening = {"layer_start": those}
    if is_timed:
        owners = {one.plugin: PluginRecord(one.plugin, "dist", "1.0", "dist.plugin") for one in those}
        listening = PluginCosts().observers(listening, owners=owners)
    return Dispatcher(observers=listening, hooks=hooks)


def call_site(dispatcher: Dispatcher) -> Callable[[], None]:
    def emit() -> None:
        if dispatcher.listens("layer_start"):
            dispatcher.dispatch(
                LayerStart(run_id="r", project="P", env="qat", engine="pandas", layer="Silver")  # as the runner does
            )

    return emit


def dispatch_only(dispatcher: Dispatcher) -> Callable[[], None]:
    event = one_event()
    return lambda: dispatcher.dispatch(event)


def cases() -> dict[str, Callable[[], object]]:
    registry = FunctionRegistry.isolated()
    for number in range(1_000):
        registry.register(f"f{number}", "pandas", nothing, module=f"silver.m{number % 20}")
    registry.register("everywhere", "any", nothing, module="silver.m0")
    match, folded, mismatch = {"layer": "Silver"}, {"layer": "silver"}, {"layer": "Gold"}
    return {
        "call site without any of this": lambda: None,
        "event nobody listens to": call_site(dispatcher()),
        "build one event": one_event,
        "payload of one event": one_event().payload,
        "1 plugin observer": dispatch_only(dispatcher(observers=1)),
        "5 plugin observers": dispatch_only(dispatcher(observers=5)),
        "5 plugin observers, as a run times them": dispatch_only(dispatcher(observers=5, is_timed=True)),
        "1 callback": dispatch_only(dispatcher(callbacks=1)),
        "5 callbacks": dispatch_only(dispatcher(callbacks=5)),
        "5 callbacks, filters match": dispatch_only(dispatcher(callbacks=5, filters=match)),
        "5 callbacks, match by folding": dispatch_only(dispatcher(callbacks=5, filters=folded)),
        "5 callbacks, filters do not match": dispatch_only(dispatcher(callbacks=5, filters=mismatch)),
        "5 plugin observers, event built": call_site(dispatcher(observers=5)),
        "5 callbacks, event built": call_site(dispatcher(callbacks=5)),
        "registry: module, name, engine": lambda: registry.resolve("silver.m7", "f7", "pandas"),
        "registry: falls back to any": lambda: registry.resolve("silver.m0", "everywhere", "pandas"),
        "registry: no module given": lambda: registry.resolve(None, "f7", "pandas"),
    }


def measure(call: Callable[[], object]) -> list[float]:
    """Return nanoseconds of CPU time per call, one figure per repeat."""
    figures = []
    for _ in range(REPEATS):
        started = time.process_time_ns()
        for _ in range(CALLS):
            call()
        figures.append((time.process_time_ns() - started) / CALLS)
    return figures


def whole_resolution() -> float:
    """Return microseconds of one `resolve_function` whose module is imported: import, registry, signature."""
    call = lambda: resolve_function("odibi_core.functions.ingestion", "ingest", "pandas", root=Path.cwd())  # noqa: E731
    call()
    started = time.process_time_ns()
    for _ in range(500):
        call()
    return (time.process_time_ns() - started) / 500 / 1_000


def main() -> int:
    if "--child" in sys.argv:
        figures = {name: measure(call) for name, call in cases().items()}
        print(json.dumps({"cases": figures, "whole": whole_resolution()}))
        return 0
    outputs = [
        subprocess.run([sys.executable, __file__, "--child"], check=True, stdout=subprocess.PIPE).stdout
        for _ in range(PROCESSES)
    ]
    runs = [json.loads(output) for output in outputs]
    print(f"Python {platform.python_version()}, odibi-core {version('odibi-core')}, pluggy {version('pluggy')}")
    print(f"{'ns of CPU time per call':36} {'best':>8} {'median':>8} {'target':>8}")
    over = 0
    for name in runs[0]["cases"]:
        best = min(min(run["cases"][name]) for run in runs)
        median = statistics.median(statistics.median(run["cases"][name]) for run in runs)
        target = TARGETS.get(name)
        over += target is not None and median > target
        verdict = "" if target is None else f"{target:8}" + ("   over" if median > target else "")
        print(f"{name:36} {best:8.0f} {median:8.0f} {verdict}")
    whole = statistics.median(run["whole"] for run in runs)
    print(f"{'resolve_function, module imported':36} {'':8} {whole * 1_000:8.0f}    once per function and plan")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
