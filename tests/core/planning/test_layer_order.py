"""The order of layers of one run: the caller's word, checked against the manifest's."""

from __future__ import annotations

import pytest

from odibi_core.errors import SelectionError, ValidationFailed
from odibi_core.planning import make_plan
from odibi_core.project import Project

FILES = {"steps.py": "def good(df):\n    return df\n"}
LAYERS = {"layer_order": ["Bronze", "Silver", "Gold_1", "Gold_2"]}


def row(id_, layer, inputs, outputs):
    return {"transformation_id": id_, "layer": layer, "function": "good", "inputs": inputs, "outputs": outputs}


@pytest.fixture
def plan(make_project, manager):
    def plan(*rows, layers=None, **asked_for):
        root = make_project(rows, manifest={**LAYERS, "layers": layers or {}}, files=FILES)
        return make_plan(Project.load(root, manager=manager), manager=manager, **asked_for)

    return plan


INDEPENDENT = (
    row("s", "Silver", ["in.json"], ["silver.s"]),
    row("g1", "Gold_1", ["silver.s"], ["gold_1.g"]),
    row("g2", "Gold_2", ["silver.s"], ["gold_2.g"]),
)


@pytest.mark.parametrize(
    ("asked_for", "layers", "ids"),
    [
        pytest.param({}, ("Bronze", "Silver", "Gold_1", "Gold_2"), ["s", "g1", "g2"], id="the manifest's"),
        pytest.param(
            {"layer_order": ["bronze", "SILVER", " Gold_2", "Gold_1"]},
            ("Bronze", "Silver", "Gold_2", "Gold_1"),
            ["s", "g2", "g1"],
            id="another, in any case",
        ),
        pytest.param({"layer_order": ("Silver", "Gold_2")}, ("Silver", "Gold_2"), ["s", "g2"], id="some of them"),
        pytest.param({"layer_order": "Gold_1"}, ("Gold_1",), ["g1"], id="one as a string"),
        pytest.param(
            {"layer_order": ["Silver", "Gold_2", "Gold_1"], "target_layers": ["Gold_1", "Gold_2"]},
            ("Gold_2", "Gold_1"),
            ["g2", "g1"],
            id="with target_layers",
        ),
    ],
)
def test_order_of_a_run(plan, asked_for, layers, ids):
    """A-42: v2's keyword layer_order."""
    planned = plan(*INDEPENDENT, **asked_for)

    assert planned.layers == layers
    assert [one.transformation_id for one in planned] == ids


@pytest.mark.parametrize(
    ("asked_for", "message"),
    [
        pytest.param({"layer_order": []}, "layer_order is empty", id="empty"),
        pytest.param({"layer_order": ["Silver", "Gold"]}, "Layer 'Gold' is not one of project 'Shop'", id="unknown"),
        pytest.param({"layer_order": ["Silver", "silver"]}, "has the layer 'Silver' twice", id="twice"),
        pytest.param(
            {"layer_order": ["Gold_1", "Silver"]},
            "layer_order puts 'Gold_1' before 'Silver', but the manifest says that 'Gold_1' depends on it",
            id="against depends_on",
        ),
        pytest.param(
            {"layer_order": ["Silver"], "target_layers": ["Gold_2"]},
            "Layer 'Gold_2' is not one of project 'Shop'. There are: Silver",
            id="target outside",
        ),
    ],
)
def test_order_that_cannot_be_is_refused(plan, asked_for, message):
    """A-45."""
    with pytest.raises(SelectionError) as caught:
        plan(*INDEPENDENT, layers={"Gold_1": {"depends_on": ["Silver"]}}, **asked_for)

    assert message in str(caught.value)


def test_order_in_which_a_table_is_read_before_it_is_written_is_refused(plan):
    with pytest.raises(ValidationFailed, match=r"reads 'silver\.s' of 's', which belongs to the later layer Silver"):
        plan(*INDEPENDENT, layer_order=["Gold_1", "Silver"])
