"""What the keys of a manifest say about each other."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.project import ProjectManifest, validate_manifest


def check(**keys: Any) -> list[str]:
    return validate_manifest(
        ProjectManifest(**{"project_name": "P", "layer_order": ["Bronze", "Silver", "Gold"], **keys})
    )


def layers(**depends_on: list[str]) -> dict[str, Any]:
    return {name: {"depends_on": names} for name, names in depends_on.items()}


@pytest.mark.parametrize("project_type", ["manufacturing", "analytics", "ml_pipeline", "data_integration", "custom"])
def test_templates_have_no_problems(project_type: str) -> None:
    assert validate_manifest(ProjectManifest.create_template("P", project_type)) == []


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"project_name": ""}, "The project_name is missing."),
        (
            {"project_name": "../../x"},
            "The project_name '../../x' would be a folder outside the folder of the projects.",
        ),
        ({"layer_order": []}, "The layer_order is empty."),
        ({"layer_order": ["A", "B", "A"]}, "The layer 'A' is there twice in layer_order."),
        ({"layer_order": ["Gold", "gold"]}, "The layer 'gold' differs from 'Gold' only by case in layer_order."),
        ({"layer_order": ["A", " "]}, "The layer ' ' is blank or has blanks around it."),
        ({"environments": []}, "There are no environments."),
        (
            {"environments": ["dev", "dev"], "default_env": "dev"},
            "The environment 'dev' is there twice in environments",
        ),
        (
            {"environments": ["dev", "prod"], "default_env": "prd"},
            "The default_env 'prd' is not one of the environments: dev, prod. Did you mean 'prod'?",
        ),
        (
            {"layers": layers(Silvr=[])},
            "Unknown layer 'Silvr' in layers; layer_order has Bronze, Silver, Gold. Did you mean 'Silver'?",
        ),
        (
            {"layers": layers(Silver=["Brnze"])},
            (
                "Unknown layer 'Brnze' in depends_on of 'Silver'; layer_order has Bronze, Silver, Gold. "
                "Did you mean 'Bronze'?"
            ),
        ),
        (
            {"cache_plan": {"gold": ["t"]}},
            "Unknown layer 'gold' in cache_plan; layer_order has Bronze, Silver, Gold. Did you mean 'Gold'?",
        ),
        (
            {"layers": layers(Silver=["Gold"])},
            (
                "The layer 'Silver' depends on 'Gold', which comes after it in layer_order. "
                "Put 'Gold' before 'Silver' in layer_order."
            ),
        ),
        (
            {"layers": layers(Bronze=["Gold"], Silver=["Bronze"], Gold=["Silver"])},
            "The layers depend on each other in a circle: Bronze -> Gold -> Silver -> Bronze.",
        ),
        ({"layers": layers(Gold=["Gold"])}, "The layers depend on each other in a circle: Gold -> Gold."),
        ({"layers": {"Gold": {"name": "Silver"}}}, "The layer 'Gold' calls itself 'Silver'."),
        ({"connections": {"erp": {"path": "x"}}}, "The connection 'erp' has no type."),
        ({"log_sinks": [{"type": "file"}, {"type": ""}]}, "Log sink 2 has no type."),
        (
            {"log_sinks": [{"typ": "sql"}]},
            "Log sink 1 has no type. Is 'typ' meant to be 'type'? Write which kind it is, such as: type: file",
        ),
        ({"config_store": {}}, "The config_store has no type."),
    ],
    ids=str,
)
def test_contradictions_are_told(keys: dict[str, Any], expected: str) -> None:
    """A-67, D-45."""
    found = check(**keys)

    assert len(found) == 1
    assert found[0].startswith(expected)


def test_two_circles_are_told_each_and_nothing_about_order_inside_them() -> None:
    found = check(layer_order=["A", "B", "C", "D"], layers=layers(A=["B"], B=["A"], C=["D"], D=["C"]))

    assert found == [
        "The layers depend on each other in a circle: A -> B -> A.",
        "The layers depend on each other in a circle: C -> D -> C.",
    ]


def test_an_order_that_contradicts_is_told_beside_a_circle() -> None:
    found = check(layer_order=["A", "B", "C", "D"], layers=layers(A=["B", "D"], B=["A"]))

    assert "A -> B -> A" in found[0]
    assert "The layer 'A' depends on 'D'" in found[1]


def test_a_name_with_an_apostrophe_is_fine() -> None:
    """A-63."""
    assert check(project_name="O'Brien") == []
