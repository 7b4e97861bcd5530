"""Whole runs with log sinks that a manifest names or a caller brings: which is which, and what becomes of each."""

import importlib.util
import json
import shutil
import sys
import traceback
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from odibi_core import get_failed_transformations, get_layer_summary, get_project_status, run_project
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import RECORD_COLUMNS, ConfigError, OdibiError, RunLogError
from odibi_core.project import Project
from odibi_core.runlog import read_journal
from odibi_core.running.earlier_runs import deliver_to_sinks
from odibi_core.running.sinks import sink_of_type, sink_targets
from odibi_sinks import ConsoleLogSink, FileLogSink, plugin

ENGINE_FILE = Path(__file__).parents[1] / "core" / "rows_engine.py"
STEPS = """
tried = []

def works():
    pass

def fails():
    raise ValueError("boom")

def hiccups():
    from odibi_core import TransientError

    tried.append(1)
    if len(tried) % 2:
        raise TransientError("not yet")
"""
ROWS = [
    {"transformation_id": "a", "layer": "Bronze", "function": "works"},
    {"transformation_id": "b", "layer": "Bronze", "function": "hiccups"},
    {"transformation_id": "c", "layer": "Silver", "function": "fails"},
    {"transformation_id": "d", "layer": "Silver", "function": "works", "depends_on": ["c"]},
]


@pytest.fixture
def manager(monkeypatch):
    spec = importlib.util.spec_from_file_location("rows_engine", ENGINE_FILE)
    rows_engine = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "rows_engine", rows_engine)
    spec.loader.exec_module(rows_engine)
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(rows_engine, name="rows-engine")
    manager.register(plugin, name="sinks")
    return manager.freeze()


@pytest.fixture
def project(tmp_path):
    """Makes a project of which one transformation fails, with log sinks in its manifest."""
    root = tmp_path / "shop"
    (root / "config").mkdir(parents=True)

    def make(*log_sinks):
        manifest = {
            "project_name": "Corner Shop",
            "layer_order": ["Bronze", "Silver"],
            "environments": ["qat"],
            "default_env": "qat",
            "default_engine": "rows",
            "retry": {"attempts": 2, "delay": 0, "jitter": 0},
            "log_sinks": log_sinks,
        }
        rows = [{"module": "steps", **row} for row in ROWS]
        (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        (root / "config" / "transformations.json").write_text(json.dumps(rows), encoding="utf-8")
        (root / "steps.py").write_text(STEPS, encoding="utf-8")
        return root

    return make


@pytest.fixture
def run(manager):
    return lambda root, **arguments: run_project(root, manager=manager, raise_on_failure=False, **arguments)


def targets(root, manager, **brought):
    return sink_targets(Project.load(root, manager=manager), manager=manager, **brought)


# --- answers from what was delivered ---


@pytest.fixture(params=["runs.csv", "runs.jsonl", "sqlite", "postgresql", "mariadb", "delta"])
def config(request, tmp_path):
    """A log sink of a manifest that can be read back, once for each kind."""
    if request.param == "delta":
        return {"type": "delta", "path": "logs/delta"}
    if request.param == "sqlite":
        return {"type": "sql", "url": "sqlite:///logs/runs.db"}
    if request.param == "mariadb":  # where a schema is a database, which would be there for the next test
        return {"type": "sql", "url": request.getfixturevalue("mariadb_url"), "table_name": 'the "log"'}
    if request.param == "postgresql":
        return {"type": "sql", "url": request.getfixturevalue("postgresql_url"), "schema": 'the "log"'}
    return {"type": "file", "path": f"logs/{request.param}"}


def test_every_sink_that_can_be_read_back_gives_the_answers_of_the_run_log(project, manager, run, config, monkeypatch):
    """A-39: they have the same records."""
    root = project(config)
    for _ in range(2):
        assert run(root).sink_errors == ()
    loaded = Project.load(root, manager=manager)
    monkeypatch.setattr(Project, "manager", lambda _: manager)
    sink = sink_of_type(loaded, config["type"], manager=manager)

    expected = [question(loaded) for question in (get_project_status, get_layer_summary, get_failed_transformations)]

    assert {name: expected[0][name] for name in ("total_runs", "success_count", "failed_count", "success_rate")} == {
        "total_runs": 6,
        "success_count": 4,
        "failed_count": 2,
        "success_rate": "66.7%",
    }
    for source in (config["type"].upper(), sink):
        assert get_project_status(None, None, loaded, "QAT", source=source) == expected[0]
        assert get_layer_summary(loaded, "qat", source=source) == expected[1]
        assert get_failed_transformations(loaded, "qat", source=source) == expected[2]


@pytest.mark.parametrize("question", [get_project_status, get_layer_summary, get_failed_transformations])
def test_a_log_that_is_not_there_is_no_answer(project, manager, config, monkeypatch, question):
    """A-94: whoever mistypes a path or a table must not read that nothing failed."""
    monkeypatch.setattr(Project, "manager", lambda _: manager)
    loaded = Project.load(project(config), manager=manager)
    for _ in range(2):  # the first question must not make what the second one finds
        with pytest.raises(RunLogError, match=r"no record|no table|no Delta table"):
            question(loaded, source=config["type"])


def test_several_sinks_of_one_type_are_told_apart_by_their_place(project, manager, run):
    root = project({"type": "file", "path": "a.csv"}, {"type": "console"}, {"type": "file", "path": "b.csv"})
    loaded = Project.load(root, manager=manager)

    assert sink_of_type(loaded, "File:2", manager=manager).path == root / "b.csv"
    with pytest.raises(ConfigError, match=r"2 log sinks of type 'file'\. Say which, .*: file:1, file:2\."):
        sink_of_type(loaded, "file", manager=manager)
    with pytest.raises(ConfigError, match=r"There are: console, file:1, file:2\. Did you mean 'file:2'\?"):
        sink_of_type(loaded, "file:3", manager=manager)


def test_records_of_a_run_are_what_the_schema_in_the_package_says(project, run):
    root = project({"type": "file", "path": "runs.jsonl"}, {"type": "console"})
    schema = json.loads(files("odibi_core.runlog").joinpath("record.schema.json").read_text(encoding="utf-8"))
    valid = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

    result = run(root)

    lines = [json.loads(line) for line in (root / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    journal = read_journal(root / ".odibi" / "runs" / f"{result.run_id}.jsonl").records
    assert [line["seq"] for line in lines] == [record["seq"] for record in journal] == [*range(1, len(lines) + 1)]
    assert {line["status"] for line in lines} == {"RUNNING", "RETRY", "SUCCESS", "FAILED", "SKIPPED"}
    for record in (*lines, *journal):
        valid.validate(record)
    assert tuple(schema["properties"])[-len(RECORD_COLUMNS) :] == RECORD_COLUMNS
    assert all(tuple(line) == RECORD_COLUMNS for line in lines)


# --- secrets ---


SECRET = "s3cretPassw0rd"


def test_a_password_is_in_nothing_that_a_run_leaves_or_says(project, manager, run, capfd, caplog):
    """The database refuses; what is written down about that names the sink, its table and not its password."""
    root = project({"type": "sql", "url": f"postgresql://etl:{SECRET}@127.0.0.1:1/dw", "timeout_seconds": 1})

    result = run(root, save_logs=True, log_level="DEBUG")
    reports, _ = deliver_to_sinks(root / ".odibi", targets(root, manager), deadline_seconds=10)

    (error,) = result.sink_errors
    said = [*capfd.readouterr(), caplog.text, str(result), json.dumps(result.to_dict()), repr(result), repr(reports)]
    said += [repr(targets(root, manager)), str(vars(targets(root, manager)[0].sink))]
    left = {path: path.read_bytes() for path in (root / ".odibi").rglob("*") if path.is_file()}
    assert "TransformationRunLog" in error.error
    assert "etl@127.0.0.1:1/dw" in error.error
    assert any(path.parent.name == "logs" for path in left)
    assert [text for text in said if SECRET in text] == []
    assert [path for path, content in left.items() if SECRET.encode() in content] == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"postgresql://etl:{SECRET}@db:port/dw", "a port that is no number"),
        (f"postgresq://etl:{SECRET}@db/dw", "Did you mean 'postgresql'?"),
        (f"postgresql//etl:{SECRET}@db/dw", "it is neither"),
        (f"host=db password={SECRET}", "no SERVER or DSN"),
        ("${secret:env:NO_SUCH_VARIABLE}", "Set the environment variable NO_SUCH_VARIABLE"),
    ],
    ids=["port", "scheme", "no scheme", "keywords", "missing secret"],
)
def test_a_malformed_url_stops_a_run_before_anything_and_shows_no_password(project, run, url, words, caplog, capfd):
    root = project({"type": "sql", "url": url})

    with pytest.raises(OdibiError) as caught:
        run(root)

    trace = "".join(traceback.format_exception(caught.value))
    assert words in str(caught.value)
    assert SECRET not in trace + caplog.text + "".join(capfd.readouterr())
    assert not (root / ".odibi" / "runs").exists()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"type": "sqll", "url": "sqlite://"}, "Log sink 'sqll' not found. Installed: console, delta, file, sql. Did"),
        ({"type": "file", "path": "a.csv", "apend": True}, "'log_sinks[0].apend'. Did you mean 'append'?"),
        ({"type": "sql", "url": "sqlite://", "shema": "x"}, "'log_sinks[0].shema'. Did you mean 'schema'?"),
        ({"type": "delta", "path": "x", "optimise_every": 1}, "Did you mean 'optimize_every'?"),
        ({"type": "console", "stream": "stdin"}, "none of stderr, stdout"),
        ({"type": "file", "path": "a.xlsx"}, "Use .csv for CSV"),
        ({"type": "file"}, "'log_sinks[0].path' is missing"),
    ],
    ids=["type", "file", "sql", "delta", "console", "suffix", "missing"],
)
def test_a_sink_that_is_configured_wrongly_stops_a_run_before_anything(project, run, config, words):
    root = project(config)
    with pytest.raises(OdibiError) as caught:
        run(root)
    assert words in str(caught.value)
    assert not (root / ".odibi" / "runs").exists()


# --- which sink is which ---


@pytest.mark.parametrize(
    ("configs", "paths", "words"),
    [
        ([{"type": "file", "path": "a.csv"}] * 2, [], r"log_sinks\[0\] of the manifest and log_sinks\[1\]"),
        ([{"type": "file", "path": "a.csv"}, {"type": "file", "path": "x/../a.csv"}], [], r"'file' \(.*a\.csv\)"),
        ([{"type": "file", "path": "a.csv"}], ["a.csv"], r"log_sinks\[0\] of the manifest and log_sink\[0\]"),
        ([], ["a.csv", "a.csv"], r"log_sink\[0\] and log_sink\[1\]"),
        ([{"type": "console"}] * 2, [], "'console': "),
    ],
    ids=["the same", "the same place", "manifest and caller", "caller twice", "without a place"],
)
def test_a_sink_that_would_get_every_record_twice_is_refused(project, manager, run, configs, paths, words):
    root = project(*configs)
    with pytest.raises(ConfigError, match=rf"Two log sinks are one and the same.*{words}"):
        run(root, log_sink=[FileLogSink(root / path) for path in paths])
    assert not (root / ".odibi" / "runs").exists()


def test_an_object_that_is_brought_twice_is_refused(project, run):
    class Kept:
        def write(self, records):
            pass

    kept = Kept()
    with pytest.raises(ConfigError, match="one and the same, 'Kept'"):
        run(project(), log_sink=[kept, kept])
    assert run(project(), log_sink=[kept, Kept()]).sink_errors == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (ConsoleLogSink, r"log_sink is the class ConsoleLogSink\. Give it an object of it: ConsoleLogSink\(\.\.\.\)"),
        ("file", "log_sink is str, which has no method 'write"),
        ([None], "log_sink is NoneType"),
    ],
    ids=["class", "text", "nothing"],
)
def test_what_is_no_sink_is_refused_before_anything_runs(project, run, given, words):
    root = project()
    with pytest.raises(ConfigError, match=words):
        run(root, log_sink=given)
    assert not (root / ".odibi" / "runs").exists()


def test_a_sink_is_known_by_its_place_whatever_its_options_and_wherever_the_project_is(project, manager, tmp_path):
    first = targets(project({"type": "sql", "url": "sqlite:///logs/runs.db"}), manager)[0]
    root = project({"type": "SQL", "url": "sqlite:///logs/runs.db", "timeout_seconds": 3})
    shutil.copytree(root, tmp_path / "moved")

    assert targets(root, manager)[0].key == first.key
    assert targets(tmp_path / "moved", manager)[0].key == first.key
    assert targets(project({"type": "sql", "url": "sqlite:///logs/other.db"}), manager)[0].key != first.key
    assert targets(project({"type": "sql", "url": "sqlite:///logs/runs.db", "table_name": "x"}), manager)[0] != first


def test_what_a_sink_lacks_it_gets_after_its_password_was_put_right(project, manager, run, postgresql_url, query):
    """The natural thing to do at 3 am must not make another sink of it, to which nothing is owed."""
    query(postgresql_url, "CREATE ROLE strict LOGIN PASSWORD 'right' CONNECTION LIMIT 0")
    url = postgresql_url.replace("odibi@", "strict:{}@")
    root = project({"type": "sql", "url": url.format("wr0ngwr0ng"), "timeout_seconds": 2})
    result = run(root)
    (error,) = result.sink_errors
    assert "too many connections" in error.error
    assert "wr0ng" not in json.dumps(result.to_dict())

    query(postgresql_url, "ALTER ROLE strict CONNECTION LIMIT -1")
    query(postgresql_url, "GRANT ALL ON SCHEMA public TO strict")
    root = project({"type": "sql", "url": url.format("right")})
    reports, problem = deliver_to_sinks(root / ".odibi", targets(root, manager), deadline_seconds=30)

    journal = read_journal(root / ".odibi" / "runs" / f"{result.run_id}.jsonl")
    assert ([(report.records, report.error) for report in reports], problem) == ([(len(journal.records), None)], None)
    assert query(postgresql_url, 'SELECT count(*) FROM "TransformationRunLog"') == [(len(journal.records),)]
