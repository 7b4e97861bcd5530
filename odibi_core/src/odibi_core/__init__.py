"""One data project, any engine.

In a notebook this import is enough::

    import odibi_core

    odibi_core.initialize_project("Energy Efficiency")
    odibi_core.run_project("Energy Efficiency", "qat", engine="pandas")

Every name is imported when it is first used, so the import itself costs next to nothing and loads no data library.
Plugin authors import `odibi_core.plugin` instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from odibi_core.errors import (
        ConfigError,
        DataQualityError,
        OdibiError,
        RunFailed,
        TransientError,
        ValidationFailed,
    )
    from odibi_core.events import HookManager
    from odibi_core.functions import (
        REGISTRY,
        Engine,
        ExecutionContext,
        odibi_function,
        pandas_function,
        spark_function,
        universal_function,
        with_context,
    )
    from odibi_core.loading import PluginManager, get_manager, list_plugins
    from odibi_core.plugin import LogSink
    from odibi_core.project import Project, ProjectManifest, ProjectType, initialize_project
    from odibi_core.running import RunResult, plan_project, run_project
    from odibi_core.running.answers import get_failed_transformations, get_layer_summary, get_project_status
    from odibi_core.running.past_failures import retry_failed_transformations

    FileLogSink: Any

__all__ = [
    "REGISTRY",
    "ConfigError",
    "DataQualityError",
    "Engine",
    "ExecutionContext",
    "FileLogSink",
    "HookManager",
    "LogSink",
    "OdibiError",
    "PluginManager",
    "Project",
    "ProjectManifest",
    "ProjectType",
    "RunFailed",
    "RunResult",
    "TransientError",
    "ValidationFailed",
    "get_failed_transformations",
    "get_layer_summary",
    "get_manager",
    "get_project_status",
    "initialize_project",
    "list_plugins",
    "odibi_function",
    "pandas_function",
    "plan_project",
    "retry_failed_transformations",
    "run_project",
    "spark_function",
    "universal_function",
    "with_context",
]

_ROOMS: Final = {
    "errors": ("ConfigError", "DataQualityError", "OdibiError", "RunFailed", "TransientError", "ValidationFailed"),
    "events": ("HookManager",),
    "functions": (
        "REGISTRY",
        "Engine",
        "ExecutionContext",
        "odibi_function",
        "pandas_function",
        "spark_function",
        "universal_function",
        "with_context",
    ),
    "loading": ("PluginManager", "get_manager", "list_plugins"),
    "plugin": ("LogSink",),
    "project": ("Project", "ProjectManifest", "ProjectType", "initialize_project"),
    "running": ("RunResult", "plan_project", "run_project"),
    "running.answers": ("get_failed_transformations", "get_layer_summary", "get_project_status"),
    "running.past_failures": ("retry_failed_transformations",),
}
_ROOM_OF: Final = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its room when it is first used."""
    if name in _ROOM_OF:
        from importlib import import_module

        value = getattr(import_module(f"odibi_core.{_ROOM_OF[name]}"), name)
    elif name == "FileLogSink":
        # The file sink is a plugin's; its name stays where users of v2 look for it.
        from odibi_core.loading import get_manager

        manager = get_manager()
        value = manager.load(manager.log_sinks.get("file"))
    elif name == "__version__":
        from importlib.metadata import version

        value = version("odibi-core")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted([*__all__, "__version__"])
