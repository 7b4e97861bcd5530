"""Its sink quotes its token when something goes wrong."""

from dataclasses import replace

from acme.plugin import SINK
from acme.sink import AcmeSink
from odibi_core.plugin import RunLogError, hookimpl


class Broken(AcmeSink):
    def write(self, records):
        try:
            super().write(records)
        except RunLogError as error:
            raise RunLogError(f"{error} (path={self._path}, token={self._token})") from error


@hookimpl
def odibi_register_log_sinks():
    yield replace(SINK, factory=f"{__name__}:Broken")
