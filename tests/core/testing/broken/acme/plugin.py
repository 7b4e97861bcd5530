"""What the correct plugin provides."""

from odibi_core.plugin import (
    Capability,
    ConfigStoreSpec,
    ConnectionSpec,
    EngineSpec,
    LogSinkSpec,
    ReaderSpec,
    SaverSpec,
    hookimpl,
)

ENGINE = EngineSpec(
    name="acme",
    factory="acme.engine:AcmeEngine",
    summary="Arrow tables, now or later",
    options_model="acme.options:EngineOptions",
    capabilities={"cache": Capability(supported=False, note="tables are in memory anyhow")},
)
READER = ReaderSpec(
    engine="acme",
    format="acme",
    factory="acme.files:AcmeReader",
    summary="Arrow IPC files",
    options_model="acme.options:ReadOptions",
    suffixes=(".acme",),
)
SAVER = SaverSpec(
    engine="acme",
    format="acme",
    factory="acme.files:AcmeSaver",
    summary="Arrow IPC files, replaced in one step",
    options_model="acme.options:SaveOptions",
    suffixes=(".acme",),
)
SINK = LogSinkSpec(
    name="acme",
    factory="acme.sink:AcmeSink",
    summary="An SQLite file",
    options_model="acme.options:SinkOptions",
)
CONNECTION = ConnectionSpec(
    name="acme",
    factory="acme.connection:AcmeConnection",
    summary="A folder that a token opens",
    options_model="acme.options:ConnectionOptions",
)
STORE = ConfigStoreSpec(
    name="acme",
    factory="acme.store:AcmeStore",
    summary="Rows of every project in one JSON file",
    options_model="acme.options:StoreOptions",
)


@hookimpl
def odibi_register_engines():
    yield ENGINE


@hookimpl
def odibi_register_readers():
    yield READER


@hookimpl
def odibi_register_savers():
    yield SAVER


@hookimpl
def odibi_register_log_sinks():
    yield SINK


@hookimpl
def odibi_register_connections():
    yield CONNECTION


@hookimpl
def odibi_register_config_stores():
    yield STORE


@hookimpl
def odibi_configure(config):
    from acme import seen

    seen.begin(config.project)


@hookimpl
def odibi_unconfigure(config):
    from acme import seen

    seen.end(config.project)


@hookimpl
def odibi_post_save(event):
    from acme import seen

    seen.note(event.run_id, event.dataset.name, event.rows)


@hookimpl
def odibi_post_read(event):
    from acme import seen

    seen.note(event.run_id, event.dataset.name, event.rows)
