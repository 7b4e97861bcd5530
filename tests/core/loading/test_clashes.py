"""Two plugins for one name: neither is used until somebody chooses, and both say so."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from odibi_core.errors import PluginConflictError, PluginNotFoundError
from odibi_core.loading import PluginManager, PluginSettings, PluginState
from odibi_core.plugin import CommandSpec, ConnectionSpec, EngineSpec, ProjectTask, ReaderSpec, SaverSpec, hookimpl


@pytest.fixture
def twins(install_distribution):
    for number, name in enumerate(("one", "two"), start=1):
        source = f"""
        @hookimpl
        def odibi_register_engines():
            yield EngineSpec(name="duckdb", factory="acme_{name}.engine:Engine")
            yield EngineSpec(name="only-{name}", factory="acme_{name}.engine:Engine")

        @hookimpl
        def odibi_register_readers():
            yield ReaderSpec(engine="duckdb", format="csv", factory="acme_{name}.csv:Reader")

        @hookimpl
        def odibi_register_savers():
            yield SaverSpec(engine="duckdb", format="csv", factory="acme_{name}.csv:Saver")
        """
        install_distribution.plugin(name, source, version=f"{number}.0")


@pytest.mark.usefixtures("twins")
def test_contested_engine_cannot_be_used_and_the_error_names_both_and_two_ways_out(discover):
    manager = discover()

    with pytest.raises(PluginConflictError) as caught:
        manager.engine("DuckDB")

    message = str(caught.value)
    assert "engine duckdb is provided by 2 plugins: 'one' (acme-one 1.0), 'two' (acme-two 2.0)." in message
    assert "ODIBI_PLUGINS_DISABLE=acme-one" in message
    assert '{"plugins": {"disable": ["acme-one"]}} in the manifest' in message
    assert '{"plugins": {"prefer": {"engine duckdb": "acme-one"}}}' in message


@pytest.mark.usefixtures("twins")
def test_both_plugins_stay_active_and_say_what_is_contested(discover, record_of):
    manager = discover()

    for name in ("one", "two"):
        record = record_of(manager, name)
        assert record.state is PluginState.ACTIVE
        assert "engine duckdb is provided by 2 plugins" in record.reason
        assert "reader duckdb/csv is provided by 2 plugins" in record.reason
        assert "saver duckdb/csv is provided by 2 plugins" in record.reason
    assert manager.engines.names() == ("only-one", "only-two")
    assert "duckdb" not in manager.engines
    assert list(manager.engines.conflicts()) == ["duckdb"]
    assert [record.name for record in manager.engines.conflicts()["duckdb"]] == ["one", "two"]
    assert set(manager.conflicts()) == {"engine duckdb", "reader duckdb/csv", "saver duckdb/csv"}


@pytest.mark.parametrize("choice", ["two", "acme-two", "Acme_Two"])
@pytest.mark.usefixtures("twins")
def test_prefer_chooses_by_plugin_or_distribution(choice, discover, record_of):
    manager = discover(prefer={"engine  DuckDB": choice})

    assert manager.engine("duckdb").factory == "acme_two.engine:Engine"
    assert manager.owner_of(manager.engine("duckdb")) is record_of(manager, "two")
    assert "its engine duckdb is not used: `prefer` chooses 'two' (acme-two 2.0)" in record_of(manager, "one").reason
    assert "engine duckdb" not in record_of(manager, "two").reason
    assert "engine duckdb" not in manager.conflicts()


@pytest.mark.usefixtures("twins")
def test_prefer_chooses_readers_and_savers_one_by_one(discover):
    manager = discover(prefer={"reader duckdb/csv": "one", "saver duckdb/csv": "two"})

    assert manager.reader_for("duckdb", "csv").factory == "acme_one.csv:Reader"
    assert manager.saver_for("duckdb", "csv").factory == "acme_two.csv:Saver"


@pytest.mark.usefixtures("twins")
def test_contested_reader_is_an_error_and_not_the_one_for_any_engine(discover):
    manager = discover()

    @hookimpl
    def odibi_register_readers():
        yield ReaderSpec(engine="any", format="csv", factory="acme.csv:Reader")

    manager.register(SimpleNamespace(odibi_register_readers=odibi_register_readers), name="arrow")

    with pytest.raises(PluginConflictError, match="reader duckdb/csv is provided by 2 plugins"):
        manager.reader_for("duckdb", "csv")
    assert manager.reader_for("pandas", "csv").engine == "any"


@pytest.mark.usefixtures("twins")
def test_prefer_that_names_none_of_them_leaves_the_clash_and_is_quoted(discover):
    manager = discover(prefer={"engine duckdb": "acme-three"})

    with pytest.raises(PluginConflictError, match="`prefer` says 'acme-three', which is not one of them alone"):
        manager.engine("duckdb")


@pytest.mark.usefixtures("twins")
def test_disabling_one_is_a_way_out(discover):
    assert discover(disable=["acme-one"]).engine("duckdb").factory == "acme_two.engine:Engine"


def test_prefer_for_a_name_that_one_plugin_provides_changes_nothing(install_distribution, discover, record_of):
    install_distribution.plugin(
        "one",
        """
        @hookimpl
        def odibi_register_engines():
            yield EngineSpec(name="duckdb", factory="acme_one.engine:Engine")
        """,
    )

    manager = discover(prefer={"engine duckdb": "acme-two"})

    assert manager.engine("duckdb").factory == "acme_one.engine:Engine"
    assert record_of(manager, "one").reason == ""


def test_two_plugins_of_one_distribution_are_told_apart_by_their_names(install_distribution, discover):
    source = """
    from odibi_core.plugin import EngineSpec, hookimpl

    @hookimpl
    def odibi_register_engines():
        yield EngineSpec(name="duckdb", factory="acme.engine:Engine")
    """
    install_distribution(
        "acme",
        plugins={"left": "acme.left", "right": "acme.right"},
        modules={"acme/left.py": source, "acme/right.py": source},
    )

    with pytest.raises(PluginConflictError, match="ODIBI_PLUGINS_DISABLE=left"):
        discover().engine("duckdb")
    assert discover(prefer={"engine duckdb": "right"}).conflicts() == {}
    assert "engine duckdb" in discover(prefer={"engine duckdb": "acme"}).conflicts()


def test_clash_with_the_kernel_is_settled_like_any_other():
    """The kernel's own cannot be disabled, so the way out is to disable the other, or to prefer either."""

    @hookimpl
    def odibi_register_connections():
        yield ConnectionSpec(name="local", factory="acme.connection:Local")

    plugin = SimpleNamespace(odibi_register_connections=odibi_register_connections)

    def manager(**settings):
        made = PluginManager(PluginSettings(discover=False, **settings))
        made.register(plugin, name="acme")
        return made

    with pytest.raises(PluginConflictError, match="ODIBI_PLUGINS_DISABLE=acme"):
        manager().connections.get("local")
    assert manager(prefer={"connection local": "odibi-core"}).connections.get("local").factory.startswith("odibi_core.")
    assert manager(prefer={"connection local": "acme"}).connections.get("local").factory == "acme.connection:Local"


def test_command_of_the_kernel_cannot_be_replaced(manager):
    @hookimpl
    def odibi_register_commands():
        yield CommandSpec(name="run", factory="acme.commands:run")
        yield CommandSpec(name="acme", factory="acme.commands:acme")

    record = manager.register(SimpleNamespace(odibi_register_commands=odibi_register_commands), name="acme")

    assert record.state is PluginState.ACTIVE
    assert record.reason == "its command 'run' is not used: the name is the kernel's"
    assert manager.commands.names() == ("acme",)
    with pytest.raises(PluginNotFoundError, match="Command 'run' not found"):
        manager.commands.get("run")


# --- run hooks ---


def answering(text):
    @hookimpl
    def odibi_run_project(task):
        return f"{text} ran {task.project}"

    return SimpleNamespace(odibi_run_project=odibi_run_project)


def project_task(execute=lambda: "the default steps"):
    return ProjectTask(
        run_id="r", project="P", env="qat", engine="pandas", layers=(), transformation_ids=(), _execute=execute
    )


def manager_with(*names, **settings):
    manager = PluginManager(PluginSettings(discover=False, **settings))
    for name in names:
        manager.register(answering(name), name=name)
    return manager


def test_two_plugins_that_answer_a_run_hook_are_a_conflict():
    """P7: pluggy lets the one registered last win, silently."""
    manager = manager_with("airflow", "dagster")

    with pytest.raises(PluginConflictError) as caught:
        manager.run_project(project_task())

    assert "hook odibi_run_project is provided by 2 plugins: 'airflow'" in str(caught.value)
    assert '{"plugins": {"prefer": {"hook odibi_run_project": "airflow"}}}' in str(caught.value)
    assert all("hook odibi_run_project is provided by 2 plugins" in record.reason for record in manager.records)


@pytest.mark.parametrize("choice", ["airflow", "dagster"])
def test_prefer_chooses_who_answers_a_run_hook(choice):
    """P7: the explicit choice."""
    manager = manager_with("airflow", "dagster", prefer={"hook odibi_run_project": choice})

    assert manager.run_project(project_task()) == f"{choice} ran P"


def test_one_plugin_may_answer_a_run_hook():
    """P7: the kernel's own implementation is no claim."""
    assert manager_with("airflow").run_project(project_task()) == "airflow ran P"


def test_conflict_on_one_run_hook_leaves_the_other_alone():
    outcome = object()
    task = SimpleNamespace(execute=lambda: outcome)

    assert manager_with("airflow", "dagster").run_transformation(task) is outcome


def test_wrappers_of_a_run_hook_never_clash():
    """P7: any number may wrap, and the loser of a choice keeps nothing but its own answer to itself."""

    def wrapping(mark):
        @hookimpl(wrapper=True)
        def odibi_run_project(task):
            return f"{mark}({(yield)})"

        return SimpleNamespace(odibi_run_project=odibi_run_project)

    manager = manager_with("airflow")
    manager.register(wrapping("a"), name="a")
    manager.register(wrapping("b"), name="b")

    assert manager.run_project(project_task()) == "b(a(airflow ran P))"
    assert manager.conflicts() == {}


def test_unused_specs_of_one_kind_do_not_touch_another(manager):
    @hookimpl
    def odibi_register_savers():
        yield SaverSpec(engine="x", format="csv", factory="a:B")

    @hookimpl
    def odibi_register_engines():
        yield EngineSpec(name="x", factory="a:B")

    manager.register(SimpleNamespace(odibi_register_savers=odibi_register_savers), name="one")
    manager.register(SimpleNamespace(odibi_register_engines=odibi_register_engines), name="two")

    assert manager.conflicts() == {}
