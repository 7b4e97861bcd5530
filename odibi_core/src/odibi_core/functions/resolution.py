"""From a row's module and function to what runs, and the reasons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from odibi_core.diagnostics import describe_error, error_location
from odibi_core.errors import FunctionError, FunctionNotFoundError, FunctionSignatureError, did_you_mean
from odibi_core.functions.conversion import convertible_function
from odibi_core.functions.engines import ANY_ENGINE, Engine
from odibi_core.functions.modules import describe_missing_module, import_row_module
from odibi_core.functions.origins import home_of, is_current, origin_of
from odibi_core.functions.portable_calls import check_narwhals, narwhals_hint
from odibi_core.functions.registry import REGISTRY, FunctionRegistry, RegisteredFunction
from odibi_core.functions.signature import CallStyle, FunctionSignature, read_signature

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

__all__ = ["FunctionExplanation", "ResolutionStep", "ResolvedFunction", "explain_function", "resolve_function"]

_MISSING: Final = object()
_SHOWN_NAMES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedFunction:
    """What runs for a row, and why.

    Args:
        function: What is called.
        module: The row's module.
        name: The row's function.
        engine: What it was registered for: the row's engine or ``"any"``, or the engine that frames are converted for;
            empty for a plain attribute of the module.
        signature: How it is called.
        why: The reason, in a few words.
        file: The file it is written in.
        line: The line, counted from 1.
        handed_to: The engine that frames are handed over to for this function, which declares that it may be; None if
            it runs on the row's engine.
    """

    function: Callable[..., Any]
    module: str
    name: str
    engine: str
    signature: FunctionSignature
    why: str
    file: str | None
    line: int | None
    handed_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionStep:
    """One place that was looked at.

    Args:
        tried: Where.
        found: What was there, or why that does not count.
        is_answer: Whether the search ended here with a function.
    """

    tried: str
    found: str
    is_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionExplanation:
    """What would run for a module, a name and an engine, and how that was found out.

    Args:
        module: The row's module.
        name: The row's function.
        engine: The row's engine.
        steps: The places that were looked at, in order.
        resolved: What would run; None if nothing would.
        error: Why nothing would; None if something would.
    """

    module: str
    name: str
    engine: str
    steps: tuple[ResolutionStep, ...]
    resolved: ResolvedFunction | None
    error: FunctionError | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, for ``odibi functions explain --json``."""
        resolved = self.resolved
        return {
            "module": self.module,
            "function": self.name,
            "engine": self.engine,
            "steps": [{"tried": step.tried, "found": step.found, "is_answer": step.is_answer} for step in self.steps],
            "why": None if resolved is None else resolved.why,
            "style": None if resolved is None else resolved.signature.style.value,
            "signature": None if resolved is None else str(resolved.signature),
            "portable": None if resolved is None else resolved.signature.is_portable,
            "handed_to": None if resolved is None else resolved.handed_to,
            "file": None if resolved is None else resolved.file,
            "line": None if resolved is None else resolved.line,
            "error": None if self.error is None else str(self.error),
        }


def resolve_function(
    module: str,
    name: str,
    engine: str,
    *,
    root: Path | None,
    registry: FunctionRegistry = REGISTRY,
    installed: Collection[str] | None = None,
) -> ResolvedFunction:
    """Return what runs for a row.

    The module is imported first. Then come the function that is registered in it for the engine, the one that is
    registered in it for any engine, and the module's attribute, unless that was written for other engines only. Last
    comes a function of another installed engine that declares that it takes frames of this one converted. A function
    that belongs to another module is never the answer.

    Args:
        module: The row's module.
        name: The row's function.
        engine: The row's engine.
        root: The project's folder; None if there is no project.
        registry: Where functions are registered.
        installed: The engines that there are, to convert frames for; None takes any for installed.

    Raises:
        FunctionNotFoundError: There is no such module or function; the message says what there is.
        FunctionSignatureError: Its parameters fit no style.
        FunctionError: The module raises while it is imported; the cause is chained. Or the function is portable, and
            Narwhals is not installed.

    Example:
        >>> resolve_function("odibi_core.functions.ingestion", "ingest", "pandas", root=None).why
        'attribute of odibi_core.functions.ingestion'
    """
    return _Search(module, name, Engine(engine).value, root, registry, installed).run()


def explain_function(
    module: str,
    name: str,
    engine: str,
    *,
    root: Path | None,
    registry: FunctionRegistry = REGISTRY,
    installed: Collection[str] | None = None,
) -> FunctionExplanation:
    """Return what `resolve_function` would, with every place that was looked at; an error is part of the answer.

    Args:
        module: The row's module.
        name: The row's function.
        engine: The row's engine.
        root: The project's folder; None if there is no project.
        registry: Where functions are registered.
        installed: The engines that there are, to convert frames for; None takes any for installed.

    Example:
        >>> explained = explain_function("odibi_core.functions.ingestion", "ingest", "pandas", root=None)
        >>> [step.tried for step in explained.steps]  # doctest: +NORMALIZE_WHITESPACE
        ['import of odibi_core.functions.ingestion',
         "registry: odibi_core.functions.ingestion.ingest for engine 'pandas'",
         'registry: odibi_core.functions.ingestion.ingest for any engine',
         "attribute 'ingest' of odibi_core.functions.ingestion"]
    """
    search = _Search(module, name, Engine(engine).value, root, registry, installed)
    resolved, error = None, None
    try:
        resolved = search.run()
    except FunctionError as problem:
        error = problem
    return FunctionExplanation(
        module=module, name=name, engine=search.engine, steps=tuple(search.steps), resolved=resolved, error=error
    )


@dataclass(slots=True)
class _Search:
    module: str
    name: str
    engine: str
    root: Path | None
    registry: FunctionRegistry
    installed: Collection[str] | None
    steps: list[ResolutionStep] = field(default_factory=list)

    def run(self) -> ResolvedFunction:
        imported = self._imported()
        for engine in dict.fromkeys((self.engine, ANY_ENGINE)):
            entry = self._registered(engine)
            if entry is not None:
                why = f"registered for {_shown(engine)} in {self.module}"
                return self._resolved(entry.function, engine, why, portable=entry.metadata.get("portable"))
        if imported is not None:
            found = self._attribute(imported)
            if isinstance(found, ResolvedFunction):
                return found
            error = found
        else:
            error = self._not_found(imported)
        converted = self._converted(imported)
        if converted is None:
            raise error
        return converted

    def _imported(self) -> ModuleType | None:
        tried = f"import of {self.module}"
        if not all(part.isidentifier() for part in self.module.split(".")):
            dotted = self.module.strip().removesuffix(".py").replace("\\", "/").strip("./").replace("/", ".")
            hint = f"Write it as Python does: {dotted!r}." if dotted and dotted != self.module else ""
            raise FunctionNotFoundError(f"{self.module!r} is no name of a module. {hint}".rstrip())
        try:
            module = import_row_module(self.module, self.root)
        except ModuleNotFoundError as error:
            if not f"{self.module}.".startswith(f"{error.name}."):
                raise self._broken_module(tried, error) from error
            if any(is_current(entry.function) for entry in self.registry.list_all(module=self.module)):
                # A name given in `module=` of a decorator need not be one that can be imported.
                self.steps.append(ResolutionStep(tried=tried, found="no such module; functions are registered for it"))
                return None
            self.steps.append(ResolutionStep(tried=tried, found="no such module"))
            raise FunctionNotFoundError(describe_missing_module(self.module, self.root)) from error
        except (Exception, SystemExit) as error:
            raise self._broken_module(tried, error) from error
        self.steps.append(ResolutionStep(tried=tried, found=getattr(module, "__file__", None) or "a folder"))
        return module

    def _broken_module(self, tried: str, error: BaseException) -> FunctionError:
        at = error_location(error, root=self.root)
        found = f"{describe_error(error)}{f' ({at})' if at else ''}"
        self.steps.append(ResolutionStep(tried=tried, found=found))
        message = f"Module {self.module!r} cannot be imported: {found}"
        return FunctionError(f"{message}{narwhals_hint(error)}")

    def _registered(self, engine: str) -> RegisteredFunction | None:
        entry = self.registry.get(self.name, engine, module=self.module)
        is_answer = entry is not None and is_current(entry.function)
        found = (
            "nothing"
            if entry is None
            else str(origin_of(entry.function))
            if is_answer
            else f"only that of another project ({origin_of(entry.function)})"
        )
        tried = f"registry: {self.module}.{self.name} for {_shown(engine)}"
        self.steps.append(ResolutionStep(tried=tried, found=found, is_answer=is_answer))
        return entry if is_answer else None

    def _attribute(self, imported: ModuleType) -> ResolvedFunction | FunctionNotFoundError:
        """Return the module's attribute, or why it is no answer."""
        tried = f"attribute {self.name!r} of {self.module}"
        function = getattr(imported, self.name, _MISSING)
        if function is _MISSING:
            self.steps.append(ResolutionStep(tried=tried, found="nothing"))
            return self._not_found(imported)
        if not callable(function):
            self.steps.append(ResolutionStep(tried=tried, found=f"not callable: {type(function).__name__}"))
            return FunctionNotFoundError(
                f"{self.module}.{self.name} is no function; it is of type {type(function).__name__}. "
                f"{self._choices(imported)}"
            )
        engines = self._engines_of(function)
        fitting = [engine for engine in (self.engine, ANY_ENGINE) if engine in engines]
        if engines and not fitting:
            found = f"{origin_of(function)}, written for {', '.join(engines)} only"
            self.steps.append(ResolutionStep(tried=tried, found=found))
            return self._other_engines({*engines, *self._engines_registered()})
        self.steps.append(ResolutionStep(tried=tried, found=str(origin_of(function)), is_answer=True))
        why = f"attribute of {self.module}" + (f", written for {_shown(fitting[0])}" if fitting else "")
        return self._resolved(function, fitting[0] if fitting else "", why)

    def _converted(self, imported: ModuleType | None) -> ResolvedFunction | None:
        found = convertible_function(
            self.module,
            self.name,
            self.engine,
            attribute=getattr(imported, self.name, None),
            registry=self.registry,
            installed=self.installed,
        )
        if found is None:
            return None
        tried = f"conversion: {self.module}.{self.name} with convert_from {self.engine!r}"
        self.steps.append(ResolutionStep(tried=tried, found=str(origin_of(found.function)), is_answer=True))
        why = (
            f"converted: it is written for {_shown(found.engine)} and declares convert_from {self.engine!r}, so frames "
            f"are handed over from {self.engine!r} to {found.engine!r} and back"
        )
        resolved = self._resolved(found.function, found.engine, why, portable=found.portable, handed_to=found.engine)
        if resolved.signature.style is CallStyle.V2:
            raise FunctionSignatureError(
                f"{resolved.signature} declares convert_from {self.engine!r}, but it gets no frames that could be "
                "converted: it reads and saves by itself. Give it a parameter for each frame, or run it on "
                f"{found.engine!r}."
            )
        return resolved

    def _resolved(
        self,
        function: Callable[..., Any],
        engine: str,
        why: str,
        *,
        portable: bool | None = None,
        handed_to: str | None = None,
    ) -> ResolvedFunction:
        origin = origin_of(function)
        signature = read_signature(function, portable=portable)
        if signature.is_portable:
            check_narwhals(signature)
            why = f"portable (Narwhals), {why}"
        return ResolvedFunction(
            function=function,
            module=self.module,
            name=self.name,
            engine=engine,
            signature=signature,
            why=why,
            file=origin.file,
            line=origin.line,
            handed_to=handed_to,
        )

    def _engines_of(self, function: Callable[..., Any]) -> list[str]:
        """Return the engines that a function itself was registered or marked for, under whatever name."""
        marked = getattr(function, "_odibi_engine", None)
        entries = self.registry.list_all(module=home_of(function))
        engines = {entry.engine for entry in entries if entry.function is function}
        return sorted({*engines, marked} if isinstance(marked, str) else engines)

    def _engines_registered(self) -> set[str]:
        entries = self.registry.list_all(module=self.module)
        return {entry.engine for entry in entries if entry.name == self.name and is_current(entry.function)}

    def _not_found(self, imported: ModuleType | None) -> FunctionNotFoundError:
        others = self._engines_registered()
        if others:
            return self._other_engines(others)
        file = getattr(imported, "__file__", None)
        where = f"Module {self.module!r}{f' ({file})' if file else ''}"
        return FunctionNotFoundError(f"{where} has no function {self.name!r}. {self._choices(imported)}")

    def _other_engines(self, engines: Iterable[str]) -> FunctionNotFoundError:
        return FunctionNotFoundError(
            f"Function {self.module}.{self.name} exists for {', '.join(sorted(engines))}, and not for engine "
            f"{self.engine!r}. Register one for {self.engine!r} or for 'any', run it on another engine, or let its "
            f"frames be converted: convert_from={self.engine!r}."
        )

    def _choices(self, imported: ModuleType | None) -> str:
        by_name: dict[str, set[str]] = {}
        for entry in self.registry.list_all(module=self.module):
            if is_current(entry.function):
                by_name.setdefault(entry.name, set()).add(entry.engine)
        for name, value in vars(imported).items() if imported else ():
            if not name.startswith("_") and callable(value) and home_of(value) == self.module:
                by_name.setdefault(name, set())
        if not by_name:
            return "It has no functions."
        names = [f"{name} ({', '.join(sorted(those))})" if those else name for name, those in sorted(by_name.items())]
        more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
        return f"It has: {', '.join(names[:_SHOWN_NAMES])}{more}. {did_you_mean(self.name, by_name)}".rstrip()


def _shown(engine: str) -> str:
    return "any engine" if engine == ANY_ENGINE else f"engine {engine!r}"
