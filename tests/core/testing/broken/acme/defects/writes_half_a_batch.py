"""Its sink stores record after record, each in a transaction of its own."""

from dataclasses import replace

from acme.plugin import SINK
from acme.sink import AcmeSink
from odibi_core.plugin import hookimpl


class Broken(AcmeSink):
    def write(self, records):
        for record in records:
            super().write([record])


@hookimpl
def odibi_register_log_sinks():
    yield replace(SINK, factory=f"{__name__}:Broken")
