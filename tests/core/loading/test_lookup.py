"""Asking for what plugins provide, and what is said when it is not there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from odibi_core.errors import ConfigError, EngineNotFoundError, PluginNotFoundError
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import EngineSpec, FunctionsSpec, LogSinkSpec, ReaderSpec, SaverSpec, hookimpl

HOOKS = {
    EngineSpec: "odibi_register_engines",
    FunctionsSpec: "odibi_register_functions",
    LogSinkSpec: "odibi_register_log_sinks",
    ReaderSpec: "odibi_register_readers",
    SaverSpec: "odibi_register_savers",
}


def provider(hook, specs):
    @hookimpl(specname=hook)
    def register():
        yield from specs

    return register


def provide(manager, *specs, name="acme"):
    hooks = {HOOKS[type(spec)] for spec in specs}
    functions = {hook: provider(hook, [spec for spec in specs if HOOKS[type(spec)] == hook]) for hook in hooks}
    return manager.register(SimpleNamespace(**functions), name=name)


def engines(*names):
    return [EngineSpec(name=name, factory=f"acme.{name}:Engine") for name in names]


def test_kernel_provides_local_and_package_connections_and_environment_secrets(manager):
    assert manager.connections.names() == ("local", "package")
    assert manager.connections.get("local").factory == "odibi_core.project.connections:LocalConnection"
    assert manager.connections.get("package").factory == "odibi_core.project.connections:PackageConnection"
    assert manager.secret_providers.names() == ("env",)
    assert manager.records == ()
    assert manager.owner_of(manager.connections.get("local")).distribution == "odibi-core"


def test_environment_secret_is_looked_up(manager, monkeypatch):
    monkeypatch.setenv("ACME_TOKEN", "s3cret")
    provider_class = manager.load(manager.secret_providers.get("env"))

    assert provider_class().get("ACME_TOKEN") == "s3cret"
    assert provider_class().get("ACME_TOKEN_OF_NOBODY") is None


@pytest.mark.parametrize("spelling", ["duckdb", " DuckDB ", "DUCKDB\n"])
def test_engine_is_found_in_any_case_and_with_blanks(spelling, manager):
    provide(manager, *engines("duckdb"))

    assert manager.engine(spelling).name == "duckdb"
    assert spelling in manager.engines


def test_modules_of_functions_keep_their_case(manager):
    provide(manager, FunctionsSpec(name="acme.Cleaning"))

    assert "acme.Cleaning" in manager.functions
    assert "acme.cleaning" not in manager.functions


def test_registry_is_sorted_whatever_the_order_of_registration(manager):
    """Pitfall 4: order is never part of a contract."""
    provide(manager, *engines("zeta", "beta"), name="z")
    provide(manager, *engines("alpha"), name="a")

    assert list(manager.engines) == ["alpha", "beta", "zeta"]
    assert [spec.name for spec in manager.engines.values()] == ["alpha", "beta", "zeta"]
    assert len(manager.engines) == 3


def test_no_key_but_a_string_is_in_a_registry(manager):
    assert 42 not in manager.engines


def test_misspelt_engine_lists_what_there_is_and_what_to_install(manager):
    provide(manager, *engines("polars", "pandas"))

    with pytest.raises(EngineNotFoundError) as caught:
        manager.engine("sprak")

    assert str(caught.value) == (
        "Engine 'sprak' not found. Installed: pandas, polars. Did you mean 'spark'? "
        "It needs: pip install odibi-engine-spark"
    )
    assert isinstance(caught.value, ConfigError)
    assert isinstance(caught.value, LookupError)


def test_misspelt_engine_that_is_installed_needs_no_pip(manager):
    provide(manager, *engines("pandas"))

    with pytest.raises(EngineNotFoundError, match=r"Did you mean 'pandas'\?$"):
        manager.engine("pandsa")


@pytest.mark.parametrize("name", ["pandas", "spark", "polars"])
def test_known_engine_that_is_not_installed_says_what_to_install(name, manager):
    provide(manager, *engines("duckdb"))

    with pytest.raises(EngineNotFoundError, match=f"Installed: duckdb. It needs: pip install odibi-engine-{name}$"):
        manager.engine(name)


def test_without_any_engine_the_error_says_so_and_how_to_begin(manager):
    with pytest.raises(EngineNotFoundError) as caught:
        manager.engine("datafusion")

    assert str(caught.value) == (
        "Engine 'datafusion' not found. No engine is installed. The one to start with: pip install odibi-engine-pandas"
    )


@pytest.mark.parametrize("kind", ["sql", "delta", "file"])
def test_known_log_sink_says_what_to_install(kind, manager):
    with pytest.raises(PluginNotFoundError, match=rf"Log sink '{kind}' not found.*pip install \"?odibi-sinks"):
        manager.log_sinks.get(kind)


def test_incompatible_plugin_is_quoted_instead_of_a_pip_line_that_would_not_help(install_distribution):
    install_distribution(
        "odibi-engine-spark",
        plugins={"engine-spark": "odibi_engine_spark.plugin"},
        requires=["odibi-core>=99"],
    )
    manager = PluginManager(PluginSettings(only=frozenset({"engine-spark"}))).discover()

    with pytest.raises(EngineNotFoundError) as caught:
        manager.engine("spark")

    message = str(caught.value)
    assert "Plugin 'engine-spark' (odibi-engine-spark 1.0) is incompatible: needs odibi-core>=99" in message
    assert "It needs: pip install odibi-engine-spark" not in message


def test_blocked_plugin_is_quoted_when_it_is_named_like_what_was_asked_for(install_distribution, discover):
    install_distribution.plugin("duck", "")
    install_distribution.plugin("goose", "")

    with pytest.raises(EngineNotFoundError) as caught:
        discover(disable=["acme-duck", "acme-goose"]).engine("duck")

    assert "Plugin 'duck' (acme-duck 1.0) is blocked: disabled as 'acme-duck'" in str(caught.value)
    assert "goose" not in str(caught.value)


def test_reader_of_an_engine_comes_before_one_for_any_engine(manager):
    provide(
        manager,
        *engines("duckdb"),
        ReaderSpec(engine="duckdb", format="csv", factory="acme.own:Reader"),
        ReaderSpec(engine="any", format="csv", factory="acme.arrow:Reader"),
        ReaderSpec(engine="any", format="sql", factory="acme.arrow:Reader"),
        SaverSpec(engine="any", format="sql", factory="acme.arrow:Saver"),
    )

    assert manager.reader_for(" DuckDB", "CSV").factory == "acme.own:Reader"
    assert manager.reader_for("duckdb", "sql").engine == "any"
    assert manager.saver_for("duckdb", "sql").engine == "any"


def test_unknown_format_lists_the_formats_of_the_engine(manager):
    provide(
        manager,
        *engines("duckdb"),
        ReaderSpec(engine="duckdb", format="parquet", factory="acme.own:Reader"),
        ReaderSpec(engine="any", format="csv", factory="acme.arrow:Reader"),
        ReaderSpec(engine="other", format="xml", factory="acme.other:Reader"),
    )

    with pytest.raises(PluginNotFoundError) as caught:
        manager.reader_for("duckdb", "parqet")

    assert str(caught.value) == (
        "No reader for format 'parqet' on engine 'duckdb'. It has: csv, parquet. Did you mean 'parquet'?"
    )


def test_known_format_says_what_to_install(manager):
    provide(manager, *engines("duckdb"))

    with pytest.raises(PluginNotFoundError) as caught:
        manager.saver_for("duckdb", "delta")

    assert str(caught.value) == (
        "No saver for format 'delta' on engine 'duckdb'. No saver is installed for it. "
        'It needs: pip install "odibi-sinks[delta]"'
    )


def test_blocked_plugin_is_quoted_where_it_would_have_the_format(install_distribution):
    install_distribution("odibi-sinks", plugins={"sinks": "fake_sinks"}, modules={"fake_sinks.py": ""})
    manager = PluginManager(PluginSettings(disable=frozenset({"sinks"}))).discover()

    with pytest.raises(PluginNotFoundError) as caught:
        manager.log_sinks.get("delta")

    assert "Plugin 'sinks' (odibi-sinks 1.0) is blocked: disabled as 'sinks'" in str(caught.value)
    assert "pip install" not in str(caught.value)


def test_reader_for_an_engine_that_is_not_there_is_an_error_about_the_engine(manager):
    with pytest.raises(EngineNotFoundError, match="Engine 'duckdb' not found"):
        manager.reader_for("duckdb", "csv")


def test_active_first_party_plugin_that_lacks_a_name_may_be_too_old(install_distribution):
    install_distribution("odibi-sinks", plugins={"sinks": "fake_sinks"}, modules={"fake_sinks.py": ""})
    manager = PluginManager(PluginSettings(only=frozenset({"sinks"}))).discover()

    with pytest.raises(
        PluginNotFoundError, match=r'A newer odibi-sinks may have it: pip install --upgrade "odibi-sinks\[delta\]"'
    ):
        manager.log_sinks.get("delta")


def test_spec_of_another_manager_has_no_owner(manager):
    with pytest.raises(PluginNotFoundError, match="no plugin of this manager provides this engine 'x'"):
        manager.owner_of(EngineSpec(name="x", factory="a:B"))


def test_equal_spec_has_the_owner_of_the_one_that_was_registered(manager):
    record = provide(manager, *engines("duckdb"))

    assert manager.owner_of(engines("duckdb")[0]) is record
