"""What a sink gets while a run is going on and no batch is full: somebody who looks at it sees what the run is at."""

import threading
from types import SimpleNamespace

import pytest

from odibi_core.runlog import Delivery, deliver_pending

LONG = 60
"""Seconds that something which is about to happen is waited for at the most."""


@pytest.fixture
def watched(kit):
    """A sink that says when it has a record."""

    class Watched(kit.ListSink):
        def __init__(self, failures=0):
            super().__init__(failures)
            self.tried = threading.Semaphore(0)

        def write(self, records):
            try:
                super().write(records)
            finally:
                self.tried.release()

        def wait(self):
            assert self.tried.acquire(timeout=LONG)

    return Watched


def test_a_running_record_reaches_its_sink_while_nothing_else_happens(kit, watched, state_dir, start_run, add):
    """A-37: an operator who looks at the table sees a run whose first transformation takes hours."""
    journal, sink = start_run("r1"), watched()
    delivery = Delivery(journal, [kit.target(sink)], state_dir, flush_seconds=0.001)
    add(journal, "t1", "RUNNING")
    delivery.notify()
    sink.wait()
    assert [[record["status"] for record in batch] for batch in sink.batches] == [["RUNNING"]]
    add(journal, "t1", "SUCCESS")
    delivery.notify()
    sink.wait()
    assert sink.seqs == [1, 2]
    assert delivery.finish()[0].error is None
    assert (sink.seqs, kit.cursors()) == ([1, 2], [])


def test_no_thread_is_left_when_there_is_nothing_to_deliver(kit, watched, state_dir, start_run, add):
    journal, sink = start_run("r1"), watched()
    delivery = Delivery(journal, [kit.target(sink)], state_dir, flush_seconds=0.0)
    for _ in range(3):
        add(journal)
        delivery.notify()
        sink.wait()
        for thread in kit.threads():
            thread.join(LONG)
        assert kit.threads() == []
    delivery.finish()
    assert sink.seqs == [1, 2, 3]


@pytest.mark.parametrize("flush_seconds", [0.0, 0.0001])
def test_flushes_and_full_batches_together_deliver_every_record_once(kit, state_dir, start_run, flush_seconds):
    journal, sinks = start_run("r1"), [kit.ListSink(), kit.ListSink(failures=3)]
    targets = [kit.target(sink, f"s{number}") for number, sink in enumerate(sinks)]
    delivery = Delivery(journal, targets, state_dir, batch_size=7, flush_seconds=flush_seconds)
    threads = [threading.Thread(target=kit.run_records, args=(journal, delivery, 100)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.error for report in delivery.finish()] == [None, None]
    assert [sink.seqs for sink in sinks] == [list(range(1, 801))] * 2
    assert kit.threads() == []


def test_a_sink_that_failed_is_tried_again_by_a_later_flush(kit, watched, state_dir, start_run, add):
    """A server that was restarted in the middle of a long run has the run's records before its end."""
    journal, sink = start_run("r1"), watched(failures=2)
    delivery = Delivery(journal, [kit.target(sink)], state_dir, flush_seconds=0.0)
    for _ in range(3):
        add(journal)
        delivery.notify()
        sink.wait()
        for thread in kit.threads():
            thread.join(LONG)
    assert sink.seqs == [1, 2, 3]
    assert delivery.finish()[0].error is None


def test_a_sink_that_is_down_is_tried_by_flushes_and_not_for_every_record(kit, state_dir, start_run):
    journal, sink = start_run("r1"), kit.ListSink(failures=10**9)
    delivery = Delivery(journal, [kit.target(sink)], state_dir, flush_seconds=3600)
    kit.run_records(journal, delivery, 300)
    assert sink.calls == 0
    delivery.finish(deadline_seconds=0.02)
    for thread in kit.threads():
        thread.join(LONG)
    assert sink.calls <= 4


def test_a_long_run_makes_few_batches(kit, state_dir, start_run, add, monkeypatch):
    """A record a second for an hour, on a clock of the test: one batch in half a minute, not one for each record."""
    journal, sink = start_run("r1"), kit.ListSink()
    delivery = Delivery(journal, [kit.target(sink)], state_dir, batch_size=10_000)
    clock, sent = SimpleNamespace(now=0.0), []

    def wait(seconds):
        clock.now += seconds
        add(journal)
        return False

    sink.write = lambda records: sent.append((clock.now, len(records)))
    monkeypatch.setattr(delivery, "_wake", SimpleNamespace(wait=wait))
    monkeypatch.setattr("odibi_core.runlog.delivery.time", SimpleNamespace(monotonic=lambda: clock.now))
    while clock.now < 3600:
        add(journal)
        delivery.notify()
        for thread in kit.threads():
            thread.join(LONG)
    assert [moment for moment, _ in sent[:7]] == [1, 3, 7, 15, 31, 61, 91]
    assert sum(count for _, count in sent) == journal.last_seq > 3600
    assert len(sent) <= 130


def test_what_no_flush_has_taken_is_delivered_by_the_next_start(kit, state_dir, run_script):
    """A run that never finishes its delivery: the interpreter does not wait for the flush to come."""
    code = """
import sys, pathlib
from datetime import UTC, datetime
from odibi_core.runlog import Delivery, Journal, SinkTarget
class Sink:
    def write(self, records): print(len(records))
state = pathlib.Path(sys.argv[1])
journal = Journal.create(state, run_id="r1", project="P", env="q", engine="", layers=[], plugins={})
delivery = Delivery(journal, [SinkTarget(name="list", sink=Sink(), key="list")], state, flush_seconds=3600)
journal.append(transformation_id="t", status="RUNNING", layer="L", start_time=datetime.now(UTC))
delivery.notify()
journal.close("ABORTED", duration_seconds=0.1)
"""
    assert run_script(code, state_dir).stdout == ""
    sink = kit.ListSink()
    deliver_pending(state_dir, [kit.target(sink)])
    assert sink.seqs == [1, 2]


def test_saying_that_there_are_records_starts_nothing_where_there_are_none(kit, state_dir, start_run):
    delivery = Delivery(start_run("r1"), [kit.target(kit.ListSink())], state_dir)
    delivery.notify()
    assert kit.threads() == []
    delivery.finish()


def test_a_delivery_that_is_given_up_ends_at_once_and_the_next_start_goes_on(kit, watched, state_dir, start_run, add):
    journal, sink = start_run("r1"), watched()
    delivery = Delivery(journal, [kit.target(sink)], state_dir, flush_seconds=LONG)
    add(journal)
    delivery.notify()
    (waiting,) = kit.threads()
    delivery.give_up()
    waiting.join(LONG / 2)
    assert not waiting.is_alive()
    assert sink.batches == []
    journal.close("ABORTED", duration_seconds=0.0)
    (report,) = deliver_pending(state_dir, [kit.target(sink)])
    assert (report.error, sink.seqs) == (None, [1, 2])


def test_giving_up_what_is_finished_changes_nothing(kit, watched, state_dir, start_run, add):
    journal, sink = start_run("r1"), watched()
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    add(journal)
    assert delivery.finish()[0].error is None
    delivery.give_up()
    assert (sink.seqs, kit.threads()) == ([1], [])
