"""Real trouble with a log sink in a whole run: a full disk, a read-only folder, a dropped connection, a lacking column.

Whatever it is: what becomes of the run does not change, the error names the sink and says what to do, and once the
trouble is over the next run delivers what is owed, each record once.
"""

import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from odibi_core import run_project
from odibi_core.plugin import RECORD_COLUMNS, RunLogError
from odibi_core.project import Project
from odibi_core.runlog import RunIndex
from odibi_core.running.sinks import sink_targets

STEPS = """
import random

def work():
    pass

def fail(constants):
    raise ValueError(random.Random(constants["name"]).randbytes(10_000).hex())  # a text that cannot be packed
"""
TRANSFORMATIONS = [
    {"function": "fail", "constants": {"name": number}} if number % 4 == 0 else {"function": "work"}
    for number in range(40)
]
OUTCOME = ("FAILED", {f"t{number:03}": "SUCCESS" if number % 4 else "FAILED" for number in range(40)})
"""What becomes of a run, whatever becomes of its log: ten of its transformations fail, with a lot to tell."""


@pytest.fixture(autouse=True)
def quick_retry(monkeypatch):
    """The pauses before a sink is tried again are there for servers; here they would only be waited for."""
    monkeypatch.setattr("odibi_core.runlog.delivery._PAUSES", (0.001,))


@pytest.fixture
def start(manager):
    """Runs a project, and returns what became of the run, and of its sinks that failed."""

    def run(root):
        result = run_project(root, manager=manager, max_workers=2, raise_on_failure=False)
        outcome = result.status, {one.transformation_id: one.status for one in result.transformations}
        return outcome, {one.sink: one.error for one in result.sink_errors}

    return run


@pytest.fixture
def check_sinks(manager, journaled, digest):
    """Holds that every sink of a project has every record of every run once."""

    def check(root, *, runs):
        expected = journaled(root)
        assert len({record["run_id"] for record in expected}) == runs
        assert len(expected) == runs * 80
        for target in sink_targets(Project.load(root, manager=manager), manager=manager):
            assert digest(target.sink.read_records()) == digest(expected), target.name

    return check


@pytest.fixture
def small_disk():
    """A folder on a disk of its own, of one megabyte, and what fills it and frees it again."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small disk takes root and `mount`")
    # Not among pytest's folders, which the user of a database server may not enter.
    folder = Path(tempfile.mkdtemp(prefix="odibi-disk-"))
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        folder.rmdir()
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
    folder.chmod(0o755)
    yield SmallDisk(folder)
    gc.collect()
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


class SmallDisk:
    def __init__(self, folder):
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, *, leaving):
        state = os.statvfs(self.folder)
        with self._filler.open("wb", buffering=0) as file:
            file.write(b"x" * (state.f_bavail * state.f_frsize - leaving))
        state = os.statvfs(self.folder)
        assert state.f_bavail * state.f_frsize == leaving

    def free(self):
        self._filler.unlink()


def on_disk(kind, folder):
    return {
        "csv": {"type": "file", "path": str(folder / "runs.csv")},
        "json lines": {"type": "file", "path": str(folder / "runs.jsonl")},
        "several files": {"type": "file", "path": str(folder / "runs.csv"), "max_bytes": 30_000},
        "sqlite": {"type": "sql", "url": f"sqlite:///{folder / 'runs.db'}"},
        "delta": {"type": "delta", "path": str(folder / "delta")},
    }[kind]


QUICK = {("csv", 40_960), ("several files", 0), ("sqlite", 40_960), ("delta", 40_960)}


@pytest.mark.parametrize(
    ("kind", "leaving"),
    [
        pytest.param(kind, leaving, id=f"{kind}, {left}", marks=() if (kind, leaving) in QUICK else pytest.mark.soak)
        for kind in ("csv", "json lines", "several files", "sqlite", "delta")
        for leaving, left in ((0, "nothing left"), (40_960, "some left"))
    ],
)
def test_a_full_disk(make_project, small_disk, start, check_sinks, tmp_path, kind, leaving):
    config = on_disk(kind, small_disk.folder)
    root = make_project(TRANSFORMATIONS, log_sinks=[config, on_disk("csv", tmp_path)], steps=STEPS)
    assert start(root) == (OUTCOME, {})
    small_disk.fill(leaving=leaving)

    outcome, errors = start(root)

    assert outcome == OUTCOME
    assert list(errors) == [config["type"]], "the other sink has everything"
    error = errors[config["type"]]
    assert f"80 of 80 records are not in the log sink '{config['type']}'" in error
    assert str(small_disk.folder) in error
    assert "Free some space" in error
    assert "delivered at the next start" in error
    small_disk.free()
    assert start(root) == (OUTCOME, {})
    check_sinks(root, runs=3)


@pytest.fixture
def server_on_small_disk(small_disk, postgresql_url, query):
    """A PostgreSQL database whose new tables are on a small disk."""
    owner = Path(query(postgresql_url, "SHOW data_directory")[0][0]).stat()
    folder = small_disk.folder / "tables"
    folder.mkdir()
    os.chown(folder, owner.st_uid, owner.st_gid)
    admin = f"{postgresql_url.rpartition('/')[0]}/postgres"
    with _autocommitting(admin) as connection:
        connection.execute(f"CREATE TABLESPACE small_disk LOCATION '{folder}'")
    yield f"{postgresql_url}?options=-c%20default_tablespace%3Dsmall_disk"
    gc.collect()
    with _autocommitting(postgresql_url) as connection:
        connection.execute('DROP TABLE IF EXISTS "TransformationRunLog"')
        connection.execute("DROP TABLESPACE small_disk")


def _autocommitting(url):
    import psycopg

    return psycopg.connect(url, autocommit=True)


def test_a_full_disk_of_a_server(make_project, small_disk, server_on_small_disk, start, check_sinks):
    root = make_project(TRANSFORMATIONS, log_sinks=[{"type": "sql", "url": server_on_small_disk}], steps=STEPS)
    assert start(root) == (OUTCOME, {})
    small_disk.fill(leaving=8192)

    outcome, errors = start(root)

    assert outcome == OUTCOME
    assert "The SQL log sink cannot write to the table 'TransformationRunLog' at postgresql" in errors["sql"]
    assert "No space left on device" in errors["sql"]
    assert "Free some space on the server's disk" in errors["sql"]
    small_disk.free()
    assert start(root) == (OUTCOME, {})
    check_sinks(root, runs=3)


def test_a_journal_on_a_full_disk_stops_the_run_and_says_why(make_project, small_disk, manager, tmp_path, start):
    """Without a journal nobody could say later what was done: the one thing that a run does not go on without."""
    root = make_project(TRANSFORMATIONS, log_sinks=[on_disk("csv", tmp_path)], steps=STEPS)
    assert start(root)[0] == OUTCOME
    move_run_log(root, small_disk.folder / "state")
    small_disk.fill(leaving=81_920)

    with pytest.raises(RunLogError, match=r"Cannot write the journal .*No space left on device. Free some space"):
        start(root)

    small_disk.free()
    outcome, errors = start(root)
    assert (outcome, errors) == (OUTCOME, {})
    after, broken_off, before = RunIndex(root / ".odibi").runs()
    assert [after.status, broken_off.status, before.status] == ["FAILED", "ABORTED", "FAILED"]
    found = [(record["run_id"], record["seq"]) for record in sink_of(root, manager).read_records()]
    assert len(set(found)) == len(found)
    assert {run_id for run_id, _ in found} == {after.run_id, broken_off.run_id, before.run_id}


def test_no_run_starts_on_a_disk_that_is_full_from_the_start(make_project, small_disk, tmp_path, start):
    root = make_project(TRANSFORMATIONS, log_sinks=[on_disk("csv", tmp_path)], steps=STEPS)
    assert start(root)[0] == OUTCOME
    move_run_log(root, small_disk.folder / "state")
    small_disk.fill(leaving=0)

    with pytest.raises(RunLogError, match=r"No space left on device. Free some space") as caught:
        start(root)

    assert str(root / ".odibi") in str(caught.value)
    small_disk.free()
    assert start(root) == (OUTCOME, {})
    assert len(RunIndex(root / ".odibi").runs()) == 2


def move_run_log(root, folder):
    shutil.move(root / ".odibi", folder)
    (root / ".odibi").symlink_to(folder)


def sink_of(root, manager):
    (target,) = sink_targets(Project.load(root, manager=manager), manager=manager)
    return target.sink


# --- a folder that may only be read ---

# Root may write everywhere, so what is tested runs as nobody. The interpreter may be in a folder that nobody may enter,
# so everything is imported before.
AS_NOBODY = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import whole_runs
from odibi_core import run_project

whole_runs.import_all()
manager = whole_runs.make_manager()

def run():
    result = run_project(sys.argv[2], manager=manager, max_workers=2, raise_on_failure=False)
    print(json.dumps([result.status, len(result.transformations), {one.sink: one.error for one in result.sink_errors}]))

run()
logs, state = os.path.join(sys.argv[2], "logs"), os.path.join(sys.argv[2], ".odibi")
for folder, _, files in os.walk(logs):
    os.chmod(folder, 0o555)
    for file in files:
        os.chmod(os.path.join(folder, file), 0o444)
if os.geteuid() == 0:
    os.chmod(sys.argv[2], 0o755)
    for folder, _, files in os.walk(state):
        for path in (folder, *(os.path.join(folder, file) for file in files)):
            os.chown(path, 65534, 65534)
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_a_folder_that_may_only_be_read(make_project, start, check_sinks):
    configs = [
        {"type": "file", "path": "logs/runs.csv"},
        {"type": "sql", "url": "sqlite:///logs/runs.db"},
        {"type": "delta", "path": "logs/delta"},
    ]
    with tempfile.TemporaryDirectory(prefix="odibi-read-only-") as name:
        root = Path(shutil.copytree(make_project(TRANSFORMATIONS, log_sinks=configs, steps=STEPS), Path(name) / "p"))
        Path(name).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, Path(__file__).parent, root],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        for folder, _, files in os.walk(root):
            Path(folder).chmod(0o755)
            for file in files:
                (Path(folder) / file).chmod(0o644)
        assert done.returncode == 0, done.stderr
        before, (status, count, errors) = (json.loads(line) for line in done.stdout.splitlines())
        assert before == ["FAILED", 40, {}]
        assert (status, count) == ("FAILED", 40)
        assert list(errors) == ["file", "sql", "delta"]
        for sink, error in errors.items():
            assert f"80 of 80 records are not in the log sink '{sink}'" in error
            assert str(root / "logs") in error
            assert "permissions" in error, "it says what to look at"
        assert start(root) == (OUTCOME, {})
        check_sinks(root, runs=3)
        gc.collect()


def _change_manifest(root, log_sink):
    path = root / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"log_sinks": [log_sink]}))


# --- a server that drops the connection ---

DIE = """
CREATE SEQUENCE tries;
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = 40 AND nextval('tries') <= {times} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER die BEFORE INSERT ON "TransformationRunLog" FOR EACH ROW EXECUTE FUNCTION die();
"""


@pytest.mark.parametrize(("times", "sinks"), [(1, {}), (1000, {"sql"})], ids=["once", "again and again"])
def test_a_connection_that_is_dropped_in_the_middle_of_a_batch(
    make_project, postgresql_url, query, start, check_sinks, times, sinks
):
    root = make_project(TRANSFORMATIONS, log_sinks=[{"type": "sql", "url": postgresql_url}], steps=STEPS)
    assert start(root) == (OUTCOME, {})
    query(postgresql_url, DIE.format(times=times))

    outcome, errors = start(root)

    assert outcome == OUTCOME
    assert errors.keys() == set(sinks)
    for error in errors.values():
        assert "80 of 80 records are not in the log sink 'sql'" in error
        assert "The SQL log sink cannot write to the table 'TransformationRunLog' at postgresql" in error
        assert "Check that the server runs, can be reached and lets this user in" in error
    query(postgresql_url, 'DROP TRIGGER die ON "TransformationRunLog"')
    assert start(root) == (OUTCOME, {})
    check_sinks(root, runs=3)


# --- a table that lacks a column ---


@pytest.fixture
def narrow_user(postgresql_url, query):
    """A user who may write records, and not change tables."""
    name = "writer_" + postgresql_url.rpartition("/")[2]
    query(postgresql_url, f"CREATE USER {name}")
    query(postgresql_url, f"ALTER DEFAULT PRIVILEGES GRANT INSERT, SELECT ON TABLES TO {name}")
    yield postgresql_url.replace("odibi@", f"{name}@")
    query(postgresql_url, f"DROP OWNED BY {name}")
    query(postgresql_url, f"DROP USER {name}")


def test_a_table_that_lacks_a_column_which_the_user_may_not_add(
    make_project, manager, postgresql_url, narrow_user, query, start, check_sinks
):
    root = make_project(TRANSFORMATIONS, log_sinks=[{"type": "sql", "url": postgresql_url}], steps=STEPS)
    sink_of(root, manager).write([dict.fromkeys(RECORD_COLUMNS) | {"run_id": "r0", "seq": 1}])
    query(postgresql_url, 'DELETE FROM "TransformationRunLog"')
    query(postgresql_url, 'ALTER TABLE "TransformationRunLog" DROP COLUMN plugin_versions')
    _change_manifest(root, {"type": "sql", "url": narrow_user})

    outcome, errors = start(root)

    assert outcome == OUTCOME
    assert "80 of 80 records are not in the log sink 'sql'" in errors["sql"]
    assert "must be owner" in errors["sql"]
    assert "Check the table's columns and the user's rights" in errors["sql"]
    query(postgresql_url, 'ALTER TABLE "TransformationRunLog" ADD COLUMN plugin_versions text')
    assert start(root) == (OUTCOME, {})
    check_sinks(root, runs=2)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_a_table_that_lacks_a_column_is_completed(make_project, request, query, start, check_sinks, tmp_path, kind):
    url = f"sqlite:///{tmp_path / 'runs.db'}" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    root = make_project(TRANSFORMATIONS, log_sinks=[{"type": "sql", "url": url, "table_name": "runs"}], steps=STEPS)
    assert start(root) == (OUTCOME, {})
    query(url, "DELETE FROM runs")
    query(url, "ALTER TABLE runs DROP COLUMN plugin_versions")
    shutil.rmtree(root / ".odibi")

    assert start(root) == (OUTCOME, {})

    check_sinks(root, runs=1)


def test_a_file_that_lacks_a_column_is_left_alone_until_it_is_moved_away(make_project, start, check_sinks, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(",".join(RECORD_COLUMNS[:-1]) + "\r\n")
    root = make_project(TRANSFORMATIONS, log_sinks=[on_disk("csv", tmp_path)], steps=STEPS)

    outcome, errors = start(root)

    assert outcome == OUTCOME
    assert f"{path} is not a run log of this version" in errors["file"]
    assert "Move that file away, or give the log sink another path" in errors["file"]
    path.rename(tmp_path / "old.csv")
    assert start(root) == (OUTCOME, {})
    check_sinks(root, runs=2)
