"""Its config store gives enabled rows alone, so that nobody sees what is switched off."""

from dataclasses import replace

from acme.plugin import STORE
from acme.store import AcmeStore
from odibi_core.plugin import hookimpl


class Broken(AcmeStore):
    def is_meant(self, row, project, env):
        return super().is_meant(row, project, env) and row["enabled"]


@hookimpl
def odibi_register_config_stores():
    yield replace(STORE, factory=f"{__name__}:Broken")
