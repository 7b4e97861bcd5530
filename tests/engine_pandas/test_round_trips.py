"""read(save(frame)) is the frame, for what each format can hold, however awkward."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# What no text in UTF-8 can hold, and what no pandas text can.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
awkward_texts = texts | st.sampled_from(
    [
        "a,b",
        'say "x"',
        "'",
        "a\nb",
        "a\r\nb",
        "\r",
        "\t",
        " ",
        " x ",
        "\\",
        "\\n",
        ";",
        "#",
        "é",
        "\u2028",
        "0x1",
        "\ufeff",
        "=1",
    ]
)
# By default a CSV reader takes these for null (and text that is all numbers for numbers).
texts_for_csv = awkward_texts.filter(lambda text: not _is_special(text))
# Each example writes and reads files; more of them find nothing more.
few = settings(max_examples=30)
names = st.lists(awkward_texts, min_size=1, max_size=4, unique=True)
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False)
times = st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1))  # noqa: DTZ001  # columns have zones, not values


def _is_special(text: str) -> bool:
    known = pd.read_csv(_lines([text]), names=["a", "b"], dtype={"a": "str"})["a"]
    if known.isna().any() or text.strip() == "":
        return True
    try:
        float(text.strip().replace("_", "x"))
    except ValueError:
        return text.strip().casefold() in {"true", "false"}
    return True


def _lines(values):
    import io

    return io.StringIO("".join(f'"{value.replace(chr(34), chr(34) * 2)}",x\n' for value in values))


@st.composite
def frames(draw, text, *, kinds, column_names=names):
    rows = draw(st.integers(0, 5))
    columns = {}
    for name in draw(column_names):
        kind = draw(st.sampled_from(kinds))
        values = {
            "integers": integers,
            "floats": floats,
            "floats-with-nulls": st.none() | floats,
            "truth": st.booleans(),
            "text": text,
            "text-with-nulls": st.none() | text,
            "nullable": st.none() | integers,
            "nullable-truth": st.none() | st.booleans(),
            "times": st.none() | times,
            "zoned": st.none() | times,
            "dates": st.none() | st.dates(),
        }[kind]
        cells = draw(st.lists(values, min_size=rows, max_size=rows))
        columns[name] = _column(kind, cells)
    return pd.DataFrame(columns)


def _column(kind, cells):
    if kind.startswith("floats"):
        return pd.Series(cells, dtype="float64")
    if kind.startswith("text"):
        return pd.Series(cells, dtype="str")
    if kind == "zoned":
        zone = ZoneInfo("America/New_York")
        return pd.Series(
            pd.to_datetime(pd.Series(cells, dtype="object"), utc=True).dt.as_unit("us").dt.tz_convert(zone)
        )
    dtypes = {
        "integers": "int64",
        "truth": "bool",
        "nullable": "Int64",
        "nullable-truth": "boolean",
        "times": "datetime64[us]",
        "dates": "object",
    }
    return pd.Series(cells, dtype=dtypes[kind])


def round_trip(files, frame, name, *, options=None, save_options=None, mode="overwrite"):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        files.save(frame, path, mode, options=save_options or {})
        return files.read(path, options=options or {})


@few
@given(
    frames(
        awkward_texts,
        kinds=[
            "integers",
            "floats",
            "floats-with-nulls",
            "truth",
            "text",
            "text-with-nulls",
            "nullable",
            "nullable-truth",
            "times",
            "zoned",
        ],
    )
)
def test_parquet_keeps_everything(files_for_many_examples, frame):
    pd.testing.assert_frame_equal(round_trip(files_for_many_examples, frame, "a.parquet"), frame)


CSV_KINDS = ["integers", "floats", "truth", "text", "text-with-nulls"]
# pandas names a column without a name by its number, drops a mark at the start of a file, and takes a name that stands
# twice apart; so does any reader of CSV.
csv_names = st.lists(
    awkward_texts.filter(lambda name: name.strip() and "\ufeff" not in name), min_size=1, max_size=4, unique=True
)


@few
@given(
    frames(texts_for_csv, kinds=CSV_KINDS, column_names=csv_names),
    st.sampled_from(["a.csv", "a.tsv", "a.csv.gz", "a.csv.zip", "a.csv.zst"]),
)
def test_csv_keeps_values(files_for_many_examples, frame, name):
    back = round_trip(files_for_many_examples, frame, name)

    assert back.columns.tolist() == frame.columns.tolist()
    # A column without a single value has no type in CSV.
    typed = [column for column in frame if frame[column].notna().any()]
    pd.testing.assert_frame_equal(back[typed], frame[typed])
    assert back.isna().equals(frame.isna())


@few
@given(frames(awkward_texts, kinds=["text"], column_names=csv_names), st.sampled_from([",", ";", "|", "\t", "'"]))
def test_csv_keeps_every_text_if_asked_to(files_for_many_examples, frame, sep):
    options = {"sep": sep, "dtype": "str", "keep_default_na": False, "na_filter": False}

    back = round_trip(files_for_many_examples, frame, "a.csv", options=options, save_options={"sep": sep})

    pd.testing.assert_frame_equal(back, frame)


@few
@given(frames(texts_for_csv, kinds=["times", "zoned"], column_names=st.just(["at", "n"])))
def test_csv_keeps_times_if_asked_to(files_for_many_examples, frame):
    back = round_trip(files_for_many_examples, frame, "a.csv", options={"parse_dates": ["at", "n"]})

    for name in frame.columns[frame.notna().any()]:
        expected = frame[name] if frame[name].dt.tz is None else frame[name].dt.tz_convert("UTC")
        # With one offset in the whole column that offset comes back, with several UTC does.
        found = back[name] if back[name].dt.tz is None else back[name].dt.tz_convert("UTC")
        pd.testing.assert_series_equal(found.dt.as_unit("us"), expected)


JSON_KINDS = ["integers", "floats", "truth", "text", "text-with-nulls", "nullable", "nullable-truth"]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl.gz"])
@few
@given(frame=frames(awkward_texts, kinds=JSON_KINDS))
def test_json_keeps_values(files_for_many_examples, name, frame):
    finite = frame[np.isfinite(frame.select_dtypes("float").to_numpy()).all(axis=1)].reset_index(drop=True)

    back = round_trip(files_for_many_examples, finite, name)

    if not len(finite):
        assert back.empty
        return
    assert back.columns.tolist() == finite.columns.tolist()
    for column in finite:
        assert back[column].isna().equals(finite[column].isna())
        assert back[column].dropna().tolist() == finite[column].dropna().tolist()
        if finite[column].notna().all():
            assert str(back[column].dtype) == {"Int64": "int64", "boolean": "bool"}.get(
                str(finite[column].dtype), str(finite[column].dtype)
            )


@few
@given(
    st.lists(
        frames(texts_for_csv, kinds=["integers", "text"], column_names=st.just(["n,", "s"])), min_size=2, max_size=3
    ),
    st.sampled_from(["a.csv", "a.csv.zst", "a.json", "a.jsonl", "a.parquet"]),
)
def test_appending_is_like_saving_all_at_once(files_for_many_examples, parts, name):
    parts = [part.astype("str") for part in parts]
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            files_for_many_examples.save(part, Path(folder, name), "append")
        appended = files_for_many_examples.read(Path(folder, name))
        files_for_many_examples.save(pd.concat(parts, ignore_index=True), Path(folder, f"all-{name}"))

        pd.testing.assert_frame_equal(appended, files_for_many_examples.read(Path(folder, f"all-{name}")))
