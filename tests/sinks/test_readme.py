"""The examples of the distribution's README."""

import re
from pathlib import Path

import yaml

from odibi_core.plugin import RECORD_COLUMNS
from odibi_sinks import plugin

README = (Path(__file__).resolve().parents[2] / "odibi_sinks" / "README.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", README, re.DOTALL).group(1)


def test_the_python_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(block("python"), "README.md", "exec"), {})
    assert capsys.readouterr().out == "1\n"
    assert (tmp_path / "logs" / "runs.csv").exists()


def test_the_manifest_example_names_sinks_and_options_that_exist(tmp_path):
    from odibi_core.loading import PluginManager

    manager = PluginManager()
    manager.register(plugin, name="sinks")
    for sink in yaml.safe_load(block("yaml"))["log_sinks"]:
        model = manager.load_options_model(manager.log_sinks.get(sink.pop("type")))
        model.model_validate(sink)


def test_every_sink_and_every_column_is_described():
    for spec in plugin.odibi_register_log_sinks():
        assert f"`{spec.name}`" in README
    for name in RECORD_COLUMNS[10:]:
        assert f"`{name}`" in README
