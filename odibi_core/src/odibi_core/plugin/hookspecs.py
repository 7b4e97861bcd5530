"""Every hook that a plugin can implement: the manual of the plugin surface.

A plugin is a module. It marks functions with ``@hookimpl``, as in ``acme_historian/plugin.py``::

    from odibi_core.plugin import ReaderSpec, hookimpl


    @hookimpl
    def odibi_register_readers():
        yield ReaderSpec(engine="pandas", format="historian", factory="acme_historian.reader:HistorianReader")

and its distribution names it in the entry-point group ``odibi.plugins``: ``acme-historian = "acme_historian.plugin"``.

The module is imported early and must stay light: the standard library and ``odibi_core.plugin``, nothing that handles
data. What it names in ``factory`` is imported when it is first used.

Hooks come in four kinds, and no hook is two kinds at once.

provide
    ``odibi_register_*()`` yields specs. Called once per process and set of plugin settings, at start-up, on the thread
    that first needs a plugin. Yielding nothing, or returning None, is fine. An exception, a wrong type or two specs of
    one name put this plugin into the state ``failed`` with the reason; other plugins are not affected.
configure
    ``odibi_configure(config)`` and ``odibi_unconfigure(config)``, once per run each, on the thread that called
    `run_project`. The return value is ignored. An exception is logged with the plugin's name and the run goes on.
run
    ``odibi_run_project(task)`` and ``odibi_run_transformation(task)``: the first result that is not None wins, and the
    kernel's own implementation comes last. These two may be wrapped (``@hookimpl(wrapper=True)``) and ordered
    (``tryfirst``, ``trylast``). Two plugins that both implement one, without being wrappers, are a conflict unless
    the manifest's ``plugins.prefer`` chooses. What they raise is the outcome of the run or the transformation.
observe
    ``odibi_<event>(event)``: one hook per event, with exactly one argument. Called on the thread where the event
    happens, which for transformations is a worker thread, so from several threads at once. Observers are called in the
    order of their plugins' names. The return value is ignored. An exception is an accident: logged with hook, plugin
    and event, counted in the result, and nothing else changes. Not even ``AssertionError`` and ``DataQualityError``
    are verdicts here; a verdict is a user's callback's to give, through `HookManager`.

Implementations are plain functions: no ``async``, no default values, no ``*args`` or ``**kwargs``. ``tryfirst``,
``trylast`` and ``wrapper`` belong to the run hooks alone. A name that starts with ``odibi_`` and is no hook is refused
with a suggestion.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from odibi_core.plugin.markers import hookspec

if TYPE_CHECKING:
    from odibi_core.plugin import events
    from odibi_core.plugin.specs import (
        CheckSpec,
        CommandSpec,
        ConfigStoreSpec,
        ConnectionSpec,
        EngineSpec,
        FunctionsSpec,
        LogSinkSpec,
        ReaderSpec,
        SaverSpec,
        SecretProviderSpec,
    )
    from odibi_core.plugin.tasks import ProjectConfig, ProjectTask, TransformationOutcome, TransformationTask

__all__ = [
    "odibi_bronze_end",
    "odibi_bronze_start",
    "odibi_caching_end",
    "odibi_caching_start",
    "odibi_configs_loaded",
    "odibi_configure",
    "odibi_layer_end",
    "odibi_layer_start",
    "odibi_logs_persisted",
    "odibi_on_error",
    "odibi_orchestrator_run_end",
    "odibi_orchestrator_run_start",
    "odibi_pipeline_end",
    "odibi_pipeline_start",
    "odibi_post_read",
    "odibi_post_save",
    "odibi_post_transform",
    "odibi_pre_read",
    "odibi_pre_save",
    "odibi_pre_transform",
    "odibi_register_checks",
    "odibi_register_commands",
    "odibi_register_config_stores",
    "odibi_register_connections",
    "odibi_register_engines",
    "odibi_register_functions",
    "odibi_register_log_sinks",
    "odibi_register_readers",
    "odibi_register_savers",
    "odibi_register_secret_providers",
    "odibi_run_project",
    "odibi_run_transformation",
    "odibi_transform_failure",
    "odibi_transform_retry",
    "odibi_transform_skipped",
    "odibi_transform_start",
    "odibi_transform_success",
    "odibi_unconfigure",
]

# --- provide ---------------------------------------------------------------------------------------------------------


@hookspec
def odibi_register_engines() -> Iterable[EngineSpec]:  # type: ignore[empty-body]
    """Yield execution engines.

    Called once at start-up. The clash key is the engine's name.

    Yields:
        EngineSpec: One per thing that this plugin provides.

    Example:
        A whole plugin::

            from odibi_core.plugin import EngineSpec, hookimpl


            @hookimpl
            def odibi_register_engines():
                yield EngineSpec(name="duckdb", factory="acme_duckdb.engine:DuckDbEngine", summary="DuckDB in process")
    """


@hookspec
def odibi_register_readers() -> Iterable[ReaderSpec]:  # type: ignore[empty-body]
    """Yield readers.

    Called once at start-up. The clash key is (engine, format). A reader for the engine ``any`` returns an Arrow
    stream and serves every engine that has no reader of its own for the format.

    Yields:
        ReaderSpec: One per thing that this plugin provides.

    Example:
        A whole plugin::

            from odibi_core.plugin import ReaderSpec, hookimpl


            @hookimpl
            def odibi_register_readers():
                yield ReaderSpec(engine="pandas", format="historian", factory="acme_historian:HistorianReader")
    """


@hookspec
def odibi_register_savers() -> Iterable[SaverSpec]:  # type: ignore[empty-body]
    """Yield savers.

    Called once at start-up. The clash key is (engine, format). A saver for the engine ``any`` takes an Arrow
    stream and serves every engine that has no saver of its own for the format. ``modes`` says which save modes it
    keeps.

    Yields:
        SaverSpec: One per thing that this plugin provides.

    Example:
        A whole plugin::

            from odibi_core.plugin import SaverSpec, hookimpl


            @hookimpl
            def odibi_register_savers():
                yield SaverSpec(engine="pandas", format="fixed", factory="acme_fixed:FixedSaver", modes=("overwrite",))
    """


@hookspec
def odibi_register_log_sinks() -> Iterable[LogSinkSpec]:  # type: ignore[empty-body]
    """Yield log sinks.

    Called once at start-up. The clash key is the sink's name, which users write as ``type`` in the manifest's
    ``log_sinks``.

    Yields:
        LogSinkSpec: One per thing that this plugin provides.

    Example:
        A whole plugin::

            from odibi_core.plugin import LogSinkSpec, hookimpl


            @hookimpl
            def odibi_register_log_sinks():
                yield LogSinkSpec(name="splunk", factory="acme_splunk.sink:SplunkLogSink")
    """


@hookspec
def odibi_register_connections() -> Iterable[ConnectionSpec]:  # type: ignore[empty-body]
    """Yield types of connection.

    Called once at start-up. The clash key is the type's name, which users write as ``type`` in the manifest's
    ``connections``.

    Yields:
        ConnectionSpec: One per thing that this plugin provides.

    Example:
        A whole plugin::

            from odibi_core.plugin import ConnectionSpec, hookimpl


            @hookimpl
            def odibi_register_connections():
                yield ConnectionSpec(name="sharepoint", factory="acme_sharepoint.connection:SharePoint")
    """


@hookspec
def odibi_register_secret_providers() -> Iterable[SecretProviderSpec]:  # type: ignore[empty-body]
    """Yield sources of secrets.

    Called once at start-up. The clash key is the provider's name. Values never reach a log, an error message or a
    record.

    Yields:
        SecretProviderSpec: One per thing that this plugin provides.

    Example:
        A whole plugin::

            from odibi_core.plugin import SecretProviderSpec, hookimpl


            @hookimpl
            def odibi_register_secret_providers():
                yield SecretProviderSpec(name="vault", factory="acme_vault.provider:VaultSecrets")
    """


@hookspec
def odibi_register_config_stores() -> Iterable[ConfigStoreSpec]:  # type: ignore[empty-body]
    """Yield stores of TransformationRegistry and ingestion rows.

    Called once at start-up. The clash key is the store's name, which users write as ``type`` in the manifest's
    ``config_store``.

    Yields:
        ConfigStoreSpec: One per thing that this plugin provides.

    Example:
        A whole plugin::

            from odibi_core.plugin import ConfigStoreSpec, hookimpl


            @hookimpl
            def odibi_register_config_stores():
                yield ConfigStoreSpec(name="sharepoint-list", factory="acme_rows.store:ListStore")
    """


@hookspec
def odibi_register_functions() -> Iterable[FunctionsSpec]:  # type: ignore[empty-body]
    """Yield modules of transformation functions, imported before a project is planned.

    Called once at start-up. The clash key is the module's path. An import that fails is a problem of the plan,
    with the plugin's name.

    Yields:
        FunctionsSpec: One per thing that this plugin provides.

    Example:
        A whole plugin::

            from odibi_core.plugin import FunctionsSpec, hookimpl


            @hookimpl
            def odibi_register_functions():
                yield FunctionsSpec(name="acme_functions.cleaning", summary="Cleaning for meter data")
    """


@hookspec
def odibi_register_checks() -> Iterable[CheckSpec]:  # type: ignore[empty-body]
    """Yield checks of `odibi doctor`.

    Called once at start-up. The clash key is the check's name. A check that raises is shown as an error of that
    check.

    Yields:
        CheckSpec: One per thing that this plugin provides.

    Example:
        A whole plugin::

            from odibi_core.plugin import CheckSpec, hookimpl


            @hookimpl
            def odibi_register_checks():
                yield CheckSpec(name="odbc", factory="acme_sql.doctor:check_odbc_driver", summary="ODBC driver")
    """


@hookspec
def odibi_register_commands() -> Iterable[CommandSpec]:  # type: ignore[empty-body]
    """Yield commands of the `odibi` command line.

    Called once at start-up. The clash key is the command's name; a command of the kernel cannot be replaced.

    Yields:
        CommandSpec: One per thing that this plugin provides.

    Example:
        A whole plugin::

            from odibi_core.plugin import CommandSpec, hookimpl


            @hookimpl
            def odibi_register_commands():
                yield CommandSpec(name="acme", factory="acme_cli.commands:acme", summary="Acme's own commands")
    """


# --- configure -------------------------------------------------------------------------------------------------------


@hookspec
def odibi_configure(config: ProjectConfig) -> None:
    """Prepare for a run: called once per run, before its plan is made, on the thread that called `run_project`.

    The return value is ignored. An exception is logged with the plugin's name, counted, and the run goes on.

    Args:
        config: The project, the environment, the project's folder and ``plugins.settings`` of the manifest.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_configure(config):
                print(f"about to run {config.project} in {config.env}")
    """


@hookspec
def odibi_unconfigure(config: ProjectConfig) -> None:
    """Clean up after a run: called once for each `odibi_configure`, whatever way the run ended, on the same thread.

    The return value is ignored. An exception is logged with the plugin's name and changes nothing.

    Args:
        config: What `odibi_configure` was called with.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_unconfigure(config):
                print(f"done with {config.project}")
    """


# --- run -------------------------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
def odibi_run_project(task: ProjectTask) -> Any:
    """Run a planned project: called once per run, on the thread that called `run_project`.

    The kernel's own implementation is ``trylast`` and returns ``task.execute()``, which

    1. emits `orchestrator_run_start`,
    2. runs the layers in order: `bronze_start` or `layer_start` and `configs_loaded`, then each transformation through
       `odibi_run_transformation`, then the cache plan, then `bronze_end` or `layer_end`,
    3. closes the journal and delivers the records to the log sinks (`logs_persisted`),
    4. emits `orchestrator_run_end` and returns the `RunResult`.

    Return None to leave the run to the next implementation. What this raises ends the run as FAILED.

    Args:
        task: The run; ``task.execute()`` does the default steps.

    Returns:
        A `RunResult`, or None.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl(wrapper=True)
            def odibi_run_project(task):
                print(f"{task.project}: {len(task.transformation_ids)} transformations")
                return (yield)
    """


@hookspec(firstresult=True)
def odibi_run_transformation(task: TransformationTask) -> TransformationOutcome | None:
    """Run one attempt at one transformation: called once per attempt, on a worker thread, from several at once.

    The kernel's own implementation is ``trylast`` and returns ``task.execute()``, which for a managed function

    1. reads each input (`pre_read`, `post_read`),
    2. calls the function (`pre_transform`, `post_transform`),
    3. saves each output (`pre_save`, `post_save`);

    a v2-style function is called with its own arguments and does its own reading and saving. Return None to leave the
    transformation to the next implementation. What this raises fails the attempt.

    Args:
        task: The attempt; ``task.execute()`` does the default steps.

    Returns:
        What was done, or None.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl(wrapper=True)
            def odibi_run_transformation(task):
                with open_span(task.transformation_id):
                    return (yield)
    """


# --- observe ---------------------------------------------------------------------------------------------------------


@hookspec
def odibi_orchestrator_run_start(event: events.OrchestratorRunStart) -> None:
    """A run begins.

    Called once per run, on the thread that called `run_project`. The return value is ignored; an exception is
    logged and counted, and changes nothing.

    Args:
        event: See `OrchestratorRunStart`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_orchestrator_run_start(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_orchestrator_run_end(event: events.OrchestratorRunEnd) -> None:
    """A run has ended, whatever way.

    Called once per run, on the thread that called `run_project`. The return value is ignored; an exception is
    logged and counted, and changes nothing.

    Args:
        event: See `OrchestratorRunEnd`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_orchestrator_run_end(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_pipeline_start(event: events.OrchestratorRunStart) -> None:
    """Another name of `odibi_orchestrator_run_start`.

    Called once per run, on the thread that called `run_project`. The return value is ignored; an exception is
    logged and counted, and changes nothing.

    Args:
        event: See `OrchestratorRunStart`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_pipeline_start(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_pipeline_end(event: events.OrchestratorRunEnd) -> None:
    """Another name of `odibi_orchestrator_run_end`.

    Called once per run, on the thread that called `run_project`. The return value is ignored; an exception is
    logged and counted, and changes nothing.

    Args:
        event: See `OrchestratorRunEnd`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_pipeline_end(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_bronze_start(event: events.BronzeStart) -> None:
    """The Bronze layer begins.

    Called at most once per run, on the thread that called `run_project`. The return value is ignored; an exception
    is logged and counted, and changes nothing.

    Args:
        event: See `BronzeStart`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_bronze_start(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_bronze_end(event: events.BronzeEnd) -> None:
    """The Bronze layer has ended.

    Called once for each `odibi_bronze_start`, on the thread that called `run_project`. The return value is
    ignored; an exception is logged and counted, and changes nothing.

    Args:
        event: See `BronzeEnd`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_bronze_end(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_layer_start(event: events.LayerStart) -> None:
    """A layer other than Bronze begins.

    Called once per layer, on the thread that called `run_project`. The return value is ignored; an exception is
    logged and counted, and changes nothing.

    Args:
        event: See `LayerStart`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_layer_start(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_layer_end(event: events.LayerEnd) -> None:
    """A layer other than Bronze has ended.

    Called once for each `odibi_layer_start`, on the thread that called `run_project`. The return value is ignored;
    an exception is logged and counted, and changes nothing.

    Args:
        event: See `LayerEnd`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_layer_end(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_configs_loaded(event: events.ConfigsLoaded) -> None:
    """The rows of a layer other than Bronze are known.

    Called once per layer, also for an empty one, on the thread that called `run_project`. The return value is
    ignored; an exception is logged and counted, and changes nothing.

    Args:
        event: See `ConfigsLoaded`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_configs_loaded(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_transform_start(event: events.TransformStart) -> None:
    """A transformation begins.

    Called once per transformation that runs, however many attempts it takes, on the worker thread of the
    transformation. The return value is ignored; an exception is logged and counted, and changes nothing.

    Args:
        event: See `TransformStart`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_transform_start(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_transform_success(event: events.TransformSuccess) -> None:
    """A transformation has succeeded and its outputs are saved.

    Called at most once per transformation, on the worker thread of the transformation. The return value is
    ignored; an exception is logged and counted, and changes nothing.

    Args:
        event: See `TransformSuccess`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_transform_success(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_transform_failure(event: events.TransformFailure) -> None:
    """A transformation has failed for good.

    Called at most once per transformation, on the worker thread of the transformation. The return value is
    ignored; an exception is logged and counted, and changes nothing.

    Args:
        event: See `TransformFailure`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_transform_failure(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_transform_retry(event: events.TransformRetry) -> None:
    """An attempt failed with a transient error.

    Called once for each attempt that another follows, on the worker thread of the transformation. The return value
    is ignored; an exception is logged and counted, and changes nothing.

    Args:
        event: See `TransformRetry`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_transform_retry(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_transform_skipped(event: events.TransformSkipped) -> None:
    """A transformation will not run, because of another or because what it made in an earlier run stands.

    Called at most once per transformation, on the thread of the transformation that was the cause, or, if that was
    an earlier run, on a worker thread. The return value is ignored; an exception is logged and counted, and changes
    nothing.

    Args:
        event: See `TransformSkipped`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_transform_skipped(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_pre_read(event: events.PreRead) -> None:
    """A managed function's input is about to be read.

    Called once per input and attempt, on the worker thread of the transformation. The return value is ignored; an
    exception is logged and counted, and changes nothing.

    Args:
        event: See `PreRead`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_pre_read(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_post_read(event: events.PostRead) -> None:
    """A managed function's input was read.

    Called once per input and attempt, on the worker thread of the transformation. The return value is ignored; an
    exception is logged and counted, and changes nothing.

    Args:
        event: See `PostRead`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_post_read(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_pre_transform(event: events.PreTransform) -> None:
    """A managed function is about to be called.

    Called once per attempt, on the worker thread of the transformation. The return value is ignored; an exception
    is logged and counted, and changes nothing.

    Args:
        event: See `PreTransform`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_pre_transform(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_post_transform(event: events.PostTransform) -> None:
    """A managed function has returned.

    Called once per attempt, on the worker thread of the transformation. The return value is ignored; an exception
    is logged and counted, and changes nothing.

    Args:
        event: See `PostTransform`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_post_transform(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_pre_save(event: events.PreSave) -> None:
    """An output is about to be saved.

    Called once per output and attempt, on the worker thread of the transformation. The return value is ignored; an
    exception is logged and counted, and changes nothing.

    Args:
        event: See `PreSave`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_pre_save(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_post_save(event: events.PostSave) -> None:
    """An output was saved.

    Called once per output and attempt, on the worker thread of the transformation. The return value is ignored; an
    exception is logged and counted, and changes nothing.

    Args:
        event: See `PostSave`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_post_save(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_caching_start(event: events.CachingStart) -> None:
    """Tables of the cache plan are about to be cached.

    Called once per layer that has some, on the thread that called `run_project`. The return value is ignored; an
    exception is logged and counted, and changes nothing.

    Args:
        event: See `CachingStart`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_caching_start(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_caching_end(event: events.CachingEnd) -> None:
    """Tables of the cache plan were cached, or not.

    Called once for each `odibi_caching_start`, on the thread that called `run_project`. The return value is
    ignored; an exception is logged and counted, and changes nothing.

    Args:
        event: See `CachingEnd`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_caching_end(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_logs_persisted(event: events.LogsPersisted) -> None:
    """The run's records are stored.

    Called once for the journal and once per log sink, on the thread that called `run_project`. The return value is
    ignored; an exception is logged and counted, and changes nothing.

    Args:
        event: See `LogsPersisted`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_logs_persisted(event):
                print(event.timestamp, event.name)
    """


@hookspec
def odibi_on_error(event: events.OnError) -> None:
    """An attempt at a transformation raised.

    Called once per failed attempt, on the worker thread of the transformation. The return value is ignored; an
    exception is logged and counted, and changes nothing.

    Args:
        event: See `OnError`.

    Example:
        A whole plugin::

            from odibi_core.plugin import hookimpl


            @hookimpl
            def odibi_on_error(event):
                print(event.timestamp, event.name)
    """
