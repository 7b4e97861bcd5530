"""Savers of one Delta table at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from odibi_core.plugin import DatasetExistsError, TransientError

SALES = pa.table({"id": [1, 2, 3], "region": ["north", "south", None], "amount": [1.5, None, 3.0]})


def at_once(function, times):
    barrier = threading.Barrier(times)

    def call(number):
        barrier.wait()
        try:
            return function(number)
        except (DatasetExistsError, TransientError) as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(call, range(times)))


def one_row(number):
    return pa.table({"id": [number], "region": ["x"], "amount": [0.5]})


@pytest.mark.parametrize("mode", ["error", "ignore"])
def test_of_makers_that_race_one_makes_the_table(save, rows, mode):
    outcomes = at_once(lambda number: save(one_row(number), mode=mode), 8)

    made = [each for each in outcomes if not isinstance(each, Exception) and each.was_written]
    assert len(made) == len(rows()) == 1


def test_of_appends_that_race_for_a_new_table_none_is_lost(save, rows):
    outcomes = at_once(lambda number: save(one_row(number), mode="append"), 6)

    kept = [each for each in outcomes if not isinstance(each, Exception)]
    assert len(kept) == 6
    assert sorted(row["id"] for row in rows()) == list(range(6))


def test_of_overwrites_that_race_one_stays(save, rows):
    save(SALES)

    outcomes = at_once(lambda number: save(one_row(number)), 4)

    assert all(isinstance(each, TransientError) or each.rows == 1 for each in outcomes)
    assert len(rows()) == 1


def test_merges_that_race_repeat_no_key(save, rows):
    save(SALES)

    outcomes = at_once(lambda number: save(one_row(7 + number % 2), mode="merge", merge_keys="id"), 4)

    assert not [each for each in outcomes if isinstance(each, Exception)]
    assert sorted(row["id"] for row in rows()) == [1, 2, 3, 7, 8]


def test_a_race_that_is_lost_for_good_may_be_tried_again(save, place, monkeypatch):
    save(SALES)

    class Intruded:
        """A frame during whose reading somebody else overwrites the table."""

        def __arrow_c_stream__(self, requested_schema=None):
            write_deltalake(place, SALES, mode="overwrite")
            return SALES.__arrow_c_stream__(requested_schema)

    class Counted(Intruded):
        def __len__(self):
            return SALES.num_rows

    with pytest.raises(TransientError, match=r"others write to .* at the same time"):
        save(Intruded())
    assert save(Counted()).rows == 3
