"""Text becomes data with lines, or a problem that says what was expected and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.project.documents import parse_text, read_document

PRINTABLE = st.text(st.characters(max_codepoint=0x2FF, exclude_categories=("Cc",)))
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
JSON_DATA = st.recursive(
    SCALARS | PRINTABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PRINTABLE, inner, max_size=4),
    max_leaves=25,
)


def read(text: str, suffix: str) -> Any:
    document, problems = parse_text(text, file=f"file{suffix}", suffix=suffix)
    assert document is not None, problems
    return document


def faults(text: str, suffix: str) -> list[str]:
    _, problems = parse_text(text, file=f"file{suffix}", suffix=suffix)
    return [str(problem) for problem in problems]


def lines_of(data: Any, *, first: int, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], int]:
    """Say on which line `json.dumps(data, indent=1)` puts each key and item, by counting."""
    found = {path: first}
    line = first + 1
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        found |= lines_of(value, first=line, path=(*path, key))
        line += json.dumps(value, indent=1).count("\n") + 1
    return found


@given(data=JSON_DATA, ensure_ascii=st.booleans())
def test_json_and_yaml_know_the_line_of_every_key_and_item(data: Any, ensure_ascii: bool) -> None:
    text = json.dumps(data, indent=1, ensure_ascii=ensure_ascii)

    for suffix in (".json", ".yaml"):
        document = read(text, suffix)

        assert document.data == data
        assert {path: document.locate(path) for path in lines_of(data, first=1)} == lines_of(data, first=1)


def test_json_lines_are_right_with_tabs_escapes_and_crlf() -> None:
    document = read('{\r\n\t"a\\"\\u00e9":\t[\r\n\t\t{"}": "]"},\r\n\t\t"x"\r\n\t],\r\n\t"b": 1\r\n}', ".json")

    assert document.data == {'a"é': [{"}": "]"}, "x"], "b": 1}
    assert [document.locate(path) for path in (('a"é',), ('a"é', 0, "}"), ('a"é', 1), ("b",))] == [2, 3, 4, 6]


def test_a_path_that_is_not_there_has_the_line_of_what_is_around_it() -> None:
    for text, suffix in (('{\n"a":\n{"b": 1}}', ".json"), ("\na:\n  b: 1", ".yaml"), ("\n[a]\nb = 1", ".toml")):
        assert read(text, suffix).locate(("a", "nothing", 3)) == 2, suffix
    for text, suffix in (('{\n"a": 1}', ".json"), ("\na: 1", ".yaml"), ("\na = 1", ".toml")):
        assert read(text, suffix).locate(("a", "nothing")) == 2, suffix


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1,}', "file.json:1: Not valid JSON at column "),
        ('{\n "a": 1\n "b": 2}', "file.json:3: Not valid JSON at column 2: expecting ',' delimiter."),
        ("{'a': 1}", "JSON takes double quotes, no comments and no comma after the last item."),
        ('{"a": 1, \n"b": 2,\n "a": 3}', "file.json:3: The key 'a' is already there, in line 1. Keep one of the two."),
        ('[{"x": {"a": 1, "a": 2}}]', "The key 'a' is already there"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5_000, "Not valid JSON"),
    ],
    ids=["comma", "delimiter", "quotes", "duplicate", "inner duplicate", "deep", "digits"],
)
def test_bad_json_is_told_with_line_and_column(text: str, expected: str) -> None:
    assert expected in faults(text, ".json")[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: c: d", "file.yaml:2: Not valid YAML at column 5: mapping values are not allowed in this context."),
        ("a:\n\t- b", "YAML is indented with blanks, not tabs"),
        ("a: [1,\nb: 2", "did not find expected ',' or ']'"),
        ("a: 1\nb: 2\na: 3", "file.yaml:3: The key 'a' is already there, in line 1."),
        ("- x:\n    b: 1\n    b: 2", "file.yaml:3: The key 'b' is already there, in line 2."),
        ("a: 1\n---\nb: 2", "file.yaml:2: The file holds more than one YAML document."),
        ("# nothing\n", "The file holds nothing but comments."),
        ("a: !!python/object/apply:os.system ['echo']", "could not determine a constructor for the tag"),
        ("a: !!binary aGk=", "a value of the type 'binary' has no counterpart in JSON"),
        ("a: &x [*x]", "The value of an anchor contains its own alias."),
        ("[" * 100_000, "nested more than 200 levels deep"),
        ("- " * 100_000, "nested more than 200 levels deep"),
        ("a: 1\nb: \x01", "file.yaml:2: Not valid YAML: a character that YAML does not allow"),
        ("? [a]\n: 1", "unhashable key"),
        ("a: " + "9" * 5_000, "Not valid YAML"),
    ],
    ids=[
        *("colon", "tab", "bracket", "duplicate", "inner duplicate", "documents", "comments", "python", "binary"),
        *("own alias", "deep flow", "deep block", "control", "list as key", "digits"),
    ],
)
def test_bad_yaml_is_told_with_line_and_column(text: str, expected: str) -> None:
    assert expected in faults(text, ".yaml")[0]


def test_aliases_that_expand_to_billions_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    assert "Aliases make this more than 5,000,000 values." in faults("\n".join(lines), ".yaml")[0]


def test_merged_keys_may_be_given_again() -> None:
    document = read("base: &base {a: 1, b: 2}\nrow:\n  <<: *base\n  b: 3", ".yaml")

    assert document.data["row"] == {"a": 1, "b": 3}
    assert document.locate(("row", "b")) == 4


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-03-01", "2024-03-01"),
        ("12:30", "12:30"),
        ("0123", "0123"),
        ("1e5", 100_000.0),
        ("-2.5E-3", -0.0025),
        ("0x1F", 31),
        ("1_000", 1000),
        ("no", False),
        ("~", None),
        ("", None),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ("'7'", "7"),
    ],
)
def test_yaml_values_mean_what_a_reader_expects(written: str, meant: Any) -> None:
    value = read(f"a: {written}", ".yaml").data["a"]

    assert (value, type(value)) == (meant, type(meant))


TOML = '''
title = "x"  # a comment with ] and """
[a . "b.c"]
text = """
[not a table]
"""
day = 2024-03-01
list = [ # ]
  "]",
  {x = 1},
]
[[rows]]
id = "one"
[[rows]]
id = "two"
inner.key = 3
[rows.sub]
x = 1
[[rows.items]]
y = 1
[[rows.items]]
y = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("a",), 3),
        (("a", "b.c"), 3),
        (("a", "b.c", "text"), 4),
        (("a", "b.c", "day"), 7),
        (("a", "b.c", "list", 1, "x"), 8),
        (("rows",), 12),
        (("rows", 0), 12),
        (("rows", 0, "id"), 13),
        (("rows", 1), 14),
        (("rows", 1, "inner", "key"), 16),
        (("rows", 1, "sub", "x"), 18),
        (("rows", 1, "items", 1), 21),
        (("rows", 1, "items", 1, "y"), 22),
    ],
    ids=str,
)
def test_toml_knows_the_line_of_every_statement(path: tuple[str | int, ...], line: int) -> None:
    assert read(TOML, ".toml").locate(path) == line


def test_a_date_in_toml_is_text() -> None:
    assert read("a = [2024-03-01, {b = 07:32:00}]", ".toml").data == {"a": ["2024-03-01", {"b": "07:32:00"}]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb =\n", "file.toml:2: Not valid TOML at column 4: invalid value."),
        ("a = [1", "file.toml:1: Not valid TOML at the end: unclosed array."),
        ("a = 1\na = 2\n", "cannot overwrite a value"),
        ("a = " + "9" * 5_000, "Not valid TOML"),
    ],
    ids=["value", "end", "duplicate", "digits"],
)
def test_bad_toml_is_told_with_line_and_column(text: str, expected: str) -> None:
    assert expected in faults(text, ".toml")[0]


def test_csv_rows_have_lines_even_after_cells_of_several_lines() -> None:
    document = read('id,inputs\n"a","x\ny"\n\nb,\n', ".csv")

    assert document.data == [{"id": "a", "inputs": "x\ny"}, {"id": "b", "inputs": None}]
    assert [document.locate((0,)), document.locate((1, "inputs"))] == [2, 5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1;2", "The columns are not separated by commas. Save it with commas."),
        ("a,b,a\n", "The header names the column 'a' twice."),
        ("a,,b\n", "Column 2 of the header has no name."),
        ("a,b\n1,2\n1,2,3\n", "file.csv:3: The row has 3 cells, but the header has 2 columns."),
        ('a,b\n1,"2\n', "file.csv:2: Not valid CSV: unexpected end of data."),
        ('a,b\n1,"2"x\n', "write a double quote twice"),
    ],
    ids=["semicolons", "twice", "no name", "too many", "open quote", "quote inside"],
)
def test_bad_csv_is_told(text: str, expected: str) -> None:
    assert expected in faults(text, ".csv")[0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "The file is empty."),
        (b"  \n", "The file is empty."),
        ('{"a": "é"}'.encode("latin-1"), "f.json:1: The file is not UTF-8: byte 0xe9 at column 8. Save it as UTF-8."),
        ('{"a": 1}'.encode("utf-16"), "The file is UTF-16, not UTF-8. Save it as UTF-8."),
    ],
    ids=["empty", "blank", "latin-1", "utf-16"],
)
def test_bytes_that_are_no_utf8_text_are_told(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "f.json").write_bytes(content)

    document, problems = read_document(tmp_path / "f.json", file="f.json")

    assert document is None
    assert expected in str(problems[0])


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    for suffix, text in ((".json", '{"a": 1}'), (".yaml", "a: 1"), (".toml", "a = 1")):
        (tmp_path / f"f{suffix}").write_text(text, encoding="utf-8-sig")

        document, problems = read_document(tmp_path / f"f{suffix}")

        assert (document and document.data, problems) == ({"a": 1}, [])


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()

    assert "this is a folder" in str(read_document(tmp_path / "folder.json")[1][0])
    assert "There is no such file." in str(read_document(tmp_path / "none.json")[1][0])
    assert "The file cannot be read" in str(read_document(tmp_path / ("x" * 300 + ".json"))[1][0])


def test_an_unknown_suffix_is_told_with_those_that_are_known() -> None:
    message = faults("a: 1", ".yamll")[0]

    assert "'.yamll' cannot be read; the suffixes are .json, .yaml, .yml, .toml, .csv." in message
    assert "Did you mean '.yaml'?" in message
