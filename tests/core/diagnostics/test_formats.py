"""The program's log as text for people and as JSON for whatever collects logs."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from odibi_core.diagnostics import ConsoleFormatter, JsonFormatter, get_logger, log_context
from odibi_core.diagnostics.formats import log_format, log_formatter


@pytest.fixture
def lines():
    """What the program's log says, through a JSON formatter of the application's own."""
    said = []

    class Collector(logging.Handler):
        def emit(self, record):
            said.append(self.format(record))

    handler, logger = Collector(), logging.getLogger("odibi")
    handler.setFormatter(JsonFormatter())
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield said
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_a_line_is_one_json_object_with_the_values_and_ids_of_the_run(lines):
    with log_context(run_id="r1", transformation_id="t1"):
        get_logger("running").warning("attempt failed", attempt=2, why="no\nroom", url="postgresql://etl:s3cret@db/dw")

    (line,) = lines
    said = json.loads(line)
    assert said.pop("timestamp").endswith("+00:00")
    assert said == {
        "level": "warning",
        "logger": "odibi.running",
        "event": "attempt failed",
        "run_id": "r1",
        "transformation_id": "t1",
        "attempt": 2,
        "why": "no\nroom",
        "url": "postgresql://etl:***@db/dw",
    }
    assert "\n" not in line


def test_a_value_cannot_pretend_to_be_the_level_or_the_logger(lines):
    get_logger("running").info("x", level="critical", logger="root")
    said = json.loads(lines[0])
    assert (said["level"], said["logger"]) == ("info", "odibi.running")


def test_a_traceback_is_in_the_object(lines):
    try:
        raise ValueError("token=abc123secret")
    except ValueError:
        get_logger("running").exception("it failed")
        logging.getLogger("odibi.sinks").exception("it failed too")

    for line in lines:
        said = json.loads(line)
        assert "Traceback" in said["exception"]
        assert "abc123secret" not in line


@pytest.mark.parametrize("formatter", [JsonFormatter(), ConsoleFormatter()], ids=["json", "console"])
def test_secrets_of_a_plugin_that_logs_by_itself_are_masked(formatter):
    record = logging.makeLogRecord(
        {"name": "odibi.acme", "levelname": "INFO", "msg": "at %s", "args": ("s3://u:pw1@h/x",)}
    )
    assert "s3://u:***@h/x" in formatter.format(record)


def _refused(constant):
    raise ValueError(f"{constant} is no JSON")


def test_numbers_that_json_has_no_word_for_do_not_cost_the_line(lines):
    get_logger("running").info("counted", ratio=float("nan"), most=[float("inf"), {"least": float("-inf")}], rows=3)
    said = json.loads(lines[0], parse_constant=_refused)
    assert (said["ratio"], said["most"], said["rows"]) == (None, [None, {"least": None}], 3)


@pytest.mark.parametrize("formatter", [JsonFormatter(), ConsoleFormatter()], ids=["json", "console"])
def test_the_name_of_a_file_that_is_no_text_can_be_written(formatter):
    record = logging.makeLogRecord({"name": "acme", "levelname": "INFO", "msg": "read %s", "args": ("é\udce9.csv",)})
    line = formatter.format(record)
    assert "é\\udce9.csv" in line.encode("utf-8").decode("utf-8")
    if isinstance(formatter, JsonFormatter):
        assert json.loads(line)["event"] == "read é\udce9.csv"


def test_a_value_that_holds_itself_is_logged_and_its_neighbours_too(lines):
    rows = [{"password": "s3cret"}]
    rows.append(rows)
    get_logger("running").info("odd", rows=rows, layer="Silver")
    said = json.loads(lines[0])
    assert said["layer"] == "Silver"
    assert "[...]" in said["rows"]
    assert "s3cret" not in lines[0]


def record_of_somebody_else(**extra):
    """What a function of a project logs with nothing but the standard library."""
    given = {"name": "silver.functions", "levelno": 30, "levelname": "WARNING", "msg": "%d rows", "args": (3,)}
    return logging.makeLogRecord({**given, **extra})


def test_a_line_of_somebody_else_names_run_and_transformation_too():
    with log_context(run_id="r1", transformation_id="t1"):
        said = json.loads(JsonFormatter().format(record_of_somebody_else(rows=3, token="s3cret", event="not this")))
        shown = ConsoleFormatter().format(record_of_somebody_else(rows=3))
    said.pop("timestamp")
    assert said == {
        "level": "warning",
        "logger": "silver.functions",
        "event": "3 rows",
        "run_id": "r1",
        "transformation_id": "t1",
        "rows": 3,
        "token": "***",
    }
    assert shown == "WARNING silver.functions: 3 rows run_id=r1 transformation_id=t1"


def test_a_line_of_somebody_else_outside_a_run_is_left_as_it_is():
    assert ConsoleFormatter("%(message)s").format(record_of_somebody_else()) == "3 rows"
    assert set(json.loads(JsonFormatter().format(record_of_somebody_else()))) == {
        "timestamp",
        "level",
        "logger",
        "event",
    }


def test_a_traceback_of_somebody_else_follows_the_ids_of_its_line():
    try:
        raise ValueError("boom")
    except ValueError:
        record = record_of_somebody_else(exc_info=sys.exc_info())
    with log_context(run_id="r1"):
        first, *rest = ConsoleFormatter().format(record).splitlines()
    assert first == "WARNING silver.functions: 3 rows run_id=r1"
    assert (rest[0], rest[-1]) == ("Traceback (most recent call last):", "ValueError: boom")


@pytest.mark.parametrize(
    ("value", "kind"),
    [("json", JsonFormatter), (" JSON ", JsonFormatter), ("console", ConsoleFormatter), ("", ConsoleFormatter)],
)
def test_the_variable_chooses_the_format(monkeypatch, value, kind):
    monkeypatch.setenv("ODIBI_LOG_FORMAT", value)
    assert type(log_formatter()) is kind


def test_an_unknown_format_is_an_error_that_lists_the_known_ones(monkeypatch):
    monkeypatch.setenv("ODIBI_LOG_FORMAT", "xml")
    with pytest.raises(ValueError, match=r"ODIBI_LOG_FORMAT is 'xml'\. It can be: console, json"):
        log_format()


@pytest.mark.parametrize("value", ["json", "xml"])
def test_warnings_reach_stderr_where_nobody_configured_logging(value):
    code = "from odibi_core.diagnostics import get_logger; get_logger('running').warning('watch out', n=1); get_logger('running').info('no')"
    environment = {"ODIBI_LOG_FORMAT": value}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    (line,) = result.stderr.splitlines()
    if value == "json":
        assert json.loads(line) | {"timestamp": ""} == {
            "timestamp": "",
            "level": "warning",
            "logger": "odibi.running",
            "event": "watch out",
            "n": 1,
        }
    else:
        assert line == "watch out n=1"


def test_the_command_line_logs_as_json(tmp_path):
    code = "from odibi_core.cli.application import application; import sys; application(sys.argv[1:])"
    command = [sys.executable, "-c", code, "plugins", "list", "-vv"]
    asked = subprocess.run(
        command, check=False, capture_output=True, text=True, env={"ODIBI_LOG_FORMAT": "json"}, cwd=tmp_path
    )
    wrong = subprocess.run(
        command, check=False, capture_output=True, text=True, env={"ODIBI_LOG_FORMAT": "xml"}, cwd=tmp_path
    )

    assert asked.returncode == 0, asked.stderr
    assert all({"timestamp", "level", "logger", "event"} <= set(json.loads(line)) for line in asked.stderr.splitlines())
    assert wrong.returncode == 2
    assert "ODIBI_LOG_FORMAT is 'xml'. It can be: console, json" in wrong.stderr
