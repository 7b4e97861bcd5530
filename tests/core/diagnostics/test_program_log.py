"""The program's own log: structured, masked, and a good guest in whatever application runs it."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from odibi_core.diagnostics import get_logger, log_context


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_line_names_the_event_and_its_values(caplog):
    get_logger("test").warning("plugin skipped", plugin="acme", reason="needs a newer kernel")

    assert caplog.messages == ["plugin skipped plugin=acme reason='needs a newer kernel'"]
    assert caplog.records[0].name == "odibi.test"


def test_values_ride_along_on_the_record_for_json_formatters(caplog):
    get_logger("test").warning("saved", rows=3, path="a b")

    assert caplog.records[0].odibi == {"event": "saved", "rows": 3, "path": "a b"}


def test_secrets_are_masked_in_message_values_and_traceback(caplog):
    try:
        raise ValueError("cannot open postgresql://etl:s3cret@db/dw")
    except ValueError:
        get_logger("test").warning("failed with pwd=s3cret", token="s3cret", options={"key": "s3cret"}, exc_info=True)

    assert "Traceback" in caplog.text
    assert "s3cret" not in caplog.text.replace('raise ValueError("cannot open', "")
    assert "s3cret" not in str(caplog.records[0].odibi)


def test_percent_signs_and_positional_arguments_are_printed_as_meant(caplog):
    get_logger("test").warning("100%% of %d rows", 3)
    get_logger("test").warning("100% done")

    assert caplog.messages == ["100% of 3 rows", "100% done"]


def test_bound_values_are_in_every_line_of_the_block_and_only_there(caplog):
    log = get_logger("test")

    with log_context(run_id="r1"), log_context(transformation_id="t1"):
        log.warning("inside")
    log.warning("outside")

    assert caplog.messages == ["inside run_id=r1 transformation_id=t1", "outside"]


def test_bound_values_of_one_thread_are_not_seen_by_another(caplog):
    barrier = threading.Barrier(8, timeout=30)

    def work(number):
        with log_context(transformation_id=f"t{number}"):
            barrier.wait()
            get_logger("test").warning("working", number=number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert sorted(caplog.messages) == [f"working transformation_id=t{n} number={n}" for n in range(8)]


def test_warnings_reach_stderr_and_the_rest_is_silent_if_nobody_configured_logging():
    done = run_python(
        "from odibi_core.diagnostics import get_logger\n"
        "log = get_logger('x')\n"
        "log.debug('a'); log.info('b'); log.warning('c', n=1); log.error('d')\n"
    )

    assert done.stderr.splitlines() == ["c n=1", "d"]
    assert done.stdout == ""


def test_neither_the_root_logger_nor_structlogs_configuration_is_touched():
    run_python(
        "import logging, structlog\n"
        "from odibi_core.diagnostics import get_logger\n"
        "get_logger('x').warning('w')\n"
        "assert not structlog.is_configured()\n"
        "assert logging.root.handlers == [] and logging.root.level == logging.WARNING\n"
        "assert logging.getLogger('odibi').handlers == []\n"
    )


def test_the_applications_own_structlog_configuration_does_not_change_our_lines():
    done = run_python(
        "import structlog\n"
        "structlog.configure(processors=[lambda *a: 1 / 0])\n"
        "from odibi_core.diagnostics import get_logger\n"
        "get_logger('x').warning('still readable')\n"
    )

    assert done.stderr == "still readable\n"


def test_structlog_is_not_imported_before_something_is_logged():
    run_python(
        "import sys\n"
        "from odibi_core.diagnostics import get_logger\n"
        "log = get_logger('x')\n"
        "assert 'structlog' not in sys.modules\n"
    )


@pytest.mark.parametrize("level", [logging.INFO, logging.ERROR])
def test_application_chooses_the_level_with_the_standard_library(caplog, level):
    with caplog.at_level(level, logger="odibi"):
        get_logger("test").info("info")
        get_logger("test").error("error")

    assert caplog.messages == (["info", "error"] if level == logging.INFO else ["error"])
