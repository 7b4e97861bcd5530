"""`odibi plugins check NAME` runs a plugin's contracts, keeps what came of them, and `odibi plugins list` shows it."""

from __future__ import annotations

import json
import sys

import pytest

PLUGIN = """
    @hookimpl
    def odibi_register_functions():
        yield FunctionsSpec(name="acme_functions")
"""
KEEPS = """
    import pytest
    from odibi_core.testing import Contract

    class TestAcme(Contract):
        plugin = "acme_good"
        gaps = {"test_it_can[fly]": "it has no wings"}

        @pytest.mark.parametrize("what", ["walk", "fly"])
        def test_it_can(self, what, manager):
            assert manager.functions.names() == ("acme_functions",)
            assert what == "walk", "it cannot"
"""
BREAKS = """
    from odibi_core.testing import Contract
    from odibi_core.testing.contract import refuse

    class TestAcme(Contract):
        plugin = "acme_good"

        def test_it_walks(self):
            refuse("It fell over.", advice="Give it legs.")

        def test_it_raises(self):
            raise OSError("the floor is gone")
"""


@pytest.fixture
def install(site):
    """Install the plugin ``good`` with a contract module of its own."""

    def install(contract, *, version="1.0"):
        modules = {
            "acme_good.py": f"from odibi_core.plugin import FunctionsSpec, hookimpl\n{PLUGIN.replace('    @', '@').replace('    def', 'def').replace('        yield', '    yield')}",
            "acme_functions.py": "",
            "acme_contract.py": contract,
        }
        site.install("acme-good", plugins={"good": "acme_good"}, modules=modules, version=version)
        entry_points = site.folder / f"acme_good-{version}.dist-info" / "entry_points.txt"
        entry_points.write_text(entry_points.read_text() + "[odibi.contracts]\ngood = acme_contract\n")

    return install


def listed(odibi, name):
    (row,) = [row for row in odibi("plugins", "list", "--json").json if row["name"] == name]
    return row["conformance"]


def test_plugin_that_keeps_its_contracts_is_listed_as_conforming(odibi, tmp_path, install):
    install(KEEPS)
    before = listed(odibi, "good")

    answer = odibi("plugins", "check", "good", cwd=tmp_path)

    after = listed(odibi, "good")
    assert answer.code == 0
    assert "  ok      TestAcme: 2/2, 1 gap\n  conforms to API 1, 2/2, 1 gap (" in answer.stdout
    assert before is None
    assert after.pop("when")
    assert after == {
        "summary": "conforms to API 1, 2/2, 1 gap",
        "api": 1,
        "passed": 2,
        "failed": 0,
        "gaps": {"TestAcme: test_it_can[fly]": "it has no wings"},
    }
    assert "conforms to API 1, 2/2, 1 gap" in odibi("plugins", "list").stdout


def test_outcome_for_another_version_is_not_shown(odibi, tmp_path, install, site):
    install(KEEPS)
    odibi("plugins", "check", "good", cwd=tmp_path)
    (site.folder / "acme_good-1.0.dist-info").rename(site.folder / "old")

    install(KEEPS, version="1.1")

    assert listed(odibi, "good") is None


def test_broken_contract_fails_with_what_is_wrong_and_what_to_do(odibi, tmp_path, install):
    install(BREAKS)

    text = odibi("plugins", "check", "good", cwd=tmp_path)
    document = odibi("plugins", "check", "good", "--json", cwd=tmp_path)

    assert text.code == document.code == 1
    started, _, shown = text.stdout.partition("\n")
    assert started == "Running the contracts of good: real saves and reads, which take a while."
    assert shown.startswith("error   good (acme-good 1.0)\n        2 contract tests failed\n")
    assert "          test_it_walks\n            It fell over.\n            Give it legs.\n" in text.stdout
    assert "OSError: the floor is gone" in text.stdout
    assert "  does not conform to API 1, 1/3 (" in text.stdout
    (found,) = document.json
    assert (found["ok"], found["conformance"]["failed"], found["contracts"][0]["failures"][0]) == (
        False,
        2,
        {"test": "test_it_walks", "why": "It fell over.\nGive it legs."},
    )


def test_contract_module_that_cannot_be_imported_is_a_failure(odibi, tmp_path, install):
    install("import no_such_library")

    answer = odibi("plugins", "check", "good", cwd=tmp_path)

    assert answer.code == 1
    assert "No module named 'no_such_library'" in answer.stdout


def test_outcome_is_written_where_it_is_asked_for(odibi, tmp_path, install):
    install(KEEPS)
    path = tmp_path / "build" / "conformance.json"

    odibi("plugins", "check", "good", "--output", path, cwd=tmp_path)

    written = json.loads(path.read_text())
    assert set(written) == {
        *("plugin", "distribution", "version", "api", "passed", "failed", "gaps", "python", "when"),
    }
    assert (written["plugin"], written["distribution"], written["version"]) == ("good", "acme-good", "1.0")
    assert listed(odibi, "good") is None


def test_without_the_extra_it_is_said_what_to_install(odibi, tmp_path, install, monkeypatch):
    install(KEEPS)
    monkeypatch.setitem(sys.modules, "hypothesis", None)

    answer = odibi("plugins", "check", "good", cwd=tmp_path)

    assert answer.code == 1
    assert "its contracts were not run: hypothesis not installed. pip install 'odibi-core[testing]'" in answer.stdout
    assert odibi("plugins", "check", "good", "--no-contracts", cwd=tmp_path).code == 0
