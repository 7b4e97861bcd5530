"""Plugins with one defect each: the kit rejects every one of them, says why, and accepts the correct one.

They are run by pytest in a process of its own, as their authors would run it: what a broken plugin does to its process
is not done to this one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

import pytest

BROKEN = Path(__file__).with_name("broken")
CORRECT = (
    "config_store",
    "connection",
    "engine",
    "log_sink",
    "observer",
    "observer_of_an_engine",
    "plugin",
    "reader_and_saver",
)
SETTINGS = """
[pytest]
addopts = --import-mode=importlib
filterwarnings = error
python_files = contracts.py
"""

pytestmark = pytest.mark.slow


def defects():
    sys.path.insert(0, str(BROKEN))
    try:
        from acme.defects_in_words import DEFECTS
    finally:
        sys.path.remove(str(BROKEN))
        for name in [name for name in sys.modules if name.partition(".")[0] == "acme"]:
            del sys.modules[name]  # so that another test can have an acme of its own
    return DEFECTS


DEFECTS = defects()


def run_contracts(folder, **environment):
    """Run the contracts; return by contract and test what failed, as a list of words, empty if nothing did."""
    info = folder / "site" / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    entries = ["acme = acme.plugin", *(f"{one.name} = acme.defects.{one.name}" for one in DEFECTS)]
    info.joinpath("entry_points.txt").write_text("\n".join(["[odibi.plugins]", *entries, ""]))
    info.joinpath("METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\nRequires-Dist: odibi-core>=0.1,<1\n"
    )
    folder.joinpath("pytest.ini").write_text(SETTINGS)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "chosen_tests"),
            *(
                "-c",
                str(folder / "pytest.ini"),
                "--rootdir",
                str(BROKEN),
                "--confcutdir",
                str(BROKEN),
                "--basetemp",
                str(folder / "temporary"),
            ),
            *("--junitxml", str(folder / "results.xml"), str(BROKEN / "contracts.py")),
        ],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder / "site"), str(BROKEN)]),
            **environment,
        },
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-3000:]
    results = defaultdict(dict)
    for case in ET.parse(folder / "results.xml").iter("testcase"):
        contract, test = case.get("classname").rpartition(".")[2], case.get("name").partition("[")[0]
        failures = [f"{found.get('message')}\n{found.text}" for found in case if found.tag in {"failure", "error"}]
        results[contract].setdefault(test, []).extend(failures)
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return run_contracts(tmp_path_factory.mktemp("contracts"))


def test_there_are_at_least_25_of_every_kind():
    assert len(DEFECTS) >= 25
    assert {defect.contract.replace(" ", "_") for defect in DEFECTS} == set(CORRECT)
    assert {path.stem for path in (BROKEN / "acme" / "defects").glob("*.py")} == {"__init__"} | {
        defect.name for defect in DEFECTS
    }


@pytest.mark.parametrize("kind", CORRECT)
def test_the_correct_plugin_is_accepted(results, kind):
    tests = results[f"TestCorrect_{kind}"]

    assert len(tests) >= 6
    assert {test: failures for test, failures in tests.items() if failures} == {}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_broken_plugin_is_rejected_with_the_reason(results, defect):
    failures = results[f"Test_{defect.name}"][defect.test]

    assert failures
    assert defect.says in failures[0]


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_whole_contracts_reject_what_is_broken_and_accept_what_is_not(tmp_path):
    results = run_contracts(tmp_path, WHOLE="1")

    accepted = {contract for contract, tests in results.items() if not any(tests.values())}
    assert accepted == {f"TestCorrect_{kind}" for kind in CORRECT}
    assert len(results) == len(CORRECT) + len(DEFECTS)
