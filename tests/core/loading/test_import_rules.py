"""What the loader may import, and what of pluggy it may touch."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from pathlib import Path

import pluggy
import pytest

import odibi_core.loading
from odibi_core.loading import KERNEL_COMMANDS

FOLDER = Path(odibi_core.loading.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))
HEAVY = ("pandas", "numpy", "pyarrow", "sqlalchemy", "pyspark", "polars")


def test_discovery_imports_no_data_library(install_distribution):
    """Pitfall 2: whatever the installed plugins provide, their registration modules name it in strings."""
    for engine in ("pandas", "spark", "polars"):
        install_distribution.plugin(
            f"fake-{engine}",
            f"""
            @hookimpl
            def odibi_register_engines():
                yield EngineSpec(name="fake-{engine}", factory="acme_fake_{engine}.engine:Engine")

            @hookimpl
            def odibi_register_readers():
                for format in ("csv", "json", "parquet"):
                    yield ReaderSpec(
                        engine="fake-{engine}", format=format, factory="acme_fake_{engine}.readers:Reader"
                    )
            """,
        )
        source = install_distribution.folder / f"acme_fake_{engine}"
        (source / "engine.py").write_text("import pandas, numpy, pyarrow, sqlalchemy, pyspark, polars\n")

    done = install_distribution.python(
        f"""
        import sys
        from odibi_core.loading import get_manager
        manager = get_manager()
        assert manager.reader_for("fake-spark", "csv"), manager.records
        print(*[name for name in {HEAVY!r} if name in sys.modules])
        """
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_only_public_names_of_pluggy_are_used(path):
    """Pitfall 20: 1.7 moved all the private ones; only those in pluggy.__all__ are used."""
    tree = ast.parse(path.read_text())
    imported = [
        name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import) for name in node.names
    ]
    sources = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pluggy"
    }
    private = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.endswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"})
    ]

    assert not [name for name in (*imported, *sources) if name.startswith("pluggy.")]
    assert used <= set(pluggy.__all__)
    assert private == []


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules([str(FOLDER)])])
def test_public_names_are_sorted_and_there(name):
    module = importlib.import_module(f"odibi_core.loading.{name}")

    assert sorted(module.__all__, key=lambda one: (not one.isupper(), not one[0].isupper(), one)) == module.__all__
    assert all(hasattr(module, one) for one in module.__all__)


def test_importing_the_loader_imports_no_plugin_and_nothing_heavy(install_distribution):
    done = install_distribution.python(
        f"""
        import sys
        import odibi_core.loading
        heavy = {(*HEAVY, "pydantic", "yaml", "click", "rich", "structlog", "packaging")!r}
        print(*[name for name in heavy if name in sys.modules])
        """
    )

    assert done.stdout.split() == [], done.stderr


@pytest.mark.parametrize("where", ["import pandas", "@hookimpl\ndef odibi_register_checks():\n    import pandas"])
def test_heavy_import_while_registering_is_noted(where, install_distribution):
    """Pitfall 2: it works, and every start pays for it."""
    install_distribution("fake-pandas", modules={"pandas.py": ""})
    install_distribution.plugin("heavy", where)

    done = install_distribution.python(
        """
        from odibi_core.loading import get_manager
        print([record.to_dict() for record in get_manager().records if record.name == "heavy"][0])
        """,
        ODIBI_PLUGINS_ONLY="heavy",
    )

    assert "'state': 'active'" in done.stdout, done.stderr
    assert "it imports pandas while it registers" in done.stdout


def test_plugin_is_not_blamed_for_what_was_loaded_before(install_distribution, discover, record_of):
    import numpy as np

    assert np.__name__ in sys.modules
    install_distribution.plugin("light", "import numpy")

    assert "numpy" not in record_of(discover(), "light").reason


def test_names_of_the_kernels_commands_are_kept_for_it():
    """A plugin's command of such a name would never be called."""
    import click

    from odibi_core.cli.application import application

    assert set(application.list_commands(click.Context(application))) <= KERNEL_COMMANDS
