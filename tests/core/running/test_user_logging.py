"""What a project's own functions log names their run and transformation, whichever logging they use."""

from __future__ import annotations

import json
import logging

import pytest

from odibi_core import run_project
from odibi_core.diagnostics import JsonFormatter

STEPS = """
    import logging
    import threading

    import structlog
    from rows_engine import Rows

    together = threading.Barrier(4, timeout=30)

    def talks(df, constants, context):
        together.wait()
        who = constants["who"]
        structlog.get_logger().warning("structlog", who=who)
        logging.getLogger("steps").warning("logging", extra={"who": who})
        context.logger.warning("context", who=who)
        return Rows(df)
"""


@pytest.fixture
def root(make_project):
    rows = [
        {
            "transformation_id": f"t{number}",
            "function": "talks",
            "inputs": ["in.json"],
            "outputs": [f"silver.t{number}"],
            "constants": {"who": f"t{number}"},
        }
        for number in range(4)
    ]
    return make_project(rows, functions={"steps.py": STEPS}, files={"in.json": '[{"n": 1}]'})


@pytest.fixture
def said():
    """What the application's own configuration of the standard library and of structlog gets to see, as JSON."""
    import structlog

    lines = []

    class Collector(logging.Handler):
        def emit(self, record):
            lines.append(json.loads(self.format(record)))

    collector = Collector()
    collector.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(collector)
    processors = [structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()]

    class Printer:
        def __init__(self, *_):
            pass

        def warning(self, line):
            lines.append(json.loads(line))

    structlog.configure(processors=processors, logger_factory=Printer, cache_logger_on_first_use=False)
    yield lines
    structlog.reset_defaults()
    logging.getLogger().removeHandler(collector)


def test_lines_of_functions_on_worker_threads_name_their_own_run_and_transformation(root, manager, said):
    result = run_project(root, manager=manager, max_workers=4)

    for event in ("structlog", "logging", "context"):
        lines = [line for line in said if line["event"] == event]
        assert sorted(line["who"] for line in lines) == ["t0", "t1", "t2", "t3"]
        assert all(line["transformation_id"] == line["who"] for line in lines)
        assert {line["run_id"] for line in lines} == {result.run_id}


def test_nothing_stays_bound_after_a_run(root, manager, said):
    import structlog

    run_project(root, manager=manager, max_workers=4)

    assert structlog.contextvars.get_contextvars() == {}
