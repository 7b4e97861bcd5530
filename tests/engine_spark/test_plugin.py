from __future__ import annotations

import ast
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pluggy
import pytest
from pydantic import BaseModel

import odibi_engine_spark
from odibi_core.plugin import ENTRY_POINT_GROUP
from odibi_engine_spark import plugin

ENGINES = list(plugin.odibi_register_engines())
READERS = list(plugin.odibi_register_readers())
SAVERS = list(plugin.odibi_register_savers())
SINKS = list(plugin.odibi_register_log_sinks())
CHECKS = list(plugin.odibi_register_checks())
SPECS = {f"{type(spec).__name__}-{spec.name}": spec for spec in (*ENGINES, *READERS, *SAVERS, *SINKS)}
FOLDER = Path(odibi_engine_spark.__file__).parent
SOURCES = sorted(FOLDER.rglob("*.py"))


def load(reference: str):
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def test_registration_imports_no_data_library(run_python):
    done = run_python(
        "import sys\n"
        "from odibi_engine_spark import plugin\n"
        "for name in plugin.__all__: list(getattr(plugin, name)())\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'pyspark', 'py4j', 'grpc', 'pydantic'} & set(sys.modules)))\n"
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_options_models_import_no_data_library(run_python):
    modules = sorted({spec.options_model.partition(":")[0] for spec in SPECS.values()})

    done = run_python(
        f"import sys\nfor name in {modules!r}: __import__(name)\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'pyspark', 'py4j', 'grpc'} & set(sys.modules)))\n"
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_distribution_has_the_entry_point():
    found = [point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name == "engine-spark"]

    assert [point.value for point in found] == ["odibi_engine_spark.plugin"]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_everything_listed_can_be_loaded(spec):
    factory, model = load(spec.factory), load(spec.options_model)

    assert callable(factory)
    assert issubclass(model, BaseModel)
    assert model.model_json_schema()["additionalProperties"] is False
    assert spec.summary


@pytest.mark.parametrize("spec", CHECKS, ids=lambda spec: spec.name)
def test_checks_give_a_sentence(spec):
    result = load(spec.factory)()

    assert result.status in {"ok", "warning", "error"}
    assert result.message
    assert result.suggestion or result.status == "ok"


def test_capability_sheet_gives_a_version_for_what_works_and_a_reason_for_what_does_not():
    sheet = ENGINES[0].capabilities

    assert all(capability.since for capability in sheet.values() if capability.supported)
    assert all(capability.note and not capability.since for capability in sheet.values() if not capability.supported)


def test_transient_errors_are_exceptions():
    assert all(issubclass(load(reference), Exception) for reference in ENGINES[0].transient_errors)


def test_hooks_are_hooks_of_the_kernel():
    manager = pluggy.PluginManager("odibi")
    manager.add_hookspecs(import_module("odibi_core.plugin.hookspecs"))
    manager.register(plugin)

    manager.check_pending()

    assert [spec.name for specs in manager.hook.odibi_register_engines() for spec in specs] == ["spark"]


# What a Spark Connect server has nothing for, and the places where it is used after the flavour was looked at.
CLASSIC_ONLY = {"_jvm", "_jdf", "_jsc", "_jsparkSession", "_sc", "rdd", "sparkContext", "toPandas"}
LOOKED_AT = {
    ("jobs.py", "sparkContext"),
    ("jobs.py", "_jsc"),
    ("code.py", "sparkContext"),
    ("probes.py", "sparkContext"),
    ("delta/caching.py", "sparkContext"),
    ("delta/caching.py", "_jsc"),
    ("sessions/opening.py", "sparkContext"),
    ("sessions/opening.py", "_jsc"),
}


def test_nothing_is_used_that_only_classic_spark_has():
    used = {
        (source.relative_to(FOLDER).as_posix(), node.attr)
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in CLASSIC_ONLY
    }

    assert used <= LOOKED_AT
