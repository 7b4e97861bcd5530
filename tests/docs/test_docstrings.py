"""The examples in docstrings are run."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_INSTALLED = {"odibi_template"}  # tests/template runs its examples where it is installed
PACKAGES = sorted(
    {init.parent.name for member in ("odibi_*", "plugins/*") for init in ROOT.glob(f"{member}/src/*/__init__.py")}
    - NOT_INSTALLED
)


def module_names() -> list[str]:
    names = []
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        found = pkgutil.walk_packages(spec.submodule_search_locations, prefix=f"{package}.")
        names += [package, *(module.name for module in found if not module.name.endswith("__main__"))]
    return names


@pytest.mark.parametrize("name", module_names())
def test_examples_of_the_module_hold(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)

    assert outcome.failed == 0
