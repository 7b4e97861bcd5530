"""A project's modules are importable, are this project's and not another's, and leave nothing behind."""

from __future__ import annotations

import importlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odibi_core.loading import import_project_module, project_imports
from odibi_core.loading.module_files import _installation_folders


@pytest.fixture(autouse=True)
def _leave_nothing(tmp_path):
    import pandas as pd  # what it needs may put finders of its own into sys.meta_path

    assert pd.__name__ in sys.modules
    path, meta_path = list(sys.path), list(sys.meta_path)
    yield
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
        if file.startswith(str(tmp_path)):
            del sys.modules[name]
    # What is left of this test's folder is what the test itself put there as the user.
    assert [entry for entry in sys.path if not entry.startswith(str(tmp_path))] == path
    assert sys.meta_path == meta_path


def make_project(root: Path, **files: str) -> Path:
    for name, source in files.items():
        file = root / f"{name.replace('__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    return root


@pytest.fixture
def two_projects(tmp_path):
    return (
        make_project(tmp_path / "a", silver__functions="whose = 'a'", silver__only_a="", shared="whose = 'a'"),
        make_project(tmp_path / "b", silver__functions="whose = 'b'", shared="whose = 'b'"),
    )


def test_file_of_the_project_is_imported(tmp_path):
    make_project(tmp_path, silver__functions="answer = 42")

    assert import_project_module("silver.functions", tmp_path).answer == 42


def test_folder_of_the_project_comes_before_a_file_of_that_name_beside_the_caller(tmp_path, monkeypatch):
    project = make_project(tmp_path / "project", silver__functions="whose = 'project'")
    make_project(tmp_path / "notebooks", silver="raise SystemExit('not of the project')")
    monkeypatch.syspath_prepend(str(tmp_path / "notebooks"))

    assert import_project_module("silver.functions", project).whose == "project"


def test_folder_of_data_hides_no_file_beside_the_caller(tmp_path, monkeypatch):
    project = make_project(tmp_path / "project", silver="import config\nanswer = config.answer")
    (project / "config").mkdir()
    (project / "config" / "transformations.yaml").touch()
    make_project(tmp_path / "notebooks", config="answer = 42")
    monkeypatch.syspath_prepend(str(tmp_path / "notebooks"))

    assert import_project_module("silver", project).answer == 42


def test_folder_of_the_project_adds_to_an_installed_package_that_is_spread_over_folders(tmp_path, monkeypatch):
    project = make_project(tmp_path / "project", acme__ours="from acme import theirs\nanswer = theirs.answer")
    make_project(tmp_path / "site-packages", acme__theirs="answer = 42")
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    _installation_folders.cache_clear()

    try:
        assert import_project_module("acme.ours", project).answer == 42
    finally:
        _installation_folders.cache_clear()


def test_root_is_on_the_path_only_while_it_is_in_use(tmp_path):
    with project_imports(tmp_path):
        assert sys.path[0] == str(tmp_path)
        with project_imports(tmp_path):
            assert sys.path.count(str(tmp_path)) == 1
        assert sys.path[0] == str(tmp_path)

    assert str(tmp_path) not in sys.path


def test_root_that_the_user_had_on_the_path_stays_there(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))

    with project_imports(tmp_path):
        pass

    assert sys.path.count(str(tmp_path)) == 1


def test_root_is_removed_when_the_body_raises(tmp_path):
    with pytest.raises(KeyError), project_imports(tmp_path):
        raise KeyError

    assert str(tmp_path) not in sys.path


def test_module_of_another_project_is_never_taken_for_this_ones(two_projects):
    a, b = two_projects

    whose = [import_project_module("silver.functions", root).whose for root in (a, b, a, b)]

    assert whose == ["a", "b", "a", "b"]


def test_packages_with_and_without_init_do_not_mix(tmp_path):
    a = make_project(tmp_path / "a", silver__functions="whose = 'a'", silver____init__="")
    b = make_project(tmp_path / "b", silver__functions="whose = 'b'")

    whose = [import_project_module("silver.functions", root).whose for root in (a, b, a)]

    assert whose == ["a", "b", "a"]


def test_module_that_only_another_project_has_is_not_found(two_projects):
    """A row must never get a function of another project."""
    a, b = two_projects
    import_project_module("silver.only_a", a)

    with pytest.raises(ModuleNotFoundError, match=r"silver.only_a"):
        import_project_module("silver.only_a", b)


def test_top_level_module_that_only_another_project_has_is_not_found(tmp_path):
    a = make_project(tmp_path / "a", helpers="")
    b = make_project(tmp_path / "b", other="")
    import_project_module("helpers", a)

    with pytest.raises(ModuleNotFoundError, match="helpers"):
        import_project_module("helpers", b)


def test_what_a_module_imports_is_of_its_project_too(two_projects):
    a, b = two_projects
    make_project(a, gold="import shared\nwhose = shared.whose")
    make_project(b, gold="import shared\nwhose = shared.whose")

    assert [import_project_module("gold", root).whose for root in (a, b)] == ["a", "b"]


def test_functions_that_import_when_they_run_find_their_project(two_projects):
    a, b = two_projects
    make_project(a, gold="def whose():\n    import shared\n    return shared.whose")
    import_project_module("shared", b)
    function = import_project_module("gold", a).whose

    with project_imports(a):
        assert function() == "a"


def test_project_opened_last_comes_first_and_gives_way_when_it_is_closed(two_projects):
    a, b = two_projects
    seen = []

    def look():
        seen.append(importlib.import_module("shared").whose)

    with project_imports(a):
        look()
        with project_imports(b):
            look()
            with project_imports(a):
                look()
            look()
        look()

    assert seen == ["a", "b", "a", "b", "a"]


def test_module_that_a_notebook_had_imported_gives_way(tmp_path, monkeypatch):
    """A cell did `import silver.functions` in another folder before the run."""
    notebook = make_project(tmp_path / "notebook", silver__functions="whose = 'notebook'")
    project = make_project(tmp_path / "project", silver__functions="whose = 'project'")
    monkeypatch.syspath_prepend(str(notebook))
    importlib.import_module("silver.functions")

    assert import_project_module("silver.functions", project).whose == "project"


def test_module_imported_by_the_user_from_the_project_itself_is_kept(tmp_path, monkeypatch):
    """Classes and registered functions would exist twice."""
    project = make_project(tmp_path, silver__functions="class Thing: ...")
    monkeypatch.syspath_prepend(str(project))
    module = importlib.import_module("silver.functions")

    assert import_project_module("silver.functions", project) is module
    with project_imports(project):
        assert importlib.import_module("silver.functions") is module


def test_project_reached_through_a_link_is_the_same_project(tmp_path, monkeypatch):
    project = make_project(tmp_path / "project", silver__functions="")
    (tmp_path / "link").mkdir()
    link = tmp_path / "link" / "project"
    link.symlink_to(project)
    module = import_project_module("silver.functions", project)

    assert import_project_module("silver.functions", link) is module


def test_module_is_executed_once(tmp_path):
    project = make_project(tmp_path, silver__functions="runs = []\nruns.append(1)")

    modules = [import_project_module("silver.functions", project) for _ in range(3)]

    assert modules[0] is modules[1] is modules[2]
    assert modules[0].runs == [1]


def test_standard_library_and_installed_packages_are_never_put_out(tmp_path):
    import json

    import pandas as pd

    project = make_project(tmp_path, pandas__own="", odibi_core__own="", logging__own="", silver="")

    import_project_module("silver", project)

    assert sys.modules["json"] is json
    assert sys.modules["pandas"] is pd
    assert sys.modules["odibi_core"].__name__ == "odibi_core"


def test_file_whose_name_python_has_taken_is_said(tmp_path):
    project = make_project(tmp_path, json="whose = 'project'")

    with pytest.raises(ImportError, match=r"module 'json' is the project's json\.py, but Python has another.*rename"):
        import_project_module("json", project)


def test_folder_of_data_hides_no_module(tmp_path, monkeypatch):
    """A project's `data/` or `config/` without Python in it is no package."""
    elsewhere = make_project(tmp_path / "elsewhere", landing="whose = 'elsewhere'")
    monkeypatch.syspath_prepend(str(elsewhere))
    module = importlib.import_module("landing")
    project = make_project(tmp_path / "project", silver="")
    (project / "landing").mkdir()
    (project / "landing" / "a.csv").write_text("x")

    import_project_module("silver", project)

    assert sys.modules["landing"] is module


def test_installed_module_may_be_named_by_a_row(tmp_path):
    import email.message

    assert import_project_module("email.message", tmp_path) is email.message


def test_missing_module_and_errors_come_through_untouched(tmp_path):
    project = make_project(
        tmp_path, silver__broken="1 / 0", silver__syntax="def", silver__needs="import nothing_at_all"
    )

    with pytest.raises(ZeroDivisionError):
        import_project_module("silver.broken", project)
    with pytest.raises(SyntaxError):
        import_project_module("silver.syntax", project)
    with pytest.raises(ModuleNotFoundError) as caught:
        import_project_module("silver.needs", project)
    assert caught.value.name == "nothing_at_all"
    with pytest.raises(ModuleNotFoundError) as caught:
        import_project_module("gold.functions", project)
    assert caught.value.name == "gold"


def test_root_that_does_not_exist_has_no_modules(tmp_path):
    with pytest.raises(ModuleNotFoundError):
        import_project_module("silver.functions", tmp_path / "nowhere")


def test_file_written_a_moment_ago_is_found(tmp_path):
    """The import system caches folders by a time stamp that may not have moved."""
    import_project_module("silver", make_project(tmp_path, silver=""))

    for number in range(20):
        make_project(tmp_path, **{f"gold{number}": f"n = {number}"})
        assert import_project_module(f"gold{number}", tmp_path).n == number


def test_no_compiled_files_are_left_in_the_project(tmp_path):
    """The only files of a run are its outputs and `.odibi/`."""
    project = make_project(
        tmp_path, silver____init__="", silver__functions="from silver import other", silver__other=""
    )

    with project_imports(project):
        import_project_module("silver.functions", project)

    assert not list(project.rglob("__pycache__"))


def test_source_of_project_functions_can_be_shown(tmp_path):
    import inspect

    project = make_project(tmp_path, silver="def clean(df):\n    return df\n")

    function = import_project_module("silver", project).clean

    assert inspect.getsource(function) == "def clean(df):\n    return df\n"
    assert inspect.getsourcefile(function) == str(project / "silver.py")


def test_relative_root_is_the_project(tmp_path, monkeypatch):
    make_project(tmp_path, silver__functions="answer = 42")
    monkeypatch.chdir(tmp_path)

    assert import_project_module("silver.functions", Path()).answer == 42


def test_threads_of_two_projects_each_get_their_own(two_projects):
    start = threading.Barrier(8)

    def work(number):
        root = two_projects[number % 2]
        start.wait()
        with project_imports(root):
            return [import_project_module("silver.functions", root).whose for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))

    assert results == [["a", "b"][number % 2 :][:1] * 20 for number in range(8)]
