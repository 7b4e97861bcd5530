"""What `odibi plugins new` writes, and when it writes nothing."""

from __future__ import annotations

import ast
import tomllib

import pytest

from odibi_core.authoring import PluginKind, make_plugin
from odibi_core.errors import ConfigError, EngineNotFoundError
from odibi_core.loading import PluginManager, PluginSettings

CASES = [
    pytest.param("reader", {}, ["reader any/historian"], id="reader"),
    pytest.param("reader", {"engine": "slate"}, ["reader slate/historian"], id="reader of an engine"),
    pytest.param("reader", {"data_format": "pi"}, ["reader any/pi"], id="reader of a format"),
    pytest.param("saver", {}, ["reader any/historian", "saver any/historian"], id="saver"),
    pytest.param(
        "saver",
        {"engine": "slate", "data_format": "pi"},
        ["reader slate/pi", "saver slate/pi"],
        id="saver of an engine",
    ),
    pytest.param("sink", {}, ["log sink historian"], id="sink"),
    pytest.param("connection", {}, ["connection historian"], id="connection"),
    pytest.param("engine", {}, ["engine historian", "reader historian/arrow", "saver historian/arrow"], id="engine"),
    pytest.param(
        "engine",
        {"engine": "pi", "data_format": "ipc"},
        ["engine pi", "reader pi/ipc", "saver pi/ipc"],
        id="engine of another name",
    ),
    pytest.param(
        "hooks",
        {},
        ["hook odibi_orchestrator_run_end", "hook odibi_transform_failure", "hook odibi_transform_success"],
        id="hooks",
    ),
]


@pytest.mark.parametrize(("kind", "options", "provides"), CASES)
def test_plugin_is_active_and_provides_what_was_said(kind, options, provides, tmp_path, installed, importable):
    made = make_plugin("acme-historian", kind=kind, path=tmp_path, manager=installed, **options)

    manager = PluginManager(PluginSettings(discover=False))
    manager.register(importable(tmp_path / "acme-historian" / "src", "acme_historian"), name="acme-historian")
    (record,) = manager.freeze().records
    assert made["provides"] == provides
    assert (record.state, record.reason, list(record.provides)) == ("active", "", provides)


@pytest.mark.parametrize(("kind", "options", "provides"), CASES)
def test_everything_that_it_names_can_be_loaded(kind, options, provides, tmp_path, installed, importable):
    make_plugin("acme-historian", kind=kind, path=tmp_path, manager=installed, **options)

    manager = PluginManager(PluginSettings(discover=False))
    manager.register(importable(tmp_path / "acme-historian" / "src", "acme_historian"), name="acme-historian")
    manager.freeze()
    registries = (manager.engines, manager.readers, manager.savers, manager.log_sinks, manager.connections)
    own = [spec for registry in registries for spec in registry.values() if manager.owner_of(spec).name != "kernel"]
    for spec in own:
        assert manager.load(spec).__module__.startswith("acme_historian.")
        manager.load_options_model(spec)
    assert len(own) == sum(not what.startswith("hook ") for what in provides)


@pytest.mark.parametrize("kind", PluginKind)
def test_distribution_is_described_for_pip(kind, tmp_path, installed):
    make_plugin("acme-historian", kind=kind, path=tmp_path, manager=installed)

    folder = tmp_path / "acme-historian"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "acme-historian"
    assert project["dependencies"][0] == "odibi-core>=0.1,<1"
    assert project["license"] == "Apache-2.0"
    assert project["entry-points"]["odibi.plugins"] == {"acme-historian": "acme_historian.plugin"}
    assert (folder / "src/acme_historian/py.typed").read_text() == ""
    assert {path.name for path in folder.iterdir()} == {
        ".gitignore",
        "CHANGELOG.md",
        "README.md",
        "pyproject.toml",
        "src",
        "tests",
    }


@pytest.mark.parametrize("kind", PluginKind)
def test_it_imports_the_plugin_surface_and_nothing_else_of_the_kernel(kind, tmp_path, installed):
    make_plugin("acme-historian", kind=kind, path=tmp_path, manager=installed)

    imported = set()
    for path in (tmp_path / "acme-historian").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported |= {name for name in names if name.startswith("odibi")}
    assert imported <= {"odibi_core.plugin", "odibi_core.plugin.files", "odibi_core.testing"}


def test_files_that_were_made_are_named(tmp_path, installed):
    made = make_plugin("acme-historian", kind="reader", path=tmp_path, manager=installed)

    files = sorted(str(path) for path in tmp_path.rglob("*") if path.is_file())
    assert sorted(made["created_files"]) == files
    assert made["next_steps"] == [f"cd {tmp_path / 'acme-historian'}", "pip install -e '.[test]'", "pytest"]


def test_folder_with_a_blank_can_be_typed_as_it_is_said(tmp_path, installed):
    made = make_plugin("acme-historian", kind="reader", path=tmp_path / "my plugins", manager=installed)

    assert made["next_steps"][0] == f"cd '{tmp_path / 'my plugins' / 'acme-historian'}'"


def test_reader_of_an_engine_requires_its_distribution(tmp_path, importable):
    from odibi_core.loading import get_manager

    make_plugin("acme-historian", kind="reader", path=tmp_path, engine="pandas", manager=get_manager())

    project = tomllib.loads((tmp_path / "acme-historian/pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["odibi-core>=0.1,<1", "odibi-engine-pandas>=0.1.0", "pyarrow>=18"]


def test_subject_that_is_no_name_of_a_class_gets_one(tmp_path, installed, importable):
    make_plugin("acme-3d", kind="sink", path=tmp_path, manager=installed)

    importable(tmp_path / "acme-3d" / "src", "acme_3d")
    from acme_3d.sink import Acme3dLogSink  # type: ignore[import-not-found]  # it was made a line ago

    assert Acme3dLogSink(tmp_path / "x.jsonl").last_seq("r1") == 0


@pytest.mark.parametrize(
    ("name", "kind", "options", "said"),
    [
        pytest.param("acme-csv", "reader", {}, r"reader any/csv, and 'slate' .* slate/csv already", id="format"),
        pytest.param("acme-tsv", "reader", {}, r"reader any/tsv, and 'slate' .* slate/csv already", id="suffix"),
        pytest.param("acme-csv", "saver", {"engine": "slate"}, r"reader slate/csv.*another --format", id="saver"),
        pytest.param("acme-slate", "engine", {}, r"engine slate, and 'slate' .*another --engine", id="engine"),
        pytest.param("acme-paper", "sink", {}, "log sink paper.*Choose another name", id="sink"),
        pytest.param("acme-local", "connection", {}, "connection local, and 'kernel'", id="connection of the kernel"),
        pytest.param("acme-x", "readr", {}, r"'readr' does not exist.*Did you mean 'reader'\?", id="kind"),
        pytest.param("acme-x", "sink", {"engine": "slate"}, "--engine says nothing .* engine, reader, saver", id="engine for a sink"),
        pytest.param("acme-x", "hooks", {"data_format": "x"}, "--format says nothing", id="format for hooks"),
        pytest.param("acme-any", "engine", {}, "No engine can be called 'any'", id="engine any"),
        pytest.param("acme x", "reader", {}, "no name that a distribution may have", id="name"),
    ],
)  # fmt: skip
def test_what_would_not_work_is_refused_and_nothing_is_written(name, kind, options, said, tmp_path, installed):
    with pytest.raises(ConfigError, match=said):
        make_plugin(name, kind=kind, path=tmp_path, manager=installed, **options)

    assert list(tmp_path.iterdir()) == []


def test_engine_that_is_not_installed_is_said_with_those_that_are(tmp_path, installed):
    with pytest.raises(EngineNotFoundError, match=r"'slat' not found. Installed: slate"):
        make_plugin("acme-x", kind="reader", engine="slat", path=tmp_path, manager=installed)


def test_folder_that_holds_something_is_left_alone(tmp_path, installed):
    (tmp_path / "acme-x").mkdir()
    (tmp_path / "acme-x" / "notes.txt").write_text("mine")

    with pytest.raises(ConfigError, match="acme-x is there already, and not empty"):
        make_plugin("acme-x", kind="reader", path=tmp_path, manager=installed)

    assert [path.name for path in tmp_path.rglob("*")] == ["acme-x", "notes.txt"]


def test_empty_folder_is_filled(tmp_path, installed):
    (tmp_path / "acme-x").mkdir()

    make_plugin("acme-x", kind="reader", path=tmp_path, manager=installed)

    assert (tmp_path / "acme-x" / "pyproject.toml").is_file()


def test_folder_that_cannot_be_written_is_said(tmp_path, installed):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match=r"'acme-x' cannot be written to .*file"):
        make_plugin("acme-x", kind="reader", path=tmp_path / "file", manager=installed)
