"""Records, files to keep them in, and servers that run as long as the tests do."""

import csv
import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

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


# --- servers: real ones, on a free port of the loopback interface; where none is installed the tests are skipped ---


def _programs(*names, folders=()):
    """Where each program is, or None if one of them is missing."""
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = [shutil.which(name, path=path) for name in names]
    return found if all(found) else None


def _newest_postgresql():
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    return _programs("initdb", "pg_ctl", folders=reversed(folders))


def _owner(*names):
    """Who a server runs as: neither PostgreSQL nor MariaDB wants to be root."""
    if os.geteuid() != 0:
        return {}, getpass.getuser()
    import pwd

    for name in (*names, "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}, name
    return pytest.skip("tests run as root, and there is no other user to run a server")


def _server_folder(owner):
    # Not pytest's own folder, which nobody else may enter.
    folder = Path(tempfile.mkdtemp(prefix="odibi-server-"))
    if owner:
        os.chown(folder, owner["user"], owner["group"])
    return folder


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def postgresql_server():
    """A PostgreSQL server: its URL without a database."""
    programs = _newest_postgresql()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (initdb, pg_ctl)")
    initdb, pg_ctl = programs
    owner, _ = _owner("postgres")
    folder, port = _server_folder(owner), _free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": 40,
        "shared_buffers": "16MB",
    }

    def run(*command):
        # Into a file: a pipe would be inherited by the server, and reading it would never end.
        with (folder.parent / f"{folder.name}.log").open("ab") as log:
            subprocess.run(command, check=True, timeout=120, stdout=log, stderr=log, cwd=folder, **owner)

    try:
        data = folder / "data"
        run(initdb, "-D", data, "-U", "odibi", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with (data / "postgresql.conf").open("a") as config:
            config.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        run(pg_ctl, "-D", data, "-w", "-t", "60", "start")
        try:
            yield f"postgresql://odibi@127.0.0.1:{port}"
        finally:
            run(pg_ctl, "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
        folder.with_name(f"{folder.name}.log").unlink(missing_ok=True)


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


@pytest.fixture(scope="session")
def mariadb_server():
    """A MariaDB server: its URL without a database."""
    programs = _programs("mariadbd")
    if programs is None:
        pytest.skip("no MariaDB server is installed (mariadbd)")
    owner, user = _owner("mysql")
    folder, port = _server_folder(owner), _free_port()
    settings = {
        "basedir": Path(programs[0]).parents[1],
        "datadir": folder / "data",
        "tmpdir": folder,
        "socket": folder / "socket",
        "pid-file": folder / "pid",
        "bind-address": "127.0.0.1",
        "port": port,
        "user": user,
        "innodb-flush-log-at-trx-commit": 0,
        "innodb-buffer-pool-size": "16M",
        "innodb-log-file-size": "8M",
    }
    command = [*programs, "--no-defaults", *(f"--{name}={value}" for name, value in settings.items())]
    try:
        (folder / "data").mkdir()
        if owner:
            os.chown(folder / "data", owner["user"], owner["group"])
        # Who may do what is in tables that take longer to make than the tests take.
        server = subprocess.Popen(
            [*command, "--skip-grant-tables"], cwd=folder, stderr=subprocess.PIPE, text=True, errors="replace", **owner
        )
        try:
            said = []
            for line in server.stderr:
                said.append(line)
                if "ready for connections" in line:
                    break
            else:
                pytest.fail("the MariaDB server did not start: " + "".join(said[-20:]))
            reader = threading.Thread(target=server.stderr.read)
            reader.start()
            yield f"mariadb://odibi@127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()
        reader.join()
        server.stderr.close()
    finally:
        shutil.rmtree(folder)


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
