"""The two pluggy markers and the number of the plugin API."""

from __future__ import annotations

from typing import Final

import pluggy

__all__ = ["API_VERSION", "ENTRY_POINT_GROUP", "hookimpl", "hookspec"]

API_VERSION: Final = 1
"""The generation of the plugin surface. It grows when a hook or a protocol changes in a way that plugins notice."""

ENTRY_POINT_GROUP: Final = "odibi.plugins"
"""The entry-point group in which a distribution lists its registration module."""

hookspec = pluggy.HookspecMarker("odibi")
hookimpl = pluggy.HookimplMarker("odibi")
