from __future__ import annotations

import pandas as pd
import pytest

from odibi_engine_pandas.explain import explanation

FLIGHTS = pd.DataFrame({"carrier": ["F9"], "dep_delay": [21.9]})
AIRLINES = pd.DataFrame({"code": ["F9"]})
FRAMES = {"bronze.flights": FLIGHTS, "bronze.airlines": AIRLINES}

LOOK_UPS = {
    "getitem": lambda frame: frame["dep_dely"],
    "getitem-several": lambda frame: frame[["carrier", "dep_dely"]],
    "getitem-none-of": lambda frame: frame[["dep_dely"]],
    "loc": lambda frame: frame.loc[:, "dep_dely"],
    "loc-several": lambda frame: frame.loc[:, ["carrier", "dep_dely"]],
    "at": lambda frame: frame.at[0, "dep_dely"],  # noqa: PD008  # pandas has it, so users do
    "attribute": lambda frame: frame.dep_dely,
    "drop": lambda frame: frame.drop(columns="dep_dely"),
    "sort": lambda frame: frame.sort_values("dep_dely"),
    "group": lambda frame: frame.groupby("dep_dely").size(),
    "group-column": lambda frame: frame.groupby("carrier")["dep_dely"].sum(),
    "aggregate": lambda frame: frame.groupby("carrier").agg(delay=("dep_dely", "mean")),
    "query": lambda frame: frame.query("dep_dely > 1"),
    "astype": lambda frame: frame.astype({"dep_dely": int}),
    "set-index": lambda frame: frame.set_index("dep_dely"),
    "dropna": lambda frame: frame.dropna(subset=["dep_dely"]),
    "duplicates": lambda frame: frame.drop_duplicates(subset=["dep_dely"]),
    "pivot": lambda frame: frame.pivot(index="dep_dely", columns="carrier", values="dep_delay"),  # noqa: PD010
    "melt": lambda frame: frame.melt(id_vars=["dep_dely"]),
    "rename": lambda frame: frame.rename(columns={"dep_dely": "x"}, errors="raise"),
    "merge": lambda frame: frame.merge(AIRLINES, left_on="dep_dely", right_on="code"),
    "assign": lambda frame: frame.assign(x=lambda part: part["dep_dely"]),
}


def raised_by(call, frame=FLIGHTS):
    with pytest.raises(Exception) as caught:
        call(frame)
    return caught.value


@pytest.mark.parametrize("call", LOOK_UPS.values(), ids=LOOK_UPS.keys())
def test_missing_column_is_explained_with_input_columns_and_suggestion(call):
    assert explanation(raised_by(call), FRAMES) == (
        "column 'dep_dely' is not in input 'bronze.flights' (columns: carrier, dep_delay). Did you mean 'dep_delay'?"
    )


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda frame: {"rate": 1}["dep_dely"], id="dictionary"),
        pytest.param(lambda frame: frame.loc["dep_dely"], id="row"),
        pytest.param(lambda frame: frame.loc[["dep_dely"]], id="rows"),
        pytest.param(lambda frame: frame.drop(index="dep_dely"), id="drop-row"),
        pytest.param(lambda frame: frame.rename(index={"dep_dely": 1}, errors="raise"), id="rename-row"),
        pytest.param(lambda frame: frame["carrier"]["dep_dely"], id="value-of-a-series"),
        pytest.param(lambda frame: frame.appendd(frame), id="method"),
        pytest.param(lambda frame: frame["carrier"] / 2, id="other-error"),
    ],
)
def test_errors_that_are_not_about_columns_keep_their_own_words(call):
    assert explanation(raised_by(call), FRAMES) is None


def test_a_column_that_was_lost_on_the_way_is_told_from_one_that_never_was():
    error = raised_by(lambda frame: frame.rename(columns={"dep_delay": "delay"})["dep_delay"])

    said = explanation(error, FRAMES)

    assert said.startswith("column 'dep_delay' is not in the frame that was asked for it in <lambda>, line ")
    assert said.endswith(
        "(columns: carrier, delay). Did you mean 'delay'? "
        "Input 'bronze.flights' has it, the frame made of it no longer."
    )
    assert "test_explain.py" in said


def test_a_copy_of_an_input_still_has_its_name():
    said = explanation(raised_by(lambda frame: frame.copy()["dely"]), FRAMES)

    assert said.startswith("column 'dely' is not in input 'bronze.flights'")


def test_the_right_side_of_a_merge_is_named():
    said = explanation(raised_by(lambda frame: frame.merge(AIRLINES, on="carrier")), FRAMES)

    assert said == "column 'carrier' is not in input 'bronze.airlines' (columns: code)."


def test_long_lists_of_columns_are_cut():
    wide = pd.DataFrame({f"c{number}": [1] for number in range(34)})

    said = explanation(raised_by(lambda frame: frame["x"], wide), {"wide": wide})

    assert said == (
        f"column 'x' is not in input 'wide' (columns: {', '.join(f'c{number}' for number in range(20))}, ... 14 more)."
    )


def test_numbers_and_pairs_can_be_missing_columns():
    assert explanation(raised_by(lambda frame: frame[5]), FRAMES).startswith("column 5 is not in input")
    assert explanation(raised_by(lambda frame: frame["a", "b"]), FRAMES).startswith("column ('a', 'b') is not in input")


@pytest.mark.parametrize(
    "error",
    [
        KeyError([["x"]]),
        KeyError(({},)),
        KeyError("['x' not in index"),
        KeyError("not in index"),
        AttributeError(),
        NameError(None),
        KeyError(float("nan")),
    ],
    ids=repr,
)
def test_odd_errors_are_survived(error):
    said = explanation(error, FRAMES)

    assert said is None or said.startswith("column")


def test_an_error_that_was_never_raised_is_judged_by_the_inputs():
    assert explanation(KeyError("code"), FRAMES).startswith("column 'code' is not in input 'bronze.flights'")
    assert explanation(KeyError(), FRAMES) is None
    assert explanation(KeyError("x"), {}) is None
