"""Declared gaps are run, have to fail, and are counted with their reasons."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

CONTRACT = """
    import pytest
    from odibi_core.plugin import Capability
    from odibi_core.testing import Contract

    class Walks(Contract):
        plugin = "odibi_core.loading.builtin"

        @pytest.fixture
        def sheet(self):
            return {"fly": Capability(supported=False, note="no wings"), "walk": Capability(supported=True, since="1")}

        @pytest.mark.parametrize("word", ["walk", "fly", "swim"])
        def test_moves(self, word):
            assert word == "walk"

    class TestPlain(Walks):
        gaps = {}

    class TestDeclared(Walks):
        gaps = {"test_moves[swim]": "afraid of water"}

    class TestPattern(Walks):
        gaps = {"test_m*[s*]": "afraid of water"}

    class TestTooMuch(Walks):
        gaps = {"test_moves": "bad legs", "test_mvoes": "bad legs", "test_moves[walk]": " "}

        def test_own(self):
            pass
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What came of each test: outcome and reason by class and test."""
    folder = tmp_path_factory.mktemp("gaps")
    module, record = folder / "test_walks.py", folder / "record"
    module.write_text(textwrap.dedent(CONTRACT))
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    words = ["-q", "-pno:cacheprovider", "-p", "odibi_core.testing.checking.recording", "--conformance-record", record]
    subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, words), "."], cwd=folder, capture_output=True, check=False
    )
    lines = map(json.loads, record.read_text().splitlines())
    return {(line["class"], line["test"]): (line["outcome"], line["why"]) for line in lines}


def test_what_is_not_declared_fails(outcomes):
    assert outcomes["TestPlain", "test_moves[swim]"][0] == "failed"


def test_what_the_sheet_says_is_a_gap_with_its_note(outcomes):
    assert outcomes["TestPlain", "test_moves[fly]"] == ("gap", "no wings")


def test_what_the_sheet_says_is_supported_has_to_pass(outcomes):
    assert outcomes["TestPlain", "test_moves[walk]"] == ("passed", "")


@pytest.mark.parametrize("contract", ["TestDeclared", "TestPattern"])
def test_declared_gap_is_counted_with_its_reason(outcomes, contract):
    assert outcomes[contract, "test_moves[swim]"] == ("gap", "afraid of water")
    assert outcomes[contract, "test_moves[walk]"][0] == "passed"


def test_gap_that_passes_is_a_failure(outcomes):
    outcome, why = outcomes["TestTooMuch", "test_moves[walk]"]

    assert outcome == "failed"
    assert why.startswith("test_moves is declared as a gap (bad legs), and passes.\nTake it out of `gaps`")


def test_gap_of_no_test_is_a_failure_with_a_suggestion(outcomes):
    outcome, why = outcomes["TestTooMuch", "test_declared_gaps_are_tests_of_this_contract"]

    assert outcome == "failed"
    assert "'test_mvoes', and this contract has no such test.\nDid you mean 'test_moves'?" in why


def test_test_of_the_authors_own_runs_as_it_is(outcomes):
    assert outcomes["TestTooMuch", "test_own"][0] == "passed"
