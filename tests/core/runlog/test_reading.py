"""Reading journals: whole ones, torn ones, damaged ones."""

import pytest

from odibi_core.errors import RunLogError
from odibi_core.runlog import read_journal
from odibi_core.runlog.reading import scan_journal


@pytest.fixture
def journal_file(start_run, add):
    """A journal with three records, still open."""
    journal = start_run("r1")
    for number in range(3):
        add(journal, f"t{number}")
    return journal.path


@pytest.mark.parametrize("kept", [1, 20, -1], ids=["first byte", "some bytes", "all but the line end"])
def test_a_torn_last_line_is_left_out(journal_file, kept):
    content = journal_file.read_bytes()
    begin = content.rindex(b"\n", 0, -1) + 1
    journal_file.write_bytes(content[:begin] + content[begin:][:kept])
    reading = read_journal(journal_file)
    assert [record["seq"] for record in reading.records] == [1, 2]
    assert reading.size == begin


def test_a_last_line_of_zeros_left_by_a_power_failure_is_torn_too(journal_file):
    whole = journal_file.stat().st_size
    with journal_file.open("ab") as file:
        file.write(b"\0" * 4095 + b"\n")
    reading = read_journal(journal_file)
    assert len(reading.records) == 3
    assert reading.size == whole


def test_a_damaged_line_before_the_last_is_an_error_that_says_where(journal_file):
    content = journal_file.read_bytes()
    place = content.index(b"\n") + 1
    journal_file.write_bytes(content[:place] + b"garbage\n" + content[place:])
    with pytest.raises(RunLogError, match=rf"damaged at byte {place}.*b'garbage.*move it out") as caught:
        read_journal(journal_file)
    assert str(journal_file) in str(caught.value)


def test_a_missing_record_is_an_error(journal_file):
    lines = journal_file.read_bytes().splitlines(keepends=True)
    del lines[2]
    journal_file.write_bytes(b"".join(lines))
    with pytest.raises(RunLogError, match="record 2 should be here and 3 is"):
        read_journal(journal_file)


def test_a_journal_of_a_newer_version_is_refused_instead_of_guessed_at(journal_file):
    journal_file.write_bytes(journal_file.read_bytes().replace(b'"schema":1', b'"schema":2', 1))
    with pytest.raises(RunLogError, match=r"schema 2.*Upgrade odibi-core"):
        read_journal(journal_file)


@pytest.mark.parametrize("content", [b"", b'{"type":"run","sch'], ids=["empty", "torn header"])
def test_a_run_that_died_before_its_header_has_none(journal_file, content):
    journal_file.write_bytes(content)
    reading = read_journal(journal_file)
    assert (reading.header, reading.records, reading.end, reading.size) == ({}, (), None, 0)


def test_a_journal_that_is_not_there_or_no_file_is_named(tmp_path):
    with pytest.raises(RunLogError, match="moved or deleted"):
        read_journal(tmp_path / "r1.jsonl")
    with pytest.raises(RunLogError, match="Cannot read the journal"):
        read_journal(tmp_path)


def test_reading_goes_on_where_it_stopped(journal_file):
    second = list(scan_journal(journal_file))[2]
    rest = list(scan_journal(journal_file, offset=second.end, next_seq=3))
    assert [line.content["seq"] for line in rest] == [3]
