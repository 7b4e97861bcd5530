"""Its sink cuts the error of the very records that it is given."""

from dataclasses import replace

from acme.plugin import SINK
from acme.sink import AcmeSink
from odibi_core.plugin import hookimpl


class Broken(AcmeSink):
    def write(self, records):
        for record in records:
            if isinstance(record, dict):
                record.setdefault("sink", "acme")
        super().write(records)


@hookimpl
def odibi_register_log_sinks():
    yield replace(SINK, factory=f"{__name__}:Broken")
