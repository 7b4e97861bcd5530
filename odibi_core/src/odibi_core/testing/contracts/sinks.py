"""The contract of a log sink."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from odibi_core.errors import RunLogError
from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA, ReadableLogSink, RememberingLogSink
from odibi_core.testing.access.sink_access import OpenSink, Stored, close, deliver
from odibi_core.testing.contract import refuse
from odibi_core.testing.contracts.sink_faults import SinkFaults
from odibi_core.testing.data.run_records import HARD_TEXTS, describe_difference, make_record, make_records, shown_value
from odibi_core.testing.options.shown_secrets import error_texts, refuse_shown, secrets_in

__all__ = ["LogSinkContract"]

_OTHER_RUN = "20260330T000000-c"
_WRITERS = 4


class LogSinkContract(SinkFaults):
    """What every log sink keeps to: each batch whole or not at all, and every value as it was.

    Attributes:
        sink: The sink's name, as in the manifest's ``log_sinks``.
        options: Its options without ``type``; a relative path is below the ``tmp_path`` of each test. What has to be
            made for each test, such as an empty table, is the fixture `sink_options`.
        secrets: Texts within the options that nobody may see, besides what stands below a name such as ``password``.

    A sink that cannot be read back (`ReadableLogSink`) gives the method ``stored_records(options)``. The fixture
    ``unreachable_options`` gives options of a place that does not answer.

    Example:
        >>> class TestSplunk(LogSinkContract):
        ...     plugin = "acme_splunk.plugin"
        ...     sink = "splunk"
        ...     options = {"path": "spool.jsonl"}
        ...     gaps = {"test_a_message_of_ten_megabytes_is_kept": "Splunk cuts events at 1 MB"}
        >>> TestSplunk.gap_of("test_a_message_of_ten_megabytes_is_kept")
        'Splunk cuts events at 1 MB'
    """

    # --- what is written is there ---

    def test_an_empty_batch_is_fine(self, open_sink: OpenSink, stored: Stored) -> None:
        """The kernel may have nothing to say."""
        sink = open_sink()
        sink.write([])
        sink.write(make_records(1))
        sink.write(())
        self._has(make_records(1), stored(), after="empty batches around one record")

    def test_records_are_stored_whole(self, open_sink: OpenSink, stored: Stored) -> None:
        """Every column with its type, in the order of ``seq``, of two runs that take turns."""
        sink = open_sink()
        first, second = make_records(12), make_records(12, run_id=_OTHER_RUN)
        for start in range(0, 12, 5):
            sink.write(first[start : start + 5])
            sink.write(tuple(second[start : start + 5]))
        self._has([*first, *second], stored(), after="six batches of two runs")

    def test_a_large_batch_is_stored_whole(self, open_sink: OpenSink, stored: Stored) -> None:
        """A sink that was down for a day gets thousands of records at once."""
        records = make_records(2_500)
        open_sink().write(records)
        self._has(records, stored(), after="a batch of 2,500 records")

    def test_a_clock_that_jumps_changes_nothing(self, open_sink: OpenSink, stored: Stored) -> None:
        """Clocks are set back in the middle of runs; the order of records is that of ``seq``, and of nothing else."""
        records = []
        for record in make_records(9):
            jump = timedelta(days=1 if record["seq"] % 3 else -400) * (-1) ** record["seq"]
            records.append({**record, "start_time": record["start_time"] + jump, "end_time": record["end_time"] - jump})
        sink = open_sink()
        sink.write(records[:5])
        sink.write(records[5:])
        self._has(records, stored(), after="records of a clock that was set forth and back")

    def test_missing_values_stay_none(self, open_sink: OpenSink, stored: Stored) -> None:
        """None is neither 0 nor a text, in a batch of its own and beside values."""
        optional = [column.name for column in RECORD_SCHEMA if not column.required]
        empty: dict[str, Any] = dict.fromkeys(optional)
        records = [make_record(1, **empty), make_record(2)]
        records += [{**make_record(number), name: None} for number, name in enumerate(optional, start=3)]
        sink = open_sink()
        sink.write(records[:1])
        sink.write(records[1:])
        self._has(records, stored(), after="records with None in every optional column")

    def test_unknown_keys_and_missing_optional_keys_are_no_error(self, open_sink: OpenSink, stored: Stored) -> None:
        """A later kernel has more columns, and a user's own code may give fewer."""
        required = [column.name for column in RECORD_SCHEMA if column.required]
        few = {name: value for name, value in make_record(2).items() if name in required}
        open_sink().write([{**make_record(1), "mood": "bad"}, few])
        expected = [make_record(1), {**dict.fromkeys(RECORD_COLUMNS), **few}]
        found = [{name: record.get(name) for name in RECORD_COLUMNS} for record in stored()]
        self._has(expected, found, after="a record with one key more and one with few keys")

    @pytest.mark.parametrize("text", list(HARD_TEXTS))
    def test_texts_that_hurt_are_kept(self, open_sink: OpenSink, stored: Stored, text: str) -> None:
        """What a place cannot hold, such as NUL, is replaced by what can be seen, and nothing around it is lost."""
        columns = ("transformation_id", "plant", "error_message", "module", "plugin_versions")
        hard = f"<{HARD_TEXTS[text]}>"
        open_sink().write([make_record(1, **dict.fromkeys(columns, hard)), make_record(2)])
        found = stored()
        self._has([make_record(2)], [one for one in found if one["seq"] == 2], after=f"a record with {text} before it")  # noqa: PLR2004 - the second record
        first = [one for one in found if one["seq"] == 1]
        if len(first) != 1:
            refuse(
                f"A record with {text} ({hard!a}) is there {len(first)} times.",
                advice="A record that hurts must not be dropped: it is about the failure that somebody looks for.",
            )
        for column in columns:
            if not _is_kept(hard, first[0][column]):
                refuse(
                    f"Of {hard!a} in {column}, {shown_value(first[0][column])} is left.",
                    advice=r"Replace what the place cannot hold by an escape, such as \x00, and keep everything else.",
                )

    def test_a_message_of_ten_megabytes_is_kept(self, open_sink: OpenSink, stored: Stored) -> None:
        """An engine's error may hold a whole plan, and the reason is at its end."""
        message = "é😀 'quoted', 50 %\t\\" * 600_000
        records = [make_record(1, error_message=message), make_record(2)]
        open_sink().write(records)
        self._has(records, stored(), after=f"an error of {len(message.encode()):,} bytes")

    def test_records_are_not_changed(self, open_sink: OpenSink) -> None:
        """The same records go to every sink."""
        records = [make_record(1, error_message="a\0b", mood={"bad": [1]}), make_record(2)]
        before = copy.deepcopy(records)
        open_sink().write(records)
        if records != before:
            changed = sorted({key for one, other in zip(records, before, strict=False) for key in {*one, *other}
                              if one.get(key) != other.get(key)})  # fmt: skip
            refuse(
                f"`write` changes the records that it is given: {', '.join(changed) or 'their number'}.",
                advice="Make a record of your own: {**record, ...}. The next sink gets the same objects.",
            )

    def test_a_batch_with_a_record_that_cannot_be_read_is_stored_whole_or_not_at_all(
        self, open_sink: OpenSink, stored: Stored
    ) -> None:
        """What goes wrong in the middle of a batch must not leave its beginning behind."""
        sink = open_sink()
        sink.write(make_records(2))
        batch: list[Mapping[str, Any]] = [*make_records(3, after=2), _Unreadable(), *make_records(2, after=6)]
        try:
            sink.write(batch)
        except Exception:  # noqa: BLE001 - any error is an answer; what is stored then is the question
            expected = make_records(2)
        else:
            refuse(
                "`write` returned for a batch in which a record could not be read.",
                advice="Let the error through: the kernel counts it, and gives the batch again.",
            )
        self._has(expected, stored(), after="a batch that raised in its middle")
        deliver(sink, make_records(3, after=2))
        self._has(make_records(5), stored(), after="a batch that raised in its middle and came again")

    # --- more than one sink ---

    def test_a_new_sink_goes_on_where_the_last_one_was(self, open_sink: OpenSink, stored: Stored) -> None:
        """The next process has a sink of its own."""
        for number in range(3):
            sink = open_sink()
            sink.write(make_records(4, after=number * 4))
            close(sink)
        self._has(make_records(12), stored(), after="three sinks, one after the other")

    def test_several_writers_lose_nothing(self, open_sink: OpenSink, stored: Stored) -> None:
        """Two runs of two projects may share a log; each has its own sink."""
        runs = [f"20260401T00000{number}-w" for number in range(_WRITERS)]
        sinks = [open_sink() for _ in runs]

        def write(number: int) -> None:
            for start in range(0, 30, 5):
                sinks[number].write(make_records(5, after=start, run_id=runs[number]))

        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(write, range(_WRITERS)))
        expected = [record for run in runs for record in make_records(30, run_id=run)]
        self._has(expected, stored(), after=f"{_WRITERS} writers at once")

    # --- optional protocols ---

    def test_a_repeated_batch_is_stored_once(self, open_sink: OpenSink, stored: Stored) -> None:
        """After a crash the kernel asks `last_seq` and gives what is missing, to a sink of the next process."""
        sink = self._remembering(open_sink)
        sink.write(make_records(6))
        for _ in range(2):
            deliver(open_sink(), make_records(9))
        self._has(make_records(9), stored(), after="a batch that came again")

    def test_last_seq_is_true_for_each_run(self, open_sink: OpenSink) -> None:
        """Said too high it loses records, said too low it repeats them."""
        sink = self._remembering(open_sink)
        sink.write(make_records(7))
        sink.write(make_records(3, run_id=_OTHER_RUN))
        for one in (sink, open_sink()):
            for run, expected in ((make_record()["run_id"], 7), (_OTHER_RUN, 3), ("20260401T000000-never", 0)):
                found = one.last_seq(run)
                if found != expected or type(found) is not int:
                    refuse(
                        f"last_seq({run!r}) is {found!r}{'' if one is sink else ' of a new sink'}, and {expected} is "
                        "the highest that was written.",
                        advice="Look it up where the records are, not in the memory of the sink; 0 if there is none.",
                    )

    def test_reading_gives_no_less_than_what_was_asked_for(self, open_sink: OpenSink) -> None:
        """`project` and `since` say what is not needed; a sink may give more, and never less."""
        sink = self._readable(open_sink)
        mine, other = make_records(3), make_records(3, run_id=_OTHER_RUN, project="Water")
        sink.write(mine)
        sink.write(other)
        start: datetime = mine[1]["start_time"]
        elsewhere = start.astimezone(timezone(timedelta(hours=-7)))
        asked: list[dict[str, Any]] = [{"project": " energy EFFICIENCY "}, {"since": start}, {"since": elsewhere}, {}]
        for question in asked:
            found = [dict(one) for one in sink.read_records(**question)]
            less = describe_difference(mine, [one for one in found if one["run_id"] == mine[0]["run_id"]])
            if less is not None:
                refuse(
                    f"read_records({question}) gives less than what is there: {less}.",
                    advice="Names are compared without case and blanks, moments as moments, and of a run come all "
                    "records or none. If in doubt, return more.",
                )

    def test_a_log_that_is_not_there_is_a_run_log_error_or_empty(self, open_sink: OpenSink) -> None:
        """Whoever asks must be able to tell that there is no log from that there was no failure."""
        sink = self._readable(open_sink)
        try:
            found = list(sink.read_records())
        except RunLogError:
            return
        except Exception as error:  # noqa: BLE001 - any other error is what is looked for
            refuse(
                f"Reading a log that is not there raises {type(error).__name__}: {error}.",
                advice="Raise RunLogError, with the place and what to do.",
            )
        if found:
            refuse(f"An empty log gives {len(found)} records.", advice="`sink_options` must be of an empty place.")

    # --- secrets ---

    def test_no_secret_is_shown(
        self, given_options: tuple[Mapping[str, Any], ...], open_sink: OpenSink, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not in the repr, in errors, or in what is logged."""
        secrets = self._secrets(given_options)
        caplog.set_level(logging.DEBUG)
        sink = open_sink()
        refuse_shown([repr(sink), str(sink)], secrets=secrets, where="the repr of the sink")
        try:
            sink.write([make_record(1), _Unreadable()])
        except Exception as error:  # noqa: BLE001 - its words are looked at
            refuse_shown(error_texts(error), secrets=secrets, where="the error of `write`")
        refuse_shown([record.getMessage() for record in caplog.records], secrets=secrets, where="the log")

    def test_no_secret_is_shown_of_a_place_that_does_not_answer(
        self,
        given_options: tuple[Mapping[str, Any], ...],
        open_unreachable: OpenSink | None,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Libraries like to quote the whole URL when they cannot connect."""
        if open_unreachable is None:
            pytest.skip("there is no fixture `unreachable_options`")
        secrets = self._secrets(given_options)
        caplog.set_level(logging.DEBUG)
        try:
            open_unreachable().write(make_records(1))
        except Exception as error:  # noqa: BLE001 - its words are looked at
            refuse_shown(error_texts(error), secrets=secrets, where="the error of a place that does not answer")
        else:
            refuse(
                "`write` returned for a place that does not answer.", advice="It may only if the records are stored."
            )
        refuse_shown([record.getMessage() for record in caplog.records], secrets=secrets, where="the log")

    def _secrets(self, given: tuple[Mapping[str, Any], ...]) -> tuple[str, ...]:
        secrets = secrets_in({"": given}, declared=self.secrets)
        if not secrets:
            pytest.skip("its options hold no secret: name one in `secrets` if they do")
        return secrets

    def _remembering(self, open_sink: OpenSink) -> Any:
        sink = open_sink()
        if not isinstance(sink, RememberingLogSink):
            pytest.skip("the sink has no last_seq: it gets a batch that was cut off again")
        return sink

    def _readable(self, open_sink: OpenSink) -> Any:
        sink = open_sink()
        if not isinstance(sink, ReadableLogSink):
            pytest.skip("the sink has no read_records")
        return sink

    def _has(self, expected: list[dict[str, Any]], found: list[dict[str, Any]], *, after: str) -> None:
        problem = describe_difference(expected, found)
        if problem is not None:
            refuse(
                f"Log sink {self.sink!r}: after {after}, {problem}.",
                advice="A sink stores every record once, whole, with the types of odibi_core.plugin.RECORD_SCHEMA.",
            )


class _Unreadable(Mapping[str, Any]):
    """A record that raises when it is looked at, as one whose values are made when they are asked for may."""

    def __getitem__(self, key: str) -> Any:
        raise OSError(f"the value of {key!r} cannot be read")

    def __iter__(self) -> Iterator[str]:
        return iter(RECORD_COLUMNS)

    def __len__(self) -> int:
        return len(RECORD_COLUMNS)


def _is_kept(text: str, found: object) -> bool:
    """Return whether a text is there, but for characters that many places cannot hold, which must leave a trace."""
    if not isinstance(found, str):
        return False
    plain = found.replace("\r\n", "\n").replace("\r", "\n")
    wanted = text.replace("\r\n", "\n").replace("\r", "\n")
    if plain == wanted:
        return True
    for character in wanted:
        if _may_be_replaced(character):
            before, _, after = wanted.partition(character)
            return plain.startswith(before) and plain.endswith(after) and len(plain) >= len(wanted)
    return False


def _may_be_replaced(character: str) -> bool:
    return character == "\0" or "\ud800" <= character <= "\udfff"
