"""Its sink gives records back in the order of their times."""

from dataclasses import replace

from acme.plugin import SINK
from acme.sink import AcmeSink
from odibi_core.plugin import hookimpl


class Broken(AcmeSink):
    def read_records(self, *, project=None, since=None):
        return iter(sorted(super().read_records(), key=lambda record: (record["run_id"], record["start_time"])))


@hookimpl
def odibi_register_log_sinks():
    yield replace(SINK, factory=f"{__name__}:Broken")
