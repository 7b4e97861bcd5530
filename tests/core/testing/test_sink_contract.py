"""What the contract of log sinks says, and that it looks at what it is told to."""

from __future__ import annotations

import pytest

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA
from odibi_core.testing import LogSinkContract
from odibi_core.testing.contracts.sinks import _is_kept
from odibi_core.testing.data.run_records import HARD_TEXTS, describe_difference, make_record, make_records
from odibi_core.testing.options.shown_secrets import error_texts, refuse_shown, secrets_in
from odibi_core.testing.processes.sink_process import BATCH, batch

RUN = make_record()["run_id"]


def test_records_have_every_column_with_its_type():
    types = {"string": str, "integer": int, "float": float}
    record = make_record(error_message="x")

    assert tuple(record) == RECORD_COLUMNS
    for column in RECORD_SCHEMA:
        assert isinstance(record[column.name], types.get(column.type, type(record["start_time"])))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (make_records(1), "the records 2, 3 are missing"),
        ([*make_records(3), make_record(3)], "the records 3 are there more than once"),
        ([*make_records(3), make_record(9)], "the records 9 are there and were not written"),
        (make_records(3)[::-1], "the records are in the order 3, 2, 1"),
        ([make_record(1), make_record(2, rows_read=float(2**53)), make_record(3)], "rows_read is a float"),
        ([make_record(1), make_record(2, plant=""), make_record(3)], "plant is '', not 'NKC'"),
        ([make_record(1), make_record(2, error_message=""), make_record(3)], "and None was written"),
        ([make_record(1), {"run_id": RUN, "seq": 2}, make_record(3)], "the column 'transformation_id' is missing"),
        ([*make_records(3), make_record(1, run_id="other")], "of run 'other' the records 1 are there and were not"),
    ],
    ids=["lost", "twice", "more", "order", "type", "value", "none", "column", "run"],
)
def test_the_first_difference_is_told_with_run_and_record(found, words):
    assert words in describe_difference(make_records(3), found)


def test_records_that_are_as_they_were_have_no_difference():
    mixed = [*make_records(2, run_id="a"), *make_records(2, run_id="b")]

    assert describe_difference(mixed, [mixed[0], mixed[2], mixed[1], mixed[3]]) is None


@pytest.mark.parametrize(
    ("text", "found", "is_kept"),
    [
        ("a\0b", "a\\x00b", True),
        ("a\0b", "ab", False),
        ("a\0b", None, False),
        ("a\ud83db", "a\\ud83db", True),
        ("a\r\nb", "a\nb", True),
        ("a\r\nb", "ab", False),
        ("a😀b", "a?b", False),
    ],
)
def test_what_no_place_can_hold_may_be_replaced_and_not_dropped(text, found, is_kept):
    assert _is_kept(text, found) is is_kept


def test_every_text_that_hurts_is_kept_by_a_sink_that_keeps_it():
    assert all(_is_kept(f"<{text}>", f"<{text}>") for text in HARD_TEXTS.values())


def test_batches_of_the_other_process_follow_each_other_and_cannot_be_compressed_away():
    assert [record["seq"] for record in [*batch(1), *batch(2)]] == list(range(1, 2 * BATCH + 1))
    assert batch(1) == batch(1)
    assert len({record["error_message"] for record in [*batch(1), *batch(2)]}) == 2 * BATCH


# --- secrets ---


def test_secrets_are_found_by_name_in_urls_in_types_and_where_they_are_declared():
    from pydantic import SecretStr

    options = {
        "path": "logs",
        "account_key": "key-4711",
        "nested": [{"password": "pw-4711"}, "postgresql://etl:url%204711@db/dw"],
        "header": SecretStr("hidden-4711"),
    }

    found = secrets_in(options, declared=["declared-4711"])

    assert found == ("declared-4711", "hidden-4711", "key-4711", "pw-4711", "url 4711", "url%204711")


def test_a_secret_that_is_shown_is_not_shown_again():
    with pytest.raises(pytest.fail.Exception) as caught:
        refuse_shown(["cannot open x?token=pw%204711&y"], secrets=["pw 4711"], where="the log")

    assert "is shown in the log: cannot open x?token=***&y" in str(caught.value)


def test_a_secret_in_the_cause_of_an_error_is_found():
    try:
        try:
            raise OSError("no route to pw-4711")
        except OSError as error:
            raise ValueError("cannot write") from error
    except ValueError as error:
        texts = list(error_texts(error))
    try:
        raise ValueError("cannot write") from None
    except ValueError as error:
        hidden = list(error_texts(error))

    assert any("pw-4711" in text for text in texts)
    assert not any("pw-4711" in text for text in hidden)


def test_a_contract_without_a_sink_says_what_to_set():
    with pytest.raises(pytest.fail.Exception, match='sink = "splunk"'):
        LogSinkContract.sink_spec.__wrapped__(LogSinkContract(), None)
