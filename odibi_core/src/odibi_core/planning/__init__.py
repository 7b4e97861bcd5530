"""Planning: datasets and their resolution, engines, dependencies, selectors, and the plan they make."""

from __future__ import annotations

from odibi_core.planning.attempts import AttemptRules
from odibi_core.planning.datasets import DatasetResolver
from odibi_core.planning.engines import choose_engine, choose_run_engine
from odibi_core.planning.plan import Plan, PlannedInput, PlannedOutput, PlannedTransformation
from odibi_core.planning.planner import choose_env, choose_layer_order, choose_layers, make_plan
from odibi_core.planning.selectors import select

__all__ = [
    "AttemptRules",
    "DatasetResolver",
    "Plan",
    "PlannedInput",
    "PlannedOutput",
    "PlannedTransformation",
    "choose_engine",
    "choose_env",
    "choose_layer_order",
    "choose_layers",
    "choose_run_engine",
    "make_plan",
    "select",
]
