"""The SQL log sink as a manifest names it, and what it costs a program that only begins to run."""

import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest
from pydantic import ValidationError

from odibi_core.loading import PluginManager
from odibi_core.plugin import ConfigError
from odibi_core.project import resolve_options
from odibi_core.running.sinks import sink_targets
from odibi_sinks import plugin
from odibi_sinks.sql.options import SqlSinkOptions
from odibi_sinks.sql.sink import SQLTableLogSink

SECRET = "s3cretPassw0rd"


@pytest.fixture
def spec_and_manager():
    manager = PluginManager()
    manager.register(plugin, name="sinks")
    return manager.log_sinks.get("sql"), manager


def test_options_become_the_arguments_of_the_sink(spec_and_manager, tmp_path, sql_sink, record):
    spec, manager = spec_and_manager
    config = {"url": "sqlite:///logs/runs.db", "table_name": "runs", "schema": "log", "timeout_seconds": 3}
    options = resolve_options(config, spec=spec, manager=manager, what="log sink 'sql'", root=tmp_path)
    assert options == {
        "url_or_connection_string": f"sqlite:///{tmp_path}/logs/runs.db",
        "table_name": "runs",
        "schema": "log",
        "timeout_seconds": 3.0,
    }
    sink = sql_sink(**options)
    sink.write([record(1)])
    assert (tmp_path / "logs" / "runs.db").exists()
    assert sink.path == f"sqlite:///{tmp_path}/logs/runs.db#log.runs"


def test_a_url_is_all_that_is_needed(spec_and_manager, tmp_path):
    spec, manager = spec_and_manager
    options = resolve_options({"url": "sqlite:///runs.db"}, spec=spec, manager=manager, what="sql", root=tmp_path)
    assert list(options) == ["url_or_connection_string"]
    assert SQLTableLogSink(**options).path.endswith("/runs.db#TransformationRunLog")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": f"postgresql://u:{SECRET}@h/d", "tabel_name": "x"}, "Did you mean 'table_name'?"),
        ({"url": f"postgresql://u:{SECRET}@h:x/d"}, "a port that is no number"),
        ({"url": f"postgresql://u:{SECRET}@h/d", "schema": ""}, "cannot use the schema ''"),
        ({"url": f"postgresql://u:{SECRET}@h/d", "table_name": "log.runs"}, "schema: log, table_name: runs"),
        ({"url": f"postgresql://u:{SECRET}@h/d", "timeout_seconds": 0}, "timeout_seconds"),
        ({"connection_string": SECRET}, "url"),
        ({"url": 7}, "url"),
    ],
    ids=["unknown option", "port", "schema", "dot", "no time", "no url", "no text"],
)
def test_wrong_options_are_refused_by_name_and_without_a_password(spec_and_manager, tmp_path, options, words):
    spec, manager = spec_and_manager
    with pytest.raises(ConfigError) as caught:
        resolve_options(options, spec=spec, manager=manager, what="log sink 'sql'", root=tmp_path)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)
    with pytest.raises(ValidationError) as raw:
        SqlSinkOptions.model_validate(options)
    assert SECRET not in str(raw.value)


def test_options_that_are_shown_hide_the_url():
    assert SECRET not in repr(SqlSinkOptions.model_validate({"url": f"postgresql://u:{SECRET}@h/d"}))


def test_the_schema_of_the_options_has_the_names_of_the_manifest():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = SqlSinkOptions.model_json_schema()
    assert list(schema["properties"]) == ["url", "table_name", "schema", "timeout_seconds"]
    assert schema["required"] == ["url"]


def test_what_the_sink_requires_is_what_its_extra_installs():
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "odibi_sinks" / "pyproject.toml").read_text())
    (spec,) = (spec for spec in plugin.odibi_register_log_sinks() if spec.name == "sql")
    assert list(spec.requires) == project["project"]["optional-dependencies"]["sql"]


def test_a_run_starts_without_sqlalchemy(tmp_path):
    """Importing it takes longer than a small run; whoever delivers the first records does it."""
    code = (
        "import sys; from odibi_sinks import SQLTableLogSink; from odibi_sinks.sql.options import SqlSinkOptions;"
        "options = SqlSinkOptions.model_validate({'url': 'postgresql://u:p@h/d'});"
        "sink = SQLTableLogSink(**options.model_dump()); SQLTableLogSink('DSN=x') if 'pyodbc' in sys.argv else None;"
        "sink.write([]); sink.close(); print({'sqlalchemy', 'psycopg'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_a_sink_that_nobody_has_any_more_closes_its_connection(postgresql_url, record, query):
    sink = SQLTableLogSink(postgresql_url)
    sink.write([record(1)])
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
    assert query(postgresql_url, others) == [(1,)]
    del sink
    while query(postgresql_url, others) != [(0,)]:  # the server takes its time to notice
        pass


def test_a_sink_of_a_manifest_is_known_by_the_same_key_in_every_run(tmp_path, spec_and_manager):
    _, manager = spec_and_manager

    class Manifest:
        log_sinks = ({"type": "sql", "url": f"postgresql://u:{SECRET}@h/d"},)

    class Project:
        root = tmp_path
        manifest = Manifest

    first, again = (sink_targets(Project, manager=manager)[0] for _ in range(2))
    assert first.key == again.key
    assert SECRET not in first.key + first.sink.path
