"""Records, files to keep them in, and servers that run as long as the tests do."""

import csv
import hashlib
import importlib.util
import json
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from odibi_core.plugin import RECORD_COLUMNS, Dataset
from odibi_core.runlog import read_journal
from odibi_core.runlog.records import record_for_sinks

START = datetime(2026, 11, 21, 21, 30, 0, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def record():
    """Makes records as the kernel hands them over."""

    def make(seq=1, *, run_id="r1", **columns):
        return {
            "transformation_id": f"t{seq}",
            "project": "Flights",
            "plant": "EWR",
            "asset": None,
            "start_time": START,
            "end_time": START + timedelta(seconds=1),
            "status": "SUCCESS",
            "duration_seconds": 1.25,
            "error_message": None,
            "env": "qat",
            "run_id": run_id,
            "seq": seq,
            "layer": "Silver",
            "step": 1,
            "module": "silver.functions",
            "function": "clean",
            "engine": "pandas",
            "attempt": 1,
            "rows_read": 10,
            "rows_written": 9,
            "plugin_versions": "odibi-core 0.1.0",
            **columns,
        }

    return make


def _read_csv(path):
    csv.field_size_limit(sys.maxsize)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def _read_json_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="ascii").split("\n")[:-1]]


@pytest.fixture(scope="session")
def read_log():
    """Reads a file back with the standard library, by its suffix."""
    return lambda path: _read_csv(path) if path.suffix == ".csv" else _read_json_lines(path)


@pytest.fixture(params=["runs.csv", "runs.jsonl"])
def log_path(request, tmp_path):
    """A path that does not exist yet, once for each format."""
    return tmp_path / "logs" / "deep" / request.param


# --- whole runs ---


def _module(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def manager():
    """This distribution's sinks, and an engine whose frames are lists of rows."""
    return _module(Path(__file__).with_name("whole_runs.py"), "whole_runs").make_manager()


@pytest.fixture
def make_project(tmp_path):
    """Makes a project of transformations, each a function's name and constants, and returns its folder."""

    def make(transformations, *, log_sinks, steps, folder="project", **manifest):
        root = tmp_path / folder
        rows = [
            {"transformation_id": f"t{number:03}", "layer": "Silver", "module": "steps", **transformation}
            for number, transformation in enumerate(transformations)
        ]
        manifest = {
            "project_name": "Shop",
            "layer_order": ["Silver"],
            "environments": ["qat"],
            "default_env": "qat",
            "default_engine": "rows",
            "warehouse": {"path": "data", "format": "json"},
            "log_sinks": log_sinks,
            **manifest,
        }
        (root / "config").mkdir(parents=True)
        (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        (root / "config" / "transformations.json").write_text(json.dumps(rows), encoding="utf-8")
        (root / "steps.py").write_text(steps, encoding="utf-8")
        return root

    return make


@pytest.fixture(scope="session")
def journaled():
    """Reads what every log sink of a project has to have, and raises if a run's numbers have a hole."""

    def read(root):
        journals = sorted((root / ".odibi" / "runs").glob("*.jsonl"))
        return [record_for_sinks(record) for journal in journals for record in read_journal(journal).records]

    return read


@pytest.fixture(scope="session")
def digest():
    """A digest of records in any order: the same for the same records, each as often."""

    def of(records):
        lines = sorted(
            (record["run_id"], record["seq"], repr([_cell(record[name]) for name in RECORD_COLUMNS]))
            for record in records
        )
        return hashlib.sha256(repr(lines).encode()).hexdigest()

    return of


def _cell(value):
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value


# --- servers: real ones; where none is installed the tests are skipped ---


def _running(kind):
    path = Path(__file__).resolve().parents[2] / "tools" / "database_servers.py"
    servers = _module(path, "odibi_test_database_servers")
    try:
        with getattr(servers, kind)() as url:
            yield url
    except servers.NotInstalledError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgresql_server():
    """A PostgreSQL server: its URL without a database."""
    yield from _running("postgresql")


@pytest.fixture(scope="session")
def mariadb_server():
    """A MariaDB server: its URL without a database."""
    yield from _running("mariadb")


_databases = count(1)


@pytest.fixture
def postgresql_url(postgresql_server):
    """A database of its own on the PostgreSQL server."""
    import psycopg

    name = f"test_{next(_databases)}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield f"{postgresql_server}/{name}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def mariadb_url(mariadb_server):
    """A database of its own on the MariaDB server, whose own character set cannot hold most characters."""
    import pymysql

    name = f"test_{next(_databases)}"
    port = int(mariadb_server.rpartition(":")[2])
    with pymysql.connect(host="127.0.0.1", port=port, user="odibi") as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET latin1")
        yield f"{mariadb_server}/{name}"
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database_url(request, tmp_path):
    """An empty database, once for each kind that can be had here."""
    return (
        f"sqlite:///{tmp_path / 'runs.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue(f"{request.param}_url")
    )


@pytest.fixture
def query():
    """Asks a database with nothing but SQLAlchemy's text, as its operator would."""
    import sqlalchemy

    engines = {}

    def ask(url, statement, **parameters):
        url = url.replace("postgresql:", "postgresql+psycopg:").replace("mariadb:", "mariadb+pymysql:")
        if url not in engines:
            engines[url] = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        with engines[url].begin() as connection:
            result = connection.execute(sqlalchemy.text(statement), parameters)
            return [tuple(row) for row in result] if result.returns_rows else []

    return ask


@pytest.fixture
def sql_sink():
    """Makes SQL log sinks and closes them."""
    from odibi_sinks import SQLTableLogSink

    made = []

    def make(*args, **options):
        made.append(SQLTableLogSink(*args, **options))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


@pytest.fixture
def place(tmp_path):
    """The folder of the Delta table that a test saves."""
    return tmp_path / "data" / "silver" / "sales"


@pytest.fixture
def save(place):
    """Saves a frame as that table, with the mode and the options of an output."""
    from odibi_sinks.delta_tables.saver import DeltaTableSaver

    saver = DeltaTableSaver(None)

    def save(frame, *, partition_by=(), mode="overwrite", location=None, **options):
        dataset = Dataset(
            name="silver.sales",
            kind="table",
            format="delta",
            location=str(location or place),
            mode=mode,
            partition_by=tuple(partition_by),
            options=options,
        )
        return saver.save(frame, dataset)

    return save


@pytest.fixture
def rows(place):
    """Returns what is in that table, in a fixed order."""
    from deltalake import DeltaTable

    def rows():
        return sorted(DeltaTable(place).to_pyarrow_table().to_pylist(), key=str)

    return rows
