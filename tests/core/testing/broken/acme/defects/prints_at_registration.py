"""It greets whoever starts odibi."""

from acme.plugin import odibi_register_engines  # noqa: F401 - is a hook

print("acme 1.0")
