"""Its sink collects records, and stores them when there are a hundred, or when it is closed."""

from dataclasses import replace

from acme.plugin import SINK
from acme.sink import AcmeSink
from odibi_core.plugin import hookimpl


class Broken(AcmeSink):
    def __init__(self, path, token=""):
        super().__init__(path, token)
        self._waiting = []

    def write(self, records):
        self._waiting += [dict(record) for record in records]
        if len(self._waiting) >= 100:
            self.close()

    def close(self):
        super().write(self._waiting)
        self._waiting = []


@hookimpl
def odibi_register_log_sinks():
    yield replace(SINK, factory=f"{__name__}:Broken")
