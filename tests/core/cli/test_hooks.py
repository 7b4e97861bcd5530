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
