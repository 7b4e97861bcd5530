"""The contract of plugins, by plugins that are wrong in what no small module can be: their wheel, their process."""

from __future__ import annotations

import pytest

from odibi_core.testing import PluginContract
from odibi_core.testing.fixtures import fake_distribution  # noqa: F401 - pytest finds it here
from odibi_core.testing.registering.installed import limits_from_above
from odibi_core.testing.registering.process_state import describe_changes, process_state
from odibi_core.testing.registering.registration import observe_registration

HEADER = "from odibi_core.plugin import *\nfrom odibi_core.plugin import hookimpl\n"
SINK = """
@hookimpl
def odibi_register_log_sinks():
    yield LogSinkSpec(name="odd", factory="acme_odd.sink:Sink", summary="Odd", options_model="acme_odd.options:Options")
"""
MODEL = """
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors={hide})
    {fields}
"""
QUOTES = """token: str = Field(repr=False)
    @field_validator("token")
    @classmethod
    def check(cls, value):
        raise ValueError(f"no token: {value}")
"""


@pytest.fixture
def contract(fake_distribution):  # noqa: F811
    """Installs a plugin and returns its contract."""

    def make(source=SINK, *, options="", entry="acme_odd.plugin", requires=("odibi-core>=0.1,<1",)):
        modules = {"acme_odd/plugin.py": HEADER + source, "acme_odd/options.py": options}
        fake_distribution("acme-odd", plugins={"odd": entry} if entry else {}, modules=modules, requires=requires)
        return type("Odd", (PluginContract,), {"plugin": "acme_odd.plugin"})()

    return make


def refusal(test, *arguments):
    with pytest.raises(pytest.fail.Exception) as caught:
        test(*arguments)
    return str(caught.value)


# --- the distribution ---


def test_a_distribution_without_the_entry_point_is_told_the_lines_to_add(contract):
    said = refusal(contract(entry=None).test_an_installed_distribution_names_the_module_as_its_entry_point)

    assert "No installed distribution has an entry point" in said
    assert '[project.entry-points."odibi.plugins"] acme-odd = "acme_odd.plugin"' in said


def test_an_entry_point_with_an_attribute_is_refused(contract):
    said = refusal(
        contract(entry="acme_odd.plugin:plugin").test_an_installed_distribution_names_the_module_as_its_entry_point
    )

    assert 'Write odd = "acme_odd.plugin" without attribute' in said


@pytest.mark.parametrize("requires", [(), ("odibi-core",), ("odibi-core>=0.1",), ("odibi-core<1; extra == 'old'",)])
def test_a_requirement_without_an_end_is_refused(contract, requires):
    said = refusal(contract(requires=requires).test_distribution_requires_the_kernel_with_an_upper_bound)

    assert 'dependencies = ["odibi-core>=0.1,<1"]' in said


@pytest.mark.parametrize("requirement", ["odibi-core<1", "odibi_core~=0.1", "Odibi.Core==0.1.*", "odibi-core>=0.1,<=2"])
def test_a_requirement_with_an_end_is_fine(requirement):
    assert limits_from_above([requirement, "pandas"], name="odibi-core")


def test_a_package_without_py_typed_is_refused_and_with_it_is_fine(contract, fake_distribution):  # noqa: F811
    odd = contract()

    assert "src/acme_odd/py.typed" in refusal(odd.test_package_is_marked_as_typed)
    (fake_distribution.folder / "acme_odd" / "py.typed").touch()
    odd.test_package_is_marked_as_typed()


# --- registration ---


def test_a_plugin_that_needs_what_only_this_process_has_is_refused(contract):
    odd = contract("import sys\nif 'pytest' not in sys.modules:\n    raise RuntimeError('no licence')\n")

    said = refusal(odd.test_registration_succeeds_in_a_new_process, observe_registration("acme_odd.plugin"))

    assert "RuntimeError: no licence" in said


def test_a_plugin_that_ends_the_process_is_refused(contract):
    contract("import os, sys\nif 'pytest' not in sys.modules:\n    os._exit(3)\n")

    assert "ended with code 3" in refusal(observe_registration, "acme_odd.plugin")


def test_a_warning_at_registration_is_refused_with_its_place(contract):
    odd = contract("import sys, warnings\nif 'pytest' not in sys.modules:\n    warnings.warn('old')\n" + SINK)

    said = refusal(odd.test_registration_warns_of_nothing, observe_registration("acme_odd.plugin"))

    assert "UserWarning: old" in said
    assert "plugin.py:5" in said


def test_providers_that_depend_on_chance_are_refused(contract):
    odd = contract(
        "import itertools\nnumbers = itertools.count()\n" + SINK.replace('name="odd"', 'name=f"odd-{next(numbers)}"')
    )
    specs = tuple(odd_specs(odd))

    assert "yields other specs: log sink odd-0" in refusal(odd.test_registering_twice_gives_equal_specs, specs)


def odd_specs(odd):
    from odibi_core.testing.contract import plugin_manager

    return plugin_manager(odd.plugin).log_sinks.values()


def test_two_formats_of_one_suffix_are_refused(contract):
    source = """
@hookimpl
def odibi_register_readers():
    for format in ("one", "two"):
        yield ReaderSpec(engine="any", format=format, factory="acme_odd.a:B", summary="Odd", suffixes=(".odd",))
"""
    odd = contract(source)
    from odibi_core.testing.contract import plugin_manager

    specs = plugin_manager(odd.plugin).readers.values()

    said = refusal(odd.test_nothing_clashes_with_itself_or_with_the_kernel, specs)

    assert ".odd means each of one, two for readers of engine any" in said


# --- options models ---


@pytest.mark.parametrize(
    ("fields", "hide", "words"),
    [
        ("password: str = ''", True, "shows the value of 'password' in its repr"),
        ("url: int = Field(default=0, repr=False)", False, "shows the value of 'url' in its error"),
        (
            QUOTES,
            True,
            "shows the value of 'token' in its error",
        ),
    ],
    ids=["repr", "input", "validator"],
)
def test_an_options_model_that_shows_a_secret_is_refused(contract, tmp_path, fields, hide, words):
    odd = contract(options=MODEL.replace("{fields}", fields).replace("{hide}", str(hide)))

    said = refusal(odd.test_options_models_show_no_secret, odd_specs(odd), tmp_path)

    assert words in said
    assert "odibi-contract-4711" not in said


def test_an_options_model_with_secret_types_is_fine(contract, tmp_path):
    fields = "password: SecretStr\n    token: str = Field(default='', repr=False)\n    path: str = ''"
    odd = contract(options=MODEL.replace("{fields}", fields).replace("{hide}", "True"))

    odd.test_options_models_show_no_secret(odd_specs(odd), tmp_path)


def test_an_options_model_beside_a_data_library_is_refused(contract):
    odd = contract(options="import numpy\n" + MODEL.replace("{fields}", "path: str = ''").replace("{hide}", "True"))

    said = refusal(odd.test_options_models_import_no_data_library, odd_specs(odd))

    assert "acme_odd.options imports numpy" in said


# --- configure ---


def test_a_configure_hook_that_raises_is_refused(contract, tmp_path):
    odd = contract("@hookimpl\ndef odibi_configure(config):\n    config.settings['odd']\n")

    assert "odibi_configure raised KeyError" in refusal(odd.test_unconfigure_undoes_configure, tmp_path)


def test_changes_of_a_process_are_told_without_the_values_of_variables(monkeypatch):
    before = process_state()
    monkeypatch.setenv("ACME_TOKEN", "odibi-pw-4711")

    assert describe_changes(before, process_state()) == ["the environment variables: ACME_TOKEN is new"]
