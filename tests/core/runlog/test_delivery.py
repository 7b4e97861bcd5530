"""Delivery from the journal to log sinks while a run goes on and when it ends."""

import logging
import signal
import sys
import threading
from datetime import datetime

import pytest

from odibi_core.plugin import RECORD_COLUMNS
from odibi_core.runlog import Delivery, SinkTarget, deliver_pending

REFUSED = ConnectionError("postgresql://etl:s3cret@db refused")


class ListSink:
    """Remembers batches; fails as often as it is told to."""

    def __init__(self, failures=0, error=REFUSED):
        self.batches = []
        self.calls = 0
        self.failures = failures
        self.error = error

    def write(self, records):
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        self.batches.append(records)

    @property
    def seqs(self):
        return [record["seq"] for batch in self.batches for record in batch]


def target(sink, name="list"):
    return SinkTarget(name=name, sink=sink, key=name)


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch):
    """The pauses between tries are there for databases; here they would only be waited for."""
    monkeypatch.setattr("odibi_core.runlog.delivery._PAUSES", (0.001, 0.001, 0.001))


def run_records(journal, delivery, add, count):
    for number in range(count):
        add(journal, f"t{number}")
        delivery.notify()


def delivery_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("odibi-delivery")]


def cursors(state_dir):
    return sorted(path.name for path in state_dir.glob("delivery/*/*.json"))


def test_a_sink_gets_every_record_once_in_order_and_in_batches(state_dir, start_run, add):
    """A-37: one sink write per batch, and one for the rest at the end."""
    journal, sink = start_run("r1"), ListSink()
    delivery = Delivery(journal, [target(sink)], state_dir, batch_size=10)
    run_records(journal, delivery, add, 95)
    (report,) = delivery.finish()
    assert (report.name, report.records, report.error, report.path) == ("list", 95, None, None)
    assert sink.seqs == list(range(1, 96))
    assert [len(batch) for batch in sink.batches] == [10] * 9 + [5]
    assert cursors(state_dir) == []


def test_a_sink_gets_what_the_schema_promises(state_dir, start_run, add):
    journal, sink = start_run("r1"), ListSink()
    delivery = Delivery(journal, [target(sink)], state_dir)
    add(journal, "t1", "SUCCESS", error_message="\0😀\ud800", rows_read=5)
    delivery.finish()
    ((record,),) = sink.batches
    assert list(record) == list(RECORD_COLUMNS)
    assert isinstance(record["start_time"], datetime)
    assert record["start_time"].utcoffset() is not None
    assert (record["run_id"], record["error_message"], record["rows_read"]) == ("r1", "\0😀\ud800", 5)


def test_nothing_is_delivered_from_the_hot_path(state_dir, start_run, add):
    journal, sink = start_run("r1"), ListSink()
    delivery = Delivery(journal, [target(sink)], state_dir, batch_size=100)
    run_records(journal, delivery, add, 99)
    assert sink.calls == 0
    assert delivery_threads() == []
    delivery.finish()
    assert len(sink.batches) == 1


def test_no_thread_outlives_finish_and_none_is_a_daemon(state_dir, start_run, add):
    threads = []

    class Watcher:
        def write(self, records):
            threads.append((threading.current_thread().name, threading.current_thread().daemon))

    journal = start_run("r1")
    delivery = Delivery(journal, [target(Watcher())], state_dir, batch_size=5)
    run_records(journal, delivery, add, 12)
    delivery.finish()
    assert set(threads) == {("odibi-delivery-r1", False)}
    assert delivery_threads() == []


def test_a_slow_sink_neither_stops_the_run_nor_loses_a_record(state_dir, start_run, add):
    """Back-pressure: the journal is the queue, so what waits for the sink is on disk and not in memory."""
    entered, released = threading.Event(), threading.Event()
    largest = []

    class SlowSink(ListSink):
        def write(self, records):
            entered.set()
            released.wait()
            largest.append(len(records))
            super().write(records)

    journal, sink = start_run("r1"), SlowSink()
    delivery = Delivery(journal, [target(sink)], state_dir, batch_size=50)
    run_records(journal, delivery, add, 50)
    entered.wait()
    run_records(journal, delivery, add, 3000)
    assert sink.batches == []
    assert len(delivery_threads()) == 1
    released.set()
    (report,) = delivery.finish()
    assert report.error is None
    assert sink.seqs == list(range(1, 3051))
    assert max(largest) == 50


def test_huge_messages_make_small_batches(state_dir, start_run, add):
    journal, sink = start_run("r1"), ListSink()
    delivery = Delivery(journal, [target(sink)], state_dir)
    for _ in range(6):
        add(journal, error_message="x" * 2_500_000)
    delivery.finish()
    assert [len(batch) for batch in sink.batches] == [2, 2, 2]


def test_several_threads_append_and_notify_at_once(state_dir, start_run, add):
    journal, sinks = start_run("r1"), [ListSink(), ListSink()]
    delivery = Delivery(journal, [target(sinks[0], "a"), target(sinks[1], "b")], state_dir, batch_size=7)
    threads = [threading.Thread(target=run_records, args=(journal, delivery, add, 100)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reports = delivery.finish()
    assert [(report.name, report.records, report.error) for report in reports] == [("a", 800, None), ("b", 800, None)]
    assert sinks[0].seqs == sinks[1].seqs == list(range(1, 801))


def test_a_sink_may_change_its_records_without_the_next_sink_seeing_it(state_dir, start_run, add):
    class Changer:
        def write(self, records):
            for record in records:
                record.clear()

    journal, sink = start_run("r1"), ListSink()
    delivery = Delivery(journal, [target(Changer(), "changer"), target(sink)], state_dir)
    add(journal)
    delivery.finish()
    assert sink.seqs == [1]


@pytest.mark.parametrize("failures", [1, 3])
def test_a_sink_that_fails_for_a_while_is_tried_again_and_loses_nothing(state_dir, start_run, add, failures, caplog):
    """A-38: a sink that raises does not lose the run."""
    journal, sink = start_run("r1"), ListSink(failures)
    delivery = Delivery(journal, [target(sink)], state_dir)
    run_records(journal, delivery, add, 5)
    (report,) = delivery.finish()
    assert (report.records, report.error) == (5, None)
    assert sink.seqs == [1, 2, 3, 4, 5]
    assert cursors(state_dir) == []
    assert len(caplog.records) == 1


def test_a_sink_that_is_down_is_reported_once_and_caught_up_at_the_next_start(state_dir, start_run, add, caplog):
    journal, sink, other = start_run("r1"), ListSink(failures=10**9), ListSink()
    delivery = Delivery(journal, [target(sink, "sql"), target(other, "file")], state_dir, batch_size=5)
    run_records(journal, delivery, add, 23)
    report, other_report = delivery.finish()
    journal.close("SUCCESS", duration_seconds=0.0)
    assert report.records == 0
    assert report.error.startswith(
        "23 of 23 records are not in the log sink 'sql': ConnectionError: postgresql://etl:***@db"
    )
    assert "s3cret" not in report.error + caplog.text
    assert "delivered at the next start" in report.error
    assert len(caplog.records) == 1
    assert (other_report.records, other_report.error, other.seqs) == (23, None, list(range(1, 24)))
    assert cursors(state_dir) == ["r1.json"]

    sink.failures = 0
    (late,) = deliver_pending(state_dir, [target(sink, "sql"), target(other, "file")], batch_size=5)
    assert (late.name, late.records, late.error) == ("sql", 23, None)
    assert sink.seqs == list(range(1, 24))
    assert cursors(state_dir) == []
    assert deliver_pending(state_dir, [target(sink, "sql"), target(other, "file")]) == ()


def test_a_sink_that_is_down_is_not_asked_for_every_record(state_dir, start_run, add):
    journal, sink = start_run("r1"), ListSink(failures=10**9)
    delivery = Delivery(journal, [target(sink)], state_dir, batch_size=10)
    run_records(journal, delivery, add, 100)
    delivery.finish()
    assert 1 <= sink.calls <= 10 + 4


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), Exception()], ids=lambda error: type(error).__name__
)
def test_whatever_a_sink_raises_stays_inside(state_dir, start_run, add, error):
    journal, sink = start_run("r1"), ListSink(10**9, error)
    delivery = Delivery(journal, [target(sink)], state_dir, batch_size=1)
    run_records(journal, delivery, add, 3)
    (report,) = delivery.finish()
    assert type(error).__name__ in report.error


def test_a_sink_that_hangs_is_left_behind_when_time_is_up(state_dir, start_run, add):
    released = threading.Event()

    class HangingSink(ListSink):
        def write(self, records):
            released.wait()
            super().write(records)

    journal, sink = start_run("r1"), HangingSink()
    delivery = Delivery(journal, [target(sink)], state_dir, batch_size=2)
    run_records(journal, delivery, add, 5)
    (report,) = delivery.finish(deadline_seconds=0.02)
    assert "5 of 5 records" in report.error
    assert "within 0.02 s" in report.error
    released.set()
    for thread in delivery_threads():
        thread.join()
    # The batch under way was completed, and the thread ended behind it.
    assert len(sink.batches) == 1
    journal.close("SUCCESS", duration_seconds=0.0)
    done = len(sink.seqs)
    (late,) = deliver_pending(state_dir, [target(sink)])
    assert late.records == 5 - done
    assert sink.seqs == [1, 2, 3, 4, 5]


def test_the_journal_may_be_closed_before_the_rest_is_delivered(state_dir, start_run, add):
    journal, sink = start_run("r1"), ListSink()
    delivery = Delivery(journal, [target(sink)], state_dir)
    run_records(journal, delivery, add, 3)
    journal.close("SUCCESS", duration_seconds=0.0)
    assert delivery.finish()[0].error is None
    assert sink.seqs == [1, 2, 3]
    assert cursors(state_dir) == []


def test_a_journal_that_is_closed_while_a_batch_leaves_is_no_failure(state_dir, start_run, add, caplog):
    journal, sink = start_run("r1"), ListSink()
    barrier = journal.barrier

    def close_first():
        journal.close("SUCCESS", duration_seconds=0.0)
        barrier()

    journal.barrier = close_first
    delivery = Delivery(journal, [target(sink)], state_dir)
    add(journal)
    assert delivery.finish()[0].error is None
    assert (sink.seqs, caplog.records) == ([1], [])


def test_a_run_without_records_or_without_sinks_is_delivered(state_dir, start_run):
    journal, sink = start_run("r1"), ListSink()
    assert Delivery(journal, [], state_dir).finish() == ()
    (report,) = Delivery(journal, [target(sink)], state_dir).finish()
    assert (report.records, report.error, sink.calls) == (0, None, 0)
    assert cursors(state_dir) == []


def test_two_sinks_with_one_key_are_refused(state_dir, start_run):
    with pytest.raises(ValueError, match="same key"):
        Delivery(start_run(), [target(ListSink()), target(ListSink())], state_dir)


def test_the_path_of_a_sink_is_reported(state_dir, start_run, add, tmp_path):
    class PathSink(ListSink):
        path = tmp_path / "log.csv"

    journal = start_run("r1")
    delivery = Delivery(journal, [target(PathSink())], state_dir)
    add(journal)
    assert delivery.finish()[0].path == str(tmp_path / "log.csv")


def test_a_place_for_cursors_that_cannot_be_written_is_the_sinks_trouble_only(state_dir, start_run, add):
    journal, sink = start_run("r1"), ListSink()
    (state_dir / "delivery").write_text("a file in the way")
    delivery = Delivery(journal, [target(sink)], state_dir)
    add(journal)
    (report,) = delivery.finish()
    assert "delivery" in report.error
    assert sink.seqs == []

    journal, delivery = start_run("r2"), None
    delivery = Delivery(journal, [target(sink)], state_dir)
    add(journal)
    (state_dir / "delivery").unlink()
    assert delivery.finish()[0].error is None
    assert sink.seqs == [1]


def test_ctrl_c_while_waiting_for_sinks_ends_the_waiting_and_loses_nothing(state_dir, start_run, add):
    main = threading.main_thread()

    class Interrupter(ListSink):
        def write(self, records):
            super().write(records)
            if self.calls == 1:
                signal.pthread_kill(main.ident, signal.SIGINT)
                stopped.wait()

    stopped = threading.Event()
    journal, sink = start_run("r1"), Interrupter()
    delivery = Delivery(journal, [target(sink)], state_dir, batch_size=2)
    for _ in range(6):
        add(journal)
    with pytest.raises(KeyboardInterrupt):
        delivery.finish()
    stopped.set()
    for thread in delivery_threads():
        thread.join()
    assert sink.seqs == [1, 2]
    journal.close("ABORTED", duration_seconds=0.0)
    deliver_pending(state_dir, [target(sink)])
    assert sink.seqs == [1, 2, 3, 4, 5, 6]


def test_the_kernel_says_in_its_own_log_which_sink_failed(state_dir, start_run, add, caplog):
    journal = start_run("r1")
    delivery = Delivery(journal, [target(ListSink(10**9), "sql")], state_dir)
    add(journal)
    delivery.finish()
    (entry,) = caplog.records
    assert entry.levelno == logging.WARNING
    assert "sink=sql" in entry.getMessage()
    assert "run_id=r1" in entry.getMessage()


def test_notify_is_cheap_while_no_batch_is_full(state_dir, start_run, add, monkeypatch):
    """Counted, not timed: without a full batch it takes no lock and starts nothing."""
    journal = start_run("r1")
    delivery = Delivery(journal, [target(ListSink())], state_dir, batch_size=1000)
    add(journal)
    calls = []
    sys.setprofile(lambda frame, event, argument: calls.append(event))
    delivery.notify()
    sys.setprofile(None)
    assert calls.count("call") <= 2 + 1
    assert not any(event == "c_call" for event in calls[:-1])
    delivery.finish()


def test_what_another_process_has_delivered_meanwhile_is_neither_repeated_nor_waited_for(
    state_dir, start_run, add, monkeypatch
):
    monkeypatch.setattr("odibi_core.runlog.delivery._PAUSES", (3600,))
    journal, sink = start_run("r1"), ListSink()
    delivery = Delivery(journal, [target(sink)], state_dir)
    run_records(journal, delivery, add, 3)
    journal.close("SUCCESS", duration_seconds=0.0)
    deliver_pending(state_dir, [target(sink)])
    (report,) = delivery.finish(deadline_seconds=3600)
    assert (report.records, report.error) == (3, None)
    assert sink.seqs == [1, 2, 3]
