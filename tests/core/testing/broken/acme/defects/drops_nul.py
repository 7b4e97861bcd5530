"""Its sink leaves records with NUL out."""

from dataclasses import replace

from acme.plugin import SINK
from acme.sink import AcmeSink
from odibi_core.plugin import hookimpl


class Broken(AcmeSink):
    def rows(self, records):
        return [row for row in super().rows(records) if "\\u0000" not in row[2]]


@hookimpl
def odibi_register_log_sinks():
    yield replace(SINK, factory=f"{__name__}:Broken")
