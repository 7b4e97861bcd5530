"""It sets an environment variable to register."""

import os

from acme.plugin import odibi_register_engines  # noqa: F401 - is a hook

os.environ["ACME_HOME"] = "/opt/acme"
