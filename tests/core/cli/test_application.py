"""The command itself: help, options that hold for every command, plugins' commands, errors and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from odibi_core.loading import KERNEL_COMMANDS

COMMANDS = ["doctor", "failed", "functions", "init", "plan", "plugins", "run", "runs", "schema", "status", "validate"]
LEAVES = [
    ["doctor"],
    ["failed"],
    ["functions", "explain"],
    ["functions", "list"],
    ["init"],
    ["plan"],
    ["plugins", "check"],
    ["plugins", "info"],
    ["plugins", "list"],
    ["run"],
    ["runs", "list"],
    ["runs", "show"],
    ["schema"],
    ["status"],
    ["validate"],
]
PLUGIN_COMMAND = """
    @hookimpl
    def odibi_register_commands():
        yield CommandSpec(name="greet", factory="acme_greeting:greet", summary="Greet somebody.")
        yield CommandSpec(name="run", factory="acme_greeting:greet", summary="Not the kernel's.")
"""
GREETING = """
import click

@click.command()
@click.argument("name")
def greet(name):
    if name == "nobody":
        raise ValueError("there is nobody")
    click.echo(f"Hello, {name}")
"""


def test_help_lists_every_command(odibi, tmp_path):
    answer = odibi("--help", cwd=tmp_path)

    assert answer.code == 0
    assert [command for command in COMMANDS if f"\n  {command} " not in answer.stdout] == []


def test_loader_keeps_the_names_of_all_commands_for_the_kernel():
    assert set(COMMANDS) <= KERNEL_COMMANDS


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_has_help_and_the_options_of_all_commands(odibi, tmp_path, words):
    answer = odibi(*words, "--help", cwd=tmp_path)

    assert answer.code == 0
    for option in ("--json", "--quiet", "--verbose", "--no-plugins", "--disable-plugin"):
        assert option in answer.stdout


def test_version_is_that_of_the_distribution(odibi, tmp_path):
    assert odibi("--version", cwd=tmp_path).stdout == f"odibi {version('odibi-core')}\n"


def test_no_word_at_all_shows_the_help_and_is_no_request(odibi, tmp_path):
    answer = odibi(cwd=tmp_path)

    assert answer.code == 2
    assert "Commands:" in answer.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["rnu"], "No such command 'rnu'. Did you mean 'run'?", id="command"),
        pytest.param(["plugins", "lst"], "No such command 'lst'.", id="command of a group"),
        pytest.param(["run", "--layr", "x"], "No such option '--layr'.", id="option"),
        pytest.param(["plan", "a", "b"], "Got unexpected extra argument (b)", id="argument"),
        pytest.param(["init"], "Missing argument 'NAME'.", id="missing argument"),
    ],
)
def test_mistyped_request_exits_2_with_a_hint(odibi, tmp_path, words, said):
    text = odibi(*words, cwd=tmp_path)
    document = odibi(*words, "--json", cwd=tmp_path)

    assert (text.code, text.stdout) == (2, "")
    assert said in text.stderr
    assert "Usage: odibi" in text.stderr
    assert document.code == 2
    assert said in document.json["error"]["message"]
    assert document.stderr == f"Error: {document.json['error']['message']}\n"


def test_options_of_all_commands_may_stand_before_the_command(odibi, tmp_path):
    answer = odibi("--no-plugins", "--json", "plugins", "list", cwd=tmp_path)

    assert answer.json == []


def test_command_of_a_plugin_is_listed_without_being_imported(odibi, tmp_path, site):
    site.plugin("greeter", PLUGIN_COMMAND, acme_greeting="raise RuntimeError('imported')")

    answer = odibi("--help", cwd=tmp_path)

    assert answer.code == 0
    assert "Commands of plugins:\n  greet  Greet somebody.\n" in answer.stdout
    assert "Not the kernel's" not in answer.stdout


def test_command_of_a_plugin_runs(odibi, tmp_path, site):
    site.plugin("greeter", PLUGIN_COMMAND, acme_greeting=GREETING)

    answer = odibi("greet", "Ann", cwd=tmp_path)

    assert (answer.code, answer.stdout) == (0, "Hello, Ann\n")


def test_command_of_a_plugin_is_gone_without_plugins(odibi, tmp_path, site):
    site.plugin("greeter", PLUGIN_COMMAND, acme_greeting=GREETING)

    answer = odibi("--no-plugins", "greet", "Ann", cwd=tmp_path)

    assert answer.code == 2
    assert "No such command 'greet'." in answer.stderr


def test_command_that_cannot_be_imported_is_an_error_of_its_plugin(odibi, tmp_path, site):
    site.plugin("greeter", PLUGIN_COMMAND, acme_greeting="raise RuntimeError('imported')")

    answer = odibi("greet", "Ann", cwd=tmp_path)

    assert answer.code == 2
    assert "'greeter' (acme-greeter 1.0)" in answer.stderr
    assert "RuntimeError: imported" in answer.stderr


def test_unexpected_error_is_one_line_and_exits_70(odibi, tmp_path, site):
    site.plugin("greeter", PLUGIN_COMMAND, acme_greeting=GREETING)

    answer = odibi("greet", "nobody", cwd=tmp_path)

    assert (answer.code, answer.stdout) == (70, "")
    assert answer.stderr.startswith("Error: ValueError: there is nobody (unexpected, at ")
    assert answer.stderr.endswith("acme_greeting.py:8) Run it again with ODIBI_DEBUG=1 to see the traceback.\n")
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(("words", "code"), [(["greet", "nobody"], 70), (["plan"], 2)], ids=["a fault", "a refusal"])
def test_traceback_is_shown_on_demand(odibi, tmp_path, site, monkeypatch, words, code):
    site.plugin("greeter", PLUGIN_COMMAND, acme_greeting=GREETING)
    monkeypatch.setenv("ODIBI_DEBUG", "1")

    answer = odibi(*words, cwd=tmp_path)

    assert answer.code == code
    assert answer.stderr.startswith("Traceback (most recent call last)")
    assert answer.stderr.splitlines()[-1].startswith("Error: ")


def test_secret_in_an_unexpected_error_is_masked(odibi, tmp_path, site):
    leaking = GREETING.replace("there is nobody", "postgresql://etl:s3cret@db/dw refused")
    site.plugin("greeter", PLUGIN_COMMAND, acme_greeting=leaking)

    answer = odibi("greet", "nobody", cwd=tmp_path)

    assert "s3cret" not in answer.stderr
    assert "postgresql://etl:***@db/dw refused" in answer.stderr


def test_broken_plugin_is_an_error_if_the_settings_are_strict(odibi, tmp_path, site, monkeypatch):
    site.plugin("broken", "raise RuntimeError('at import')")
    monkeypatch.setenv("ODIBI_PLUGINS_STRICT", "1")

    listing = odibi("plugins", "list", "--json", cwd=tmp_path)
    helping = odibi("--help", cwd=tmp_path)

    assert listing.code == 2
    assert listing.json["error"]["type"] == "PluginLoadError"
    assert "'broken' (acme-broken 1.0) is failed:" in listing.json["error"]["message"]
    assert "RuntimeError: at import" in listing.json["error"]["message"]
    assert helping.code == 0


def test_verbose_shows_what_odibi_logs_on_stderr(odibi, tmp_path, site):
    site.plugin("broken", "raise RuntimeError('at import')")

    answer = odibi("plugins", "list", "-vv", "--json", cwd=tmp_path)

    assert {row["name"]: row["state"] for row in answer.json} | {"broken": "failed", "rows": "active"} == {
        row["name"]: row["state"] for row in answer.json
    }
    assert "DEBUG odibi" in answer.stderr
    assert "Traceback" in answer.stderr


def test_shell_completion_is_clicks_own(call, tmp_path):
    answer = call(cwd=tmp_path, _ODIBI_COMPLETE="bash_complete", COMP_WORDS="odibi pl", COMP_CWORD="1")

    assert answer.stdout.split() == ["plain,plan", "plain,plugins"]


@pytest.mark.parametrize(
    "words", [["--help"], ["plugins", "list"], ["plugins", "list", "--json"], ["run", "--help"]], ids=" ".join
)
def test_light_command_imports_nothing_heavy(words, tmp_path):
    script = (
        "import json, sys\n"
        "from odibi_core.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"ODIBI_PLUGINS_DISABLE": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    data = {"numpy", "pandas", "pyarrow", "polars", "pyspark", "sqlalchemy"}
    assert loaded & (data | {"pydantic", "rich", "sqlite3", "structlog", "yaml", "odibi_core.running"}) == set()
    assert ("odibi_engine_pandas.plugin" in loaded) is (words != ["run", "--help"])
