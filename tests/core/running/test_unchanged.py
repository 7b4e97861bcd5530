"""`run_project(unchanged="skip")`: what would make the same again does not run."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from odibi_core import HookManager, run_project
from odibi_core.errors import ConfigError
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.running.code_files import CodeFiles

STEPS = """
    from rows_engine import Rows

    from shared.prices import factor

    def clean(df, *, at_least=0):
        return Rows(row for row in df if row["n"] >= at_least)

    def scale(df):
        return Rows({"n": row["n"] * factor()} for row in df)

    def legacy(constants):
        pass

    def make():
        return Rows([{"n": 1}])
"""
FILES = {
    "steps.py": STEPS,
    "shared/__init__.py": "",
    "shared/prices.py": "from shared import rates\n\ndef factor():\n    return rates.FACTOR\n",
    "shared/rates.py": "FACTOR = 2\n",
    "shared/unused.py": "X = 1\n",
    "landing/in.json": '[{"n": 1}, {"n": 2}]',
    "landing/parts/a.json": '[{"n": 3}]',
}


def row(id_, function, inputs=("landing/in.json",), outputs=None, **more):
    outputs = [f"silver.{id_}"] if outputs is None else outputs
    return {"transformation_id": id_, "function": function, "inputs": list(inputs), "outputs": outputs, **more}


CHAIN = [
    row("clean", "clean"),
    row("scaled", "scale", ["silver.clean"]),
    row("report", "clean", ["silver.scaled"], ["gold.report"], layer="Gold"),
    row("apart", "clean"),
]


@pytest.fixture
def make(make_project):
    def write(rows=CHAIN, **more):
        return make_project(rows, files=FILES, **more)

    return write


@pytest.fixture
def run(manager, monkeypatch):
    """Run a project as a process of its own would: with the code that its files hold by now."""

    def run(root, **arguments):
        for name in [name for name in sys.modules if name.partition(".")[0] in ("steps", "shared")]:
            monkeypatch.delitem(sys.modules, name)
        arguments = {"unchanged": "skip", "manager": manager, "raise_on_failure": False, **arguments}
        return run_project(root, **arguments)

    return run


def outcome(result):
    return {one.transformation_id: (one.status, one.reason) for one in result.transformations}


def edit(path, text):
    path.write_text(text)
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1_000_000))


def test_first_run_runs_everything_and_second_nothing(make, run):
    root = make()

    first, second = run(root), run(root)

    assert outcome(first) == dict.fromkeys(("clean", "scaled", "report", "apart"), ("SUCCESS", "runs: first time"))
    assert second.status == "SUCCESS"
    why = f"unchanged since run {first.run_id}"
    assert outcome(second) == dict.fromkeys(("clean", "scaled", "report", "apart"), ("REUSED", why))
    assert outcome(run(root))["clean"] == ("REUSED", why)


def test_changed_file_runs_what_reads_it_and_all_that_follows(make, run):
    root = make([*CHAIN, row("other", "clean", ["landing/parts/a.json"])])
    first = run(root)
    edit(root / "landing/parts/a.json", '[{"n": 9}]')

    result = run(root)

    assert outcome(result)["other"] == ("SUCCESS", "runs: landing/parts/a.json changed")
    assert outcome(result)["clean"] == ("REUSED", f"unchanged since run {first.run_id}")

    edit(root / "landing/in.json", '[{"n": 5}]')
    result = run(root)
    assert {id_: reason for id_, (_, reason) in outcome(result).items() if id_ != "other"} == {
        "clean": "runs: landing/in.json changed",
        "scaled": "runs: 'clean' runs again",
        "report": "runs: 'scaled' runs again",
        "apart": "runs: landing/in.json changed",
    }
    assert json.loads((root / "data/gold/report.json").read_text()) == [{"n": 10}]


@pytest.mark.parametrize(
    ("file", "text", "ids"),
    [
        pytest.param("steps.py", "# more\n", ["clean", "scaled", "report", "apart"], id="module of the function"),
        pytest.param("shared/prices.py", "# more\n", ["clean", "scaled", "report", "apart"], id="imported module"),
        pytest.param("shared/rates.py", "FACTOR = 3\n", ["clean", "scaled", "report", "apart"], id="further away"),
        pytest.param("shared/__init__.py", "# more\n", ["clean", "scaled", "report", "apart"], id="package"),
        pytest.param("shared/unused.py", "X = 2\n", [], id="module that nobody imports"),
    ],
)
def test_changed_code_runs_what_uses_it(make, run, file, text, ids):
    root = make()
    run(root)
    before = (root / file).read_text()
    edit(root / file, before + text)

    result = run(root)

    assert {id_ for id_, (status, _) in outcome(result).items() if status == "SUCCESS"} == set(ids)
    if ids:
        assert outcome(result)["clean"] == ("SUCCESS", f"runs: code of {file} changed")


def test_code_that_was_edited_after_it_was_imported_has_not_run_yet(make, manager):
    """A notebook goes on with what it imported; a fingerprint of the new text would be a lie."""
    root = make()
    arguments = {"unchanged": "skip", "manager": manager}
    first = run_project(root, **arguments)
    edit(root / "shared/rates.py", "FACTOR = 3\n")

    assert outcome(run_project(root, **arguments))["scaled"] == ("REUSED", f"unchanged since run {first.run_id}")
    edit(root / "landing/in.json", '[{"n": 1}]')
    run_project(root, **arguments)

    assert json.loads((root / "data/silver/scaled.json").read_text()) == [{"n": 2}]


def test_run_in_a_new_process_sees_the_edited_code(make, run, manager):
    root = make()
    run_project(root, manager=manager, unchanged="skip")
    edit(root / "shared/rates.py", "FACTOR = 3\n")
    run_project(root, manager=manager, unchanged="skip")

    result = run(root)

    assert outcome(result)["scaled"] == ("SUCCESS", "runs: code of shared/rates.py changed")
    assert json.loads((root / "data/silver/scaled.json").read_text()) == [{"n": 3}, {"n": 6}]


@pytest.mark.parametrize(
    "change",
    [
        {"constants": {"at_least": 2}},
        {"inputs": ["landing/parts/a.json"]},
        {"outputs": ["silver.clean_2"]},
        {"function": "scale"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_row_runs(make, run, change):
    root = make([CHAIN[0]])
    run(root)
    make([{**CHAIN[0], **change}])

    assert outcome(run(root)) == {"clean": ("SUCCESS", "runs: its row changed")}


def test_change_of_what_only_people_read_does_not_count(make, run):
    root = make([CHAIN[0]])
    run(root)
    rows = [{"layer": "Silver", "module": "steps", **CHAIN[0], "description": "cleans", "tags": ["nightly"]}]
    (root / "config/transformations.json").write_text(json.dumps(rows))

    assert outcome(run(root))["clean"][0] == "REUSED"


def test_other_engine_runs(make, run):
    root = make([CHAIN[0]])
    run(root)

    assert outcome(run(root, engine="rows2")) == {"clean": ("SUCCESS", "runs: its engine was rows and is rows2")}


def test_other_version_of_a_plugin_runs(make, run, rows_engine):
    def manager(version):
        made = PluginManager(PluginSettings(discover=False))
        made.register(rows_engine, name=f"rows-engine-{version}")
        return made.freeze()

    root = make([CHAIN[0]])
    run(root, manager=manager("1"))

    assert outcome(run(root, manager=manager("2"))) == {
        "clean": ("SUCCESS", "runs: it ran on rows-engine-1 and runs on rows-engine-2 now")
    }


@pytest.fixture
def reads_many(rows_engine, monkeypatch):
    """The engine reads folders and patterns too."""
    read = rows_engine.JsonReader.read

    def read_many(self, dataset):
        path = Path(dataset.location)
        files = sorted(path.glob("*.json")) if path.is_dir() else sorted(path.parent.glob(path.name))
        rows = [row for file in files for row in read(self, replace(dataset, location=str(file)))]
        return rows_engine.Rows(rows)

    monkeypatch.setattr(rows_engine.JsonReader, "read", read_many)


@pytest.mark.parametrize("change", ["new", "gone", "changed", "nothing"])
@pytest.mark.parametrize(
    ("declared", "name"),
    [("landing/parts/*.json", "landing/parts/*.json"), ({"path": "landing/parts", "format": "json"}, "landing/parts")],
    ids=["pattern", "folder"],
)
def test_files_that_are_read_together_are_one_input(make, run, reads_many, change, declared, name):
    root = make([row("all", "clean", [declared])])
    (root / "landing/parts/b.json").write_text("[]")
    assert run(root).status == "SUCCESS"
    if change == "new":
        (root / "landing/parts/c.json").write_text("[]")
    elif change == "gone":
        (root / "landing/parts/b.json").unlink()
    elif change == "changed":
        edit(root / "landing/parts/b.json", "[ ]")

    status, reason = outcome(run(root))["all"]

    if change == "nothing":
        assert status == "REUSED"
    else:
        assert (status, reason) == ("SUCCESS", f"runs: {name} changed")


def test_file_that_came_while_the_old_one_was_read_is_read_the_next_time(make, run):
    root = make([row("t", "clean")])
    hooks = HookManager()
    hooks.register("post_read", lambda payload: edit(root / "landing/in.json", '[{"n": 9}]'))
    run(root, hooks=hooks)

    assert outcome(run(root)) == {"t": ("SUCCESS", "runs: landing/in.json changed")}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.unlink(), "is not there any more"),
        (lambda path: edit(path, "[]"), "was changed by something else"),
    ],
    ids=["gone", "changed"],
)
def test_output_that_is_not_what_was_saved_is_made_again(make, run, spoil, why):
    root = make()
    run(root)
    spoil(root / "data/silver/apart.json")

    result = run(root)

    assert outcome(result)["apart"] == ("SUCCESS", f"runs: its output silver.apart {why}")
    assert outcome(result)["clean"][0] == "REUSED"


def test_what_was_made_anew_by_itself_is_read_again(make, run):
    root = make()
    run(root)
    run(root, selected=["clean"], unchanged="run")

    result = run(root, selected=["scaled"])

    assert outcome(result) == {"scaled": ("SUCCESS", "runs: silver.clean changed")}


def test_ordinary_run_takes_no_fingerprints_so_the_next_one_runs(make, run, journals):
    root = make()
    run(root)
    run(root, unchanged="run")

    assert [note for note in journals(root)[1].notes if note["type"] == "fingerprint"] == []
    assert outcome(run(root))["apart"] == ("SUCCESS", "runs: its output silver.apart was changed by something else")


def test_engine_on_which_nothing_runs_is_not_started(make, run, rows_engine, monkeypatch):
    root = make([CHAIN[0], row("other", "clean", constants={"engine": "rows2"})])
    run(root)
    edit(root / "data/silver/other.json", "[]")
    started, tables = [], {"Silver": ["silver.clean"]}
    start = rows_engine.RowsEngine.__init__
    monkeypatch.setattr(
        rows_engine.RowsEngine, "__init__", lambda self, config: (started.append("an engine"), start(self, config))[1]
    )

    assert run(root, cache_plan=tables).count("REUSED") == 1
    assert len(started) == 1
    assert run(root, cache_plan=tables).count("REUSED") == 2
    assert len(started) == 1


def test_append_of_unchanged_rows_does_not_happen_again(make, run):
    root = make([row("adds", "clean", outputs=[{"table": "silver.adds", "mode": "append"}])])

    run(root)
    assert outcome(run(root))["adds"][0] == "REUSED"
    edit(root / "landing/in.json", '[{"n": 3}]')
    run(root)

    assert json.loads((root / "data/silver/adds.json").read_text()) == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_v2_function_is_never_skipped(make, run):
    root = make([row("legacy", "legacy", ["silver.x"], ["silver.y"]), row("reads", "clean", depends_on=["legacy"])])

    for _ in range(2):
        result = run(root)

        assert outcome(result)["legacy"] == ("SUCCESS", "runs: a v2-style function reads and saves by itself")
    assert outcome(result)["reads"] == ("SUCCESS", "runs: 'legacy' runs again")


def test_place_that_cannot_be_looked_at_runs(make, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = make([row("saves", "clean", outputs=["store://x.json"]), row("reads", "clean", ["store://x.json"])])
    run(root)

    assert outcome(run(root)) == {
        "saves": ("SUCCESS", "runs: whether its output store://x.json is what it was cannot be seen from here"),
        "reads": ("SUCCESS", "runs: 'saves' runs again"),
    }
    assert outcome(run(root, selected=["reads"])) == {
        "reads": ("SUCCESS", "runs: what store://x.json holds cannot be seen from here")
    }


def test_what_failed_runs_again_and_what_it_left_alone_does_not(make, run):
    root = make()
    run(root)
    (root / "landing/in.json").write_text("no json")
    failed = run(root)
    assert {id_: status for id_, (status, _) in outcome(failed).items()} == {
        "clean": "FAILED",
        "scaled": "SKIPPED",
        "report": "SKIPPED",
        "apart": "FAILED",
    }
    edit(root / "landing/in.json", '[{"n": 7}]')

    assert {status for status, _ in outcome(run(root)).values()} == {"SUCCESS"}


def test_verdict_leaves_no_fingerprint(make, run):
    root, hooks = make([CHAIN[0]]), HookManager()

    @hooks.on("transform_success")
    def too_few(payload):
        raise AssertionError("too few rows")

    assert run(root, hooks=hooks).status == "FAILED"
    assert outcome(run(root)) == {"clean": ("SUCCESS", "runs: first time")}


def test_environments_have_fingerprints_of_their_own(make, run):
    root = make([CHAIN[0]])
    run(root)

    assert outcome(run(root, env="prod"))["clean"] == ("SUCCESS", "runs: first time")


def test_dry_run_says_what_would_run_and_why(make, run):
    root = make()
    run(root)
    edit(root / "landing/in.json", "[]")

    result = run(root, dry_run=True)

    assert result.status == "PLANNED"
    assert outcome(result)["clean"] == ("PLANNED", "runs: landing/in.json changed")
    assert outcome(result)["scaled"] == ("PLANNED", "runs: 'clean' runs again")


def test_resumed_run_may_leave_out_what_is_unchanged_too(make, run):
    root = make([*CHAIN, row("bad", "scale", ["landing/bad.json"])])
    (root / "landing/bad.json").write_text("no json")
    first = run(root)
    edit(root / "landing/bad.json", "[]")

    result = run(root, resume=True)
    after = run(root)

    assert outcome(result)["clean"] == ("REUSED", f"succeeded in run {first.run_id}")
    assert outcome(result)["bad"] == ("SUCCESS", f"runs: failed in run {first.run_id}")
    assert outcome(after)["bad"] == ("REUSED", f"unchanged since run {result.run_id}")


def test_what_an_earlier_run_found_unchanged_stands_when_that_run_is_resumed(make, run):
    root = make([*CHAIN, row("bad", "scale", ["landing/bad.json"])])
    (root / "landing/bad.json").write_text("no json")
    first = run(root)
    run(root)
    edit(root / "landing/bad.json", "[]")

    result = run(root, resume=True, unchanged="run")

    assert outcome(result)["clean"] == ("REUSED", f"unchanged since run {first.run_id}")
    assert outcome(result)["bad"][0] == "SUCCESS"


def test_other_word_is_refused_before_anything_runs(make, manager):
    root = make()

    with pytest.raises(ConfigError, match=r"unchanged is 'skpi'; it must be 'run' or 'skip'\. Did you mean 'skip'"):
        run_project(root, manager=manager, unchanged="skpi")

    assert not (root / ".odibi").exists()


# --- which files are behind a function ---


@pytest.fixture
def digests(tmp_path):
    """The files behind a function of a module, in a project of these files."""

    def of(module, files, *, file=None):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        found = CodeFiles(tmp_path).digests_of(SimpleNamespace(module=module, file=file))
        return None if found is None else sorted(found)

    return of


@pytest.mark.parametrize(
    "line",
    [
        "import pack.other",
        "import pack.other as o",
        "from pack import other",
        "from pack.other import x",
        "from . import other",
        "from .other import x",
        "def f():\n    from pack import other",
        "try:\n    import pack.other\nexcept ImportError:\n    pass",
    ],
)
def test_every_kind_of_import_is_found(digests, line):
    files = {"pack/__init__.py": "", "pack/start.py": line, "pack/other.py": "import os, json", "pack/not.py": ""}

    assert digests("pack.start", files) == ["pack/__init__.py", "pack/other.py", "pack/start.py"]


def test_import_from_further_up_is_found(digests):
    files = {"a/b/start.py": "from ..other import x", "a/other.py": ""}

    assert digests("a.b.start", files) == ["a/b/start.py", "a/other.py"]


def test_modules_that_import_each_other_end_the_search(digests):
    assert digests("a", {"a.py": "import b", "b.py": "import a"}) == ["a.py", "b.py"]


def test_function_that_is_written_in_another_module_than_its_row_names_counts_with_both(digests, tmp_path):
    files = {"a.py": "x = 1", "b.py": "y = 1"}

    assert digests("a", files, file=str(tmp_path / "b.py")) == ["a.py", "b.py"]


@pytest.mark.parametrize(
    ("module", "distribution"), [("odibi_core.functions.ingestion", "odibi-core"), ("click.utils", "click")]
)
def test_installed_function_counts_with_the_version_of_its_distribution(module, distribution):
    file = import_module(module).__file__

    found = CodeFiles(Path("/no/such/project")).digests_of(SimpleNamespace(module=module, file=file))

    assert found == {distribution: version(distribution)}


def test_function_of_a_stray_file_counts_with_its_content(tmp_path):
    stray = tmp_path / "stray_module.py"
    stray.write_text("def f():\n    pass\n")
    code = CodeFiles(tmp_path / "project")

    assert list(code.digests_of(SimpleNamespace(module="stray_module", file=str(stray)))) == [str(stray)]


def test_function_without_a_file_cannot_be_compared(digests):
    assert digests("builtins", {}, file=None) is None
