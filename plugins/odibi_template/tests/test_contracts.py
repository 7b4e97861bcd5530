"""The contracts of this plugin; `odibi plugins check odibi-template` runs the same ones where it is installed."""

from odibi_template.contracts import TestPlugin, TestReader

__all__ = ["TestPlugin", "TestReader"]
