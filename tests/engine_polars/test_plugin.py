from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

import pluggy
import pytest
from pydantic import BaseModel

from odibi_core.plugin import ENTRY_POINT_GROUP
from odibi_engine_polars import plugin

ENGINES = list(plugin.odibi_register_engines())
READERS = list(plugin.odibi_register_readers())
SAVERS = list(plugin.odibi_register_savers())
SPECS = {f"{type(spec).__name__}-{spec.name}": spec for spec in (*ENGINES, *READERS, *SAVERS)}


def load(reference: str):
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def test_registration_imports_no_data_library(run_python):
    done = run_python(
        "import sys\n"
        "from odibi_engine_polars import plugin\n"
        "specs = [*plugin.odibi_register_engines(), *plugin.odibi_register_readers(), *plugin.odibi_register_savers()]\n"
        "heavy = {'pandas', 'numpy', 'polars', 'pyarrow', 'fsspec', 'pydantic'} & set(sys.modules)\n"
        "print(len(specs), sorted(heavy))\n"
    )

    assert (done.stdout, done.stderr) == ("15 []\n", "")


def test_options_models_import_no_data_library(run_python):
    done = run_python(
        "import sys\n"
        "import odibi_engine_polars.csv_options, odibi_engine_polars.options\n"
        "print(sorted({'pandas', 'numpy', 'polars', 'pyarrow', 'fsspec'} & set(sys.modules)))\n"
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_engine_needs_nothing_but_polars(run_python):
    """pandas, NumPy and pyarrow are not imported by reading and saving."""
    done = run_python(
        "import sys\n"
        "from pathlib import Path\n"
        "import polars as pl\n"
        "from odibi_core.plugin import Dataset, EngineConfig\n"
        "from odibi_engine_polars.engine import PolarsEngine\n"
        "from odibi_engine_polars.csv_reader import PolarsCsvReader\n"
        "from odibi_engine_polars.parquet_saver import PolarsParquetSaver\n"
        "Path('a.csv').write_text('a\\n1\\n')\n"
        "engine = PolarsEngine(EngineConfig(project_root=Path()))\n"
        "frame = PolarsCsvReader(engine).read(Dataset(name='a', kind='path', format='csv', location='a.csv'))\n"
        "PolarsParquetSaver(engine).save(frame, Dataset(name='a', kind='path', format='parquet', location='a.parquet'))\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'fsspec'} & set(sys.modules)))\n"
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_nothing_of_ours_but_the_surface_is_imported(run_python):
    done = run_python(
        "import sys, odibi_core.plugin\n"
        "before = set(sys.modules)\n"
        "import pkgutil, importlib, odibi_engine_polars\n"
        "for module in pkgutil.iter_modules(odibi_engine_polars.__path__):\n"
        "    importlib.import_module(f'odibi_engine_polars.{module.name}')\n"
        "ours = {name for name in set(sys.modules) - before if name.startswith('odibi')}\n"
        "print(sorted(name for name in ours if not name.startswith(('odibi_engine_polars', 'odibi_core.plugin'))))\n"
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_distribution_has_the_entry_point():
    found = [point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name == "engine-polars"]

    assert [point.value for point in found] == ["odibi_engine_polars.plugin"]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_everything_listed_can_be_loaded(spec):
    factory, model = load(spec.factory), load(spec.options_model)

    assert callable(factory)
    assert issubclass(model, BaseModel)
    assert model.model_json_schema()["additionalProperties"] is False
    assert spec.summary


def test_suffixes_mean_one_format_each():
    for specs in (READERS, SAVERS):
        suffixes = [suffix for spec in specs for suffix in spec.suffixes]
        assert len(set(suffixes)) == len(suffixes)


def test_hooks_are_those_of_the_surface():
    manager = pluggy.PluginManager("odibi")
    manager.add_hookspecs(import_module("odibi_core.plugin.hookspecs"))
    manager.register(plugin)

    manager.check_pending()


@pytest.mark.parametrize("mode", ["lasy", "EAGER", None])
def test_unknown_mode_of_the_engine_is_refused(mode):
    model = load(ENGINES[0].options_model)

    with pytest.raises(ValueError, match="mode"):
        model.model_validate({"mode": mode})
