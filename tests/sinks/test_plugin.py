"""What the distribution provides, and what its import costs."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

import odibi_sinks
from odibi_core.loading import PluginManager
from odibi_core.plugin import RECORD_COLUMNS, ConfigError
from odibi_core.runlog import RECORD_COLUMNS as KERNEL_COLUMNS
from odibi_sinks import plugin
from odibi_sinks.console import ConsoleLogSink
from odibi_sinks.delta.options import DeltaSinkOptions
from odibi_sinks.delta.sink import DeltaLogSink
from odibi_sinks.files import FileLogSink
from odibi_sinks.options import ConsoleSinkOptions, FileSinkOptions
from odibi_sinks.sql.options import SqlSinkOptions
from odibi_sinks.sql.sink import SQLTableLogSink


def test_the_kernel_loads_the_sinks_and_their_options():
    manager = PluginManager()
    record = manager.register(plugin, name="sinks")
    assert record.state == "active", record.reason
    specs = {spec.name: spec for spec in manager.log_sinks.values()}
    assert sorted(specs) == ["console", "delta", "file", "sql"]
    assert manager.load(specs["file"]) is FileLogSink
    assert manager.load(specs["console"]) is ConsoleLogSink
    assert manager.load(specs["delta"]) is DeltaLogSink
    assert manager.load(specs["sql"]) is SQLTableLogSink
    assert manager.load_options_model(specs["file"]) is FileSinkOptions
    assert manager.load_options_model(specs["console"]) is ConsoleSinkOptions
    assert manager.load_options_model(specs["delta"]) is DeltaSinkOptions
    assert manager.load_options_model(specs["sql"]) is SqlSinkOptions


def test_registration_and_import_load_no_sink_and_nothing_heavy():
    code = (
        "import sys, odibi_sinks, odibi_sinks.plugin; list(odibi_sinks.plugin.odibi_register_log_sinks());"
        "print(sorted({'pydantic', 'csv', 'odibi_core.runlog', 'odibi_sinks.files', 'odibi_sinks.console', 'odibi_sinks.delta', 'odibi_sinks.sql', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_package_exports_its_sinks():
    assert odibi_sinks.FileLogSink is FileLogSink
    assert odibi_sinks.ConsoleLogSink is ConsoleLogSink
    assert odibi_sinks.DeltaLogSink is DeltaLogSink
    assert odibi_sinks.SQLTableLogSink is SQLTableLogSink
    assert dir(odibi_sinks) == sorted(odibi_sinks.__all__)
    with pytest.raises(AttributeError, match="SqlLogSink"):
        _ = odibi_sinks.SqlLogSink


def test_sinks_and_kernel_agree_on_the_columns():
    assert RECORD_COLUMNS is KERNEL_COLUMNS


def test_options_become_the_arguments_of_the_sink(tmp_path):
    options = FileSinkOptions.model_validate({"path": "logs/runs.csv"}, context={"project_root": tmp_path})
    defaults = {"append": True, "max_bytes": None, "keep": None}
    assert options.model_dump() == {"path": tmp_path / "logs" / "runs.csv", **defaults}
    assert FileLogSink(**options.model_dump()).path.exists()
    assert FileSinkOptions(path=tmp_path / "a.jsonl", append=False).append is False
    ConsoleLogSink(**ConsoleSinkOptions().model_dump())
    delta = DeltaSinkOptions.model_validate({"path": "logs/runs"}, context={"project_root": tmp_path})
    assert DeltaLogSink(**delta.model_dump()).path == str(tmp_path / "logs" / "runs")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "runs.csv", "apend": True}, "apend"),
        ({"path": "runs.xlsx"}, "suffix '.xlsx'"),
        ({}, "path"),
        ({"path": "runs.csv", "append": "sometimes"}, "append"),
    ],
    ids=["unknown option", "unknown suffix", "no path", "no boolean"],
)
def test_wrong_options_are_refused_by_name(options, words):
    with pytest.raises(ValidationError, match=words):
        FileSinkOptions.model_validate(options)


@pytest.mark.parametrize(
    ("name", "words"),
    [("runs.txt", "suffix '.txt'"), ("runs", "no suffix"), ("runs.jsonk", "Did you mean '.jsonl'?")],
)
def test_a_suffix_that_means_no_format_is_an_error_that_lists_those_that_do(tmp_path, name, words):
    with pytest.raises(ConfigError) as caught:
        FileLogSink(tmp_path / name)
    assert words in str(caught.value)
    assert "Use .csv for CSV, or .jsonl or .ndjson for JSON lines" in str(caught.value)
    assert not (tmp_path / name).exists()


def test_wrong_options_of_a_store_are_refused_without_showing_its_keys():
    with pytest.raises(ValidationError, match="account_key") as caught:
        DeltaSinkOptions.model_validate({"path": "abfss://logs", "storage_options": {"account_key": ["s3cret"]}})
    assert "s3cret" not in str(caught.value)
    shown = repr(DeltaSinkOptions.model_validate({"path": "x", "storage_options": {"account_key": "s3cret"}}))
    assert "s3cret" not in shown
