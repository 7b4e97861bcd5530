"""The contract of every plugin: what registration may do, whether its specs are whole, and what its wheel says."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from odibi_core.errors import OdibiError
from odibi_core.loading import PluginManager
from odibi_core.loading.hooks import KERNEL_COMMANDS, KINDS_OF_SPEC, Spec, kind_of_spec
from odibi_core.loading.registration import HEAVY_LIBRARIES
from odibi_core.loading.requirements import KERNEL
from odibi_core.plugin import CheckResult, ProjectConfig
from odibi_core.testing.contract import Contract, find_plugin_module, plugin_manager, refuse
from odibi_core.testing.options.option_models import model_problems, what_models_import
from odibi_core.testing.registering.installed import distribution_of, limits_from_above
from odibi_core.testing.registering.process_state import describe_changes, process_state
from odibi_core.testing.registering.registration import Registration, observe_registration
from odibi_core.testing.registering.spec_problems import incomplete_parts, unresolved_references

__all__ = ["PluginContract"]

_CPU_BUDGET = 0.25
"""Seconds of processor time for a registration. A light module takes one to five milliseconds; a data library takes
300 to 1500. What is between them is not decided by a busy machine."""

_WAIT_BUDGET = 2.0
"""Seconds by the clock, for what waits rather than works: a network, a lock, a sleep."""


class PluginContract(Contract):
    """What holds for each plugin, whatever it provides. Set `plugin`; nothing else is needed.

    Attributes:
        settings: What ``odibi_configure`` is given as ``plugins.settings``: a mapping for each plugin's name.

    Example:
        >>> class TestSinks(PluginContract):
        ...     plugin = "sinks"
        >>> [name for name in dir(TestSinks) if name.startswith("test_registration_imports")]
        ['test_registration_imports_only_the_standard_library_and_the_plugin_surface']
    """

    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})

    @pytest.fixture
    def registration(self) -> Registration:
        """What happened when the plugin was registered in a process of its own."""
        return observe_registration(find_plugin_module(self.plugin)[1].__name__)

    @pytest.fixture
    def specs(self) -> tuple[Spec, ...]:
        """The plugin's specs."""
        return _specs_of(_manager_or_skip(self.plugin))

    # --- registration ---

    def test_registration_succeeds_in_a_new_process(self, registration: Registration) -> None:
        """Nothing that a test session happens to have imported or set is needed."""
        if registration.error is not None:
            refuse(
                f"Importing {self.plugin} or calling its providers raised in a new process:\n{registration.error}",
                advice="A registration module must work wherever its distribution is installed.",
            )

    def test_registration_imports_only_the_standard_library_and_the_plugin_surface(
        self, registration: Registration
    ) -> None:
        """Every start of `odibi` pays for what is imported here, used or not."""
        if registration.foreign:
            refuse(
                f"Registration of {self.plugin} imports {', '.join(registration.foreign)}.",
                advice="Import the standard library and odibi_core.plugin only, also in the package's __init__; name "
                'classes as strings: factory="package.module:Class".',
            )

    def test_registration_is_quick(self, registration: Registration) -> None:
        """The bound is far from both a light module and a data library, so that a busy machine decides nothing."""
        for _ in range(2):
            if registration.cpu_seconds <= _CPU_BUDGET and registration.seconds <= _WAIT_BUDGET:
                return
            registration = observe_registration(registration.module, again=True)
        if registration.cpu_seconds > _CPU_BUDGET or registration.seconds > _WAIT_BUDGET:
            refuse(
                f"Registration took {registration.cpu_seconds:.2f} s of work and {registration.seconds:.2f} s by the "
                f"clock; allowed are {_CPU_BUDGET} and {_WAIT_BUDGET}.",
                advice="Compute and connect when the part is first used, not when it is listed.",
            )

    def test_registration_prints_nothing(self, registration: Registration) -> None:
        """``odibi plugins list --json`` is one JSON document."""
        if registration.printed:
            refuse(
                f"Registration of {self.plugin} prints {registration.printed[:200]!r}.",
                advice="Say it in the spec's summary, or log it when the part is used.",
            )

    def test_registration_leaves_the_process_as_it_was(self, registration: Registration) -> None:
        """Root logger, environment, working folder, sys.path, signals, filters of warnings, excepthooks."""
        changes = [change for change in registration.changes if not change.startswith("the threads")]
        if changes:
            refuse(
                f"Registration of {self.plugin} changes the process: {'; '.join(changes)}.",
                advice="The process belongs to the program that was started; do it in odibi_configure, and undo it in "
                "odibi_unconfigure, if it must be done at all.",
            )

    def test_registration_starts_no_thread(self, registration: Registration) -> None:
        """Whoever only lists plugins must be able to end, and to fork."""
        if registration.threads:
            refuse(
                f"Registration of {self.plugin} starts the threads {', '.join(registration.threads)}.",
                advice="Start them when the part is first used, and join them in close or odibi_unconfigure.",
            )

    def test_registration_warns_of_nothing(self, registration: Registration) -> None:
        """Many projects run with warnings as errors: there the plugin could not be loaded."""
        if registration.warnings:
            refuse(
                f"Registration of {self.plugin} warns: {'; '.join(registration.warnings)}.",
                advice="Mend what is warned of.",
            )

    def test_registering_twice_gives_equal_specs(self, specs: tuple[Spec, ...]) -> None:
        """A provider is called once for each set of plugin settings, and always has the same to say."""
        again = _specs_of(plugin_manager(self.plugin))
        different = [
            f"{kind_of_spec(one)} {one.name}" for one in {id(s): s for s in specs}.values() if one not in again
        ]
        if different or len(again) != len(specs):
            others = ", ".join(different) or "more of them"
            refuse(
                f"Registered a second time, {self.plugin} yields other specs: {others}.",
                advice="A provider may not depend on what was called before, on time or on chance.",
            )

    # --- hooks and specs ---

    def test_hooks_and_their_arguments_are_those_of_the_kernel(self) -> None:
        """A misspelt hook is never called, and nobody would know."""
        try:
            plugin_manager(self.plugin)
        except OdibiError as error:
            refuse(f"The kernel refuses the plugin: {error}.", advice="See odibi_core.plugin.hookspecs for each hook.")

    def test_it_implements_a_hook(self) -> None:
        """A plugin without a hook is an entry point that names the wrong module."""
        (record,) = _manager_or_skip(self.plugin).records
        if not record.provides:
            refuse(
                f"{self.plugin} implements no hook.",
                advice="Mark functions with @hookimpl, and name the module that has them in the entry point.",
            )

    def test_nothing_clashes_with_itself_or_with_the_kernel(self, specs: tuple[Spec, ...]) -> None:
        """Two things of one name, or two formats for one suffix, leave it to chance which is meant."""
        manager = _manager_or_skip(self.plugin)
        clashes = [
            f"{key} is provided by {', '.join(one.name for one in records)}"
            for key, records in manager.conflicts().items()
        ]
        (record,) = manager.records
        clashes += [f"its command {spec!r} is the kernel's" for spec in KERNEL_COMMANDS if _remarks_on(record, spec)]
        clashes += _shared_suffixes(specs)
        if clashes:
            refuse(f"Names clash: {'; '.join(clashes)}.", advice="Give one of them another name, or leave it out.")

    def test_specs_are_complete(self, specs: tuple[Spec, ...]) -> None:
        """Summaries, notes and versions are what users see before they have tried anything."""
        _refuse_if_any(
            incomplete_parts(specs), advice="Users read it in `odibi plugins info`; it costs one line in the spec."
        )

    def test_everything_named_can_be_loaded(self, specs: tuple[Spec, ...]) -> None:
        """Factories resolve, have the methods of their protocol, and what they require is installed here."""
        _refuse_if_any(
            unresolved_references(specs, manager=_manager_or_skip(self.plugin)),
            advice='Correct the string "package.module:Name", or install here what it requires.',
        )

    def test_options_models_refuse_unknown_options(self, specs: tuple[Spec, ...]) -> None:
        """A misspelt option must be an error of the manifest or the row, not be passed over."""
        _refuse_if_any(
            model_problems(specs, manager=_manager_or_skip(self.plugin)),
            advice='Give the model model_config = ConfigDict(extra="forbid").',
        )

    def test_options_models_import_no_data_library(self, specs: tuple[Spec, ...]) -> None:
        """Models are imported while a project is planned, and a plan must not take seconds."""
        _refuse_if_any(
            what_models_import(specs, heavy=HEAVY_LIBRARIES),
            advice="Keep options models in a module of their own that imports pydantic and nothing that handles data.",
        )

    def test_options_models_show_no_secret(self, specs: tuple[Spec, ...], tmp_path: Path) -> None:
        """Fields whose name says so, or with ``repr=False``, show their value in no error and no repr."""
        _refuse_if_any(
            model_problems(specs, manager=_manager_or_skip(self.plugin), secrets_below=tmp_path),
            advice="Use Field(repr=False) or SecretStr, ConfigDict(hide_input_in_errors=True), and no value in the "
            "messages of validators.",
        )

    def test_checks_answer(self, specs: tuple[Spec, ...]) -> None:
        """A check of `odibi doctor` says what it found; it does not raise."""
        manager, wrong = _manager_or_skip(self.plugin), []
        for spec in specs:
            if kind_of_spec(spec) == "check":
                try:
                    result = manager.load(spec)()
                except Exception as error:  # noqa: BLE001 - a check may raise anything, and none may
                    wrong.append(f"check {spec.name} raised {type(error).__name__}: {error}")
                else:
                    if not isinstance(result, CheckResult):
                        wrong.append(f"check {spec.name} returned {type(result).__name__}, not CheckResult")
        _refuse_if_any(wrong, advice="Return a CheckResult with the status 'error' and what to do.")

    # --- configure ---

    def test_unconfigure_undoes_configure(self, tmp_path: Path) -> None:
        """A run leaves the process as it found it, however often there is one."""
        manager = _manager_or_skip(self.plugin)
        config = ProjectConfig(project="Contract", env="qat", root=tmp_path, settings=self.settings)
        for _ in range(2):
            before = process_state()
            accidents = [*manager.configure(config), *manager.unconfigure(config)]
            if accidents:
                words = "; ".join(f"{one.hook} raised {one.error}" for one in accidents)
                refuse(f"For a project without any rows, {words}.", advice="A hook that raises does nothing for a run.")
            changes = describe_changes(before, process_state())
            if changes:
                refuse(
                    f"After odibi_configure and odibi_unconfigure the process is another: {'; '.join(changes)}.",
                    advice="Undo in odibi_unconfigure what odibi_configure does; it is called whatever happens.",
                )

    # --- the distribution ---

    def test_an_installed_distribution_names_the_module_as_its_entry_point(self) -> None:
        """Without an entry point nobody's `odibi` finds the plugin."""
        distribution_of(self.plugin)

    def test_distribution_requires_the_kernel_with_an_upper_bound(self) -> None:
        """The kernel of tomorrow may have another plugin surface; then pip must say so, not a traceback."""
        distribution = distribution_of(self.plugin)
        if distribution.name != KERNEL and not limits_from_above(distribution.requires, name=KERNEL):
            stated = [one for one in distribution.requires if one.lower().startswith(KERNEL)] or ["nothing"]
            refuse(
                f"{distribution.name} {distribution.version} requires of {KERNEL}: {', '.join(stated)}.",
                advice=f'State a range with an end in pyproject.toml: dependencies = ["{KERNEL}>=0.1,<1"].',
            )

    def test_package_is_marked_as_typed(self) -> None:
        """Users' type checkers look at a package's annotations only if it has a file ``py.typed``."""
        package = find_plugin_module(self.plugin)[1].__name__.partition(".")[0]
        found = importlib.util.find_spec(package)
        folders = list(found.submodule_search_locations or ()) if found is not None else []
        if not any((Path(folder) / "py.typed").is_file() for folder in folders):
            refuse(
                f"The package {package!r} has no file py.typed ({', '.join(folders) or 'it is a single module'}).",
                advice=f"Add an empty file src/{package}/py.typed; it belongs into the wheel.",
            )


def _manager_or_skip(plugin: str) -> PluginManager:
    try:
        return plugin_manager(plugin)
    except OdibiError:
        pytest.skip("the plugin cannot be registered: test_hooks_and_their_arguments_are_those_of_the_kernel says why")


def _specs_of(manager: PluginManager) -> tuple[Spec, ...]:
    ours = {record.name for record in manager.records}
    registries = [getattr(manager, _registry_of(kind)) for kind in KINDS_OF_SPEC.values()]
    return tuple(spec for registry in registries for spec in registry.values() if manager.owner_of(spec).name in ours)


def _registry_of(kind: str) -> str:
    return kind if kind.endswith("s") else f"{kind.replace(' ', '_')}s"


def _remarks_on(record: Any, command: str) -> bool:
    return f"its command {command!r} is not used" in record.reason


def _shared_suffixes(specs: Iterable[Spec]) -> list[str]:
    formats: dict[tuple[str, str, str], set[str]] = {}
    for spec in specs:
        for suffix in getattr(spec, "suffixes", ()):
            key = (kind_of_spec(spec), getattr(spec, "engine", ""), suffix)
            formats.setdefault(key, set()).add(getattr(spec, "format", ""))
    return [
        f"{suffix} means each of {', '.join(sorted(those))} for {kind}s of engine {engine}"
        for (kind, engine, suffix), those in formats.items()
        if len(those) > 1
    ]


def _refuse_if_any(problems: Iterable[str], *, advice: str) -> None:
    problems = list(problems)
    if problems:
        refuse("; ".join(problems) + ".", advice=advice)
