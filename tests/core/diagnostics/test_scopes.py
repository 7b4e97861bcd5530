"""What one run wants of the program's log, and nobody else gets: a level, a file, values."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odibi_core.diagnostics import LogFile, get_logger, level_number, log_context, log_level, log_to_file


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_level_of_a_block_shows_more_and_ends_with_it():
    """A-52."""
    done = run_python(
        "from odibi_core.diagnostics import get_logger, log_level\n"
        "log = get_logger('x')\n"
        "with log_level('info'):\n"
        "    log.debug('a'); log.info('b'); log.bind(n=1).info('c')\n"
        "log.info('d'); log.warning('e')\n"
    )

    assert done.stderr.splitlines() == ["b", "c n=1", "e"]


def test_level_of_a_block_shows_less_than_the_application_wants(caplog):
    """A-52."""
    caplog.set_level(logging.DEBUG, logger="odibi")

    with log_level("ERROR"):
        get_logger("test").warning("hidden")
        get_logger("test").error("shown")
    get_logger("test").debug("shown again")

    assert caplog.messages == ["shown", "shown again"]


def test_inner_block_without_a_level_keeps_that_of_the_outer_one(caplog):
    with log_level(logging.ERROR), log_level(None):
        get_logger("test").warning("hidden")

    assert caplog.messages == []


def test_neither_the_root_logger_nor_any_other_is_touched():
    """A-52."""
    run_python(
        "import logging\n"
        "from odibi_core.diagnostics import get_logger, log_level\n"
        "with log_level('DEBUG'):\n"
        "    get_logger('x').debug('shown')\n"
        "    assert logging.root.handlers == [] and logging.root.level == logging.WARNING\n"
        "    assert logging.getLogger('odibi').level == logging.getLogger('odibi.x').level == logging.NOTSET\n"
    )


def test_handlers_of_the_application_keep_their_own_levels():
    done = run_python(
        "import logging\n"
        "handler = logging.StreamHandler(); handler.setLevel(logging.ERROR); logging.getLogger().addHandler(handler)\n"
        "from odibi_core.diagnostics import get_logger, log_level\n"
        "with log_level('DEBUG'):\n"
        "    get_logger('x').info('not for this handler'); get_logger('x').error('for it')\n"
    )

    assert done.stderr.splitlines() == ["for it"]


def test_what_the_application_has_disabled_stays_disabled():
    done = run_python(
        "import logging\n"
        "logging.disable(logging.WARNING)\n"
        "from odibi_core.diagnostics import get_logger, log_level\n"
        "with log_level('DEBUG'):\n"
        "    get_logger('x').warning('w'); get_logger('x').error('e')\n"
    )

    assert done.stderr.splitlines() == ["e"]


def test_levels_of_two_threads_do_not_meet(caplog):
    """A-52."""
    barrier = threading.Barrier(2, timeout=30)

    def work(level):
        with log_level(level):
            for _ in range(50):
                barrier.wait()
                get_logger("test").info(level)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, ["INFO", "ERROR"]))

    assert caplog.messages == ["INFO"] * 50


def test_line_that_nobody_wants_costs_no_import_of_structlog():
    run_python(
        "import sys\n"
        "from odibi_core.diagnostics import get_logger, log_level\n"
        "get_logger('x').info('not shown')\n"
        "with log_level('ERROR'): get_logger('x').warning('not shown')\n"
        "assert 'structlog' not in sys.modules\n"
    )


@pytest.mark.parametrize("level", ["LOUD", "", True, 1.5, None])
def test_level_that_does_not_exist_is_an_error_that_lists_them(level):
    with pytest.raises(ValueError, match=r"is no log level\. The levels are: DEBUG, INFO"):
        level_number(level)


def test_file_gets_the_lines_of_the_block_whatever_is_shown(caplog, tmp_path):
    """A-53."""
    file = LogFile(tmp_path / "logs/r1.log")

    with log_context(run_id="r1"), log_to_file(file):
        get_logger("test").debug("too low")
        get_logger("test").info("saved", rows=3, path=Path("a"))
        get_logger("test").warning("shown as well")
    get_logger("test").warning("after it")

    assert caplog.messages == ["shown as well run_id=r1", "after it"]
    lines = lines_of(file.path)
    assert [(line["level"], line["event"]) for line in lines] == [("info", "saved"), ("warning", "shown as well")]
    assert lines[0] | {"timestamp": ""} == {
        "timestamp": "",
        "level": "info",
        "logger": "odibi.test",
        "event": "saved",
        "run_id": "r1",
        "rows": 3,
        "path": "a",
    }
    assert lines[0]["timestamp"].endswith("+00:00")
    assert file.lines == 2


def test_secrets_do_not_reach_the_file(tmp_path):
    """A-53."""
    file = LogFile(tmp_path / "r1.log")

    with log_to_file(file), log_level("CRITICAL"):
        try:
            raise ConnectionError("no route to postgresql://etl:s3cret@db")
        except ConnectionError:
            get_logger("test").exception("failed with pwd=s3cret", token="s3cret", options={"account_key": "s3cret"})

    text = file.path.read_text(encoding="utf-8")
    assert "Traceback" in text
    assert "s3cret" not in text.replace('raise ConnectionError(\\"no route', "")


def test_values_that_json_lacks_are_written_all_the_same(tmp_path):
    file = LogFile(tmp_path / "r1.log")

    with log_to_file(file):
        get_logger("test").info("odd", level="mine", values={("a", 1): 2, "b": object}, text="\ud800 \u00fc")

    (line,) = lines_of(file.path)
    assert (line["level"], line["event"], list(line["values"])) == ("info", "odd", ["b"])
    assert file.error is None


def test_lines_of_eight_threads_are_whole(tmp_path):
    file = LogFile(tmp_path / "r1.log")

    def work(number):
        for count in range(100):
            file.write("info", "odibi.test", {"event": "x" * 500, "thread": number, "count": count})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    file.close()

    assert sorted((line["thread"], line["count"]) for line in lines_of(file.path)) == [
        (thread, count) for thread in range(8) for count in range(100)
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_is_remembered_and_stops_nobody():
    file = LogFile(Path("/dev/full"))

    file.write("info", "odibi.test", {"event": "lost"})
    file.close()

    assert file.lines == 0
    assert "No space left" in str(file.error)


def test_values_of_a_block_are_bound_for_structlog_as_well_and_only_in_it():
    import structlog

    structlog.contextvars.bind_contextvars(run_id="the application's", user="etl")
    try:
        with log_context(run_id="r1"), log_context(transformation_id="t1"):
            inside = structlog.contextvars.get_contextvars()
        assert inside == {"run_id": "r1", "transformation_id": "t1", "user": "etl"}
        assert structlog.contextvars.get_contextvars() == {"run_id": "the application's", "user": "etl"}
    finally:
        structlog.contextvars.clear_contextvars()


def test_structlog_that_is_imported_inside_a_block_knows_the_values_from_the_next_one_on():
    done = run_python(
        "import sys\n"
        "from odibi_core.diagnostics import log_context\n"
        "with log_context(run_id='r1'):\n"
        "    assert 'structlog' not in sys.modules\n"
        "    import structlog\n"
        "    with log_context(transformation_id='t1'):\n"
        "        print(sorted(structlog.contextvars.get_contextvars().items()))\n"
        "    print(sorted(structlog.contextvars.get_contextvars().items()))\n"
    )

    assert done.stdout.splitlines() == ["[('run_id', 'r1'), ('transformation_id', 't1')]", "[]"]
