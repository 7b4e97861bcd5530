"""A contract for each plugin of `acme`: the correct one has to pass every one, a broken one its own not.

Run by `test_broken_plugins.py` in a process of its own, with this folder on the path.
"""

from __future__ import annotations

import json

import pytest
from acme.defects_in_words import DEFECTS

from odibi_core.testing import (
    ConfigStoreContract,
    ConnectionContract,
    EngineContract,
    LogSinkContract,
    ObserverContract,
    PluginContract,
    ReaderSaverContract,
)


class EngineKind(EngineContract):
    engine = "acme"

    @pytest.fixture
    def costly_frame(self, execution_engine):
        from acme.engine import Frame

        def compute():
            raise RuntimeError("a job of an hour was started")

        return Frame(compute=compute)


class ReaderSaverKind(ReaderSaverContract):
    kill_points = 2
    engine = "acme"
    format = "acme"


class SinkKind(LogSinkContract):
    sink = "acme"
    options = {"path": "logs/runs.db", "token": "odibi-token-4711"}


class ObserverKind(ObserverContract):
    pass


class EngineObserverKind(ObserverContract):
    engine = "acme"


class ConnectionKind(ConnectionContract):
    connection = "acme"
    options = {"path": "lake", "token": "odibi-token-4711"}


ROWS = [
    {"transformation_id": f"{project}-{env}-{number}", "project": project, "environment": env, "enabled": number == 1,
     "layer": "Silver", "module": "silver.sales", "function": "clean", "outputs": ["silver.sales"]}
    for project in ("Shop", "Water") for env in ("qat", "prod") for number in (1, 2)
]  # fmt: skip


class StoreKind(ConfigStoreContract):
    config_store = "acme"
    project = "Shop"
    expected_rows = {
        env: [row for row in ROWS if row["project"] == "Shop" and row["environment"] == env] for env in ("qat", "prod")
    }

    @pytest.fixture
    def store_options(self, tmp_path):
        path = tmp_path / "rows.json"
        path.write_text(json.dumps({"transformations": ROWS, "ingestion": []}), encoding="utf-8")
        return {"path": path, "password": "odibi-password-4711"}


KINDS = {
    "config store": StoreKind,
    "connection": ConnectionKind,
    "engine": EngineKind,
    "log sink": SinkKind,
    "observer": ObserverKind,
    "observer of an engine": EngineObserverKind,
    "plugin": PluginContract,
    "reader and saver": ReaderSaverKind,
}


def contract(name: str, kind: str, plugin: str) -> type:
    return type(name, (KINDS[kind],), {"plugin": plugin, "__module__": __name__})


for kind in KINDS:
    name = f"TestCorrect_{kind.replace(' ', '_')}"
    globals()[name] = contract(name, kind, "acme.plugin")
for defect in DEFECTS:
    name = f"Test_{defect.name}"
    globals()[name] = contract(name, defect.contract, f"acme.defects.{defect.name}")
