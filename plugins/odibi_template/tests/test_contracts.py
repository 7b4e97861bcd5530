"""The contracts of this plugin, so that pytest runs them."""

from odibi_template.contracts import TestPlugin, TestReader

__all__ = ["TestPlugin", "TestReader"]
