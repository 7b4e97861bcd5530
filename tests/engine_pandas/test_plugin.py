from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

import pluggy
import pytest
from pydantic import BaseModel

from odibi_core.plugin import ENTRY_POINT_GROUP, Dataset, DatasetNotFoundError, EngineConfig
from odibi_engine_pandas import plugin

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
        "from odibi_engine_pandas import plugin\n"
        "specs = [*plugin.odibi_register_engines(), *plugin.odibi_register_readers(), *plugin.odibi_register_savers()]\n"
        "heavy = {'pandas', 'numpy', 'pyarrow', 'fsspec', 'pydantic'} & set(sys.modules)\n"
        "print(len(specs), sorted(heavy))\n"
    )

    assert (done.stdout, done.stderr) == ("9 []\n", "")


def test_options_models_import_no_data_library(run_python):
    done = run_python(
        "import sys\n"
        "import odibi_engine_pandas.options\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'fsspec'} & set(sys.modules)))\n"
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_distribution_has_the_entry_point():
    found = [point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name == "engine-pandas"]

    assert [point.value for point in found] == ["odibi_engine_pandas.plugin"]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_everything_listed_can_be_loaded(spec):
    factory, model = load(spec.factory), load(spec.options_model)

    assert callable(factory)
    assert issubclass(model, BaseModel)
    assert model.model_json_schema()["additionalProperties"] is False
    assert spec.summary


@pytest.mark.parametrize("spec", READERS, ids=lambda spec: spec.name)
def test_readers_say_which_file_is_missing(spec, tmp_path):
    missing = tmp_path / f"flights{spec.suffixes[0]}"
    reader = load(spec.factory)(load(ENGINES[0].factory)(EngineConfig(project_root=tmp_path)))

    with pytest.raises(DatasetNotFoundError, match=r"bronze\.flights") as caught:
        reader.read(Dataset(name="bronze.flights", kind="path", format=spec.format, location=str(missing)))

    assert str(missing) in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_each_format_can_be_read_and_saved_in_four_modes():
    assert {spec.format for spec in READERS} == {spec.format for spec in SAVERS} == {"csv", "json", "jsonl", "parquet"}
    assert {spec.modes for spec in SAVERS} == {("overwrite", "append", "error", "ignore")}
    assert [spec.format for spec in SAVERS if spec.supports_partitions] == ["parquet"]


def test_capability_sheet_gives_a_version_for_what_works_and_a_reason_for_what_does_not():
    sheet = ENGINES[0].capabilities

    assert all(capability.since for capability in sheet.values() if capability.supported)
    assert all(capability.note and not capability.since for capability in sheet.values() if not capability.supported)
    assert not sheet["cache"].supported
    assert sheet["partitions"].supported


def test_transient_errors_are_exceptions():
    assert all(issubclass(load(reference), Exception) for reference in ENGINES[0].transient_errors)


def test_hooks_are_hooks_of_the_kernel():
    manager = pluggy.PluginManager("odibi")
    hookspecs = import_module("odibi_core.plugin.hookspecs")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)

    manager.check_pending()

    assert [spec.name for specs in manager.hook.odibi_register_engines() for spec in specs] == ["pandas"]
