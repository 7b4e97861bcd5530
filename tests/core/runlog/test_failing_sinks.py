"""Sinks that fail, hang or are late: the run does not notice, and nothing is lost."""

import logging
import signal
import threading

import pytest

from odibi_core.diagnostics import log_context
from odibi_core.runlog import Delivery, deliver_pending


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch):
    """The pauses between tries are there for databases; here they would only be waited for."""
    monkeypatch.setattr("odibi_core.runlog.delivery._PAUSES", (0.001, 0.001, 0.001))


def test_calls_for_one_sink_never_overlap(kit, state_dir, start_run, add):
    entered, released, inside = threading.Event(), threading.Event(), []

    class Sink(kit.ListSink):
        def write(self, records):
            assert not inside
            inside.append(True)
            entered.set()
            released.wait()
            super().write(records)
            inside.clear()

    sink = Sink()
    earlier, journal = start_run("r1"), start_run("r2")
    Delivery(earlier, [kit.target(sink)], state_dir)
    add(earlier)
    earlier.close("SUCCESS", duration_seconds=0.0)
    (late,) = deliver_pending(state_dir, [kit.target(sink)], deadline_seconds=0.02)
    assert "within 0.02 s" in late.error
    assert entered.is_set()
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    add(journal)
    (report,) = delivery.finish(deadline_seconds=0.02)
    released.set()
    for thread in kit.threads():
        thread.join()
    assert "1 of 1 records are not in the log sink" in report.error
    assert [record["run_id"] for batch in sink.batches for record in batch] == ["r1"]


@pytest.mark.parametrize("failures", [1, 3])
def test_a_sink_that_fails_for_a_while_is_tried_again_and_loses_nothing(
    kit, state_dir, start_run, add, failures, caplog
):
    """A-38: a sink that raises does not lose the run."""
    journal, sink = start_run("r1"), kit.ListSink(failures)
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    kit.run_records(journal, delivery, 5)
    (report,) = delivery.finish()
    assert (report.records, report.error) == (5, None)
    assert sink.seqs == [1, 2, 3, 4, 5]
    assert kit.cursors() == []
    assert len(caplog.records) == 1


def test_a_sink_that_is_down_is_reported_once_and_caught_up_at_the_next_start(kit, state_dir, start_run, add, caplog):
    journal, sink, other = start_run("r1"), kit.ListSink(failures=10**9), kit.ListSink()
    delivery = Delivery(journal, [kit.target(sink, "sql"), kit.target(other, "file")], state_dir, batch_size=5)
    kit.run_records(journal, delivery, 23)
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
    assert kit.cursors() == ["r1.json"]

    sink.failures = 0
    (late,) = deliver_pending(state_dir, [kit.target(sink, "sql"), kit.target(other, "file")], batch_size=5)
    assert (late.name, late.records, late.error) == ("sql", 23, None)
    assert sink.seqs == list(range(1, 24))
    assert kit.cursors() == []
    assert deliver_pending(state_dir, [kit.target(sink, "sql"), kit.target(other, "file")]) == ()


def test_a_sink_that_is_down_is_not_asked_for_every_record(kit, state_dir, start_run, add):
    journal, sink = start_run("r1"), kit.ListSink(failures=10**9)
    delivery = Delivery(journal, [kit.target(sink)], state_dir, batch_size=10)
    kit.run_records(journal, delivery, 100)
    delivery.finish()
    assert 1 <= sink.calls <= 10 + 4


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), Exception()], ids=lambda error: type(error).__name__
)
def test_whatever_a_sink_raises_stays_inside(kit, state_dir, start_run, add, error):
    journal, sink = start_run("r1"), kit.ListSink(10**9, error)
    delivery = Delivery(journal, [kit.target(sink)], state_dir, batch_size=1)
    kit.run_records(journal, delivery, 3)
    (report,) = delivery.finish()
    assert type(error).__name__ in report.error


def test_a_sink_that_hangs_is_left_behind_when_time_is_up(kit, state_dir, start_run, add):
    released = threading.Event()

    class HangingSink(kit.ListSink):
        def write(self, records):
            released.wait()
            super().write(records)

    journal, sink = start_run("r1"), HangingSink()
    delivery = Delivery(journal, [kit.target(sink)], state_dir, batch_size=2)
    kit.run_records(journal, delivery, 5)
    (report,) = delivery.finish(deadline_seconds=0.02)
    assert "5 of 5 records" in report.error
    assert "within 0.02 s" in report.error
    released.set()
    for thread in kit.threads():
        thread.join()
    # The batch under way was completed, and the thread ended behind it.
    assert len(sink.batches) == 1
    journal.close("SUCCESS", duration_seconds=0.0)
    done = len(sink.seqs)
    (late,) = deliver_pending(state_dir, [kit.target(sink)])
    assert late.records == 5 - done
    assert sink.seqs == [1, 2, 3, 4, 5]


def test_a_journal_that_is_closed_while_a_batch_leaves_is_no_failure(kit, state_dir, start_run, add, caplog):
    journal, sink = start_run("r1"), kit.ListSink()
    barrier = journal.barrier

    def close_first():
        journal.close("SUCCESS", duration_seconds=0.0)
        barrier()

    journal.barrier = close_first
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    add(journal)
    assert delivery.finish()[0].error is None
    assert (sink.seqs, caplog.records) == ([1], [])


def test_a_place_for_cursors_that_cannot_be_written_is_the_sinks_trouble_only(kit, state_dir, start_run, add):
    journal, sink = start_run("r1"), kit.ListSink()
    (state_dir / "delivery").write_text("a file in the way")
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    add(journal)
    (report,) = delivery.finish()
    assert "delivery" in report.error
    assert sink.seqs == []

    journal, delivery = start_run("r2"), None
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    add(journal)
    (state_dir / "delivery").unlink()
    assert delivery.finish()[0].error is None
    assert sink.seqs == [1]


def test_ctrl_c_while_waiting_for_sinks_ends_the_waiting_and_loses_nothing(kit, state_dir, start_run, add):
    main = threading.main_thread()

    class Interrupter(kit.ListSink):
        def write(self, records):
            super().write(records)
            if self.calls == 1:
                signal.pthread_kill(main.ident, signal.SIGINT)
                stopped.wait()

    stopped = threading.Event()
    journal, sink = start_run("r1"), Interrupter()
    delivery = Delivery(journal, [kit.target(sink)], state_dir, batch_size=2)
    for _ in range(6):
        add(journal)
    with pytest.raises(KeyboardInterrupt):
        delivery.finish()
    stopped.set()
    for thread in kit.threads():
        thread.join()
    assert sink.seqs == [1, 2]
    journal.close("ABORTED", duration_seconds=0.0)
    deliver_pending(state_dir, [kit.target(sink)])
    assert sink.seqs == [1, 2, 3, 4, 5, 6, 7]  # the last says that t1 was aborted


def test_the_kernel_says_in_its_own_log_which_sink_failed(kit, state_dir, start_run, add, caplog):
    journal = start_run("r1")
    delivery = Delivery(journal, [kit.target(kit.ListSink(10**9), "sql")], state_dir)
    add(journal)
    delivery.finish()
    (entry,) = caplog.records
    assert entry.levelno == logging.WARNING
    assert "sink=sql" in entry.getMessage()
    assert "run_id=r1" in entry.getMessage()


def test_a_sinks_trouble_is_not_said_to_be_that_of_the_transformation_that_wrote_a_record(
    kit, state_dir, start_run, add, caplog
):
    journal = start_run("r1")
    with log_context(project="Shop"):
        delivery = Delivery(journal, [kit.target(kit.ListSink(10**9), "sql")], state_dir)
    with log_context(transformation_id="t1"):
        add(journal)
        delivery.notify()
    delivery.finish()
    (entry,) = caplog.records
    assert "project=Shop" in entry.getMessage()
    assert "t1" not in entry.getMessage()


def test_what_another_process_has_delivered_meanwhile_is_neither_repeated_nor_waited_for(
    kit, state_dir, start_run, add, monkeypatch
):
    monkeypatch.setattr("odibi_core.runlog.delivery._PAUSES", (3600,))
    journal, sink = start_run("r1"), kit.ListSink()
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    kit.run_records(journal, delivery, 3)
    journal.close("SUCCESS", duration_seconds=0.0)
    deliver_pending(state_dir, [kit.target(sink)])
    (report,) = delivery.finish(deadline_seconds=3600)
    assert (report.records, report.error) == (3, None)
    assert sink.seqs == [1, 2, 3]


@pytest.mark.parametrize("damage", ["cut off", "empty", "damaged", "gone"])
def test_a_journal_that_does_not_have_what_a_sink_lacks_is_told_and_others_are_delivered(
    kit, state_dir, start_run, add, damage
):
    sink = kit.ListSink(failures=10**9)
    journals = [start_run(f"r{number}") for number in (1, 2)]
    for journal in journals:
        delivery = Delivery(journal, [kit.target(sink)], state_dir)
        kit.run_records(journal, delivery, 5)
        journal.close("SUCCESS", duration_seconds=0.0)
        delivery.finish()
    path = journals[0].path
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        broken = {
            "cut off": content[: content.rindex(b'"seq":4')],
            "empty": b"",
            "damaged": content.replace(b"{", b"["),
        }
        path.write_bytes(broken[damage])

    (report,) = deliver_pending(state_dir, [kit.target(up := kit.ListSink())])

    assert {record["run_id"] for batch in up.batches for record in batch} >= {"r2"}
    assert report.error.startswith("The log sink 'list' lacks records of earlier runs: ")
    assert "run r1" in report.error
    assert "stay in the journal" not in report.error
    if damage != "gone":
        path.write_bytes(content)
        (report,) = deliver_pending(state_dir, [kit.target(up)])
        assert report.error is None
        assert sorted(record["seq"] for batch in up.batches for record in batch if record["run_id"] == "r1") == [
            *range(1, 6)
        ]
