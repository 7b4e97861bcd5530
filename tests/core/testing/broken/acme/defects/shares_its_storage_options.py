"""Its connection hands out one dictionary to all."""

from dataclasses import replace

from acme.connection import AcmeConnection
from acme.plugin import CONNECTION
from odibi_core.plugin import hookimpl


class Broken(AcmeConnection):
    def __init__(self, config):
        super().__init__(config)
        self._options = {"token": self._token}

    def storage_options(self):
        return self._options


@hookimpl
def odibi_register_connections():
    yield replace(CONNECTION, factory=f"{__name__}:Broken")
