"""Names of columns and what becomes of an index."""

from __future__ import annotations

import pandas as pd
import pytest

from odibi_core.plugin import DataFormatError

NAMES = ["a.csv", "a.json", "a.jsonl", "a.parquet"]


@pytest.fixture(params=NAMES)
def path(request, tmp_path):
    return tmp_path / request.param


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        pytest.param(None, {"n": [1, 2]}, id="default"),
        pytest.param(pd.RangeIndex(5, 7), {"n": [1, 2]}, id="range"),
        pytest.param(["x", "y"], {"n": [1, 2]}, id="unnamed"),
        pytest.param(pd.Index(["x", "y"], name="k"), {"k": ["x", "y"], "n": [1, 2]}, id="named"),
        pytest.param(pd.RangeIndex(2, name="k"), {"k": [0, 1], "n": [1, 2]}, id="named-range"),
        pytest.param(
            pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", "l"]),
            {"k": ["x", "y"], "l": [1, 2], "n": [1, 2]},
            id="levels",
        ),
        pytest.param(
            pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=[None, "l"]),
            {"l": [1, 2], "n": [1, 2]},
            id="levels-unnamed",
        ),
        pytest.param(pd.Index([1, 2], name="n"), {"n": [1, 2]}, id="repeats-a-column"),
        pytest.param(pd.Index(["x", "y"], name=2013), {"2013": ["x", "y"], "n": [1, 2]}, id="number-for-a-name"),
    ],
)
def test_an_index_with_a_name_becomes_columns_and_another_is_dropped(files, path, index, expected):
    files.save(pd.DataFrame({"n": [1, 2]}, index=index), path)

    frame = files.read(path)
    assert frame.to_dict("list") == expected
    assert frame.index.equals(pd.RangeIndex(2))


def test_what_a_group_by_returns_can_be_saved(files, path):
    frame = pd.DataFrame({"carrier": ["F9", "AA", "F9"], "delay": [1.0, 2.0, 3.0]})

    files.save(frame.groupby("carrier").agg(mean=("delay", "mean")), path)

    assert files.read(path).to_dict("list") == {"carrier": ["AA", "F9"], "mean": [2.0, 2.0]}


def test_names_that_are_no_text_are_written_as_text(files, path):
    frame = pd.DataFrame([[1, 2, 3]], columns=[2013, 1.5, pd.Timestamp("2013-01-01")])

    files.save(frame, path)

    assert files.read(path).columns.tolist() == ["2013", "1.5", "2013-01-01 00:00:00"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        pytest.param(pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column named 'a'", id="twice"),
        pytest.param(pd.DataFrame([[1, 2]], columns=[1, "1"]), "more than one column named '1'", id="twice-as-text"),
        pytest.param(pd.DataFrame([[1, 2]], columns=["a", None]), "column 2 of the frame has .* for a name", id="none"),
        pytest.param(
            pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
            "names have 2 levels.*'_'.join",
            id="levels",
        ),
        pytest.param(
            pd.DataFrame({"n": [1]}, index=pd.Index([2], name="n")), "column 'n' and an index of that name", id="index"
        ),
        pytest.param(pd.DataFrame(index=range(3)), "3 rows and no columns", id="no-columns"),
    ],
)
def test_names_that_cannot_be_kept_apart_are_refused(files, path, frame, message):
    with pytest.raises(DataFormatError, match=message) as caught:
        files.save(frame, path)

    assert "bronze.flights" in str(caught.value)
    assert not path.exists()


def test_attributes_of_a_frame_are_no_data(files, path):
    frame = pd.DataFrame({"n": [1]})
    frame.attrs["not"] = object()

    files.save(frame, path)

    assert files.read(path).attrs == {}
