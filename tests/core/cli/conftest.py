"""The command line, called in this process and in others, with plugins that only the test has installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from odibi_core.cli.application import application
from odibi_core.loading import clear_manager_cache

COMMAND = Path(sys.executable).with_name("odibi")
ROWS_ENGINE = Path(__file__).parent.parent / "rows_engine.py"

STEPS = """
    from rows_engine import Rows

    def good(df):
        return Rows(df)

    def bad(df):
        raise ValueError("boom")

    def join(left, right):
        return Rows(left + right)
"""


class Site:
    """A folder like site-packages, seen by this process and by those that it starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def install(
        self,
        distribution: str,
        *,
        plugins: Mapping[str, str],
        modules: Mapping[str, str],
        requires: Sequence[str] = (),
        version: str = "1.0",
    ) -> None:
        """Install a distribution: entry points by name, source text by file name."""
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        listed = "\n".join(f"{name} = {value}" for name, value in plugins.items())
        (info / "entry_points.txt").write_text(f"[odibi.plugins]\n{listed}\n")
        for name, source in modules.items():
            (self.folder / name).write_text(textwrap.dedent(source))
        clear_manager_cache()

    def plugin(self, name: str, source: str, **more: str) -> None:
        """Install the distribution ``acme-<name>`` with one plugin, ``<name>``, in the module ``acme_<name>``."""
        header = "from odibi_core.plugin import *\nfrom odibi_core.plugin import hookimpl\n"
        modules = {f"acme_{name}.py": header + textwrap.dedent(source), **{f"{key}.py": more[key] for key in more}}
        self.install(f"acme-{name}", plugins={name: f"acme_{name}"}, modules=modules)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes of these tests keep compiled modules, so that only the first one has to compile them."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(autouse=True)
def site(tmp_path: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """What is installed: the engine of `rows_engine`, and what the test adds; nothing of this checkout's own."""
    installed = Site(tmp_path / "site")
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(installed.folder))
    monkeypatch.setenv("PYTHONPATH", str(installed.folder))
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(compiled))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    ours = ("odibi-engine-pandas", "odibi-engine-polars", "odibi-engine-spark", "odibi-sinks")
    monkeypatch.setenv("ODIBI_PLUGINS_DISABLE", ",".join(ours))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    shutil.copy(ROWS_ENGINE, installed.folder)
    installed.install("acme-rows", plugins={"rows": "rows_engine"}, modules={})
    yield installed
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]
    clear_manager_cache()


@dataclass(frozen=True)
class Answer:
    """What a command did."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.stdout)


@pytest.fixture
def odibi(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Call a command in this process: ``odibi("run", "--json", cwd=folder)``."""

    def call(*words: object, cwd: Path | None = None) -> Answer:
        if cwd is not None:
            monkeypatch.chdir(cwd)
        result: Result = CliRunner().invoke(application, [str(word) for word in words], prog_name="odibi")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the real command in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def run(*words: object, cwd: Path, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(COMMAND), *map(str, words)],
            cwd=cwd,
            env={**os.environ, "PYTHONWARNINGS": "error", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding=environment.get("PYTHONIOENCODING", "utf-8"),
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def call(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., Answer]:
    """Run the real command in a process of its own to its end."""

    def run(*words: object, cwd: Path, **environment: str) -> Answer:
        process = start(*words, cwd=cwd, **environment)
        stdout, stderr = process.communicate(timeout=60)
        return Answer(process.returncode, stdout, stderr)

    return run


def row(id_: str, function: str, inputs: Sequence[str], outputs: Sequence[str], **more: Any) -> dict[str, Any]:
    return {"transformation_id": id_, "function": function, "inputs": inputs, "outputs": outputs, **more}


@pytest.fixture
def shop(make_project: Callable[..., Path]) -> Path:
    """A project that succeeds: ``ingest`` in Bronze, ``clean`` in Silver, ``report`` in Gold."""
    return make_project(
        [
            row("clean", "good", ["bronze.orders"], ["silver.orders"], tags=["nightly"]),
            row("report", "good", ["silver.orders"], ["gold.report"], layer="Gold"),
        ],
        ingestion=[{"ingestion_id": "ingest", "source_path": "landing/orders.json", "target_table": "bronze.orders"}],
        files={"steps.py": STEPS, "landing/orders.json": '[{"n": 1}, {"n": 2}, {"n": 3}]'},
    )


@pytest.fixture
def broken_shop(make_project: Callable[..., Path]) -> Path:
    """A project in which ``fails`` raises, ``waits`` depends on it, and ``works`` does not."""
    return make_project(
        [
            row("fails", "bad", ["landing/orders.json"], ["silver.a"]),
            row("waits", "good", ["silver.a"], ["silver.b"]),
            row("works", "good", ["landing/orders.json"], ["silver.c"]),
        ],
        files={"steps.py": STEPS, "landing/orders.json": '[{"n": 1}]'},
    )
