"""What whole runs of sinks take, in this process and in others: put on a script's path."""

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path

import odibi_core
import odibi_sinks
from odibi_core.loading import PluginManager, PluginSettings
from odibi_sinks import plugin

ROWS_ENGINE = Path(__file__).resolve().parents[1] / "core" / "rows_engine.py"


def make_manager():
    """Return a manager with the sinks, and with an engine whose frames are lists of rows."""
    spec = importlib.util.spec_from_file_location("rows_engine", ROWS_ENGINE)
    rows_engine = importlib.util.module_from_spec(spec)
    sys.modules["rows_engine"] = rows_engine  # by its name it is imported again when a run starts
    spec.loader.exec_module(rows_engine)
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(rows_engine, name="rows-engine")
    manager.register(plugin, name="sinks")
    return manager.freeze()


def import_all():
    """Import whatever a run may need, so that a process can fork, or change its user, and run.

    Importing takes longer than a run, and may not be possible any more for another user, or when somebody edits the
    sources meanwhile. Tables of data are left out: they need pyarrow, and no log sink does. So is the test-kit.
    """
    for library in ("deltalake", "psycopg", "sqlalchemy"):
        importlib.import_module(library)
    for package in (odibi_core, odibi_sinks):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not any(part in module.name for part in ("__main__", "delta_tables", ".testing", ".contracts")):
                importlib.import_module(module.name)
