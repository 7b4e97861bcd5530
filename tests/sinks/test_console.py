"""The console log sink."""

import io

import pytest

from odibi_sinks import ConsoleLogSink


@pytest.fixture
def printed(record):
    def write(**columns):
        stream = io.StringIO()
        ConsoleLogSink(stream).write([record(**columns)])
        return stream.getvalue()

    return write


def test_a_record_is_one_line_with_what_an_operator_asks_first(printed):
    assert printed() == "2026-11-21 21:30:01+00:00 SUCCESS  Silver/t1 pandas 1.250 s 10 rows read 9 rows written\n"


def test_what_is_not_known_is_left_out(printed):
    line = printed(end_time=None, duration_seconds=None, rows_read=None, rows_written=None, status="RUNNING")
    assert line == "2026-11-21 21:30:00+00:00 RUNNING  Silver/t1 pandas\n"


def test_no_rows_are_rows(printed):
    assert "0 rows read 0 rows written" in printed(rows_read=0, rows_written=0)


def test_a_second_attempt_is_named(printed):
    assert "attempt 2" in printed(attempt=2)


def test_of_an_error_the_first_line_is_shown(printed):
    line = printed(status="FAILED", error_message="ValueError: bad\n  File x\n")
    assert line.endswith("ValueError: bad ...\n")
    assert line.count("\n") == 1


def test_nothing_in_a_record_can_move_the_cursor_or_make_another_line(printed):
    line = printed(transformation_id="t\x1b[2J\r1", error_message="a\x00b\x9b")
    assert line.rstrip("\n").isprintable()
    assert r"t\x1b[2J\r1" in line


@pytest.mark.parametrize(("stream", "where"), [(None, "err"), ("stderr", "err"), ("stdout", "out")])
def test_stdout_is_left_to_the_result_unless_asked_for(capsys, record, stream, where):
    ConsoleLogSink(stream).write([record()])
    captured = capsys.readouterr()
    assert getattr(captured, where).count("\n") == 1
    assert len(captured.out + captured.err) == len(getattr(captured, where))


def test_a_terminal_without_the_characters_gets_their_escapes(record):
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", newline="") as stream:
        ConsoleLogSink(stream).write([record(transformation_id="Zürich😀\ud800")])
        assert rb"Z\xfcrich\U0001f600\ud800" in raw.getvalue()


def test_writing_nothing_prints_nothing(capsys):
    ConsoleLogSink().write([])
    assert capsys.readouterr() == ("", "")


def test_a_record_with_almost_nothing_in_it_is_printed(capsys):
    ConsoleLogSink("stdout").write([{"transformation_id": "t1"}])
    assert capsys.readouterr().out.strip() == "t1"
