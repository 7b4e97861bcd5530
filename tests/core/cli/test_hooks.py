"""`odibi hooks list`."""

from __future__ import annotations

import json

import pytest

WATCH = """
    @hookimpl
    def odibi_layer_start(event):
        pass

    @hookimpl(wrapper=True)
    def odibi_run_project(task):
        return (yield)
"""


def test_listeners_are_shown_with_order_and_owner(odibi, site, tmp_path):
    site.plugin("watch", WATCH)
    site.plugin("audit", "@hookimpl\ndef odibi_layer_start(event):\n    pass")

    text = odibi("hooks", "list", "layer_start", cwd=tmp_path)
    document = odibi("hooks", "list", "--json").json

    assert [line.split()[1:3] for line in text.stdout.splitlines()[1:]] == [
        ["1", "acme_audit.odibi_layer_start"],
        ["2", "acme_watch.odibi_layer_start"],
    ]
    assert "acme-audit 1.0" in text.stdout
    roles = {one["plugin"]: one["role"] for one in document if one["hook"] == "odibi_run_project"}
    assert roles == {"watch": "wrapper", "kernel": "default steps"}


@pytest.mark.parametrize("name", ["layer_start", "odibi_layer_start", " Layer_Start "])
def test_event_is_named_as_people_name_it(name, odibi, site, tmp_path):
    site.plugin("watch", WATCH)

    assert [one["plugin"] for one in odibi("hooks", "list", name, "--json", cwd=tmp_path).json] == ["watch"]


def test_alias_shows_the_listeners_of_the_event(odibi, site, tmp_path):
    site.plugin("watch", "@hookimpl\ndef odibi_orchestrator_run_start(event):\n    pass")

    assert len(odibi("hooks", "list", "pipeline_start", "--json", cwd=tmp_path).json) == 1


def test_unknown_event_is_refused_with_a_suggestion(odibi, tmp_path):
    answer = odibi("hooks", "list", "layr_start", cwd=tmp_path)

    assert answer.code == 2
    assert "Did you mean 'layer_start'?" in answer.stderr


def test_what_a_manifest_blocks_is_left_out(odibi, site, shop):
    site.plugin("watch", WATCH)
    manifest = json.loads((shop / "manifest.json").read_text()) | {"plugins": {"disable": ["watch"]}}
    (shop / "manifest.json").write_text(json.dumps(manifest))

    assert odibi("hooks", "list", "layer_start", "-C", shop, "--json").json == []
    assert len(odibi("hooks", "list", "layer_start", "--json").json) == 1


def test_nobody_is_said(odibi, tmp_path):
    answer = odibi("hooks", "list", "layer_end", cwd=tmp_path)

    assert (answer.code, "Nobody listens to layer_end." in answer.stdout + answer.stderr) == (0, True)


CRASHES = """
    @hookimpl
    def odibi_post_read(event):
        raise RuntimeError("today's code is wrong, password=hunter2")
"""
COUNTS = """
    @hookimpl
    def odibi_post_read(event):
        len(event.frame)
"""


@pytest.fixture
def recording(shop, odibi):
    """The recording of a run with no observer."""
    path = shop.parent / "events.jsonl"
    assert odibi("hooks", "record", path, "--", "run", "--quiet", cwd=shop).code == 0
    return path


def test_recorded_run_is_replayed_to_the_plugins_of_today(recording, odibi, site, tmp_path):
    site.plugin("crash", CRASHES)
    site.plugin("count", COUNTS)

    text = odibi("hooks", "replay", recording, cwd=tmp_path)
    document = odibi("hooks", "replay", recording, "--json").json

    assert text.code == 1
    assert "raised     crash on post_read" in text.stdout
    assert "wants data count on post_read" in text.stdout
    assert "hunter2" not in text.stdout
    assert document["calls"] == {"count": 3, "crash": 3}
    assert {(one["plugin"], one["wants_data"]) for one in document["accidents"]} == {("crash", False), ("count", True)}
    assert document["is_whole"] is True


def test_only_the_plugin_that_was_named_is_loaded_and_called(recording, odibi, site, tmp_path):
    site.plugin("crash", CRASHES)
    site.plugin("count", COUNTS)

    answer = odibi("hooks", "replay", recording, "--plugin", "acme_count", "--json", cwd=tmp_path)

    assert (answer.code, answer.json["calls"]) == (0, {"count": 3})


def test_plugin_that_is_not_installed_cannot_be_replayed_to(recording, odibi, site, tmp_path):
    site.plugin("count", COUNTS)

    answer = odibi("hooks", "replay", recording, "--plugin", "cuont", cwd=tmp_path)

    assert (answer.code, "Did you mean 'count'?" in answer.stderr) == (2, True)


def test_plugins_are_configured_where_a_project_is_named(recording, odibi, site, shop):
    site.plugin("fussy", "@hookimpl\ndef odibi_configure(config):\n    raise RuntimeError(config.project + config.env)")

    without = odibi("hooks", "replay", recording, "--json")
    given = odibi("hooks", "replay", recording, "--json", "-C", shop)

    assert (without.code, without.json["not_configured"]) == (0, [])
    assert (given.code, given.json["not_configured"]) == (1, ["fussy: odibi_configure raised RuntimeError: Shopqat"])


def test_only_a_run_can_be_recorded(odibi, shop):
    answer = odibi("hooks", "record", shop / "x.jsonl", "--", "plan", cwd=shop)

    assert answer.code == 2
    assert "Only a run has events, and 'plan' is none" in answer.stderr
    assert not (shop / "x.jsonl").exists()


def test_options_before_the_command_hold_for_the_run_that_is_recorded(odibi, shop, tmp_path):
    answer = odibi("--json", "hooks", "record", tmp_path / "x.jsonl", "--", "run", "--env", "prod", cwd=shop)

    assert (answer.code, answer.json["env"]) == (0, "prod")
    assert (tmp_path / "x.jsonl").read_text().count('"env": "prod"') > 3
