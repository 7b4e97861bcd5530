"""What an author of a plugin begins with: a distribution of their own that builds, installs and passes its tests."""

from __future__ import annotations

from odibi_core.authoring.kinds import PluginKind
from odibi_core.authoring.making import make_plugin

__all__ = ["PluginKind", "make_plugin"]
