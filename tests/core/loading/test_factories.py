"""Level 2: importing what a spec names, at the first use, and what is said when that fails."""

from __future__ import annotations

import sys

import pytest

from odibi_core.errors import PluginContractError, PluginLoadError
from odibi_core.loading import resolve_reference

PLUGIN = """
@hookimpl
def odibi_register_engines():
    yield EngineSpec(
        name="duck", factory="acme_duck.engine:{name}", requires={requires}, options_model={model!r}
    )
"""
ENGINE = """
class Engine:
    def is_frame(self, value): ...
    def count_rows(self, frame): ...
    def to_arrow(self, frame): ...
    def from_arrow(self, stream): ...
    def close(self): ...
"""


@pytest.fixture
def engine_spec(install_distribution, discover):
    """Install a plugin whose engine is a given source, and return its spec with the manager."""

    def install(source=ENGINE, *, name="Engine", requires=(), model=None, extras=()):
        install_distribution.plugin(
            "duck", PLUGIN.format(name=name, requires=repr(tuple(requires)), model=model), requires=extras
        )
        if source is not None:
            (install_distribution.folder / "acme_duck" / "engine.py").write_text(source)
        manager = discover()
        return manager, manager.engine("duck")

    return install


def test_class_is_imported_at_first_use_and_once(engine_spec):
    """Pitfall 2: not while plugins are discovered."""
    manager, spec = engine_spec()
    assert "acme_duck.engine" not in sys.modules

    loaded = manager.load(spec)

    assert loaded.__name__ == "Engine"
    del sys.modules["acme_duck.engine"]
    assert manager.load(spec) is loaded


def test_missing_methods_are_listed(engine_spec):
    manager, spec = engine_spec("class Engine:\n    def is_frame(self, value): ...\n    def close(self): ...\n")

    with pytest.raises(PluginContractError) as caught:
        manager.load(spec)

    assert str(caught.value) == (
        "Engine 'duck' of plugin 'duck' (acme-duck 1.0): acme_duck.engine:Engine lacks the method count_rows(frame); "
        "lacks the method to_arrow(frame); lacks the method from_arrow(stream). "
        "Another version may help: pip install --upgrade acme-duck"
    )
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("    def close(self, force): ...", "has a method close that cannot be called as close()"),
        ("    def is_frame(self): ...", "has a method is_frame that cannot be called as is_frame(value)"),
        ("    async def close(self): ...", "has an async method close"),
    ],
)
def test_methods_that_cannot_be_called_as_the_protocol_says_are_listed(line, words, engine_spec):
    manager, spec = engine_spec(f"{ENGINE}{line}\n")

    with pytest.raises(PluginContractError, match=r"acme-duck 1.0") as caught:
        manager.load(spec)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    "lines",
    [
        "    def close(self, force=False, **more): ...",
        "    @staticmethod\n    def is_frame(value): ...",
        "    @classmethod\n    def is_frame(cls, value): ...",
        "    is_frame = property(lambda self: callable)",
    ],
)
def test_methods_that_can_be_called_so_are_enough(lines, engine_spec):
    manager, spec = engine_spec(f"{ENGINE}{lines}\n")

    assert manager.load(spec).__name__ == "Engine"


def test_abstract_class_is_refused(engine_spec):
    source = (
        f"import abc\n{ENGINE.replace('Engine', 'Engine(abc.ABC)')}    @abc.abstractmethod\n    def more(self): ...\n"
    )
    manager, spec = engine_spec(source)

    with pytest.raises(PluginContractError, match="is abstract: more"):
        manager.load(spec)


def test_function_is_no_class(engine_spec):
    manager, spec = engine_spec("def Engine(config): ...\n")

    with pytest.raises(PluginContractError, match="is no class, but function 'Engine'"):
        manager.load(spec)


def test_name_that_the_module_lacks_is_suggested(engine_spec):
    manager, spec = engine_spec(ENGINE, name="Engien")

    with pytest.raises(PluginLoadError, match=r"has no 'Engien'. Did you mean 'Engine'\?") as caught:
        manager.load(spec)

    assert "'duck' (acme-duck 1.0)" in str(caught.value)
    assert "pip install --upgrade acme-duck" in str(caught.value)


def test_module_that_is_missing_is_the_plugins_fault(engine_spec):
    manager, spec = engine_spec(None)

    with pytest.raises(PluginLoadError, match=r"its module 'acme_duck.engine' does not exist") as caught:
        manager.load(spec)

    assert "pip install --force-reinstall acme-duck" in str(caught.value)
    assert isinstance(caught.value, ImportError)


@pytest.mark.parametrize(
    ("module", "extras", "line"),
    [
        ("acme_lib_of_nobody.fast", (), "pip install acme-lib-of-nobody"),
        ("acme_lib_of_nobody", ("acme-lib.of_nobody>=2; extra == 'fast'",), 'pip install "acme-duck[fast]"'),
        ("snowflake", (), "pip install snowflake-connector-python"),
        ("acme_native", ("Acme.Native >= 3 ; python_version < '3'",), 'pip install "Acme.Native>=3"'),
    ],
)
def test_missing_library_names_the_distribution_to_install(module, extras, line, engine_spec):
    manager, spec = engine_spec(f"import {module}\n{ENGINE}", extras=extras)

    with pytest.raises(PluginLoadError, match="is not installed") as caught:
        manager.load(spec)

    assert str(caught.value).endswith(line)
    assert "Engine 'duck' of plugin 'duck' (acme-duck 1.0) cannot be loaded" in str(caught.value)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_requirements_of_the_spec_are_checked_before_the_import(engine_spec):
    """Pitfall 24: they are where extras of an entry point would have been."""
    manager, spec = engine_spec("raise RuntimeError", requires=["acme-native>=3"])

    with pytest.raises(PluginLoadError) as caught:
        manager.load(spec)

    assert str(caught.value) == (
        "Engine 'duck' of plugin 'duck' (acme-duck 1.0) needs acme-native>=3, which is not installed: "
        'pip install "acme-native>=3"'
    )


@pytest.mark.parametrize("source", ["raise RuntimeError('no licence')", "raise SystemExit('no licence')"])
def test_module_that_raises_is_reported_with_its_plugin(source, engine_spec):
    manager, spec = engine_spec(source)

    with pytest.raises(PluginLoadError, match=r"'duck' \(acme-duck 1\.0\) cannot be loaded: .*: no licence") as caught:
        manager.load(spec)

    assert caught.value.__cause__ is not None


def test_failed_import_is_tried_again(engine_spec, install_distribution):
    manager, spec = engine_spec("import acme_lib_of_nobody\n" + ENGINE)
    with pytest.raises(PluginLoadError):
        manager.load(spec)

    install_distribution("acme-lib-of-nobody", modules={"acme_lib_of_nobody.py": ""})

    assert manager.load(spec).__name__ == "Engine"


def test_options_model_is_loaded_on_its_own(engine_spec, install_distribution):
    manager, spec = engine_spec("raise RuntimeError", model="acme_duck.options:Options")
    (install_distribution.folder / "acme_duck" / "options.py").write_text(
        "from pydantic import BaseModel\nclass Options(BaseModel):\n    threads: int = 4\n"
    )

    model = manager.load_options_model(spec)

    assert model is not None
    assert model().model_dump() == {"threads": 4}
    assert manager.load_options_model(spec) is model


def test_spec_without_options_model_has_none(engine_spec):
    manager, spec = engine_spec()

    assert manager.load_options_model(spec) is None


def test_options_model_that_is_none_is_refused(engine_spec):
    manager, spec = engine_spec(model="acme_duck.engine:Engine")

    with pytest.raises(PluginContractError, match=r"its options model acme_duck.engine:Engine is no pydantic model"):
        manager.load_options_model(spec)


def test_checks_commands_and_functions_are_loaded_too(install_distribution, discover):
    install_distribution.plugin(
        "tools",
        """
        @hookimpl
        def odibi_register_checks():
            yield CheckSpec(name="java", factory="acme_tools.tools:check")
            yield CheckSpec(name="broken", factory="acme_tools.tools:number")

        @hookimpl
        def odibi_register_commands():
            yield CommandSpec(name="acme", factory="acme_tools.tools:command")
            yield CommandSpec(name="broken", factory="acme_tools.tools:check")

        @hookimpl
        def odibi_register_functions():
            yield FunctionsSpec(name="acme_tools.tools")
            yield FunctionsSpec(name="acme_tools.missing")
        """,
    )
    (install_distribution.folder / "acme_tools" / "tools.py").write_text(
        "import click\nnumber = 42\ndef check(): ...\n@click.command()\ndef command(): ...\n"
    )
    manager = discover()

    assert manager.load(manager.checks.get("java")).__name__ == "check"
    assert manager.load(manager.commands.get("acme")).name == "command"
    assert manager.load(manager.functions.get("acme_tools.tools")).number == 42
    assert manager.load_options_model(manager.checks.get("java")) is None
    with pytest.raises(PluginContractError, match=r"acme_tools.tools:number cannot be called"):
        manager.load(manager.checks.get("broken"))
    with pytest.raises(PluginContractError, match=r"acme_tools.tools:check is no click command"):
        manager.load(manager.commands.get("broken"))
    with pytest.raises(PluginLoadError, match=r"Functions 'acme_tools.missing' of plugin 'tools'"):
        manager.load(manager.functions.get("acme_tools.missing"))


@pytest.mark.parametrize("reference", ["", "pathlib", ":Path", "pathlib:", "pathlib.Path"])
def test_text_that_is_no_reference_is_refused(reference):
    with pytest.raises(PluginContractError, match=r"package.module:Name"):
        resolve_reference(reference)


def test_reference_may_name_an_attribute_of_an_attribute():
    from pathlib import Path

    assert resolve_reference("pathlib:Path.cwd").__func__ is Path.cwd.__func__
