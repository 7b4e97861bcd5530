"""One way to build each event, and a recorder for what callbacks are shown."""

from __future__ import annotations

import dataclasses

import pytest

from odibi_core.plugin import EVENT_TYPES, Dataset, Event

VALUES = {
    "run_id": "r1",
    "project": "Energy",
    "env": "qat",
    "engine": "pandas",
    "layer": "Silver_1",
    "transformation_id": "t1",
    "module": "silver.functions",
    "function": "clean",
    "duration_seconds": 0.25,
    "dataset": Dataset(name="bronze.sales", kind="table", format="parquet", location="/p/data/bronze/sales.parquet"),
    "layers_executed": ("Bronze",),
    "tables": ("silver.sales",),
    "frames": {},
    "frame": object(),
    "status": "success",
}


@pytest.fixture
def build():
    """Build an event by name; what is not given has a value of the right kind."""

    def build_event(name: str, **given: object) -> Event:
        type_ = EVENT_TYPES[name]
        required = [
            field.name
            for field in dataclasses.fields(type_)
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        ]
        return type_(**{name: VALUES.get(name, 1) for name in required} | given)

    return build_event
