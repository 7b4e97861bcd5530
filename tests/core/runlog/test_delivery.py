"""Delivery from the journal to log sinks while a run goes on and when it ends."""

import sys
import threading
from datetime import datetime

import pytest

from odibi_core.plugin import RECORD_COLUMNS
from odibi_core.runlog import Delivery


def test_a_sink_gets_every_record_once_in_order_and_in_batches(kit, state_dir, start_run, add):
    """A-37: one sink write per batch, and one for the rest at the end."""
    journal, sink = start_run("r1"), kit.ListSink()
    delivery = Delivery(journal, [kit.target(sink)], state_dir, batch_size=10)
    kit.run_records(journal, delivery, 95)
    (report,) = delivery.finish()
    assert (report.name, report.records, report.error, report.path) == ("list", 95, None, None)
    assert sink.seqs == list(range(1, 96))
    assert [len(batch) for batch in sink.batches] == [10] * 9 + [5]
    assert kit.cursors() == []


def test_a_sink_gets_what_the_schema_promises(kit, state_dir, start_run, add):
    journal, sink = start_run("r1"), kit.ListSink()
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    add(journal, "t1", "SUCCESS", error_message="\0😀\ud800", rows_read=5)
    delivery.finish()
    ((record,),) = sink.batches
    assert list(record) == list(RECORD_COLUMNS)
    assert isinstance(record["start_time"], datetime)
    assert record["start_time"].utcoffset() is not None
    assert (record["run_id"], record["error_message"], record["rows_read"]) == ("r1", "\0😀\ud800", 5)


def test_nothing_is_delivered_from_the_hot_path(kit, state_dir, start_run, add):
    journal, sink = start_run("r1"), kit.ListSink()
    delivery = Delivery(journal, [kit.target(sink)], state_dir, batch_size=100)
    kit.run_records(journal, delivery, 99)
    assert sink.calls == 0
    assert len(kit.threads()) == 1, "it waits for the batch to be full"
    delivery.finish()
    assert len(sink.batches) == 1
    assert kit.threads() == []


def test_no_thread_outlives_finish_and_none_is_a_daemon(kit, state_dir, start_run, add):
    threads = []

    class Watcher:
        def write(self, records):
            threads.append((threading.current_thread().name, threading.current_thread().daemon))

    journal = start_run("r1")
    delivery = Delivery(journal, [kit.target(Watcher())], state_dir, batch_size=5)
    kit.run_records(journal, delivery, 12)
    delivery.finish()
    assert set(threads) == {("odibi-delivery-r1", False)}
    assert kit.threads() == []


def test_a_slow_sink_neither_stops_the_run_nor_loses_a_record(kit, state_dir, start_run, add):
    """Back-pressure: the journal is the queue, so what waits for the sink is on disk and not in memory."""
    entered, released = threading.Event(), threading.Event()
    largest = []

    class SlowSink(kit.ListSink):
        def write(self, records):
            entered.set()
            released.wait()
            largest.append(len(records))
            super().write(records)

    journal, sink = start_run("r1"), SlowSink()
    delivery = Delivery(journal, [kit.target(sink)], state_dir, batch_size=50)
    kit.run_records(journal, delivery, 50)
    entered.wait()
    kit.run_records(journal, delivery, 3000)
    assert sink.batches == []
    assert len(kit.threads()) == 1
    released.set()
    (report,) = delivery.finish()
    assert report.error is None
    assert sink.seqs == list(range(1, 3051))
    assert max(largest) == 50


def test_huge_messages_make_small_batches(kit, state_dir, start_run, add):
    journal, sink = start_run("r1"), kit.ListSink()
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    for _ in range(6):
        add(journal, error_message="x" * 2_500_000)
    delivery.finish()
    assert [len(batch) for batch in sink.batches] == [2, 2, 2]


def test_several_threads_append_and_notify_at_once(kit, state_dir, start_run, add):
    journal, sinks = start_run("r1"), [kit.ListSink(), kit.ListSink()]
    delivery = Delivery(journal, [kit.target(sinks[0], "a"), kit.target(sinks[1], "b")], state_dir, batch_size=25)
    threads = [threading.Thread(target=kit.run_records, args=(journal, delivery, 100)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reports = delivery.finish()
    assert [(report.name, report.records, report.error) for report in reports] == [("a", 800, None), ("b", 800, None)]
    assert sinks[0].seqs == sinks[1].seqs == list(range(1, 801))


def test_a_sink_may_change_its_records_without_the_next_sink_seeing_it(kit, state_dir, start_run, add):
    class Changer:
        def write(self, records):
            for record in records:
                record.clear()

    journal, sink = start_run("r1"), kit.ListSink()
    delivery = Delivery(journal, [kit.target(Changer(), "changer"), kit.target(sink)], state_dir, batch_size=1)
    add(journal)
    delivery.finish()
    assert sink.seqs == [1]


def test_the_journal_is_on_disk_before_a_sink_has_more_than_it(kit, state_dir, start_run, add):
    steps = []

    class Recorder:
        def write(self, records):
            steps.append("write")

    journal = start_run("r1")
    barrier = journal.barrier
    journal.barrier = lambda: (steps.append("barrier"), barrier())
    delivery = Delivery(journal, [kit.target(Recorder())], state_dir)
    add(journal)
    delivery.finish()
    assert steps == ["barrier", "write"]


def test_the_journal_may_be_closed_before_the_rest_is_delivered(kit, state_dir, start_run, add):
    journal, sink = start_run("r1"), kit.ListSink()
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    kit.run_records(journal, delivery, 3)
    journal.close("SUCCESS", duration_seconds=0.0)
    assert delivery.finish()[0].error is None
    assert sink.seqs == [1, 2, 3]
    assert kit.cursors() == []


def test_a_run_without_records_or_without_sinks_is_delivered(kit, state_dir, start_run):
    journal, sink = start_run("r1"), kit.ListSink()
    assert Delivery(journal, [], state_dir).finish() == ()
    (report,) = Delivery(journal, [kit.target(sink)], state_dir).finish()
    assert (report.records, report.error, sink.calls) == (0, None, 0)
    assert kit.cursors() == []


def test_two_sinks_with_one_key_are_refused(kit, state_dir, start_run):
    with pytest.raises(ValueError, match="same key"):
        Delivery(start_run(), [kit.target(kit.ListSink()), kit.target(kit.ListSink())], state_dir)


def test_the_path_of_a_sink_is_reported(kit, state_dir, start_run, add, tmp_path):
    class PathSink(kit.ListSink):
        path = tmp_path / "log.csv"

    journal = start_run("r1")
    delivery = Delivery(journal, [kit.target(PathSink())], state_dir)
    add(journal)
    assert delivery.finish()[0].path == str(tmp_path / "log.csv")


def test_notify_is_cheap_while_no_batch_is_full(kit, state_dir, start_run, add, monkeypatch):
    """Counted, not timed: without a full batch it takes no lock and starts nothing, but for the first record."""
    journal = start_run("r1")
    delivery = Delivery(journal, [kit.target(kit.ListSink())], state_dir, batch_size=1000)
    add(journal)
    delivery.notify()
    add(journal)
    calls = []
    sys.setprofile(lambda frame, event, argument: calls.append(event))
    delivery.notify()
    sys.setprofile(None)
    assert calls.count("call") <= 2 + 1
    assert not any(event == "c_call" for event in calls[:-1])
    delivery.finish()
