"""Pages made from docstrings are what the docstrings say today."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
_spec = importlib.util.spec_from_file_location("build_reference", DOCS / "build_reference.py")
build_reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build_reference)


@pytest.mark.parametrize("name", build_reference.PAGES)
def test_page_is_up_to_date(name):
    page = build_reference.PAGES[name]()

    assert (DOCS / name).read_text(encoding="utf-8") == page, "run: python docs/build_reference.py"


def test_every_hook_has_its_heading():
    from odibi_core.plugin import hookspecs

    page = (DOCS / "reference" / "hooks.md").read_text(encoding="utf-8")

    assert all(f"### `{name}(" in page for name in hookspecs.__all__)


def test_every_status_kind_of_line_and_sink_is_described():
    from odibi_core.loading import get_manager
    from odibi_core.runlog import NoteKind, RecordStatus

    page = (DOCS / "reference" / "run-log.md").read_text(encoding="utf-8")
    kinds = ["run", "record", "end", *NoteKind]
    sinks = [spec.name for spec in get_manager().log_sinks.values()]

    assert [name for name in [*RecordStatus, *kinds, *sinks] if f"`{name}`" not in page] == []


def test_header_of_a_journal_is_described(tmp_path):
    from odibi_core.runlog import Journal, read_journal

    journal = Journal.create(tmp_path, run_id="r1", project="P", env="q", engine="", layers=[], plugins={})
    journal.close("SUCCESS", duration_seconds=0.0)
    reading = read_journal(journal.path)
    page = (DOCS / "reference" / "run-log.md").read_text(encoding="utf-8")

    assert [name for name in {**reading.header, **reading.end} if f"`{name}`" not in page] == []


def test_schema_in_the_package_fits_what_journals_and_json_lines_hold(tmp_path):
    import json
    from datetime import UTC, datetime
    from importlib.resources import files

    from jsonschema import Draft202012Validator

    from odibi_core.runlog import Delivery, Journal, RecordStatus, SinkTarget, read_journal
    from odibi_sinks import FileLogSink

    schema = json.loads(files("odibi_core.runlog").joinpath("record.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema)
    journal = Journal.create(tmp_path, run_id="r1", project="P", env="q", engine="", layers=[], plugins={})
    sink = FileLogSink(tmp_path / "runs.jsonl")
    delivery = Delivery(journal, [SinkTarget(name="file", sink=sink, key="file")], tmp_path)
    for status in RecordStatus:
        journal.append(transformation_id="t1", status=status, layer="L", start_time=datetime.now(UTC))
    delivery.finish()
    journal.close("SUCCESS", duration_seconds=0.0)

    for record in read_journal(journal.path).records:
        valid.validate(record)
    lines = [json.loads(line) for line in sink.path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len(RecordStatus)
    for line in lines:
        valid.validate(line)
    assert not valid.is_valid({**lines[0], "status": "DONE"})
    assert not valid.is_valid({key: value for key, value in lines[0].items() if key != "seq"})
