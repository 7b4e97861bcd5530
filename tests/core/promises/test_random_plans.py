"""Random plans: up to 60 transformations over four layers, with steps, dependencies, failures and workers at random."""

from __future__ import annotations

import itertools
import json
import sys
import threading
import types
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odibi_core import run_project
from odibi_core.runlog import read_journal

LAYERS = ("Bronze", "Silver", "Gold_1", "Gold_2")
STEPS = "import witness\n\n\ndef work(context):\n    witness.current.work(context.transformation_id)\n"


@dataclass
class Witness:
    """Sees each transformation begin and end, on whatever thread, and makes some of them fail."""

    waits_for: dict
    failing: set
    lock: threading.Lock = field(default_factory=threading.Lock)
    begun: list = field(default_factory=list)
    succeeded: set = field(default_factory=set)
    too_early: list = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    never: threading.Event = field(default_factory=threading.Event)

    def work(self, id_):
        with self.lock:
            self.begun.append(id_)
            self.too_early += [(id_, other) for other in self.waits_for[id_] if other not in self.succeeded]
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        if id_[-1] in "13579":
            self.never.wait(0.001)  # what is over at once stays on one thread; others join in while this goes on
        with self.lock:
            self.at_once -= 1
            if id_ not in self.failing:
                self.succeeded.add(id_)
        if id_ in self.failing:
            raise ValueError("told to fail")


@pytest.fixture(scope="module")
def witness():
    """The module that the projects' functions report to."""
    module = types.ModuleType("witness")
    sys.modules["witness"] = module
    yield module
    del sys.modules["witness"]


@st.composite
def plans(draw):
    """Return rows, layers' dependencies and the ids that fail; a row waits for rows of earlier places only."""
    count = draw(st.integers(1, 60))
    place = st.tuples(st.integers(0, 3), st.integers(1, 3))
    places = sorted(draw(st.lists(place, min_size=count, max_size=count)))
    rows = []
    for number, (layer, step) in enumerate(places):
        before = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        by_table = draw(st.sets(st.sampled_from(sorted(before)))) if before else set()
        rows.append(
            {
                "transformation_id": f"t{number:02}",
                "layer": LAYERS[layer],
                "step": step,
                "module": "steps",
                "function": "work",
                "inputs": [f"lake.t{other:02}" for other in sorted(by_table)],
                "outputs": [f"lake.t{number:02}"],
                "depends_on": [f"t{other:02}" for other in sorted(before - by_table)],
            }
        )
    failing = draw(st.sets(st.sampled_from([row["transformation_id"] for row in rows]), max_size=5))
    layers = {
        LAYERS[later]: {"depends_on": [LAYERS[earlier]]}
        for earlier, later in itertools.combinations(range(4), 2)
        if draw(st.integers(0, 3)) == 0
    }
    order = draw(st.permutations(rows))
    return order, layers, failing


def waits_for(row):
    return [*row["depends_on"], *(name.removeprefix("lake.") for name in row["inputs"])]


def expected_statuses(rows, layers, failing):
    """Return what must become of each transformation, worked out in the plainest way there is."""
    statuses = {}
    troubled_layers, troubled_steps = set(), set()
    for row in sorted(rows, key=lambda row: (LAYERS.index(row["layer"]), row["step"], row["transformation_id"])):
        layer, id_ = row["layer"], row["transformation_id"]
        is_stopped = (
            any(other in troubled_layers for other in layers.get(layer, {}).get("depends_on", ()))
            or any((layer, step) in troubled_steps for step in range(1, row["step"]))
            or any(statuses[other] != "SUCCESS" for other in waits_for(row))
        )
        statuses[id_] = "SKIPPED" if is_stopped else "FAILED" if id_ in failing else "SUCCESS"
        if statuses[id_] != "SUCCESS":
            troubled_layers.add(layer)
            troubled_steps.add((layer, row["step"]))
    return statuses


FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=30, suppress_health_check=FIXTURES)
@given(plan=plans(), workers=st.integers(2, 8))
def test_a48_a49_a60_any_plan_runs_in_order_and_once_from_any_number_of_workers(
    tmp_path_factory, manager, witness, plan, workers
):
    """A-48, A-49, A-60: order, statuses and records, and the same of all with one worker and with several."""
    check(tmp_path_factory.mktemp("plan"), manager, witness, plan, workers)


@pytest.mark.soak
@settings(max_examples=1_000, suppress_health_check=FIXTURES)
@given(plan=plans(), workers=st.integers(2, 8))
def test_a_thousand_plans_run_in_order_and_once(tmp_path_factory, manager, witness, plan, workers):
    check(tmp_path_factory.mktemp("plan"), manager, witness, plan, workers)


def check(root, manager, witness, plan, workers):
    """Run a plan with one worker and with several, and compare all there is to see with what must be."""
    rows, layers, failing = plan
    manifest = {"project_name": "P", "layer_order": LAYERS, "layers": layers, "default_engine": "rows"}
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (root / "config").mkdir()
    (root / "config/transformations.json").write_text(json.dumps(rows), encoding="utf-8")
    (root / "steps.py").write_text(STEPS, encoding="utf-8")
    expected = expected_statuses(rows, layers, failing)
    ran = sorted(id_ for id_, status in expected.items() if status != "SKIPPED")

    for max_workers in (1, workers):
        seen = witness.current = Witness({row["transformation_id"]: waits_for(row) for row in rows}, failing)
        result = run_project(root, manager=manager, max_workers=max_workers, raise_on_failure=False)

        assert {one.transformation_id: one.status for one in result.transformations} == expected
        assert result.status == ("SUCCESS" if set(expected.values()) == {"SUCCESS"} else "FAILED")
        assert (sorted(seen.begun), seen.too_early) == (ran, [])
        assert seen.most_at_once <= max_workers
        records = read_journal(root / f".odibi/runs/{result.run_id}.jsonl").records
        assert Counter((record["transformation_id"], record["status"]) for record in records) == Counter(
            [*expected.items(), *((id_, "RUNNING") for id_ in ran)]
        )
        _assert_steps_in_order(records, rows)


def _assert_steps_in_order(records, rows):
    """Nothing of a layer's later step begins before its earlier steps have ended."""
    step_of = {row["transformation_id"]: (row["layer"], row["step"]) for row in rows}
    seq = {(record["transformation_id"], record["status"] == "RUNNING"): record["seq"] for record in records}
    last_end, first_begin = {}, {}
    for (id_, is_begin), number in seq.items():
        if is_begin:
            first_begin[step_of[id_]] = min(number, first_begin.get(step_of[id_], number))
        else:
            last_end[step_of[id_]] = max(number, last_end.get(step_of[id_], 0))
    for (layer, step), begin in first_begin.items():
        for (other_layer, other_step), end in last_end.items():
            if layer == other_layer and other_step < step:
                assert end < begin
