"""What every contract does alike: which plugin it is about, a manager that holds only that, and declared gaps."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, ClassVar, NoReturn

import pytest

from odibi_core.errors import did_you_mean
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import ENTRY_POINT_GROUP, Capability

__all__ = ["Contract", "find_plugin_module", "plugin_manager", "refuse"]


def refuse(wrong: str, *, advice: str) -> NoReturn:
    """Fail a test with words for the plugin's author, and without a traceback through the kit.

    Args:
        wrong: What was asked and what was found.
        advice: What to do about it.
    """
    # Without what it was made of: a message that says what to do is followed by nothing.
    raise pytest.fail.Exception(f"{wrong}\n{advice}", pytrace=False) from None


class Contract:
    """Base of the contracts; an author subclasses one of those, named ``Test...``.

    Attributes:
        plugin: The module that the entry point names, such as ``"acme_historian.plugin"``, or the entry point's name.
        gaps: What the plugin cannot do: the name of a test, with or without its parameter, or a pattern with ``*``,
            to the reason. Such a test is run and expected to fail; one that passes is a failure.

    Example:
        >>> class TestNothing(Contract):
        ...     plugin = "odibi_core.loading.builtin"
        ...     gaps = {"test_*[decimals]": "the format has no decimals"}
        >>> TestNothing.gap_of("test_round_trip[decimals]")
        'the format has no decimals'
    """

    plugin: ClassVar[str] = ""
    gaps: ClassVar[Mapping[str, str]] = {}

    _gap: str | None = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for name, test in list(vars(cls).items()):
            if name.startswith("test_") and inspect.isfunction(test):
                setattr(cls, name, _minding_gaps(test))

    @classmethod
    def gap_of(cls, name: str) -> str | None:
        """Return the reason for which a test is declared a gap, None if it is not.

        Args:
            name: The test's name, such as ``"test_round_trip[decimals]"``.
        """
        plain = name.partition("[")[0]
        return next(
            (reason for pattern, reason in cls.gaps.items() if _matches(pattern, name) or _matches(pattern, plain)),
            None,
        )

    @pytest.fixture
    def sheet(self) -> Mapping[str, Capability]:
        """The capability sheet of what is tested: a test of a word that it says is not supported is a gap."""
        return {}

    @pytest.fixture(autouse=True)
    def _declared_gap(self, request: pytest.FixtureRequest) -> None:
        self._gap = type(self).gap_of(request.node.name)
        call = getattr(request.node, "callspec", None)
        if self._gap is None and call is not None and "word" in call.params:
            line = request.getfixturevalue("sheet").get(call.params["word"])
            if line is not None and not line.supported:
                self._gap = line.note or f"the sheet says that {call.params['word']} is not supported"

    @pytest.fixture
    def manager(self) -> PluginManager:
        """A frozen manager that discovers nothing and holds only this plugin."""
        return plugin_manager(self.plugin)

    def test_declared_gaps_are_tests_of_this_contract(self) -> None:
        """A gap whose test does not exist hides nothing now, and something later."""
        tests = [name for name in dir(self) if name.startswith("test_")]
        for pattern, reason in self.gaps.items():
            plain = pattern.partition("[")[0]
            if not any(_matches(plain, name) for name in tests):
                refuse(
                    f"`gaps` of {type(self).__name__} names {pattern!r}, and this contract has no such test.",
                    advice=did_you_mean(plain, tests) or f"Its tests: {', '.join(tests)}.",
                )
            if not reason.strip():
                refuse(
                    f"`gaps` of {type(self).__name__} declares {pattern!r} without a reason.",
                    advice="Say in one sentence why the plugin cannot do it: users read it.",
                )


def plugin_manager(*plugins: str) -> PluginManager:
    """Return a frozen manager that never discovers and holds the named plugins.

    Args:
        *plugins: Modules of entry points, or names of entry points; one that is named twice is held once.
    """
    manager = PluginManager(PluginSettings(discover=False))
    held: set[str] = set()
    for plugin in plugins:
        name, module = find_plugin_module(plugin)
        if module.__name__ not in held:
            held.add(module.__name__)
            manager.register(module, name=name)
    return manager.freeze()


def find_plugin_module(plugin: str) -> tuple[str, ModuleType]:
    """Return the name and the registration module of a plugin.

    Args:
        plugin: The module that its entry point names, or the entry point's name. A module need not be installed.

    Returns:
        The entry point's name (of a module that is not installed, its own) and the module, imported.
    """
    if not plugin:
        refuse(
            "The contract does not say which plugin it is about.",
            advice='Set the class attribute: plugin = "acme_historian.plugin".',
        )
    installed = dict(_entry_points())
    for name, module in installed.items():
        if plugin in (name, module):
            return name, importlib.import_module(module)
    try:
        return plugin, importlib.import_module(plugin)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{plugin}.".startswith(f"{error.name}."):
            raise
    hint = did_you_mean(plugin, [*installed, *installed.values()])
    refuse(
        f"There is no installed plugin {plugin!r}, and no module of that name.",
        advice=f"{hint} Name the module of the entry point, and install its distribution: pip install -e .".lstrip(),
    )


def _entry_points() -> Iterator[tuple[str, str]]:
    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        yield entry_point.name, entry_point.value


def _matches(pattern: str, name: str) -> bool:
    # No fnmatch: the brackets of a test's parameter would be a set of characters.
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def _minding_gaps(test: Callable[..., None]) -> Callable[..., None]:
    """Return a test that is expected to fail where its contract declares a gap."""

    @functools.wraps(test)
    def run(self: Contract, *args: Any, **keywords: Any) -> None:
        __tracebackhide__ = True
        gap = self._gap
        if gap is None:
            test(self, *args, **keywords)
            return
        try:
            test(self, *args, **keywords)
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 - however it fails, it was said before
            pytest.xfail(f"gap: {gap}")
        refuse(
            f"{test.__name__} is declared as a gap ({gap}), and passes.",
            advice="Take it out of `gaps`, or out of the capability sheet: the plugin can do more than it says.",
        )

    return run
