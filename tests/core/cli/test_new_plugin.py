"""`odibi plugins new`."""

from __future__ import annotations

import json

import pytest


def test_new_plugin_says_what_it_provides_and_what_to_type_next(odibi, tmp_path):
    answer = odibi("plugins", "new", "acme-historian", "--kind", "reader", cwd=tmp_path)

    assert (answer.code, answer.stderr) == (0, "")
    assert answer.stdout.splitlines() == [
        "Made acme-historian in acme-historian: reader any/historian",
        "",
        "Next:",
        "  cd acme-historian",
        "  pip install -e '.[test]'",
        "  pytest",
    ]
    assert (tmp_path / "acme-historian" / "src" / "acme_historian" / "reader.py").is_file()


def test_new_plugin_is_a_document_with_json(odibi, tmp_path):
    words = ["--kind", "saver", "--engine", "rows", "--format", "pi", "--path", "made", "--json"]

    answer = odibi("plugins", "new", "acme-historian", *words, cwd=tmp_path)

    assert (answer.code, answer.stderr) == (0, "")
    assert answer.json["provides"] == ["reader rows/pi", "saver rows/pi"]
    assert answer.json["path"] == "made/acme-historian"
    assert all((tmp_path / file).is_file() for file in answer.json["created_files"])


def test_quiet_prints_what_was_made_alone(odibi, tmp_path):
    answer = odibi("plugins", "new", "acme-audit", "--kind", "hooks", "-q", cwd=tmp_path)

    assert answer.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["../acme", "--kind", "reader"], "no name that a distribution may have", id="name"),
        pytest.param(["acme-x"], "Missing option '--kind'", id="no kind"),
        pytest.param(["acme-x", "--kind", "redaer"], "Did you mean 'reader'?", id="kind"),
        pytest.param(["rows", "--kind", "engine"], "engine rows", id="engine that is there"),
    ],
)
def test_what_cannot_be_made_is_a_usage_error(odibi, tmp_path, words, said):
    folder = tmp_path / "here"
    folder.mkdir()

    answer = odibi("plugins", "new", *words, cwd=folder)

    assert answer.code == 2
    assert said in answer.stderr
    assert list(folder.iterdir()) == []


def test_refusal_is_a_document_with_json(odibi, tmp_path):
    answer = odibi("plugins", "new", "acme x", "--kind", "reader", "--json", cwd=tmp_path)

    assert answer.code == 2
    assert "no name that a distribution may have" in json.dumps(answer.json)
