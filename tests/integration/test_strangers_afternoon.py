"""Somebody who has never seen our code writes a reader: one command, ten lines, pip install, and a project reads it."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, TypeAlias

import pandas as pd
import pytest

RunCommand: TypeAlias = Callable[..., CompletedProcess[str]]

# The exports of this historian end with a line that says how long they are, so that one that was cut off is noticed.
READER = {
    "                table = parse_lines(file)\n": "                table = parse_lines(whole(file))\n",
    "def parse_lines(": '''\
def whole(export: Iterable[str]) -> list[str]:
    """Return the lines of an export without its last, which says how many there are."""
    *lines, last = export
    if last != f"# {len(lines)} lines\\n":
        raise ValueError(f"the export was cut off after {len(lines)} lines: it ends with {last!r}")
    return lines


def parse_lines(''',
}
CONTRACTS = {
    '            path.write_text("".join(f"{json.dumps(row)}\\n" for row in rows), encoding="utf-8")\n': """\
            lines = [json.dumps(row) for row in rows]
            path.write_text("\\n".join([*lines, f"# {len(lines)} lines", ""]), encoding="utf-8")
""",
}
PROJECT = {
    "manifest.json": json.dumps(
        {
            "project_name": "Plant",
            "layer_order": ["Bronze"],
            "environments": ["qat"],
            "default_env": "qat",
            "default_engine": "pandas",
        }
    ),
    "config/transformations.json": json.dumps(
        [
            {
                "transformation_id": "good-values",
                "layer": "Bronze",
                "module": "steps",
                "function": "good_values",
                "inputs": ["landing/today.historian"],
                "outputs": ["bronze.values"],
            }
        ]
    ),
    "steps.py": "def good_values(df):\n    return df[df['is_good']]\n",
}
EXPORT = """\
["tag", "value", "is_good"]
["FC-101", 21.5, true]
["FC-102", null, false]
["FC-103", 19.25, true]
# 4 lines
"""


def edit(path: Path, changes: dict[str, str]) -> int:
    """Make changes to a file, and return how many lines of it are other ones then."""
    before = after = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert after.count(old) == 1, f"{path} has no longer one {old!r}"
        after = after.replace(old, new)
    path.write_text(after, encoding="utf-8")
    changed = difflib.ndiff(before.splitlines(), after.splitlines())
    return sum(line.startswith("+ ") and bool(line[2:].strip()) for line in changed)


def digest(environment: Path) -> str:
    """Return a digest of everything of ours that is installed in an environment, but for compiled modules."""
    total = hashlib.sha256()
    site = next((environment.parent / "lib").glob("python*/site-packages"))
    for path in sorted(path for folder in site.glob("odibi*") for path in folder.rglob("*") if path.is_file()):
        if "__pycache__" not in path.parts:
            total.update(str(path).encode() + path.read_bytes())
    return total.hexdigest()


@pytest.mark.slow
def test_strangers_afternoon(
    *,
    authors_environment: Path,
    build_wheel: Callable[..., Path],
    install_into: Callable[..., None],
    run_command: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = digest(authors_environment)

    def odibi(*words: str, folder: Path = tmp_path) -> Any:
        done = run_command([authors_environment / "odibi", *words, "--json"], folder=folder)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    # Two o'clock: a plugin that works, made by one command.
    odibi("plugins", "new", "acme-historian", "--kind", "reader")
    plugin = tmp_path / "acme-historian"

    # Three o'clock: ten lines, for the format that the historian really writes.
    package = plugin / "src" / "acme_historian"
    lines = edit(package / "reader.py", READER) + edit(package / "contracts.py", CONTRACTS)
    assert lines <= 10

    # Four o'clock: pip install, and the contract tests.
    install_into(authors_environment, [build_wheel(plugin, folder=tmp_path)], folder=tmp_path)
    tested = run_command([authors_environment / "python", "-W", "error", "-m", "pytest", "-q"], folder=plugin)
    assert tested.returncode == 0, tested.stdout[-4000:]
    assert " passed" in tested.stdout
    (checked,) = odibi("plugins", "check", "acme-historian")
    assert checked["ok"], checked
    (row,) = [row for row in odibi("plugins", "list") if row["name"] == "acme-historian"]
    assert (row["state"], row["version"], row["provides"]) == ("active", "0.1.0", ["reader any/historian"])
    assert row["conformance"]["summary"].startswith("conforms to API 1, ")

    # Five o'clock: a project reads through it.
    project = tmp_path / "plant"
    for name, text in {**PROJECT, "landing/today.historian": EXPORT}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    assert odibi("run", folder=project)["status"] == "SUCCESS"
    values = pd.read_parquet(project / "data" / "bronze" / "values.parquet")
    assert values.to_dict("list") == {"tag": ["FC-101", "FC-103"], "value": [21.5, 19.25], "is_good": [True, True]}

    # And an export that was cut off fails in the stranger's own words, instead of being read in part.
    (project / "landing" / "today.historian").write_text(EXPORT.replace('["FC-103", 19.25, true]\n', ""))
    failed = odibi("run", folder=project)
    assert failed["status"] == "FAILED"
    assert "the export was cut off after 3 lines" in json.dumps(failed)

    assert digest(authors_environment) == before, "a file of ours was touched"
