"""Its sink says that all is well when the log cannot be written."""

from contextlib import suppress
from dataclasses import replace

from acme.plugin import SINK
from acme.sink import AcmeSink
from odibi_core.plugin import RunLogError, hookimpl


class Broken(AcmeSink):
    def write(self, records):
        records = [dict(record) for record in records]
        with suppress(RunLogError):
            super().write(records)


@hookimpl
def odibi_register_log_sinks():
    yield replace(SINK, factory=f"{__name__}:Broken")
