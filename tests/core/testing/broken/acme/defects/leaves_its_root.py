"""Its connection takes a folder beside its root for one inside."""

from dataclasses import replace

from acme.connection import AcmeConnection
from acme.plugin import CONNECTION
from odibi_core.plugin import hookimpl


class Broken(AcmeConnection):
    def is_inside(self, located):
        return located.startswith(self.root)


@hookimpl
def odibi_register_connections():
    yield replace(CONNECTION, factory=f"{__name__}:Broken")
