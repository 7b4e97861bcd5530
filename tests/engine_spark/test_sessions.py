"""Which session a run gets: handed in, active, or built from the manifest; and what is said if there is none."""

from __future__ import annotations

import os
import re
import socket
import threading
import time

import pytest

from odibi_core.plugin import ConfigError, EngineConfig, TransientError
from odibi_engine_spark.engine import SparkEngine
from odibi_engine_spark.errors import SessionConflictError, SparkUnavailableError, SparkVersionError
from odibi_engine_spark.options import SparkEngineOptions
from odibi_engine_spark.sessions import jars, opening, versions
from odibi_engine_spark.sessions.classic import classic_conf, wait_for_master
from odibi_engine_spark.sessions.connect import address_shown, at_first_try, build_connect

needs_java = pytest.mark.spark


@pytest.fixture
def nothing_is_active(monkeypatch):
    """As in a process in which nobody has a session: the fixtures of these tests do."""
    monkeypatch.setattr(opening, "_active", lambda: None)


def engine_of(root, *, session=None, **options):
    return SparkEngine(EngineConfig(project_root=root, options=options, session=session))


def test_a_session_that_was_handed_in_is_used_and_not_stopped(sail_session, tmp_path):
    engine = engine_of(tmp_path, session=sail_session, master="local[7]")
    assert engine.session is sail_session

    engine.close()

    assert sail_session.range(2).count() == 2


@pytest.mark.usefixtures("nothing_is_active")
def test_two_runs_share_the_session_that_was_built_for_them(tmp_path):
    one, two = engine_of(tmp_path, sail=True), engine_of(tmp_path, sail=True)
    try:
        assert one.session is two.session
        one.close()
        assert two.session.range(2).count() == 2
    finally:
        one.close()
        two.close()
    assert two.session.is_stopped


@pytest.mark.usefixtures("nothing_is_active")
def test_closing_twice_lets_go_once(tmp_path):
    one, two = engine_of(tmp_path, sail=True), engine_of(tmp_path, sail=True)
    try:
        one.close()
        one.close()

        assert two.session.range(2).count() == 2
    finally:
        two.close()


@pytest.mark.usefixtures("nothing_is_active")
def test_runs_that_ask_for_different_settings_get_different_sessions(tmp_path):
    one = engine_of(tmp_path, sail=True, conf={"spark.sql.session.timeZone": "Europe/Berlin"})
    two = engine_of(tmp_path, sail=True, conf={"spark.sql.session.timeZone": "UTC"})
    try:
        assert one.session.conf.get("spark.sql.session.timeZone") == "Europe/Berlin"
        assert two.session.conf.get("spark.sql.session.timeZone") == "UTC"
    finally:
        one.close()
        two.close()


@pytest.mark.usefixtures("nothing_is_active")
def test_many_threads_open_and_close_one_session(tmp_path):
    counts, meeting = [], threading.Barrier(6, timeout=60)

    def run():
        meeting.wait()
        engine = engine_of(tmp_path, sail=True)
        counts.append(engine.session.range(3).count())
        engine.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)

    assert counts == [3] * 6


@pytest.mark.usefixtures("nothing_is_active")
def test_a_session_of_another_kind_does_not_fit_beside_one_that_was_built(tmp_path):
    engine = engine_of(tmp_path, sail=True)
    try:
        with pytest.raises(SessionConflictError, match=r"\(sail\).*another process"):
            opening._built.acquire(SparkEngineOptions(master="local"), project_root=tmp_path)
    finally:
        engine.close()


def test_functions_build_for_spark_connect_while_a_session_on_it_is_open(sail_session, tmp_path):
    from pyspark.sql import functions

    engine = engine_of(tmp_path, session=sail_session)
    try:
        assert engine.session.range(2).select(functions.col("id") + 1).collect()[0][0] == 1
        assert os.environ["SPARK_CONNECT_MODE_ENABLED"]
    finally:
        engine.close()

    assert "SPARK_CONNECT_MODE_ENABLED" not in os.environ


@pytest.mark.parametrize(
    ("seconds", "outcome"),
    [(None, "1"), ("1", "IllegalArgumentException")],
    ids=["ours is kept for a year", "the user's own setting holds"],
)
def test_an_idle_session_on_sail_is_kept(run_python, seconds, outcome):
    variable = "SAIL_SPARK__SESSION_TIMEOUT_SECS"
    code = (
        "import os, sys, time\n"
        "from odibi_engine_spark.sessions.sail import build_sail\n"
        "session, stop = build_sail(conf={}, seconds=60)\n"
        "session.sql('CREATE TEMP VIEW kept AS SELECT 1 AS n')\n"
        f"print(os.environ['{variable}'])\n"
        "time.sleep(3)\n"
        "try:\n"
        "    print(session.table('kept').count())\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)\n"
        "sys.stdout.flush()\n"
        "os._exit(0)\n"
    )

    done = run_python(code, env={variable: seconds} if seconds else {})

    assert done.stdout.split() == [seconds or str(365 * 24 * 3600), outcome], done.stderr


@pytest.mark.parametrize("place", ["main thread", "another thread"])
def test_ctrl_c_leaves_a_session_on_sail_alone(run_python, place):
    code = (
        "import os, signal, sys, threading\n"
        "from odibi_engine_spark.sessions.sail import build_sail\n"
        "built = []\n"
        "def build():\n"
        "    built.append(build_sail(conf={}, seconds=60))\n"
        "if sys.argv[1] == 'main thread':\n"
        "    build()\n"
        "else:\n"
        "    thread = threading.Thread(target=build)\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "session, stop = built[0]\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    signal.pause()\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
        "print(session.range(3).count())\n"
        "stop()\n"
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
    )

    done = run_python(code, place)

    assert (done.stdout, done.returncode) == ("interrupted\n3\nTrue\n", 0), done.stderr


def test_a_session_whose_server_is_gone_is_given_up_in_time(run_python):
    code = (
        "import os, sys\n"
        "from pysail.spark import SparkConnectServer\n"
        "from odibi_engine_spark.sessions.connect import build_connect, stop_connect\n"
        "server = SparkConnectServer(ip='127.0.0.1', port=0)\n"
        "server.start(background=True)\n"
        "session = build_connect('sc://%s:%s' % server.listening_address, conf={}, seconds=60)\n"
        "print(session.range(3).count())\n"
        "server.stop()\n"
        "stop_connect(session)\n"
        "print(session.is_stopped)\n"
    )
    begin = time.monotonic()

    done = run_python(code)

    assert (done.stdout, done.returncode) == ("3\nTrue\n", 0), done.stderr
    assert time.monotonic() - begin < 60


def test_what_is_asked_once_only_is_asked_again_later(sail_session):
    policies = sail_session.client.get_retry_policies()
    assert policies

    with at_first_try(sail_session):
        assert sail_session.client.get_retry_policies() == []

    assert sail_session.client.get_retry_policies() == policies


def test_of_two_that_ask_once_only_the_last_one_ends_it(sail_session):
    policies = sail_session.client.get_retry_policies()
    first, second = at_first_try(sail_session), at_first_try(sail_session)

    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert sail_session.client.get_retry_policies() == []
    second.__exit__(None, None, None)

    assert sail_session.client.get_retry_policies() == policies


def test_without_java_sail_is_the_default(run_python, tmp_path):
    code = (
        "from pathlib import Path\n"
        "from odibi_core.plugin import EngineConfig\n"
        "from odibi_engine_spark.engine import SparkEngine\n"
        "engine = SparkEngine(EngineConfig(project_root=Path('.')))\n"
        "print(engine.flavour.kind, engine.session.range(3).count())\n"
        "engine.close()\n"
    )

    done = run_python(code, env={"JAVA_HOME": str(tmp_path / "no java")})

    assert (done.stdout, done.returncode) == ("sail 3\n", 0), done.stderr


def test_without_java_and_sail_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr(opening, "has_sail", lambda: False)

    with pytest.raises(
        SparkUnavailableError, match=r"No Java and no Sail.*Java 17.*odibi-engine-spark\[sail\]"
    ) as caught:
        opening._target(SparkEngineOptions())

    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, TransientError)


def test_a_master_without_java_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(SparkUnavailableError, match=r"Spark needs Java 17"):
        opening._built.acquire(SparkEngineOptions(master="local[2]"), project_root=tmp_path)


def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize("kind", ["closed", "silent"])
def test_an_unreachable_server_is_given_up_in_time(kind):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if kind == "silent":
            listener.listen()
        port = listener.getsockname()[1]
        begin = time.monotonic()

        with pytest.raises(
            SparkUnavailableError, match=rf"sc://127\.0\.0\.1:{port} does not answer within 1 s"
        ) as caught:
            build_connect(f"sc://127.0.0.1:{port}/;token=s3cret;use_ssl=false", conf={}, seconds=1)

    assert time.monotonic() - begin < 20
    assert "s3cret" not in str(caught.value)


def test_an_unreachable_master_is_given_up_in_time():
    begin = time.monotonic()

    with pytest.raises(
        SparkUnavailableError, match=r"spark://127\.0\.0\.1:\d+.*within 0\.5 s: 127\.0\.0\.1:\d+: Connection refused"
    ):
        wait_for_master(f"spark://127.0.0.1:{closed_port()}", seconds=0.5)

    assert time.monotonic() - begin < 10


def test_one_of_several_masters_is_enough():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        wait_for_master(f"spark://127.0.0.1:{closed_port()},127.0.0.1:{listener.getsockname()[1]}", seconds=20)


def test_masters_that_are_no_address_are_not_waited_for():
    wait_for_master("local[*]", seconds=0.1)
    wait_for_master("yarn", seconds=0.1)


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("sc://host", "sc://host"),
        ("sc://host:443/;token=s3cret;x-databricks-cluster-id=1", "sc://host:443"),
        ("sc://me:s3cret@host:15002", "sc://host:15002"),
        ("sc://host;token=s3cret", "sc://host"),
    ],
)
def test_addresses_are_shown_without_what_may_be_secret(remote, shown):
    assert address_shown(remote) == shown


def test_the_users_settings_win(tmp_path):
    conf = classic_conf(
        SparkEngineOptions(conf={"spark.scheduler.mode": "FIFO", "spark.sql.extensions": "com.acme.Extension"}),
        project_root=tmp_path,
    )

    assert conf["spark.scheduler.mode"] == "FIFO"
    assert conf["spark.sql.extensions"].endswith("com.acme.Extension")


def test_jobs_share_fairly_unless_the_manifest_says_otherwise(tmp_path):
    assert classic_conf(SparkEngineOptions(), project_root=tmp_path)["spark.scheduler.mode"] == "FAIR"
    assert classic_conf(SparkEngineOptions(scheduler="fifo"), project_root=tmp_path)["spark.scheduler.mode"] == "FIFO"


def test_jars_are_found_in_a_folder_of_the_project(tmp_path):
    (tmp_path / "jars").mkdir()
    for name in ("b.jar", "a.jar", "notes.txt"):
        (tmp_path / "jars" / name).touch()

    found = jars.list_jars(["jars", "jars/a.jar"], root=tmp_path)

    assert [jar.name for jar in found] == ["a.jar", "b.jar"]


@pytest.mark.parametrize(("place", "words"), [("nowhere", "is not there"), ("empty", "has no jars")])
def test_a_place_without_jars_is_an_error(place, words, tmp_path):
    (tmp_path / "empty").mkdir()

    with pytest.raises(ConfigError, match=rf"engines\.spark\.jars names '{place}'.*{words}"):
        jars.list_jars([place], root=tmp_path)


@pytest.fixture
def pair(monkeypatch):
    """Pretend that a pair of versions is installed."""

    def install(pyspark, delta):
        known = {"pyspark": pyspark, "delta-spark": delta}
        for module in (versions, jars):
            monkeypatch.setattr(module, "installed_version", known.get)
            monkeypatch.setattr(module, "delta_version", lambda: delta)

    return install


def test_jars_of_delta_come_from_the_configured_folder_first(pair, tmp_path):
    pair("4.1.1", "4.1.0")

    found = jars.find_delta_jars([tmp_path / "delta-spark_4.1_2.13-4.1.0.jar"])

    assert (found.jars, found.packages, found.source) == ((), (), "engines.spark.jars")


def test_jars_of_delta_come_from_the_local_maven_repository(pair, tmp_path, monkeypatch):
    pair("4.1.1", "4.1.0")
    for name in ("delta-spark_4.1_2.13", "delta-storage"):
        jar = tmp_path / "io" / "delta" / name / "4.1.0" / f"{name}-4.1.0.jar"
        jar.parent.mkdir(parents=True)
        jar.touch()
    monkeypatch.setenv("MAVEN_REPO_LOCAL", str(tmp_path))

    found = jars.find_delta_jars([])

    assert [jar.name for jar in found.jars] == ["delta-spark_4.1_2.13-4.1.0.jar", "delta-storage-4.1.0.jar"]
    assert found.packages == ()


def test_otherwise_spark_fetches_the_jars_of_delta(pair, tmp_path, monkeypatch):
    pair("4.1.1", "4.1.0")
    monkeypatch.setenv("MAVEN_REPO_LOCAL", str(tmp_path))

    assert jars.find_delta_jars([]).packages == ("io.delta:delta-spark_4.1_2.13:4.1.0",)


@pytest.mark.parametrize(
    ("pyspark", "delta"),
    [("4.0.5", "4.0.1"), ("4.1.0", "4.1.0"), ("4.1.1", "4.2.0"), ("4.1.1", "4.3.1"), ("4.1.4", "4.3.0")],
)
def test_versions_that_were_measured_together_go_together(pyspark, delta):
    assert versions.pair_problem(pyspark=pyspark, delta=delta) == ""


@pytest.mark.parametrize(
    ("pyspark", "delta"),
    [("4.1.2", "4.1.0"), ("4.1.4", "4.2.0"), ("4.2.1", "4.3.1"), ("4.0.5", "4.1.0"), ("4.1.1", "4.4.1")],
)
def test_versions_that_do_not_go_together_stop_the_start(pyspark, delta, pair, tmp_path):
    pair(pyspark, delta)

    with pytest.raises(
        SparkVersionError, match=rf"delta-spark {re.escape(delta)}.*pyspark {re.escape(pyspark)}"
    ) as caught:
        classic_conf(SparkEngineOptions(), project_root=tmp_path)

    assert "Install" in str(caught.value)


def test_delta_that_is_wanted_and_not_installed_is_an_error(pair, tmp_path):
    pair("4.1.1", None)

    with pytest.raises(SparkUnavailableError, match=r"odibi-engine-spark\[delta\]"):
        classic_conf(SparkEngineOptions(delta=True), project_root=tmp_path)


def test_delta_can_be_left_out(tmp_path):
    conf = classic_conf(SparkEngineOptions(delta=False), project_root=tmp_path)

    assert "spark.sql.extensions" not in conf
    assert "spark.jars" not in conf


@needs_java
def test_the_active_session_is_used_and_its_own_is_built_shared_and_stopped(run_python):
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from odibi_core.plugin import EngineConfig\n"
        "from odibi_engine_spark.engine import SparkEngine\n"
        "from pyspark.sql import SparkSession\n"
        "root = Path('.')\n"
        "config = EngineConfig(project_root=root, options={'master': 'local[2]', 'conf': {'spark.ui.enabled': False}})\n"
        "one, two = SparkEngine(config), SparkEngine(config)\n"
        "assert one.session is two.session\n"
        "print(one.flavour.kind, one.flavour.delta, one.session.conf.get('spark.scheduler.mode'))\n"
        "print(os.environ['PYSPARK_PYTHON'] == sys.executable, one.flavour.python_udfs)\n"
        "one.close(); print(two.session.range(3).count()); two.close()\n"
        "mine = SparkSession.builder.master('local[1]').getOrCreate()\n"
        "three = SparkEngine(EngineConfig(project_root=root, options={'master': 'local[2]'}))\n"
        "print(three.session is mine); three.close(); print(mine.range(4).count()); mine.stop()\n"
    )

    done = run_python(code, env={"SPARK_LOCAL_IP": "127.0.0.1"})

    assert done.stdout.splitlines() == ["classic True FAIR", "True True", "3", "True", "4"], done.stderr


@needs_java
@pytest.mark.usefixtures("nothing_is_active")
@needs_java
def test_a_session_can_be_had_after_a_start_that_was_interrupted_and_after_a_stop(run_python):
    code = (
        "import os, signal, threading\n"
        "from pathlib import Path\n"
        "from pyspark import SparkContext\n"
        "from odibi_engine_spark.options import SparkEngineOptions\n"
        "from odibi_engine_spark.sessions.opening import open_session\n"
        "conf = {'spark.ui.enabled': 'false'}\n"
        "options = SparkEngineOptions(master='local[1]', delta=False, conf=conf)\n"
        "pause = threading.Event()\n"
        "def interrupt():\n"
        "    while SparkContext._active_spark_context is None:\n"
        "        pause.wait(0.01)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=interrupt).start()\n"
        "try:\n"
        "    open_session(options, handed_in=None, project_root=Path.cwd())\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
        "first = open_session(options, handed_in=None, project_root=Path.cwd())\n"
        "print(first.session.range(3).count())\n"
        "first.release()\n"
        "from pyspark.sql import SparkSession\n"
        "SparkSession.builder.master('local[1]').config(map=conf).getOrCreate().sparkContext.stop()\n"
        "second = open_session(options, handed_in=None, project_root=Path.cwd())\n"
        "print(second.is_built, second.session.range(4).count())\n"
        "second.release()\n"
    )

    done = run_python(code)

    assert (done.stdout, done.returncode) == ("interrupted\n3\nTrue 4\n", 0), done.stderr[-2000:]


def test_a_server_that_the_manifest_names_is_connected_to(connect_url, tmp_path):
    engine = engine_of(tmp_path, remote=connect_url, conf={"spark.sql.shuffle.partitions": 3})
    try:
        assert engine.flavour.kind == "connect"
        assert engine.session.conf.get("spark.sql.shuffle.partitions") == "3"
    finally:
        engine.close()
