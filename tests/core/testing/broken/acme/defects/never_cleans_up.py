"""It changes the working of logging for a run, and leaves it changed."""

import logging

from acme.plugin import odibi_register_engines  # noqa: F401 - is a hook
from odibi_core.plugin import hookimpl


@hookimpl
def odibi_configure(config):
    logging.getLogger().addHandler(logging.NullHandler())
