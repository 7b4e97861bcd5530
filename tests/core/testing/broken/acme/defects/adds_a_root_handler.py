"""It sends the log of the whole process to its own handler."""

import logging

from acme.plugin import odibi_register_engines  # noqa: F401 - is a hook

logging.getLogger().addHandler(logging.NullHandler())
