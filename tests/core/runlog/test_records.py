"""The columns of a record, and how values become text."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA
from odibi_core.runlog import read_journal
from odibi_core.runlog.records import fold, iso, record_for_sinks

V2_COLUMNS = "transformation_id project plant asset start_time end_time status duration_seconds error_message env"


def test_v2s_ten_columns_come_first_and_in_v2s_order():
    """A-34: a reader that takes columns by place finds them where v2 had them."""
    assert RECORD_COLUMNS[:10] == tuple(V2_COLUMNS.split())


def test_every_column_has_a_type_and_a_meaning():
    assert len({column.name for column in RECORD_SCHEMA}) == len(RECORD_SCHEMA) == 21
    assert all(column.meaning.endswith(".") for column in RECORD_SCHEMA)
    assert {column.type for column in RECORD_SCHEMA} == {"string", "integer", "float", "timestamp"}


def test_a_journal_record_has_exactly_the_columns_of_the_schema(start_run, add):
    journal = start_run()
    add(journal)
    (record,) = read_journal(journal.path).records
    assert record.keys() - {"type"} == set(RECORD_COLUMNS)


def test_times_are_text_that_sorts_whatever_their_zone():
    earlier = datetime(2026, 11, 21, 23, 0, tzinfo=timezone(timedelta(hours=5)))
    later = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)
    assert iso(earlier) == "2026-11-21T18:00:00.000000+00:00"
    assert iso(earlier) < iso(later)


@pytest.mark.parametrize("micro", [0, 7, 999_999])
@pytest.mark.parametrize("year", [1, 987, 2026, 9999])
def test_a_time_is_what_isoformat_says(year, micro):
    moment = datetime(year, 2, 3, 4, 5, 6, micro, tzinfo=UTC)
    assert iso(moment) == moment.isoformat(timespec="microseconds")


def test_a_time_without_zone_is_refused_because_it_says_no_moment():
    with pytest.raises(ValueError, match="no time zone"):
        iso(datetime(2026, 11, 21))  # noqa: DTZ001


def test_a_sink_gets_aware_times_and_every_column_also_of_an_older_journal():
    record = record_for_sinks({"type": "record", "seq": 1, "start_time": "2026-11-21T21:30:00.000001+00:00"})
    assert list(record) == list(RECORD_COLUMNS)
    assert record["start_time"] == datetime(2026, 11, 21, 21, 30, 0, 1, tzinfo=UTC)
    assert record["end_time"] is None


def test_what_json_has_no_word_for_does_not_stop_a_record(start_run, add):
    numpy = pytest.importorskip("numpy")
    journal = start_run()
    add(journal, 17, "SUCCESS", duration_seconds=float("nan"), rows_read=numpy.int64(5), plant=3)
    line = journal.path.read_text(encoding="ascii").splitlines()[-1]
    record = json.loads(line, parse_constant=pytest.fail)
    assert (record["transformation_id"], record["duration_seconds"], record["rows_read"]) == ("17", None, 5)
    assert record["plant"] == "3"


def test_names_are_compared_without_case_and_blanks():
    assert fold(" Straße\ud800") == fold("STRASSE\ud800 ")
    assert fold("a") != fold("b")
