"""Records that hurt: each kind of sink stores them whole, or as the README says, and gives them back."""

import io

import pytest

from odibi_core.plugin import RECORD_COLUMNS
from odibi_sinks import ConsoleLogSink, DeltaLogSink, FileLogSink

KINDS = ["csv", "jsonl", "sqlite", "postgresql", "mariadb", "delta"]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def sink(kind, request, tmp_path, sql_sink):
    """A sink that can be read back, once for each kind."""
    if kind == "delta":
        return DeltaLogSink(tmp_path / "runs")
    if kind == "sqlite":
        return sql_sink(f"sqlite:///{tmp_path / 'runs.db'}")
    if kind in ("postgresql", "mariadb"):
        return sql_sink(request.getfixturevalue(f"{kind}_url"))
    return FileLogSink(tmp_path / f"runs.{kind}")


def as_stored(text, kind):
    """What the README says of each kind."""
    if kind == "jsonl":
        return text
    if kind == "csv":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if kind != "delta":
        text = text.replace("\0", "\\x00")
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)


def test_unknown_keys_are_ignored_and_missing_ones_are_none(sink, record):
    sink.write([{**record(1), "mood": "bad", "": 1, "SEQ": 9}, {"transformation_id": "t2", "run_id": "r1", "seq": 2}])

    first, second = sink.read_records()

    assert first == record(1)
    assert second == {**dict.fromkeys(RECORD_COLUMNS), "transformation_id": "t2", "run_id": "r1", "seq": 2}


def test_a_record_with_nothing_in_it_is_stored_beside_others(sink, record):
    sink.write([record(1)])
    sink.write([{}, record(2)])

    assert sorted(found["seq"] or 0 for found in sink.read_records()) == [0, 1, 2]
    assert sink.last_seq("r1") == 2


def test_a_message_of_ten_megabytes_is_stored_whole(sink, kind, record):
    message = 'é😀 "quoted", \0\n\r\n\'; DROP TABLE runs; --\t\\' * 250_000
    assert len(message.encode()) > 10_000_000

    sink.write([record(1, error_message=message), record(2)])

    first, second = sink.read_records()
    assert first["error_message"] == as_stored(message, kind)
    assert second == record(2)


@pytest.mark.parametrize(
    "text",
    ["\0", "a\0b", "😀👩‍👩‍👧", "\ud83d", "\udfff\ud800", "\u2028\x85\x0b\x1c", "\r", "\x1b[2J\x07", "\ufeffx\uffff"],
    ids=ascii,
)
def test_a_text_that_hurts_is_stored_as_documented_in_every_column(sink, kind, record, text):
    columns = ("transformation_id", "plant", "asset", "error_message", "layer", "module", "function", "plugin_versions")

    sink.write([record(1, **dict.fromkeys(columns, f"<{text}>")), record(2)])

    first, second = sink.read_records()
    assert {name: first[name] for name in columns} == dict.fromkeys(columns, as_stored(f"<{text}>", kind))
    assert second == record(2)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_does_not_spoil_the_others(sink, record, number):
    sink.write([record(1, duration_seconds=number), record(2, duration_seconds=2.5)])

    first, second = sink.read_records()

    assert second == record(2, duration_seconds=2.5)
    assert first["duration_seconds"] is None


def test_the_console_shows_the_first_line_of_ten_megabytes_and_nothing_that_moves_the_cursor(record):
    screen = io.StringIO()

    ConsoleLogSink(screen).write(
        [{**record(1, error_message="a\0b 😀\x1b[2J\n" + "x" * 10_000_000), "mood": "bad"}, {"status": "SUCCESS"}, {}]
    )

    first, *others = screen.getvalue().splitlines()
    assert first.endswith("a\\x00b 😀\\x1b[2J ...")
    assert others == ["SUCCESS ", "        "]
