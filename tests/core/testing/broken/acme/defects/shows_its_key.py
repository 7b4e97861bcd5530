"""Its connection has its token in its repr."""

from dataclasses import replace

from acme.connection import AcmeConnection
from acme.plugin import CONNECTION
from odibi_core.plugin import hookimpl


class Broken(AcmeConnection):
    def __repr__(self):
        return f"AcmeConnection(root={self.root!r}, token={self._token!r})"


@hookimpl
def odibi_register_connections():
    yield replace(CONNECTION, factory=f"{__name__}:Broken")
