"""Its sink keeps the first 64 KiB of an error."""

from dataclasses import replace

from acme.plugin import SINK
from acme.sink import AcmeSink
from odibi_core.plugin import hookimpl


class Broken(AcmeSink):
    def text(self, record):
        return super().text({**record, "error_message": (record.get("error_message") or "")[:65_536] or None})


@hookimpl
def odibi_register_log_sinks():
    yield replace(SINK, factory=f"{__name__}:Broken")
