"""`odibi plugins disable` and `enable`."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def audited(shop, site):
    """A project, and a plugin that fails each run of it at once."""
    site.plugin("audit", "@hookimpl\ndef odibi_run_project(task):\n    raise RuntimeError('audit is down')")
    return shop


def test_disabled_plugin_is_not_used_any_more_and_enabled_again(audited, odibi):
    assert odibi("run", cwd=audited).code != 0

    disabled = odibi("plugins", "disable", "audit", "--for-project")
    ran = odibi("run", "--quiet")
    enabled = odibi("plugins", "enable", "acme-audit", "--for-project")

    assert (disabled.code, ran.code, enabled.code) == (0, 0, 0)
    assert "audit is now disabled in manifest.json" in disabled.stdout
    assert json.loads((audited / "manifest.json").read_text())["plugins"] == {"disable": []}
    assert odibi("run").code != 0


def test_comments_and_permissions_of_a_manifest_stay(audited, odibi):
    data = json.loads((audited / "manifest.json").read_text())
    (audited / "manifest.json").unlink()
    path = audited / "manifest.yaml"
    path.write_text("# mind the gap\n" + "\n".join(f"{key}: {json.dumps(value)}  # why" for key, value in data.items()))
    path.chmod(0o640)
    before = path.read_text()

    assert odibi("plugins", "disable", "audit", "-C", audited).code == 0

    assert path.read_text().startswith(before)
    assert path.stat().st_mode & 0o777 == 0o640
    assert odibi("run", "--quiet", cwd=audited).code == 0


def test_what_cannot_be_edited_is_told_and_left(audited, odibi):
    path = audited / "manifest.json"
    (audited / "manifest.yaml").write_text(path.read_text() + "\n...\n")
    path.unlink()
    before = (audited / "manifest.yaml").read_bytes()

    answer = odibi("plugins", "disable", "audit", "--for-project", cwd=audited)

    if answer.code == 0:
        pytest.fail("the text after the end of a document was taken for a part of it")
    assert answer.code == 1
    assert "cannot be edited safely" in answer.stdout
    assert '- "audit"' in answer.stdout
    assert (audited / "manifest.yaml").read_bytes() == before


def test_without_a_project_the_variable_is_printed(odibi, site, monkeypatch, tmp_path):
    site.plugin("audit", "")
    monkeypatch.setenv("ODIBI_PLUGINS_DISABLE", "other, acme-audit")

    disabled = odibi("plugins", "disable", "Audit", "-q", cwd=tmp_path)
    enabled = odibi("plugins", "enable", "audit", "--json")

    assert disabled.stdout == "ODIBI_PLUGINS_DISABLE=other,audit\n"
    assert enabled.json == {
        "plugin": "audit",
        "where": "environment",
        "variable": "ODIBI_PLUGINS_DISABLE",
        "value": "other",
    }


@pytest.mark.parametrize("command", ["disable", "enable"])
def test_plugin_that_is_not_installed_is_an_error_with_a_suggestion(command, audited, odibi):
    before = (audited / "manifest.json").read_bytes()

    answer = odibi("plugins", command, "adit", "--for-project", cwd=audited)

    assert answer.code == 2
    assert "Plugin 'adit' not found" in answer.stderr
    assert "Did you mean 'audit'?" in answer.stderr
    assert (audited / "manifest.json").read_bytes() == before


def test_plugin_that_is_gone_can_still_be_enabled(shop, odibi):
    manifest = json.loads((shop / "manifest.json").read_text()) | {"plugins": {"disable": ["gone"]}}
    (shop / "manifest.json").write_text(json.dumps(manifest))

    assert odibi("plugins", "enable", "gone", "--for-project", cwd=shop).code == 0
    assert json.loads((shop / "manifest.json").read_text())["plugins"] == {"disable": []}


def test_doing_it_twice_changes_nothing(audited, odibi):
    odibi("plugins", "disable", "audit", "--for-project", cwd=audited)
    before = (audited / "manifest.json").read_bytes()

    again = odibi("plugins", "disable", "acme-audit", "--for-project", "--json")

    assert (again.code, again.json["written"]) == (0, False)
    assert (audited / "manifest.json").read_bytes() == before


def test_what_else_blocks_an_enabled_plugin_is_told(audited, odibi, monkeypatch):
    odibi("plugins", "disable", "audit", "--for-project", cwd=audited)
    monkeypatch.setenv("ODIBI_PLUGINS_DISABLE", "acme-audit")

    answer = odibi("plugins", "enable", "audit", "--for-project", "--json")

    assert answer.json["written"] is True
    assert "disabled as 'acme-audit'" in answer.json["still_blocked"][0]
