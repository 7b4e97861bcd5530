"""The files of a new project, as text."""

from __future__ import annotations

from odibi_core.project.manifest import ProjectManifest
from odibi_core.project.scaffold_samples import Sample, Step, sample_for

__all__ = ["scaffold_files"]

_INGESTION = """\
# What comes in: one row for each source. Paths are relative to the folder of the project.
- ingestion_id: ingest-{name}
  source_path: landing/{name}.csv
  target_table: bronze.{name}
  description: The data as it arrived
"""

_TRANSFORMATIONS_HEAD = """\
# What is made of it: one row for each function. A table such as silver.orders is a file below data/.
"""

_TRANSFORMATION = """\
- transformation_id: {id}
  layer: {layer}
  module: transformations.{package}.functions
  function: {function}
  inputs: [{reads}]
  outputs: [{writes}]
  constants: {constants}
  description: {description}
"""

_FUNCTIONS_HEAD = '''\
"""Functions of the layer {layer}.

A function gets the inputs of its row in config/transformations.yaml as frames of Narwhals, which are the same on every
engine, and the row's constants. What it returns is saved as the row's output.
"""

import narwhals.stable.v2 as nw
'''

_TEST = '''\
"""Tests of the functions: run `pytest` in the folder of the project."""

import narwhals.stable.v2 as nw
import pandas as pd

from transformations.{package}.functions import {function}


{test}'''

_README = """\
# {name}

{description}

## Run it

```
pip install 'odibi-core[portable]' odibi-engine-pandas
odibi validate
odibi run --env {env}
odibi status
```

The results are in `data/`, the run log in `.odibi/`. The manifest's `default_engine` is pandas; the functions run on
every engine that is installed: `odibi run --engine spark`.

## What is where

| folder or file | what it holds |
|---|---|
| `manifest.json` | layers, environments, default engine |
| `config/ingestion.yaml` | what comes in: one row for each source |
| `config/transformations.yaml` | what is made of it: one row for each function |
| `landing/` | data as it is delivered |
| `transformations/<layer>/functions.py` | the functions |
| `tests/` | their tests |
| `sql/`, `notebooks/`, `metadata/`, `docs/` | yours to fill |
"""

_LAYERS = """\
# Layers of {name}

{layers}

Rows may say what they are about: {labels}.
"""


def scaffold_files(manifest: ProjectManifest) -> dict[str, str]:
    """Return the text of each file of a new project, by its path in the project's folder.

    Args:
        manifest: The project's manifest.
    """
    sample = sample_for(manifest.project_type)
    packages = [layer.lower() for layer in manifest.layer_order]
    empty = ["sql/ddl", "sql/queries", "metadata", *(f"notebooks/{package}" for package in packages)]
    return {
        "manifest.json": manifest.to_json() + "\n",
        "README.md": _README.format(
            name=manifest.project_name, description=manifest.description, env=manifest.default_env
        ),
        ".gitignore": ".odibi/\ndata/\n__pycache__/\n.pytest_cache/\n",
        "pytest.ini": "[pytest]\npythonpath = .\ntestpaths = tests\n",
        "config/ingestion.yaml": _INGESTION.format(name=sample.name),
        "config/transformations.yaml": _TRANSFORMATIONS_HEAD + "".join(_row(step) for step in sample.steps),
        f"landing/{sample.name}.csv": sample.csv,
        "docs/layers.md": _layers(manifest),
        "tests/test_functions.py": _test(sample),
        "transformations/__init__.py": "",
        **{f"transformations/{package}/__init__.py": "" for package in packages},
        **{f"transformations/{step.layer.lower()}/functions.py": _functions(step) for step in sample.steps},
        **{f"{folder}/.gitkeep": "" for folder in empty},
    }


def _row(step: Step) -> str:
    return _TRANSFORMATION.format(
        id=step.function.replace("_", "-"),
        layer=step.layer,
        package=step.layer.lower(),
        function=step.function,
        reads=step.reads,
        writes=step.writes,
        constants=step.constants,
        description=step.description,
    )


def _functions(step: Step) -> str:
    return f"{_FUNCTIONS_HEAD.format(layer=step.layer)}\n\n{step.code}"


def _test(sample: Sample) -> str:
    first = sample.steps[0]
    return _TEST.format(package=first.layer.lower(), function=first.function, test=sample.test)


def _layers(manifest: ProjectManifest) -> str:
    lines = []
    for name in manifest.layer_order:
        layer = manifest.layers.get(name)
        lines.append(f"- **{name}**: {layer.description}" if layer is not None else f"- **{name}**")
    labels = ", ".join(f"{key} is the {label}" for key, label in manifest.entity_labels.items())
    return _LAYERS.format(name=manifest.project_name, layers="\n".join(lines), labels=labels)
