"""Jobs: named after their transformation, kept apart from others', and stopped together."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from odibi_engine_spark.jobs import JobsStoppedError

pytestmark = pytest.mark.spark


def properties(session):
    names = ("spark.jobGroup.id", "spark.job.description", "spark.scheduler.pool")
    return [session.sparkContext.getLocalProperty(name) for name in names]


def test_jobs_have_the_name_of_their_transformation(classic_engine, make_task):
    tracker = classic_engine.session.sparkContext.statusTracker()

    with classic_engine.transformation(make_task("clean_flights")):
        group, description, pool = properties(classic_engine.session)
        classic_engine.session.range(3).collect()

    assert group.startswith("clean_flights ")
    assert description == "clean_flights: silver.flights.clean"
    assert pool == "clean_flights"
    assert len(tracker.getJobIdsForGroup(group)) == 1


def test_what_the_caller_had_set_is_there_again(classic_engine, make_task):
    context = classic_engine.session.sparkContext
    context.setJobGroup("mine", "my own")
    try:
        with classic_engine.transformation(make_task("clean_flights")):
            assert properties(classic_engine.session)[0] != "mine"

        assert properties(classic_engine.session) == ["mine", "my own", None]
    finally:
        for name in ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel"):
            context.setLocalProperty(name, None)


def test_a_copied_session_that_is_garbage_leaves_open_what_all_sessions_share(connect_session, make_engine, make_task):
    from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator as Execution

    engine = make_engine(connect_session, isolate=True)
    with engine.transformation(make_task("garbage")):
        engine.session.range(3).collect()
        copied = weakref.ref(engine.session)
    assert copied() is not connect_session
    shared = Execution._release_thread_pool_instance

    engine.close()
    gc.collect()

    assert copied() is None
    assert Execution._release_thread_pool_instance is shared is not None
    assert connect_session.range(3).count() == 3


@pytest.mark.parametrize("flavour", ["classic", "connect"])
def test_twelve_threads_keep_views_settings_and_names_apart(flavour, request, make_engine, make_task):
    engine = make_engine(request.getfixturevalue(f"{flavour}_session"), isolate=True)
    meeting = threading.Barrier(12, timeout=100)

    def transform(number):
        with engine.transformation(make_task(f"t{number}")):
            session = engine.session
            session.range(number).createOrReplaceTempView("mine")
            session.conf.set("spark.sql.shuffle.partitions", str(number + 1))
            meeting.wait()
            rows = session.sql("select count(*) from mine").collect()[0][0]
            partitions = session.conf.get("spark.sql.shuffle.partitions")
            named = properties(session)[0] if flavour == "classic" else min(session.getTags())
            return rows, partitions, named.partition(" ")[0]

    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(transform, range(12)))

    assert found == [(number, str(number + 1), f"t{number}") for number in range(12)]
    assert not engine.session.catalog.tableExists("mine")
    assert engine.session.conf.get("spark.sql.shuffle.partitions") == "2"


def test_a_session_of_the_caller_is_used_as_it_is(classic_engine, make_task):
    session = classic_engine.session
    session.range(5).createOrReplaceTempView("the_callers")
    try:
        with classic_engine.transformation(make_task("clean_flights")):
            assert classic_engine.session is session
            assert classic_engine.session.table("the_callers").count() == 5
    finally:
        session.catalog.dropTempView("the_callers")


@pytest.mark.parametrize("flavour", ["classic", "connect"])
@pytest.mark.parametrize("isolate", [True, False], ids=["own session", "shared session"])
def test_a_long_job_is_stopped_from_another_thread(flavour, isolate, request, make_engine, make_task):
    engine = make_engine(request.getfixturevalue(f"{flavour}_session"), isolate=isolate)
    task = make_task(f"endless_{flavour}_{isolate}")
    outcome, has_begun = [], threading.Event()

    def note(*, inflight_tasks, **_):
        if inflight_tasks:
            has_begun.set()

    def transform():
        with engine.transformation(task):
            session = engine.session
            frame = endless(session)
            if flavour == "connect":
                session.registerProgressHandler(note)
            else:
                has_begun.set()
            try:
                frame.collect()
            except Exception as error:  # noqa: BLE001 - which class it is depends on the flavour
                outcome.append(engine.explain_error(error, {}))
            if flavour == "connect":
                session.removeProgressHandler(note)
            try:
                outcome.append(engine.session)
            except JobsStoppedError as error:
                outcome.append(error)

    thread = threading.Thread(target=transform)
    thread.start()
    # On Spark Connect a job that is stopped in the moment in which it begins goes on at the server.
    assert has_begun.wait(60)
    begin = time.monotonic()
    while thread.is_alive() and time.monotonic() - begin < 60:
        engine.cancel(task)
        thread.join(0.2)

    assert not thread.is_alive()
    assert outcome[0] == "its Spark jobs were stopped."
    assert isinstance(outcome[1], JobsStoppedError)


def endless(session):
    # It ends by itself in a minute or so: a job that a server did not stop must not be in the way of all other tests.
    return session.range(3 * 10**10).selectExpr("sum(id % 7)")


def test_jobs_that_are_yet_to_start_are_stopped_too(classic_engine, make_task):
    task = make_task("late")

    with classic_engine.transformation(task):
        session = classic_engine.session
        classic_engine.cancel(task)
        with pytest.raises(Exception, match="cancelled"):
            session.range(10).repartition(2).collect()


def test_stopping_what_is_over_is_no_error(spark_engine, make_task):
    task = make_task("done")
    with spark_engine.transformation(task):
        assert spark_engine.session.range(2).count() == 2

    spark_engine.cancel(task)

    assert spark_engine.session.range(3).count() == 3


def test_a_second_attempt_can_save_what_the_first_computed(connect_session, make_engine, tmp_path, make_task):
    engine = make_engine(connect_session, isolate=True)
    with engine.transformation(make_task("retried")):
        frame = engine.session.range(3)

    with engine.transformation(make_task("retried", attempt=2)):
        frame.write.parquet(str(tmp_path / "out"))

    assert engine.session.read.parquet(str(tmp_path / "out")).count() == 3


def test_ctrl_c_while_spark_works_is_an_interrupt_and_leaves_the_session_usable(run_python, tmp_path):
    """PySpark's own handler makes a broken connection of it, which a run takes for a failure."""
    code = (
        "import os, signal, sys, threading\n"
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from odibi_core.plugin import EngineConfig, TransformationOutcome, TransformationTask\n"
        "from odibi_engine_spark.engine import SparkEngine\n"
        "options = {'master': 'local[2]', 'delta': False, 'conf': {'spark.ui.enabled': 'false'}}\n"
        "engine = SparkEngine(EngineConfig(project_root=Path(sys.argv[1]), options=options, session=None))\n"
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
        "task = TransformationTask(run_id='r', project='p', env='e', layer='l', engine='spark', transformation_id='t',\n"
        "    module='m', function='f', attempt=1, constants={}, inputs=(), outputs=(), _execute=TransformationOutcome)\n"
        "begun = Path(sys.argv[1], 'begun')\n"
        "def interrupt():\n"
        "    while not begun.exists():\n"
        "        pause.wait(0.05)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "def slow(rows):\n"
        "    from time import sleep\n"
        "    begun.touch()\n"
        "    sleep(60)\n"
        "    return rows\n"
        "pause = threading.Event()\n"
        "threading.Thread(target=interrupt).start()\n"
        "try:\n"
        "    with engine.transformation(task):\n"
        "        engine.session.range(3).mapInPandas(slow, 'id long').collect()\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
        "print(engine.session.range(4).count(), len(engine.session.sparkContext.statusTracker().getActiveJobsIds()))\n"
        "try:\n"
        "    with engine.transformation(replace(task, attempt=2)):\n"
        "        engine.session.range(3).count()\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "        print('not reached')\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted at once')\n"
        "engine.close()\n"
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
    )

    done = run_python(code, str(tmp_path))

    expected = "True\ninterrupted\n4 0\ninterrupted at once\nTrue\n"
    assert (done.stdout, done.returncode) == (expected, 0), done.stderr[-2000:]
    assert "Traceback" not in done.stderr
