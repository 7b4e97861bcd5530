"""Four broken plugins and a good one, all installed together, seen from the command line."""

from __future__ import annotations

import json

import pytest

RUN = "import sys\nfrom odibi_core.cli import main\nmain(sys.argv[1:] or {arguments!r})"


@pytest.fixture
def five(install_distribution):
    install_distribution.plugin("raising", "raise RuntimeError('no licence')")
    install_distribution.plugin("misspelt", "@hookimpl\ndef odibi_register_engine():\n    yield None\n")
    for name in ("clash-a", "clash-b"):
        install_distribution(
            f"acme-{name}",
            plugins={"clash": f"acme_{name[-1]}.plugin"},
            modules={f"acme_{name[-1]}/plugin.py": "from odibi_core.plugin import hookimpl\n"},
        )
    install_distribution.plugin("newer", "", requires=["odibi-core>=99"])
    install_distribution.plugin(
        "good", "@hookimpl\ndef odibi_register_functions():\n    yield FunctionsSpec(name='acme_good.functions')\n"
    )
    return install_distribution


def listed(folder, **environment):
    done = folder.python(RUN.format(arguments=["plugins", "list", "--json"]), **environment)
    return done, {(one["name"], one["distribution"]): one for one in json.loads(done.stdout or "[]")}


def test_each_is_listed_with_its_true_state_and_the_good_one_works(five):
    done, plugins = listed(five)

    assert done.returncode == 0, done.stderr
    states = {name: one["state"] for (name, _), one in plugins.items()}
    expected = {"raising": "failed", "misspelt": "failed", "clash": "failed", "newer": "incompatible", "good": "active"}
    assert {name: states[name] for name in expected} == expected
    assert "no licence" in plugins["raising", "acme-raising"]["reason"]
    assert "odibi_register_engines" in plugins["misspelt", "acme-misspelt"]["reason"]
    assert "acme-clash-b" in plugins["clash", "acme-clash-a"]["reason"]
    assert "odibi-core>=99" in plugins["newer", "acme-newer"]["reason"]
    assert plugins["good", "acme-good"]["provides"]


def test_good_plugins_run_a_project_beside_broken_ones(five, tmp_path):
    five.folder.joinpath("acme_good", "functions.py").write_text("def shared(df):\n    return df\n")
    code = f"""
        import odibi_core
        root = odibi_core.initialize_project("Fine", base_path={str(tmp_path)!r})["project_path"]
        print(odibi_core.run_project(root).status)
    """

    done = five.python(code)

    assert done.stdout.splitlines()[-1] == "SUCCESS", done.stderr
    assert done.returncode == 0


def test_strict_mode_exits_2_and_names_every_broken_one(five):
    done = five.python(RUN.format(arguments=["plugins", "list"]), ODIBI_PLUGINS_STRICT="1")

    assert done.returncode == 2
    assert all(
        name in done.stdout + done.stderr for name in ("acme-raising", "acme-misspelt", "acme-clash-a", "acme-newer")
    )
    assert "Traceback" not in done.stdout + done.stderr
