"""Its spec names a class that its module does not have."""

from dataclasses import replace

from acme.plugin import SINK
from odibi_core.plugin import hookimpl


@hookimpl
def odibi_register_log_sinks():
    yield replace(SINK, factory="acme.sink:AcmeLogSink")
