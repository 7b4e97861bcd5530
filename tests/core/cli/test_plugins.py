"""`odibi plugins`, `odibi doctor`, `odibi schema`, `odibi init`."""

from __future__ import annotations

import json
import platform

import pytest

from odibi_core.loading import list_plugins

GOOD = """
    @hookimpl
    def odibi_register_log_sinks():
        yield LogSinkSpec(name="splunk", factory="acme_sink:Sink", summary="Splunk HEC", options_model="acme_sink:Options")

    @hookimpl
    def odibi_layer_start(event):
        pass
"""
SINK = """
from pydantic import BaseModel

class Options(BaseModel):
    url: str

class Sink:
    def write(self, records):
        pass
"""
CHECKS = """
    @hookimpl
    def odibi_register_checks():
        yield CheckSpec(name="odbc", factory="acme_checks:odbc", summary="ODBC driver")
        yield CheckSpec(name="java", factory="acme_checks:java")
        yield CheckSpec(name="quits", factory="acme_checks:quits")
        yield CheckSpec(name="silent", factory="acme_checks:silent")
        yield CheckSpec(name="gone", factory="acme_checks:gone")
"""
CHECK_FUNCTIONS = """
import sys
from odibi_core.plugin import CheckResult

def odbc():
    return CheckResult(status="warning", message="no driver for SQL Server", suggestion="Install msodbcsql18.")

def java():
    raise RuntimeError("JAVA_HOME is not set")

def quits():
    sys.exit(3)

def silent():
    return None
"""


def states(rows):
    return {row["name"]: row["state"] for row in rows}


def test_plugins_are_listed_with_state_and_reason(odibi, tmp_path, site):
    site.plugin("good", GOOD, acme_sink=SINK)
    site.plugin("broken", "raise RuntimeError('at import')")
    site.install("acme-new", plugins={"new": "acme_new"}, modules={}, requires=["odibi-core>=99"])

    text = odibi("plugins", "list", cwd=tmp_path)
    document = odibi("plugins", "list", "--json", cwd=tmp_path)

    assert (text.code, text.stderr, document.code, document.stderr) == (0, "", 0, "")
    assert states(document.json) == {
        "broken": "failed",
        "engine-pandas": "blocked",
        "engine-polars": "blocked",
        "engine-spark": "blocked",
        "good": "active",
        "new": "incompatible",
        "rows": "active",
        "sinks": "blocked",
    }
    assert document.json == [row | {"conformance": None} for row in list_plugins()]
    (line,) = [line for line in text.stdout.splitlines() if line.startswith("good ")]
    assert line.split(maxsplit=4) == ["good", "acme-good", "1.0", "active", "1 hook; log sink splunk"]
    assert "RuntimeError: at import" in text.stdout


def test_no_plugin_at_all_says_what_to_install(odibi, tmp_path):
    answer = odibi("plugins", "list", "--no-plugins", cwd=tmp_path)

    assert answer.stdout == "No plugin is installed. The one to start with: pip install odibi-engine-pandas\n"


def test_plugins_are_those_of_the_project_if_one_is_named(odibi, shop):
    manifest = json.loads((shop / "manifest.json").read_text())
    (shop / "manifest.json").write_text(json.dumps(manifest | {"plugins": {"disable": ["rows"]}}))

    without = odibi("plugins", "list", "--json", cwd=shop).json
    named = odibi("plugins", "list", "--json", "-C", shop, cwd=shop.parent).json

    assert (states(without)["rows"], states(named)["rows"]) == ("active", "blocked")


@pytest.mark.parametrize("name", ["good", "acme-good", "ACME_Good"])
def test_plugin_is_described(odibi, tmp_path, site, name):
    site.plugin("good", GOOD, acme_sink=SINK)

    text = odibi("plugins", "info", name, cwd=tmp_path)
    document = odibi("plugins", "info", name, "--json", cwd=tmp_path)

    (found,) = document.json
    assert text.stdout.startswith("good  (acme-good 1.0)\n  state        active\n  module       acme_good\n")
    assert "  log sink splunk - Splunk HEC\n      acme_sink:Sink\n" in text.stdout
    assert "  hook odibi_layer_start\n" in text.stdout
    assert (found["entry_point"], found["provides"]) == ("acme_good", ["hook odibi_layer_start", "log sink splunk"])
    assert [(spec["kind"], spec["name"], spec["factory"]) for spec in found["specs"]] == [
        ("log sink", "splunk", "acme_sink:Sink")
    ]


def test_capability_sheet_is_shown(odibi, tmp_path):
    answer = odibi("plugins", "info", "rows", cwd=tmp_path)

    assert "cache        since 0.1" in answer.stdout


def test_plugin_that_is_not_installed_is_said_with_a_suggestion(odibi, tmp_path):
    answer = odibi("plugins", "info", "rosw", cwd=tmp_path)

    assert answer.code == 2
    assert "Plugin 'rosw' not found. There are: acme-rows, " in answer.stderr
    assert "Did you mean 'rows'?" in answer.stderr


def test_check_loads_what_a_plugin_provides(odibi, tmp_path, site):
    site.plugin("good", GOOD, acme_sink=SINK)

    text = odibi("plugins", "check", cwd=tmp_path)
    document = odibi("plugins", "check", "good", "--no-contracts", "--json", cwd=tmp_path)

    assert text.code == 0
    assert "ok      good (acme-good 1.0): 1 loaded\n" in text.stdout
    assert "blocked sinks (odibi-sinks" in text.stdout
    (found,) = document.json
    assert (found["ok"], found["loaded"], found["problems"]) == (True, ["log sink splunk"], [])


@pytest.mark.parametrize(
    ("sink", "said"),
    [
        pytest.param("raise RuntimeError('level 2')", "RuntimeError: level 2", id="import fails"),
        pytest.param(SINK.replace("def write", "def wirte"), "lacks the method write(records)", id="contract"),
        pytest.param(SINK.replace("class Options", "class Other"), "Options", id="options model"),
        pytest.param("import no_such_library", "no_such_library", id="library"),
    ],
)
def test_check_fails_for_a_class_that_cannot_be_used(odibi, tmp_path, site, sink, said):
    site.plugin("good", GOOD, acme_sink=sink)

    text = odibi("plugins", "check", "good", cwd=tmp_path)
    document = odibi("plugins", "check", "good", "--json", cwd=tmp_path)

    assert text.code == document.code == 1
    assert text.stdout.startswith("error   good (acme-good 1.0)\n")
    assert said in text.stdout
    assert document.json[0]["ok"] is False
    assert said in document.json[0]["problems"][0]


def test_check_fails_for_a_clash_and_for_a_plugin_that_is_broken(odibi, tmp_path, site):
    site.plugin("good", GOOD, acme_sink=SINK)
    site.plugin("twin", GOOD)
    site.plugin("broken", "raise RuntimeError('at import')")

    answer = odibi("plugins", "check", "--json", cwd=tmp_path)

    problems = {row["name"]: " ".join(row["problems"]) for row in answer.json if not row["ok"]}
    assert answer.code == 1
    assert sorted(problems) == ["broken", "good", "twin"]
    assert "log sink splunk is also provided by 'twin' (acme-twin 1.0)" in problems["good"]
    assert "RuntimeError: at import" in problems["broken"]


def checks(answer):
    return {check["name"]: check for check in answer.json["checks"]}


def test_doctor_finds_a_healthy_machine_healthy(odibi, shop):
    before = sorted(shop.rglob("*"))

    text = odibi("doctor", cwd=shop)
    document = odibi("doctor", "--json", cwd=shop)

    assert (text.code, document.code, document.json["status"]) == (0, 0, "ok")
    assert platform.python_version() in checks(document)["python"]["message"]
    assert checks(document)["engines"]["message"] == "installed: rows, rows2"
    assert checks(document)["run log"]["message"] == ".odibi can be written"
    assert "ok       plugin rows: acme-rows 1.0: active" in text.stdout
    assert text.stdout.endswith(" 0 errors\n")
    assert sorted(shop.rglob("*")) == before


def test_doctor_runs_the_checks_of_plugins_each_for_itself(odibi, tmp_path, site):
    site.plugin("medic", CHECKS, acme_checks=CHECK_FUNCTIONS)

    text = odibi("doctor", cwd=tmp_path)
    found = checks(odibi("doctor", "--json", cwd=tmp_path))

    assert text.code == 1
    assert "warning  odbc: no driver for SQL Server. Install msodbcsql18." in text.stdout
    assert {name: found[name]["status"] for name in ("odbc", "java", "quits", "silent", "gone")} == {
        "odbc": "warning",
        "java": "error",
        "quits": "error",
        "silent": "error",
        "gone": "error",
    }
    assert "'medic' (acme-medic 1.0) raised RuntimeError: JAVA_HOME is not set" in found["java"]["message"]
    assert "SystemExit" in found["quits"]["message"]
    assert "returned None and no CheckResult" in found["silent"]["message"]


def test_doctor_finds_broken_plugins_and_clashes(odibi, tmp_path, site):
    site.plugin("good", GOOD, acme_sink=SINK)
    site.plugin("twin", GOOD)
    site.plugin("broken", "raise RuntimeError('at import')")

    answer = odibi("doctor", "--json", cwd=tmp_path)

    errors = {name for name, check in checks(answer).items() if check["status"] == "error"}
    assert answer.code == 1
    assert errors == {"plugin broken", "log sink splunk"}


def test_doctor_without_any_engine_says_what_to_install(odibi, tmp_path):
    answer = odibi("doctor", "--no-plugins", "--json", cwd=tmp_path)

    assert (answer.code, answer.json["status"]) == (0, "warning")
    assert checks(answer)["engines"]["suggestion"] == "pip install odibi-engine-pandas"


def test_doctor_finds_a_run_log_that_is_no_folder(odibi, shop):
    (shop / ".odibi").write_text("")

    answer = odibi("doctor", "--json", cwd=shop)

    assert answer.code == 1
    assert ".odibi cannot be written to: Not a directory" in checks(answer)["run log"]["message"]


def test_schema_is_printed_with_the_options_of_plugins(odibi, tmp_path, site):
    site.plugin("good", GOOD, acme_sink=SINK)

    answer = odibi("schema", cwd=tmp_path)

    assert answer.code == 0
    assert "Manifest" in answer.json["$defs"]
    assert "splunk" in answer.stdout


def test_schema_can_be_written_to_a_file(odibi, tmp_path):
    text = odibi("schema", "--output", "odibi.schema.json", cwd=tmp_path)
    written = json.loads((tmp_path / "odibi.schema.json").read_text())

    assert (text.code, text.stdout) == (0, "Wrote odibi.schema.json\n")
    assert written == odibi("schema", "--json", cwd=tmp_path).json


def test_schema_that_cannot_be_written_exits_2(odibi, tmp_path):
    answer = odibi("schema", "--output", "no/such/folder.json", cwd=tmp_path)

    assert answer.code == 2
    assert "No such file or directory" in answer.stderr


def test_init_makes_a_project_that_is_valid_and_says_what_is_next(odibi, tmp_path, monkeypatch):
    monkeypatch.delenv("ODIBI_PLUGINS_DISABLE")

    answer = odibi("init", "First Steps", "--type", "Analytics", "--description", "Practice", cwd=tmp_path)

    assert answer.code == 0
    assert answer.stdout.startswith("Made First Steps in first_steps\n\nNext:\n  ")
    assert "cd first_steps" in answer.stdout
    assert json.loads((tmp_path / "first_steps/manifest.json").read_text())["description"] == "Practice"
    assert odibi("validate", "First Steps", cwd=tmp_path).code == 0


def test_init_in_json_is_what_the_api_gives(odibi, tmp_path):
    answer = odibi("init", "Sales", "--path", tmp_path / "projects", "--json", cwd=tmp_path)

    assert set(answer.json) == {
        "project_name",
        "project_slug",
        "project_path",
        "manifest_path",
        "created_files",
        "layer_order",
        "next_steps",
    }
    assert (tmp_path / "projects/sales/manifest.json").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["Sales"], "already exists", id="exists"),
        pytest.param(["Other", "--type", "analytic"], "Did you mean 'analytics'?", id="type"),
        pytest.param(["../../x"], "'../../x'", id="name"),
    ],
)
def test_init_refuses_what_cannot_be(odibi, tmp_path, words, said):
    odibi("init", "Sales", cwd=tmp_path)
    before = sorted(tmp_path.rglob("*"))

    answer = odibi("init", *words, cwd=tmp_path)

    assert answer.code == 2
    assert said in answer.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_init_overwrites_only_when_told_to(odibi, tmp_path):
    odibi("init", "Sales", cwd=tmp_path)
    (tmp_path / "sales/manifest.json").write_text("{}")

    answer = odibi("init", "Sales", "--overwrite", cwd=tmp_path)

    assert answer.code == 0
    assert json.loads((tmp_path / "sales/manifest.json").read_text())["project_name"] == "Sales"


def test_info_says_what_the_plugin_cost_the_last_run_that_called_it(odibi, shop, site):
    site.plugin("good", GOOD, acme_sink=SINK)
    before = odibi("plugins", "info", "good", "--json", cwd=shop).json[0]["last_run"]
    odibi("run", "--quiet")

    text = odibi("plugins", "info", "good").stdout
    last = odibi("plugins", "info", "good", "--json").json[0]["last_run"]

    assert before is None
    assert "last run     2 calls in 0.0" in text
    assert last["cost"]["parts"]["hooks"]["calls"] == 2
    assert last["run_id"] in text


def test_info_outside_of_a_project_knows_of_no_run(odibi, tmp_path, site):
    site.plugin("good", GOOD, acme_sink=SINK)

    assert odibi("plugins", "info", "good", "--json", cwd=tmp_path).json[0]["last_run"] is None
