"""Its options model takes whatever it is given."""

from dataclasses import replace

from acme.plugin import SINK
from odibi_core.plugin import hookimpl


@hookimpl
def odibi_register_log_sinks():
    yield replace(SINK, options_model="acme.loose_options:SinkOptions")
