"""A database that refuses, is gone, drops the connection or does not answer."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from odibi_core.plugin import RunLogError
from odibi_core.runlog import Delivery, Journal, SinkTarget, deliver_pending


class Relay:
    """Stands between a client and a server, and can fall silent as a server does whose process hangs."""

    def __init__(self, port):
        self._target = port
        self._stack = ExitStack()
        self._speaks = threading.Event()
        self._speaks.set()
        self._listener = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self._stack.callback(self._shut, self._listener)  # closing it alone would not end the waiting for clients
        self.port = self._listener.getsockname()[1]
        self._threads = []
        self._start(self._accept)

    def fall_silent(self):
        self._speaks.clear()

    def speak_again(self):
        self._speaks.set()

    def close(self):
        self._speaks.set()
        self._stack.close()
        for thread in self._threads:
            thread.join()

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            for one in (client, server):
                self._stack.callback(one.close)
                self._stack.callback(self._shut, one)
            self._start(self._pump, client, server)
            self._start(self._pump, server, client)

    def _pump(self, source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                self._speaks.wait()
                target.sendall(data)
        self._shut(target)

    @staticmethod
    def _shut(one):
        with suppress(OSError):  # it is already
            one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relayed():
    """Puts a relay before the server of a URL."""
    relays = []

    def make(url):
        head, _, tail = url.rpartition(":")
        port, _, database = tail.partition("/")
        relay = Relay(int(port))
        relays.append(relay)
        return relay, f"{head}:{relay.port}/{database}"

    yield make
    for relay in relays:
        relay.close()


@pytest.fixture(params=["postgresql", "mariadb"])
def server_url(request):
    return request.getfixturevalue(f"{request.param}_url")


DIE_ONCE = """
CREATE SEQUENCE deaths;
CREATE FUNCTION die_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = {seq} AND nextval('deaths') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER die_once BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION die_once();
"""


@pytest.mark.parametrize("count", [10, 400], ids=["inserting", "copying"])
def test_a_connection_dropped_in_mid_batch_stores_nothing_and_the_next_attempt_connects_anew(
    sql_sink, postgresql_url, record, query, count
):
    sink = sql_sink(postgresql_url, "runs")
    sink.write([record(1)])
    query(postgresql_url, DIE_ONCE.format(seq=count // 2))
    batch = [record(seq) for seq in range(2, count)]
    with pytest.raises(
        RunLogError,
        match=r"The SQL log sink cannot write to the table 'runs' at postgresql.*(terminating|closed the) connection",
    ):
        sink.write(batch)
    assert query(postgresql_url, "SELECT count(*) FROM runs") == [(1,)]
    sink.write(batch)
    assert query(postgresql_url, "SELECT count(*), max(seq) FROM runs") == [(count - 1, count - 1)]


def test_a_connection_dropped_in_mid_batch_does_not_touch_the_runs_outcome(
    sql_sink, postgresql_url, record, query, tmp_path, monkeypatch
):
    monkeypatch.setattr("odibi_core.runlog.delivery._PAUSES", (0.001,))
    sink = sql_sink(postgresql_url, "runs")
    sink.write([record(1, run_id="earlier")])
    query(postgresql_url, DIE_ONCE.format(seq=30))
    state_dir = tmp_path / ".odibi"
    journal = Journal.create(state_dir, run_id="r1", project="P", env="q", engine="", layers=[], plugins={})
    delivery = Delivery(journal, [SinkTarget(name="sql", sink=sink, key="sql")], state_dir, batch_size=20)
    for seq in range(1, 101):
        journal.append(transformation_id=f"t{seq}", status="RUNNING", layer="L", start_time=datetime.now(UTC))
        delivery.notify()
    (report,) = delivery.finish()
    journal.close("SUCCESS", duration_seconds=0.1)
    assert (report.records, report.error) == (100, None)
    assert query(postgresql_url, "SELECT count(*), count(DISTINCT seq), max(seq) FROM runs WHERE run_id = 'r1'") == [
        (100, 100, 100)
    ]


def test_a_connection_dropped_between_batches_is_not_even_noticed(sql_sink, postgresql_url, record, query):
    sink = sql_sink(postgresql_url)
    sink.write([record(1)])
    query(
        postgresql_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()",
    )
    sink.write([record(2)])
    assert sink.last_seq("r1") == 2


def test_a_connection_that_falls_silent_is_given_up_and_replaced(sql_sink, server_url, relayed, record):
    relay, url = relayed(server_url)
    sink = sql_sink(url, timeout_seconds=1)
    sink.write([record(1)])
    relay.fall_silent()
    with pytest.raises(RunLogError, match="Check that the server runs, can be reached and lets this user in"):
        sink.write([record(2)])
    relay.speak_again()
    sink.write([record(2)])
    assert sink.last_seq("r1") == 2


def test_a_statement_that_takes_too_long_is_given_up(sql_sink, postgresql_url, record, query):
    sink = sql_sink(postgresql_url, "runs", timeout_seconds=0.2)
    sink.write([record(1)])
    query(
        postgresql_url,
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$",
    )
    query(postgresql_url, "CREATE TRIGGER wait BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION wait()")
    with pytest.raises(RunLogError, match=r"statement timeout"):
        sink.write([record(2)])
    assert sink.last_seq("r1") == 1


def test_a_table_that_somebody_has_locked_is_not_waited_for_forever(sql_sink, postgresql_url, record):
    import psycopg

    sink = sql_sink(postgresql_url, "runs", timeout_seconds=0.2)
    sink.write([record(1)])
    with psycopg.connect(postgresql_url) as other:
        other.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(RunLogError, match=r"lock timeout|statement timeout"):
            sink.write([record(2)])
    sink.write([record(2)])
    assert sink.last_seq("r1") == 2


def test_a_locked_sqlite_file_is_not_waited_for_forever(sql_sink, tmp_path, record):
    import sqlite3

    path = tmp_path / "runs.db"
    sink = sql_sink(f"sqlite:///{path}", timeout_seconds=0.05)
    sink.write([record(1)])
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RunLogError, match=r"database is locked. Another program keeps it locked"):
        sink.write([record(2)])
    other.rollback()
    other.close()
    sink.write([record(2)])
    assert sink.last_seq("r1") == 2


def test_what_the_url_says_of_time_outs_holds(sql_sink, tmp_path, record):
    sink = sql_sink(f"sqlite:///{tmp_path / 'runs.db'}?timeout=0.05", timeout_seconds=60)
    sink.write([record(1)])
    import sqlite3

    other = sqlite3.connect(tmp_path / "runs.db")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RunLogError, match="database is locked"):
        sink.write([record(2)])
    other.close()


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
def test_a_server_that_is_not_there_is_named_without_the_password(sql_sink, record, scheme):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        sink = sql_sink(f"{scheme}://etl:s3cret@127.0.0.1:{port}/dw", timeout_seconds=2)
        for attempt in (
            lambda: sink.write([record(1)]),
            lambda: sink.last_seq("r1"),
            lambda: list(sink.read_records()),
        ):
            with pytest.raises(
                RunLogError, match=rf"://etl@127.0.0.1:{port}/dw: .*refused.*Check that the server runs"
            ) as caught:
                attempt()
            assert "s3cret" not in str(caught.value)


def test_a_password_that_a_driver_repeats_is_masked(sql_sink, postgresql_url, record):
    """libpq quotes options that it cannot read."""
    sink = sql_sink(postgresql_url.replace("odibi@", "odibi:s3cret@") + "?sslmode=s3cret")
    with pytest.raises(RunLogError, match=r"\*\*\*") as caught:
        sink.write([record(1)])
    shown, error = "", caught.value
    while error is not None:
        shown, error = shown + str(error), error.__cause__
    assert "s3cret" not in shown


def test_a_file_that_is_no_database_is_an_error_and_stays_as_it_is(sql_sink, tmp_path, record):
    path = tmp_path / "runs.db"
    path.write_text("important notes\n" * 100)
    sink = sql_sink(f"sqlite:///{path}")
    with pytest.raises(RunLogError, match=r"file is not a database.*Check the path"):
        sink.write([record(1)])
    assert path.read_text() == "important notes\n" * 100


def test_a_folder_that_cannot_be_made_is_named(sql_sink, tmp_path, record):
    (tmp_path / "file").write_text("in the way")
    sink = sql_sink(f"sqlite:///{tmp_path}/file/runs.db")
    with pytest.raises(RunLogError, match=r"file/runs\.db: .*File exists.*Check the path, its permissions"):
        sink.write([record(1)])


FULL_DISK = """
import os, resource, sys
from odibi_sinks import SQLTableLogSink
path = sys.argv[1]
row = {"transformation_id": "t", "run_id": "r1", "seq": 1, "error_message": "x" * 5000}
sink = SQLTableLogSink(f"sqlite:///{path}")
sink.write([row])
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat(path).st_size + 4096, hard))
try:
    sink.write([{**row, "seq": 2, "error_message": "x"}, {**row, "seq": 3, "error_message": "x" * 100_000}])
except OSError as error:
    print(type(error).__name__, error)
print(sink.last_seq("r1"))
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
sink.write([{**row, "seq": 2}])
print(sink.last_seq("r1"))
"""

READ_ONLY = """
import os, sys
from odibi_sinks import SQLTableLogSink
os.chdir(sys.argv[1])
row = {"transformation_id": "t", "run_id": "r1", "seq": 1}
warm = SQLTableLogSink("sqlite://")
warm.write([row])
warm.close()
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
for name in ("new.db", "old.db"):
    try:
        SQLTableLogSink(f"sqlite:///{name}").write([row])
    except OSError as error:
        print(type(error).__name__, error)
print(SQLTableLogSink("sqlite:///old.db").last_seq("r0"))
"""


def run_script(script, *args):
    done = subprocess.run([sys.executable, "-c", script, *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of files")
def test_a_full_disk_takes_none_of_a_batch_and_names_the_file(tmp_path):
    error, before, after = run_script(FULL_DISK, tmp_path / "runs.db")
    assert error.startswith(
        "RunLogError The SQL log sink cannot write to the table 'TransformationRunLog' at sqlite:///"
    )
    assert error.endswith("Check the path, its permissions and the space on its disk.")
    assert (before, after) == ("1", "2")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_a_read_only_folder_is_an_error_that_says_so_and_can_still_be_read(sql_sink, record):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sink = sql_sink(f"sqlite:///{folder / 'old.db'}")
        sink.write([record(3, run_id="r0")])
        sink.close()
        (folder / "old.db").chmod(0o444)
        folder.chmod(0o555)
        new, old, last = run_script(READ_ONLY, folder)
        folder.chmod(0o755)
    assert "unable to open database file" in new
    assert "attempt to write a readonly database" in old
    assert new.endswith("Check the path, its permissions and the space on its disk.")
    assert last == "3"


def test_what_a_broken_database_did_not_take_is_delivered_later(sql_sink, tmp_path, query, monkeypatch):
    """A table that lacks a column, where the user may not add it, or any other refusal: nothing is lost."""
    monkeypatch.setattr("odibi_core.runlog.delivery._PAUSES", (0.001,))
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    query(url, "CREATE TABLE runs (something_else integer)")
    target = SinkTarget(name="sql", sink=sql_sink(url, "runs"), key="sql")
    state_dir = tmp_path / ".odibi"
    journal = Journal.create(state_dir, run_id="r1", project="P", env="q", engine="", layers=[], plugins={})
    delivery = Delivery(journal, [target], state_dir)
    for seq in range(1, 6):
        journal.append(transformation_id=f"t{seq}", status="RUNNING", layer="L", start_time=datetime.now(UTC))
    (report,) = delivery.finish()
    journal.close("SUCCESS", duration_seconds=0.1)
    assert report.records == 0
    assert "5 of 5 records are not in the log sink 'sql': RunLogError: The table 'runs' is no run log" in report.error
    query(url, "DROP TABLE runs")
    (late,) = deliver_pending(state_dir, [target])
    assert (late.records, late.error) == (5, None)
    assert query(url, "SELECT count(*), max(seq) FROM runs") == [(5, 5)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings(
    "ignore:This process:DeprecationWarning"
)  # threads and fork; the child only writes and exits
def test_a_forked_process_uses_a_connection_of_its_own(sql_sink, postgresql_url, record, query):
    sink = sql_sink(postgresql_url, "runs")
    sink.write([record(1)])
    child = os.fork()
    if child == 0:
        try:
            sink.write([record(2)])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    sink.write([record(3)])
    assert query(postgresql_url, "SELECT seq FROM runs ORDER BY seq") == [(1,), (2,), (3,)]
