"""`odibi plugins bisect`: real runs, in processes of their own, with plugins blocked."""

from __future__ import annotations

import json

import pytest

FAILS = """
    @hookimpl(wrapper=True)
    def odibi_run_transformation(task):
        raise RuntimeError("the audit is down, at " + str(__import__("time").time_ns()) + " ns")
        yield
"""
QUIET = "@hookimpl\ndef odibi_layer_start(event):\n    pass"
HALF = """
    import os

    @hookimpl
    def odibi_configure(config):
        os.environ["HALF"] = "set"
"""
OTHER_HALF = """
    import os

    @hookimpl(wrapper=True)
    def odibi_run_transformation(task):
        if "HALF" in os.environ:
            raise RuntimeError("both halves")
        return (yield)
"""
DOWN = FAILS.replace(', at " + str(__import__("time").time_ns()) + " ns"', '"')


@pytest.fixture(autouse=True)
def _only_ours(monkeypatch):
    """Nothing of this checkout but the engine of the tests: each plugin more is a process more."""
    monkeypatch.setenv("ODIBI_PLUGINS_ONLY", "rows,one,two,three,half,other")


@pytest.fixture
def append_shop(shop):
    """A project whose last output is appended to, so that each run leaves a trace."""
    rows = json.loads((shop / "config/transformations.json").read_text())
    rows[-1]["outputs"] = [{"table": "gold.report", "mode": "append"}]
    (shop / "config/transformations.json").write_text(json.dumps(rows))
    return shop


def test_plugin_that_fails_a_run_is_found_and_the_project_stays_as_it_was(append_shop, odibi, site):
    site.plugin("one", QUIET)
    site.plugin("two", DOWN)
    before = {path: path.read_bytes() for path in append_shop.rglob("*") if path.is_file()}

    answer = odibi("plugins", "bisect", "--json", "-C", append_shop, "--", "run", "--env", "qat")

    assert answer.code == 0
    document = answer.json
    assert (document["conclusion"], document["culprits"], document["needed"]) == ("found", [["two"]], ["rows"])
    assert document["without_culprits"] == "passes"
    assert "the audit is down" in document["failure"]["error"]
    assert document["attempts"][0]["outcome"] == "fails"
    assert {path: path.read_bytes() for path in append_shop.rglob("*") if path.is_file()} == before


@pytest.mark.soak
def test_pair_that_fails_only_together_is_found(shop, odibi, site):
    site.plugin("half", HALF)
    site.plugin("other", OTHER_HALF)

    answer = odibi("plugins", "bisect", "--", "run", cwd=shop)

    assert answer.code == 0
    assert "Found: half and other, together." in answer.stdout
    assert "odibi plugins disable half --for-project" in answer.stdout
    assert "no plugin" in answer.stdout


def test_failure_of_the_project_is_no_plugins(broken_shop, odibi, site):
    site.plugin("one", QUIET)

    answer = odibi("plugins", "bisect", "--json", "--", "run", cwd=broken_shop)

    assert answer.code == 1
    assert (answer.json["conclusion"], answer.json["needed"]) == ("needed", ["rows"])


def test_command_that_does_not_fail_is_refused(shop, odibi):
    answer = odibi("plugins", "bisect", "--", "plan", cwd=shop)

    assert answer.code == 2
    assert "does not fail with all plugins" in answer.stdout


def test_text_to_match_says_what_the_same_failure_is(shop, odibi, site):
    # The first error names the time, so that no two tries fail with the same line.
    site.plugin("two", FAILS.replace(" ns", " units"))

    matched = odibi("plugins", "bisect", "--json", "--match", "AUDIT is down", "--", "run", cwd=shop)
    nowhere = odibi("plugins", "bisect", "--match", "no such words", "--", "run")

    assert (matched.code, matched.json["culprits"]) == (0, [["two"]])
    assert (nowhere.code, "does not print what was to be matched" in nowhere.stdout) == (2, True)


@pytest.mark.soak
def test_command_that_hangs_is_ended_and_found(shop, odibi, site):
    site.plugin("two", "@hookimpl\ndef odibi_configure(config):\n    import threading\n    threading.Event().wait()")

    answer = odibi("plugins", "bisect", "--json", "--timeout", "4", "--", "run", cwd=shop)

    assert (answer.code, answer.json["culprits"]) == (0, [["two"]])
    assert answer.json["failure"] == {"code": None, "error": "it took longer than 4 seconds"}


def test_in_place_runs_in_the_project(shop, odibi, site):
    site.plugin("two", DOWN)

    answer = odibi("plugins", "bisect", "--json", "--in-place", "-C", shop, "--", "run")

    assert answer.json["culprits"] == [["two"]]
    assert len(list((shop / ".odibi" / "runs").glob("*.jsonl"))) == sum(
        len(one["plugins"]) > 0 and "rows" in one["plugins"] for one in answer.json["attempts"]
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("rnu",), "Did you mean 'run'?"),
        (("--json", "run"), "Write the command first"),
        (("run", "-C", "elsewhere"), "Name the project before the --"),
        (("run", "Shop"), "Name the project before the --"),
        (("run", "--nonsense"), "No such option"),
    ],
    ids=["misspelt", "option first", "folder behind", "project behind", "wrong option"],
)
def test_command_that_cannot_be_tried_is_refused_before_anything_runs(words, says, shop, odibi):
    (shop / "elsewhere").mkdir()

    answer = odibi("plugins", "bisect", "--", *words, cwd=shop)

    assert answer.code == 2
    assert says in answer.stderr
    assert not (shop / ".odibi").exists()
