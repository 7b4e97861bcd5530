"""The project's own modules, where Spark runs Python functions."""

from __future__ import annotations

import sys
import zipfile
from importlib import import_module

import pytest

from odibi_engine_spark.code import pack_code

RULES = """
import pyarrow as pa

from {package}.factors import FACTOR


def price(batches):
    for batch in batches:
        yield pa.RecordBatch.from_pydict({{"id": [value.as_py() * FACTOR for value in batch["id"]]}})
"""


@pytest.fixture
def project(tmp_path, request):
    """A project with a package, whose name is used by no other test: the workers remember what they import."""
    package = f"acme_{abs(hash(request.node.name)) % 10**8}"
    folder = tmp_path / package
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "factors.py").write_text("FACTOR = 3\n")
    (folder / "rules.py").write_text(RULES.format(package=package))
    (tmp_path / "notes.txt").write_text("no code")
    for name in ("data", ".venv", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "other.py").write_text("raise SystemExit")
    sys.path.insert(0, str(tmp_path))
    yield package
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def test_only_the_modules_of_the_project_are_packed(project, tmp_path):
    archive = pack_code(tmp_path)

    assert sorted(zipfile.ZipFile(archive).namelist()) == [
        f"{project}/{name}.py" for name in ("__init__", "factors", "rules")
    ]


def test_the_same_code_is_packed_once_and_changed_code_anew(project, tmp_path):
    first = pack_code(tmp_path)
    written = first.stat().st_mtime_ns
    again = pack_code(tmp_path)
    (tmp_path / project / "factors.py").write_text("FACTOR = 4\n")

    assert again == first
    assert first.stat().st_mtime_ns == written
    assert pack_code(tmp_path) != first


def test_a_project_without_modules_has_nothing_to_pack(tmp_path):
    assert pack_code(tmp_path) is None
    assert not (tmp_path / ".odibi").exists()


def test_functions_of_the_project_run_on_executors(project, spark_engine, make_task):
    rules = import_module(f"{project}.rules")
    before = list(sys.path)

    with spark_engine.transformation(make_task("price")):
        rows = spark_engine.session.range(3).mapInArrow(rules.price, "id long").collect()

    assert sorted(row[0] for row in rows) == [0, 3, 6]
    assert sys.path == before


@pytest.mark.parametrize("flavour", ["classic", "connect"])
@pytest.mark.spark
def test_they_run_there_also_in_a_session_for_one_transformation(flavour, project, make_engine, make_task, request):
    engine = make_engine(request.getfixturevalue(f"{flavour}_session"), isolate=True)
    rules = import_module(f"{project}.rules")

    with engine.transformation(make_task("price")):
        rows = engine.session.range(3).mapInArrow(rules.price, "id long").collect()

    assert sorted(row[0] for row in rows) == [0, 3, 6]
