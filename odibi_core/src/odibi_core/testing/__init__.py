"""What an author tests a plugin with: contract classes to subclass, with attributes and fixtures only.

It needs the extra ``odibi-core[testing]``. A whole test module::

    from odibi_core.testing import PluginContract, ReaderSaverContract


    class TestPlugin(PluginContract):
        plugin = "acme_historian.plugin"


    class TestHistorian(ReaderSaverContract):
        plugin = "acme_historian.plugin"
        engine = "pandas"
        format = "historian"

The tests are derived from what the plugin's specs say. What it cannot do is declared in `gaps`, with a reason: a gap is
counted, and one that is declared and passes is a failure.

`fixtures` is a pytest plugin for an author's other tests, and `sample_events` makes events for them. The rooms below
are the kit's own: what is in them may move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from odibi_core.testing.contract import Contract
    from odibi_core.testing.contracts.config_stores import ConfigStoreContract
    from odibi_core.testing.contracts.connections import ConnectionContract
    from odibi_core.testing.contracts.datasets import ReaderSaverContract
    from odibi_core.testing.contracts.engines import EngineContract
    from odibi_core.testing.contracts.observers import ObserverContract
    from odibi_core.testing.contracts.plugins import PluginContract
    from odibi_core.testing.contracts.sinks import LogSinkContract

__all__ = [
    "ConfigStoreContract",
    "ConnectionContract",
    "Contract",
    "EngineContract",
    "LogSinkContract",
    "ObserverContract",
    "PluginContract",
    "ReaderSaverContract",
]

_MODULE_OF: Final = {
    "ConfigStoreContract": "contracts.config_stores",
    "ConnectionContract": "contracts.connections",
    "Contract": "contract",
    "EngineContract": "contracts.engines",
    "LogSinkContract": "contracts.sinks",
    "ObserverContract": "contracts.observers",
    "PluginContract": "contracts.plugins",
    "ReaderSaverContract": "contracts.datasets",
}


def __getattr__(name: str) -> Any:
    """Import a contract when it is first used: a plugin with a log sink needs no pyarrow to be tested."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"odibi_core.testing.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
