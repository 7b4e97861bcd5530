"""Options of the plugin `takes_unknown_options`."""

from pydantic import ConfigDict

from acme import options


class SinkOptions(options.SinkOptions):
    model_config = ConfigDict(extra="allow")
