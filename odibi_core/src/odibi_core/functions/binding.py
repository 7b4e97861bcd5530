"""From a row's inputs and constants to the arguments of its function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import FunctionSignatureError, did_you_mean
from odibi_core.functions.signature import V2_NAMES, CallStyle, FunctionSignature, Parameter, Role

if TYPE_CHECKING:
    from odibi_core.functions.context import ExecutionContext
    from odibi_core.functions.resolution import ResolvedFunction
    from odibi_core.plugin import Frame

__all__ = ["RESERVED_CONSTANTS", "bind_arguments", "check_call", "misspelt_constants"]

RESERVED_CONSTANTS: Final = frozenset({"engine", "retry", "timeout"})
"""Constants that are meant for the kernel: they are in the dictionary, and are not expanded into keywords."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def bind_arguments(
    signature: FunctionSignature,
    *,
    frames: Mapping[str, Frame],
    constants: Mapping[str, Any],
    context: ExecutionContext | None = None,
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
    spark: Any = None,
    env: str = "",
    extra: Mapping[str, Any] = _NOTHING,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments for one call of a function.

    v2 style: what the parameters name; ``**kwargs`` gets the rest (``inputs``, ``constants``, ``outputs``, ``env``,
    ``spark`` where there is one, and the extra keywords) but no ``context``.

    Managed: each input is bound exactly once. A parameter with a default that has the name of a constant gets the
    constant. Inputs go to the parameters of their name, then the others by position, first to those without a default;
    ``*frames`` takes what is left. Parameters after a ``*`` get the constants of their name, ``**constants`` all that
    are not bound otherwise, except the reserved ones.

    Args:
        signature: The function's.
        frames: The inputs by binding name, in the row's order; for the v2 style they are not used.
        constants: The row's constants.
        context: For a parameter ``context``.
        inputs: The row's inputs as they are written, for a parameter ``inputs``.
        outputs: The row's outputs as they are written, for a parameter ``outputs``.
        spark: The engine's session, for a parameter ``spark``.
        env: The environment, for a parameter ``env``.
        extra: Further keywords that the run's caller gave for every function.

    Returns:
        Positional and keyword arguments. Lists and dictionaries in them are copies that the function may change.

    Raises:
        FunctionSignatureError: Too few or too many inputs, or a constant is missing or has a frame's name.

    Example:
        >>> from odibi_core.functions.signature import read_signature
        >>> def join(flights, weather, how="left", *, limit): ...
        >>> bind_arguments(read_signature(join), frames={"weather": "W", "f": "F"}, constants={"limit": 3})
        ((), {'flights': 'F', 'weather': 'W', 'limit': 3})
    """
    if not signature.parameters and signature.style is CallStyle.V2:
        return (), {}
    given = {
        Role.CONTEXT: context,
        Role.SPARK: spark,
        Role.ENV: env,
        Role.INPUTS: _fresh(list(inputs)),
        Role.CONSTANTS: _fresh(constants),
        Role.OUTPUTS: _fresh(list(outputs)),
    }
    call = _Call(signature, frames, _fresh(constants), extra)
    for parameter in signature.parameters:
        if parameter.role in given:
            call.bound[parameter.name] = given[parameter.role]
    if signature.style is CallStyle.MANAGED:
        call.bind_constants()
        call.bind_frames()
        call.expand_constants()
    else:
        call.expand_rest(given)
    return call.arguments()


def check_call(function: ResolvedFunction, *, inputs: Sequence[str], constants: Mapping[str, Any]) -> None:
    """Check, without any data, that a managed function can be called with a row's inputs and constants.

    Args:
        function: The function; one of the v2 style fits any row.
        inputs: The binding names of the row's inputs, in order.
        constants: The row's constants.

    Raises:
        FunctionSignatureError: It cannot; the message says what is missing or left over.
    """
    if function.signature.style is CallStyle.MANAGED:
        bind_arguments(function.signature, frames=dict.fromkeys(inputs), constants=constants)


def misspelt_constants(signature: FunctionSignature, constants: Mapping[str, Any]) -> list[str]:
    """Return what to say about constants that nothing takes, while a parameter of nearly that name has its default.

    A row may have constants that its function does not take; nothing is said about those. Nor about any if the function
    could see them all, in a dictionary, as keywords, or by its context.

    Args:
        signature: The function's.
        constants: The row's constants.

    Example:
        >>> from odibi_core.functions.signature import read_signature
        >>> def late(flights, *, limit=15): ...
        >>> misspelt_constants(read_signature(late), {"limt": 30, "owner": "ops"})
        ["constant 'limt' is not a parameter of late. Did you mean 'limit'?"]
    """
    parameters = signature.parameters
    if signature.style is CallStyle.V2 or {Role.CONSTANTS, Role.KEYWORDS, Role.CONTEXT} & {p.role for p in parameters}:
        return []
    names = {parameter.name for parameter in parameters}
    free = [p.name for p in parameters if p.role in {Role.OPTIONAL, Role.CONSTANT} and p.name not in constants]
    unknown = [name for name in constants if name not in names | RESERVED_CONSTANTS]
    said = {name: did_you_mean(str(name), free) for name in unknown}
    name_of_it = signature.function.rpartition(".")[2]
    return [f"constant {name!r} is not a parameter of {name_of_it}. {hint}" for name, hint in said.items() if hint]


@dataclass(slots=True)
class _Call:
    """One call in the making."""

    signature: FunctionSignature
    inputs: Mapping[str, Frame]
    constants: dict[str, Any]
    extra: Mapping[str, Any]
    bound: dict[str, Any] = field(default_factory=dict)
    rest: list[Frame] = field(default_factory=list)
    keywords: dict[str, Any] = field(default_factory=dict)

    def bind_constants(self) -> None:
        named = {**self.extra, **self.constants}
        for parameter in self._with_role(Role.OPTIONAL, Role.CONSTANT):
            if parameter.name in named:
                self.bound[parameter.name] = named[parameter.name]
            elif parameter.role is Role.CONSTANT and parameter.is_required:
                raise self._error(
                    f"needs the constant {parameter.name!r}, and the row has {_listed('constant', self.constants)}. "
                    f"Add it to the row's constants, or give the parameter a default.{self._hint_input(parameter.name)}"
                )

    def bind_frames(self) -> None:
        left = dict(self.inputs)
        takers = [p for p in self._with_role(Role.FRAME, Role.OPTIONAL) if p.name not in self.bound]
        for parameter in takers:
            if parameter.name in left:
                self.bound[parameter.name] = left.pop(parameter.name)
        by_position = [p for p in takers if p.is_required]
        if not self.signature.takes_any_frames:
            by_position += [p for p in takers if not p.is_required]
        for parameter in by_position:
            if left and parameter.name not in self.bound:
                self.bound[parameter.name] = left.pop(next(iter(left)))
        self._refuse_missing([p.name for p in takers if p.is_required and p.name not in self.bound])
        if self.signature.takes_any_frames:
            self.rest = list(left.values())
        elif left:
            raise self._error(
                f"takes {_counted('input', len(self.signature.frames) + len(self.signature.optional_frames))} at most, "
                f"and the row has {_listed('input', self.inputs)}. Nothing takes {', '.join(map(repr, left))}: "
                "remove it from the row, or add a parameter for it."
            )

    def expand_constants(self) -> None:
        if not self._with_role(Role.KEYWORDS):
            return
        frames = {p.name for p in self._with_role(Role.FRAME) if not p.is_positional_only}
        taken = {p.name for p in self.signature.parameters if not p.is_positional_only or p.role is Role.OPTIONAL}
        for name, value in self.constants.items():
            if not isinstance(name, str):
                raise self._error(f"takes constants as keywords, and the row names one by {name!r}, not by a string.")
            if name in frames:
                raise self._error(f"takes an input as {name!r}, and the row has a constant of that name. Rename one.")
            if name not in RESERVED_CONSTANTS and name not in taken:
                self.keywords[name] = value

    def expand_rest(self, given: Mapping[Role, Any]) -> None:
        for parameter in self._with_role(Role.KEYWORDS):
            if parameter.name == Role.CONSTANTS:
                self.expand_constants()
                return
            self.keywords.update((name, value) for name, value in self.extra.items() if name not in V2_NAMES)
            for role, value in given.items():
                is_wanted = role is not Role.CONTEXT and not (role is Role.SPARK and value is None)
                if is_wanted and role.value not in self.bound:
                    self.keywords[role.value] = value

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        positional: list[Any] = []
        by_name: dict[str, Any] = {}
        last = self._last_positional()
        for position, parameter in enumerate(self.signature.parameters):
            if position <= last:
                positional.append(self.bound.get(parameter.name, parameter.default))
            elif parameter.name in self.bound:
                by_name[parameter.name] = self.bound[parameter.name]
        return (*positional, *self.rest), {**by_name, **self.keywords}

    def _last_positional(self) -> int:
        # With *frames everything before it has to be passed by position, its default included; otherwise only what
        # stands before a "/", up to the last one that is bound.
        parameters = self.signature.parameters
        if self.rest:
            return next(i for i, p in enumerate(parameters) if p.role is Role.FRAMES) - 1
        return max((i for i, p in enumerate(parameters) if p.is_positional_only and p.name in self.bound), default=-1)

    def _with_role(self, *roles: Role) -> list[Parameter]:
        return [parameter for parameter in self.signature.parameters if parameter.role in roles]

    def _refuse_missing(self, missing: list[str]) -> None:
        if not missing:
            return
        as_constant = [name for name in missing if name in self.constants]
        advice = (
            f"There is a constant {as_constant[0]!r}: constants go to parameters with a default or after a *."
            if as_constant
            else "Add an input to the row, or give the parameter a default."
        )
        raise self._error(
            f"needs {_counted('input', len(self.signature.frames))}, and the row has {_listed('input', self.inputs)}. "
            f"Nothing is there for {', '.join(map(repr, missing))}. {advice}"
        )

    def _hint_input(self, name: str) -> str:
        return " It stands after a *; an input needs a parameter before it." if name in self.inputs else ""

    def _error(self, message: str) -> FunctionSignatureError:
        return FunctionSignatureError(f"{self.signature} {message}")


def _fresh(value: Any) -> Any:
    # What a function does to its arguments must not be seen by a second attempt, or by another function.
    if isinstance(value, Mapping):
        return {key: _fresh(item) for key, item in value.items()}
    return [_fresh(item) for item in value] if isinstance(value, list) else value


def _counted(noun: str, count: int) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _listed(noun: str, names: Mapping[Any, Any]) -> str:
    return f"{_counted(noun, len(names))} ({', '.join(map(str, names))})" if names else f"no {noun}s"
