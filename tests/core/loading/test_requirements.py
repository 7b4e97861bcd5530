"""The check of requirements before any import: the API window of the kernel, and everything else a plugin needs."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.loading import PluginState
from odibi_core.loading.distributions import Headers, InstalledDistributions
from odibi_core.loading.requirements import (
    InvalidRequirementError,
    explain_unmet,
    is_requirement,
    pip_install,
    unmet_requirements,
)

KERNEL_VERSION = version("odibi-core")


def installed(**versions: str) -> InstalledDistributions:
    return InstalledDistributions({name: Headers(name=name, version=found) for name, found in versions.items()})


def test_plugin_for_a_newer_kernel_is_incompatible_and_not_imported(install_distribution, discover, record_of):
    """Pitfall 2: its module would raise; the API window is looked at first."""
    install_distribution.plugin("newer", "raise RuntimeError", requires=["odibi-core>=99"])

    record = record_of(discover(), "newer")

    assert record.state is PluginState.INCOMPATIBLE
    assert record.reason == (
        f'needs odibi-core>=99, but odibi-core {KERNEL_VERSION} is installed: pip install --upgrade "odibi-core>=99"'
    )


def test_plugin_for_an_older_kernel_is_itself_to_be_upgraded(install_distribution, discover, record_of):
    install_distribution.plugin("older", "raise RuntimeError", requires=["odibi-core<0.0.1"])

    record = record_of(discover(), "older")

    assert record.state is PluginState.INCOMPATIBLE
    assert record.reason.endswith("is installed: pip install --upgrade acme-older")


def test_missing_and_old_libraries_are_named_together(install_distribution, discover, record_of):
    install_distribution("acme-base", version="1.2")
    install_distribution.plugin("needy", "raise RuntimeError", requires=["acme-base>=2,<3", "acme_missing"])

    record = record_of(discover(), "needy")

    assert record.state is PluginState.INCOMPATIBLE
    assert record.reason == (
        "needs acme-base>=2,<3, but acme-base 1.2 is installed; acme_missing, which is not installed: "
        'pip install --upgrade "acme-base>=2,<3" acme_missing'
    )


def test_requirements_of_extras_and_of_other_pythons_do_not_count(install_distribution, discover, record_of):
    """Markers are evaluated, with no extra."""
    requires = [
        'acme-missing; extra == "fast"',
        "acme-missing ; extra=='fast' and python_version >= '3'",
        "acme-missing; python_version < '3'",
        "acme-missing; sys_platform == 'nowhere'",
    ]
    install_distribution.plugin("light", "", requires=requires)

    assert record_of(discover(), "light").state is PluginState.ACTIVE


def test_extras_of_a_requirement_are_followed(install_distribution, discover, record_of):
    """What acme-base[sql] needs is needed; what its other extras need is not; extras of themselves do not loop."""
    install_distribution(
        "acme-base",
        version="1.0",
        requires=[
            "acme-driver>=4; extra == 'sql'",
            "acme-other; extra == 'other'",
            "acme-base[all]; extra == 'sql'",
            "acme-base[sql]; extra == 'all'",
        ],
    )
    install_distribution.plugin("sql", "raise RuntimeError", requires=["acme-base[sql]>=1"])

    reason = record_of(discover(), "sql").reason

    assert reason == 'needs acme-driver>=4, which is not installed: pip install "acme-driver>=4"'


def test_prerelease_of_the_kernel_is_a_kernel(install_distribution, discover, record_of):
    """The API window counts prereleases, so that a release candidate can be tested with its plugins."""
    install_distribution("odibi-core", version="7.1.0rc1", requires=[])
    install_distribution("acme", plugins={"acme": "acme"}, modules={"acme.py": ""}, requires=["odibi-core>=7.0,<8"])

    assert record_of(discover(), "acme").state is PluginState.ACTIVE


def test_prerelease_before_the_window_is_outside(install_distribution, discover, record_of):
    install_distribution("odibi-core", version="7.0.0rc1", requires=[])
    install_distribution("acme", plugins={"acme": "acme"}, modules={"acme.py": ""}, requires=["odibi-core>=7.0,<8"])

    record = record_of(discover(), "acme")

    assert record.state is PluginState.INCOMPATIBLE
    assert "odibi-core 7.0.0rc1 is installed" in record.reason


@pytest.mark.parametrize("requirement", ["pandas more than two", "pandas>=two", "acme; python_versoin > '3'", ""])
def test_requirement_that_is_none_fails_the_plugin(requirement, install_distribution, discover, record_of):
    install_distribution("acme", plugins={"acme": "acme"}, modules={"acme.py": ""}, requires=[requirement])

    record = record_of(discover(), "acme")

    assert record.state is PluginState.FAILED
    assert "its metadata is wrong" in record.reason


def test_plugin_without_requirements_is_active(install_distribution, discover, record_of):
    install_distribution("acme", plugins={"acme": "acme"}, modules={"acme.py": ""}, requires=[])

    assert record_of(discover(), "acme").state is PluginState.ACTIVE


@pytest.mark.parametrize(
    ("requirement", "found", "specification"),
    [
        ("acme ~= 2.1", "2.0", "acme~=2.1"),
        ("acme[x,y] >= 3", "2.0", "acme[x,y]>=3"),
        ("acme (>=3)", "2.0", "acme>=3"),
        ("acme >= 3 ; python_version > '3'", "2.0", "acme>=3"),
        ("acme>=1", "not-a-version", "acme>=1"),
        ("acme!=2.0", "2.0", "acme!=2.0"),
        ("acme==2.*", "3.0", "acme==2.*"),
    ],
)
def test_unmet_requirement_is_quoted_as_written(requirement, found, specification):
    (unmet,) = unmet_requirements([requirement], installed=installed(acme=found))

    assert (unmet.specification, unmet.found) == (specification, found)


@pytest.mark.parametrize(
    "requirement",
    ["acme", "acme>=1", "acme @ https://example.org/acme.whl", "acme>1.9,<=2.0.1", "acme==2", "acme==2.*"],
)
def test_met_requirement_is_not_reported(requirement):
    assert unmet_requirements([requirement], installed=installed(acme="2.0")) == ()


RELEASES = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
CLAUSES = st.tuples(st.sampled_from([">=", "<=", ">", "<", "==", "!=", "~=", "==="]), RELEASES).map("".join)
RANGES = st.lists(CLAUSES, max_size=3).map(",".join)
VERSIONS = st.tuples(RELEASES, st.sampled_from(["", "", "", "a1", "rc2", ".post1", ".dev3", "+cpu"])).map("".join)
BLANKS = st.sampled_from(["", " "])


@given(name=st.sampled_from(["acme", "Acme-x", "acme_y.z"]), blank=BLANKS, range_=RANGES, found=VERSIONS)
def test_plain_requirements_are_judged_as_packaging_judges_them(name, blank, range_, found):
    """The short cut that saves importing packaging gives packaging's answer, in text and in truth."""
    from packaging.requirements import InvalidRequirement, Requirement

    text = f"{name}{blank}{range_}"
    packages = InstalledDistributions(
        {key: Headers(name=name, version=found) for key in ("acme", "acme-x", "acme-y-z")}
    )
    try:
        expected = Requirement(text).specifier.contains(found, prereleases=True)
    except InvalidRequirement:
        with pytest.raises(InvalidRequirementError):
            unmet_requirements([text], installed=packages)
        assert not is_requirement(text)
    else:
        assert (unmet_requirements([text], installed=packages) == ()) is expected
        assert is_requirement(text)


@given(st.text(alphabet="acme<>=!~ ,.;()[]@0123456789'\"\n\u0661", max_size=25))
def test_texts_are_requirements_when_packaging_says_so(text):
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement:
        assert not is_requirement(text)
    else:
        assert is_requirement(text)


def test_packaging_is_not_imported_for_plain_requirements(install_distribution):
    """Importing it takes 40 ms; what our own distributions state is plain."""
    install_distribution.plugin("good", "", requires=["acme-base>=1,<2", 'acme-x>=2; extra == "x"'])
    install_distribution("acme-base", version="1.0")

    done = install_distribution.python(
        """
        import sys
        from odibi_core.loading import get_manager
        states = {record.name: record.state.value for record in get_manager().records}
        print(states["good"], "packaging" in sys.modules)
        """
    )

    assert done.stdout.split() == ["active", "False"], done.stderr


def test_pip_lines_are_quoted_where_a_shell_needs_it():
    assert pip_install("pandas") == "pip install pandas"
    assert pip_install("pandas>=2", "odibi-sinks[sql]", upgrade=True) == (
        'pip install --upgrade "pandas>=2" "odibi-sinks[sql]"'
    )


def test_explanation_of_a_requirement_of_a_spec_names_no_distribution_to_upgrade():
    (unmet,) = unmet_requirements(["odibi-core<0.0.1"])

    assert explain_unmet([unmet], distribution="").endswith('pip install --upgrade "odibi-core<0.0.1"')
