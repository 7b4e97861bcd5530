"""Text that hurts: every database gives back what it was given, or what the documentation says it becomes."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odibi_core.plugin import ConfigError, RunLogError
from odibi_sinks.record_columns import iso_texts

any_text = st.text(alphabet=st.characters(codec=None), max_size=30) | st.sampled_from(
    [
        "",
        "\0",
        "\ud800",
        "\udfff\0",
        "'; DROP TABLE runs; --",
        '"',
        "\\",
        "\\N",
        "\\.",
        "%s %(x)s",
        ":x",
        "?",
        "\r\n\t",
        "NULL",
    ]
)


def as_stored(text):
    """What the README says: a NUL and half a character are spelled out."""
    return "".join("\\x00" if c == "\0" else f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)


@pytest.fixture
def text_sink(sql_sink, database_url):
    return sql_sink(database_url)


_run_ids = iter(range(1, 1_000_000_000))


@pytest.mark.parametrize("count", [1, 60], ids=["inserted", "copied"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(texts=st.lists(st.tuples(any_text, any_text), min_size=1, max_size=4))
def test_hostile_text_comes_back_as_documented(text_sink, record, texts, count):
    run_id = f"r{next(_run_ids)}"
    rows = [texts[number % len(texts)] for number in range(count)]
    text_sink.write(
        [
            record(seq, run_id=run_id, transformation_id=a, error_message=b, project=a)
            for seq, (a, b) in enumerate(rows, 1)
        ]
    )
    found = [row for row in text_sink.read_records() if row["run_id"] == run_id]
    expected = [(as_stored(a), as_stored(b)) for a, b in rows]
    assert [(row["transformation_id"] or "", row["error_message"] or "") for row in found] == expected
    assert text_sink.last_seq(run_id) == count


class Seven:
    def __index__(self):
        return 7


@pytest.mark.parametrize("count", [1, 60], ids=["inserted", "copied"])
def test_values_of_other_types_become_those_of_their_columns(text_sink, record, count):
    odd = {
        "transformation_id": 0,
        "plant": False,
        "asset": ["a\tb"],
        "step": True,
        "rows_read": Seven(),
        "rows_written": "8",
        "duration_seconds": float("nan"),
        "start_time": "2026-01-01T00:00:00+01:00",
        "end_time": datetime(2026, 1, 1),  # noqa: DTZ001  # what has no zone is meant to be in UTC
    }
    text_sink.write([record(1), *(record(seq, **odd) for seq in range(2, count + 2))])
    found = {row["seq"]: row for row in text_sink.read_records()}[count + 1]
    assert {name: found[name] for name in odd} == {
        "transformation_id": "0",
        "plant": "False",
        "asset": "['a\\tb']",
        "step": 1,
        "rows_read": 7,
        "rows_written": 8,
        "duration_seconds": None,
        "start_time": datetime(2025, 12, 31, 23, tzinfo=UTC),
        "end_time": datetime(2026, 1, 1, tzinfo=UTC),
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(run_id=any_text)
def test_a_run_is_found_again_whatever_its_id(text_sink, record, run_id):
    text_sink.write([record(1, run_id=run_id)])
    assert text_sink.last_seq(run_id) == 1


NAMES = [
    'a "quoted" name',
    "a`b",
    "[x]",
    "two words",
    "Zürich 日本",
    "it's",
    "100%",
    "%s",
    ":x",
    "select",
    "UPPER",
    "semi;colon",
    "{x}",
]


def test_a_table_and_a_schema_can_have_any_name(sql_sink, database_url, record):
    """A-39: a schema or table name with quotes in it works."""
    for name in NAMES:
        sink = sql_sink(database_url, name, f"{name} too")
        sink.write([record(seq) for seq in range(1, 60)])
        sink.close()
        again = sql_sink(database_url, name, f"{name} too")
        again.write([record(59), record(60)])
        assert (name, again.last_seq("r1"), len(list(again.read_records()))) == (name, 60, 60)
        again.close()


def test_a_dot_in_a_name_is_part_of_it_when_the_schema_is_said(sql_sink, postgresql_url, record, query):
    sql_sink(postgresql_url, "a.b", "c.d").write([record(1)])
    assert query(postgresql_url, 'SELECT seq FROM "c.d"."a.b"') == [(1,)]


@pytest.mark.parametrize(
    ("url", "name", "words"),
    [
        ("sqlite://", "", "it is empty"),
        ("sqlite://", " \t", "it is empty"),
        ("sqlite://", "a\0b", "cannot be printed"),
        ("sqlite://", "a\ud800", "cannot be printed"),
        ("sqlite://", "a\nb", "cannot be printed"),
        ("sqlite://", "SQLite_master", "SQLite's own"),
        ("postgresql://h/d", "ü" * 32, "longer than 63 bytes"),
        ("mariadb://h/d", "x" * 65, "longer than 64 characters"),
        ("mariadb://h/d", "a ", "blanks at the end"),
        ("mariadb://h/d", "😀", "beyond U+FFFF"),
        ("mssql://h/d", "x" * 129, "longer than 128 characters"),
        ("sqlite://", "log.runs", "schema: log, table_name: runs"),
    ],
)
def test_a_name_that_a_database_cannot_have_is_refused_with_the_reason(sql_sink, url, name, words):
    with pytest.raises(ConfigError) as caught:
        sql_sink(url, name)
    assert words in str(caught.value)
    assert repr(name) in str(caught.value)


def test_a_schema_is_refused_like_a_table(sql_sink):
    with pytest.raises(ConfigError, match="cannot use the schema ''"):
        sql_sink("postgresql://h/d", "runs", "")


def test_a_name_of_the_longest_kind_works(sql_sink, postgresql_url, record):
    sink = sql_sink(postgresql_url, "ü" * 31, "s" * 63)
    sink.write([record(1)])
    sink.write([record(1)])
    assert len(list(sink.read_records())) == 1


def test_a_database_that_cannot_hold_a_character_says_so(sql_sink, postgresql_server, postgresql_url, query, record):
    query(
        postgresql_url,
        "CREATE TABLE runs (transformation_id text, project text, start_time text, status text, error_message varchar(3))",
    )
    sink = sql_sink(postgresql_url, "runs")
    with pytest.raises(RunLogError, match=r"value too long for type character varying\(3\).*Check the table's columns"):
        sink.write([record(1, error_message="four")])


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_a_time_as_text_is_what_isoformat_says(moment):
    assert iso_texts([moment, None]) == [moment.isoformat(timespec="microseconds"), None]
