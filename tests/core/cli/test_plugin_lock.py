"""`odibi plugins lock`, and what a lock refuses on the command line."""

from __future__ import annotations

import json

import pytest

LOUD = "open(__file__ + '.imported', 'w').close()"


@pytest.fixture
def locked_shop(shop, odibi):
    """A project that is locked, and says so."""
    manifest = json.loads((shop / "manifest.json").read_text())
    manifest["plugins"] = {"lock": True}
    (shop / "manifest.json").write_text(json.dumps(manifest))
    # What the environment of the tests disables must not become part of the lock either.
    manifest["plugins"]["disable"] = [
        f"odibi-{name}" for name in ("engine-pandas", "engine-polars", "engine-spark", "sinks")
    ]
    (shop / "manifest.json").write_text(json.dumps(manifest))
    assert odibi("plugins", "lock", cwd=shop).code == 0
    return shop


def test_lock_is_written_the_same_again_and_read_by_runs(locked_shop, odibi):
    before = (locked_shop / "odibi.lock").read_bytes()

    again = odibi("plugins", "lock")

    assert "is what it would be" in again.stdout
    assert (locked_shop / "odibi.lock").read_bytes() == before
    assert [one["name"] for one in json.loads(before)["plugins"]] == ["rows"]
    assert odibi("run", "--quiet").code == 0


def test_environment_does_not_change_what_is_locked(locked_shop, odibi, monkeypatch):
    monkeypatch.setenv("ODIBI_PLUGINS_DISABLE", "rows")

    assert odibi("plugins", "lock", "--check", cwd=locked_shop).code == 0


@pytest.mark.parametrize("words", [("run",), ("plan",), ("validate",), ("retry",)], ids=lambda words: words[0])
def test_drift_is_refused_before_anything_runs_or_is_imported(words, locked_shop, odibi, site):
    site.plugin("new", LOUD)

    answer = odibi(*words, cwd=locked_shop)

    assert answer.code == 2
    assert "'new' (acme-new 1.0) is installed and not locked" in answer.stderr
    assert "odibi plugins lock" in answer.stderr
    assert not (locked_shop / ".odibi" / "runs").exists()
    assert not list(site.folder.glob("*.imported"))


def test_both_ways_out_of_a_drift_work(locked_shop, odibi, site):
    site.plugin("new", LOUD)

    assert odibi("run", "--disable-plugin", "new", "--quiet", cwd=locked_shop).code == 0
    assert not list(site.folder.glob("*.imported"))
    assert "'new' (acme-new 1.0) is installed and not locked" in odibi("plugins", "lock").stdout
    assert odibi("run", "--quiet").code == 0


def test_doctor_and_list_show_drift_without_importing_what_drifted(locked_shop, odibi, site):
    site.plugin("new", LOUD)

    checks = {one["name"]: one for one in odibi("doctor", "--json", cwd=locked_shop).json["checks"]}
    listed = {one["name"]: one for one in odibi("plugins", "list", "--json", "-C", locked_shop).json}

    assert checks["plugin lock"]["status"] == "error"
    assert "is installed and not locked" in checks["plugin lock"]["message"]
    assert listed["new"]["state"] == "blocked"
    assert "not as odibi.lock has it" in listed["new"]["reason"]
    assert not list(site.folder.glob("*.imported"))


def test_doctor_says_that_all_is_as_locked(locked_shop, odibi):
    checks = {one["name"]: one for one in odibi("doctor", "--json", cwd=locked_shop).json["checks"]}

    assert checks["plugin lock"]["status"] == "ok"


def test_doctor_of_a_project_without_a_lock_says_nothing_of_it(shop, odibi):
    checks = [one["name"] for one in odibi("doctor", "--json", cwd=shop).json["checks"]]

    assert "plugin lock" not in checks


def test_doctor_says_that_the_lock_is_missing(locked_shop, odibi):
    (locked_shop / "odibi.lock").unlink()

    checks = {one["name"]: one for one in odibi("doctor", "--json", cwd=locked_shop).json["checks"]}

    assert checks["plugin lock"]["status"] == "error"
    assert "there is no odibi.lock" in checks["plugin lock"]["message"]


def test_check_writes_nothing_and_exits_with_1(locked_shop, odibi, site):
    before = (locked_shop / "odibi.lock").read_bytes()
    site.plugin("new", LOUD)

    answer = odibi("plugins", "lock", "--check", "--json", cwd=locked_shop)

    assert answer.code == 1
    assert answer.json["drift"] == ["'new' (acme-new 1.0) is installed and not locked"]
    assert (answer.json["written"], answer.json["right"], answer.json["enforced"]) == (False, False, True)
    assert (locked_shop / "odibi.lock").read_bytes() == before


def test_lock_that_nobody_asked_for_refuses_nothing_and_says_so(shop, odibi, site):
    written = odibi("plugins", "lock", cwd=shop)
    site.plugin("new", "")

    assert "Nothing is refused yet" in written.stdout + written.stderr
    assert odibi("run", "--quiet").code == 0


def test_lock_in_no_project_is_refused(odibi, tmp_path):
    assert odibi("plugins", "lock", cwd=tmp_path).code == 2


def test_damaged_lock_is_refused_and_can_be_written_again(locked_shop, odibi):
    (locked_shop / "odibi.lock").write_text("<<<<<<< HEAD")

    assert "odibi.lock is no JSON" in odibi("run", cwd=locked_shop).stderr
    assert odibi("plugins", "lock").code == 0
    assert odibi("run", "--quiet").code == 0


def test_a_folder_of_the_name_of_the_lock_stays(shop, odibi):
    (shop / "odibi.lock").mkdir()
    (shop / "odibi.lock" / "notes.txt").write_text("mine")

    answer = odibi("plugins", "lock", cwd=shop)

    assert answer.code == 2
    assert "odibi.lock is a folder" in answer.stderr
    assert (shop / "odibi.lock" / "notes.txt").read_text() == "mine"
