"""Which function runs for a module, a name and an engine."""

from __future__ import annotations

import builtins
import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias

from odibi_core.diagnostics import get_logger
from odibi_core.errors import FunctionNotFoundError
from odibi_core.functions.engines import ANY_ENGINE, Engine
from odibi_core.functions.origins import home_of, is_current, origin_of

__all__ = ["REGISTRY", "FunctionRegistry", "RegisteredFunction"]

_log = get_logger("functions")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegisteredFunction:
    """One entry of the registry.

    Args:
        name: The name that rows use.
        engine: The engine it is for, ``"any"`` for all.
        module: The module it was registered under.
        function: The function itself.
        metadata: ``module``, ``description``, and whatever it was registered with.
    """

    name: str
    engine: str
    module: str
    function: Callable[..., Any]
    metadata: Mapping[str, Any]

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules under which it is found: the one it was registered under and the one it is written in."""
        return tuple(dict.fromkeys((self.module, home_of(self.function))))


# By module, then by name and engine. Published tables are never changed, only replaced: readers need no lock.
_Table: TypeAlias = Mapping[str, Mapping[tuple[str, str], RegisteredFunction]]


class FunctionRegistry:
    """Functions by module, name and engine; ``FunctionRegistry()`` is always the one of this process, `REGISTRY`.

    A function is found under the module it was registered under and under the module it is written in. A function of
    one module never answers for another. Where no module is given, as in v2, the answer must not depend on it: if
    functions of several modules would fit, that is an error which names them.

    Example:
        >>> registry = FunctionRegistry.isolated()
        >>> registry.register("clean", "any", sorted, module="cleaning", tags=["demo"])
        >>> registry.resolve("cleaning", "clean", "pandas")
        <built-in function sorted>
        >>> FunctionRegistry() is REGISTRY
        True
    """

    __slots__ = ("_lock", "_table")

    _process_wide: ClassVar[FunctionRegistry | None] = None

    _lock: threading.Lock
    _table: _Table

    def __new__(cls) -> FunctionRegistry:  # noqa: D102, PYI034  # described in the class; it is one object
        if cls._process_wide is None:
            cls._process_wide = cls.isolated()
        return cls._process_wide

    @classmethod
    def isolated(cls) -> FunctionRegistry:
        """Return a new, empty registry that nothing else uses, for tests."""
        registry = object.__new__(cls)
        registry._lock = threading.Lock()
        registry._table = {}
        return registry

    def register(
        self,
        name: str,
        engine: str,
        fn: Callable[..., Any],
        module: str | None = None,
        description: str | None = None,
        **metadata: Any,
    ) -> None:
        """Register a function; one that has the place already is replaced.

        Replacing a function by one that is written elsewhere is logged as a warning.

        Args:
            name: The name that rows use.
            engine: The engine it is for, ``"any"`` for all.
            fn: The function.
            module: The module under which rows find it, beside the module it is written in.
            description: What it does; its docstring if this is not given.
            metadata: Anything else: version, author, tags.

        Raises:
            ValueError: The name or the engine is empty.
            TypeError: The function cannot be called.
        """
        if not (name or "").strip():
            raise ValueError(f"A function is registered under a name; got {name!r}.")
        if not callable(fn):
            raise TypeError(f"Only something callable can be registered as {name!r}; got {fn!r}.")
        logical = module or home_of(fn)
        described = description if description is not None else inspect.getdoc(fn)
        entry = RegisteredFunction(
            name=name,
            engine=Engine(engine).value,
            module=logical,
            function=fn,
            metadata=MappingProxyType({"module": logical, "description": described, **metadata}),
        )
        key = (entry.name, entry.engine)
        with self._lock:
            table = dict(self._table)
            replaced = [table[place][key] for place in entry.modules if key in table.get(place, ())]
            for place in entry.modules:
                table[place] = {**table.get(place, {}), key: entry}
            self._table = table
        for old in dict.fromkeys(replaced):
            _warn_of_replacement(old, entry)

    def resolve(self, module: str | None, func: str, engine: str) -> Callable[..., Any] | None:
        """Return the function for a module, a name and an engine; None if there is none.

        Args:
            module: The module; None asks all of them.
            func: The name.
            engine: The engine; an exact match beats ``"any"``.

        Raises:
            FunctionNotFoundError: No module was given, and modules disagree.
        """
        entry = self.find(module, func, engine)
        return None if entry is None else entry.function

    def find(self, module: str | None, name: str, engine: str) -> RegisteredFunction | None:
        """Return the entry that `resolve` takes the function from.

        Args:
            module: The module; None asks all of them.
            name: The name.
            engine: The engine; an exact match beats ``"any"``.

        Raises:
            FunctionNotFoundError: No module was given, and modules disagree.
        """
        wanted = engine.strip().lower()
        if module is not None:
            entries = self._table.get(module, _NOTHING)
            return entries.get((name, wanted)) or entries.get((name, ANY_ENGINE))
        fitting = [
            entry
            for entries in self._table.values()
            if (entry := entries.get((name, wanted)) or entries.get((name, ANY_ENGINE))) is not None
        ]
        return _the_only_one(fitting, name)

    def get(self, name: str, engine: str, *, module: str | None = None) -> RegisteredFunction | None:
        """Return the entry for exactly this engine, None if there is none.

        Args:
            name: The name.
            engine: The engine; ``"any"`` is asked for by name.
            module: The module; None asks all of them.

        Raises:
            FunctionNotFoundError: No module was given, and modules disagree.
        """
        key = (name, engine.strip().lower())
        if module is not None:
            return self._table.get(module, _NOTHING).get(key)
        return _the_only_one([entries[key] for entries in self._table.values() if key in entries], name)

    def get_all(self, engine: str | None = None) -> list[tuple[str, str]]:
        """Return ``(name, engine)`` of what is registered, sorted, each pair once.

        Args:
            engine: Only what is registered for this engine itself.
        """
        return sorted({(entry.name, entry.engine) for entry in self.list_all(engine=engine)})

    def list_all(self, *, module: str | None = None, engine: str | None = None) -> list[RegisteredFunction]:
        """Return the entries, sorted by module, name and engine.

        Args:
            module: Only what is found under this module.
            engine: Only what is registered for this engine itself.

        Example:
            >>> registry = FunctionRegistry.isolated()
            >>> registry.register("clean", "pandas", sorted, module="cleaning")
            >>> [(entry.module, entry.name, entry.engine) for entry in registry.list_all(engine="Pandas")]
            [('cleaning', 'clean', 'pandas')]
        """
        tables = self._table.values() if module is None else [self._table.get(module, _NOTHING)]
        wanted = None if engine is None else engine.strip().lower()
        entries = {entry for table in tables for entry in table.values() if wanted in {None, entry.engine}}
        return sorted(entries, key=lambda entry: (entry.module, entry.name, entry.engine))

    def find_by_tag(self, tag: str) -> list[RegisteredFunction]:
        """Return the entries whose ``tags`` hold a tag, sorted by module, name and engine.

        Args:
            tag: The tag, in any case.

        Example:
            >>> registry = FunctionRegistry.isolated()
            >>> registry.register("clean", "any", sorted, module="cleaning", tags=["Quality"])
            >>> [entry.name for entry in registry.find_by_tag("quality")]
            ['clean']
        """
        return [entry for entry in self.list_all() if tag.casefold() in _tags(entry)]

    def get_metadata(self, name: str, engine: str, *, module: str | None = None) -> dict[str, Any] | None:
        """Return a copy of a function's metadata, None if exactly this engine has no such function.

        Args:
            name: The name.
            engine: The engine; ``"any"`` is asked for by name.
            module: The module; None asks all of them.

        Raises:
            FunctionNotFoundError: No module was given, and modules disagree.
        """
        entry = self.get(name, engine, module=module)
        return None if entry is None else dict(entry.metadata)

    def unregister(self, name: str, engine: str, *, module: str | None = None) -> bool:
        """Remove a function; return whether it was there.

        Args:
            name: The name.
            engine: The engine.
            module: The module; None asks all of them.

        Raises:
            FunctionNotFoundError: No module was given, and modules disagree.
        """
        with self._lock:
            entry = self.get(name, engine, module=module)
            if entry is None:
                return False
            self._table = {
                place: kept
                for place, entries in self._table.items()
                if (kept := {key: other for key, other in entries.items() if other is not entry})
            }
            return True

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._table = {}


_NOTHING: Final[Mapping[tuple[str, str], RegisteredFunction]] = MappingProxyType({})

REGISTRY: Final = FunctionRegistry()
"""The registry of this process, which decorators register in."""


def _the_only_one(fitting: Iterable[RegisteredFunction], name: str) -> RegisteredFunction | None:
    by_function = {id(entry.function): entry for entry in fitting}
    if len(by_function) > 1:
        modules = ", ".join(sorted(entry.module for entry in by_function.values()))
        raise FunctionNotFoundError(
            f"Function {name!r} was asked for without a module, and several modules have one: {modules}. "
            "Name the module."
        )
    return next(iter(by_function.values()), None)


def _tags(entry: RegisteredFunction) -> set[str]:
    tags = entry.metadata.get("tags") or ()
    return {str(tag).casefold() for tag in ([tags] if isinstance(tags, str) else tags)}


def _warn_of_replacement(old: RegisteredFunction, new: RegisteredFunction) -> None:
    if origin_of(old.function) == origin_of(new.function) or not is_current(old.function):
        return
    # Whoever edits a notebook cell and runs it again means to replace the function.
    if home_of(new.function) == "__main__" and (hasattr(sys, "ps1") or hasattr(builtins, "__IPYTHON__")):
        return
    _log.warning(
        "registered function replaced by another of the same name",
        function=f"{new.module}.{new.name}",
        engine=new.engine,
        before=str(origin_of(old.function)),
        now=str(origin_of(new.function)),
    )
