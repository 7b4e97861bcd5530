"""What a function wants to be called with, read from its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from inspect import Parameter as Declared
from typing import Any, Final, Literal, TypeAlias

from odibi_core.errors import FunctionSignatureError
from odibi_core.functions.origins import origin_of
from odibi_core.functions.portability import DEFAULT_PORTABLE, PortableFrame, portable_frame

__all__ = ["V2_NAMES", "CallStyle", "FunctionSignature", "Parameter", "Role", "read_signature"]

V2_NAMES: Final = frozenset({"context", "spark", "env", "inputs", "constants", "outputs"})
"""The parameter names that mean the same in both styles; a function that has no others is of the v2 style."""

ConstantsStyle: TypeAlias = Literal["dict", "keywords", "named", "none"]


class CallStyle(StrEnum):
    """Who reads and saves: the kernel (managed) or the function itself (v2)."""

    MANAGED = "managed"
    V2 = "v2"


class Role(StrEnum):
    """What a parameter gets."""

    FRAME = "frame"
    OPTIONAL = "optional"  # has a default: a constant of its name, else an input that is left over
    FRAMES = "frames"  # *frames: all inputs that are left over
    CONSTANT = "constant"  # keyword-only
    KEYWORDS = "keywords"  # **constants, **kwargs
    CONTEXT = "context"
    SPARK = "spark"
    ENV = "env"
    INPUTS = "inputs"
    CONSTANTS = "constants"
    OUTPUTS = "outputs"


_TAKES_FRAMES: Final = frozenset({Role.FRAME, Role.OPTIONAL, Role.FRAMES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a function.

    Args:
        name: Its name.
        role: What it gets.
        is_required: Whether it has no default.
        is_positional_only: Whether it stands before a ``/``.
        is_keyword_only: Whether it stands after a ``*``.
        default: Its default; meaningless if it is required.
        portable: The frame of Narwhals that it gets instead of the engine's own; None if it gets that.
    """

    name: str
    role: Role
    is_required: bool
    is_positional_only: bool = False
    is_keyword_only: bool = False
    default: Any = field(default=None, repr=False, compare=False)
    portable: PortableFrame | None = None

    def __str__(self) -> str:
        star = {Role.FRAMES: "*", Role.KEYWORDS: "**"}.get(self.role, "")
        if self.is_required or star:
            return f"{star}{self.name}"
        default = self.default
        is_short = isinstance(default, bool | int | float | None) or (isinstance(default, str) and len(default) <= 20)  # noqa: PLR2004  # what reads well in a message
        return f"{self.name}={default!r}" if is_short else f"{self.name}=..."


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSignature:
    """How a function is called, and what to call it in messages.

    Args:
        style: Who reads and saves.
        function: The function with its module, such as ``"silver.functions.clean"``.
        location: Where it is written, as ``file:line`` where that is known.
        parameters: Its parameters, in order.
    """

    style: CallStyle
    function: str
    location: str
    parameters: tuple[Parameter, ...]

    @property
    def frames(self) -> tuple[str, ...]:
        """The parameters that need a frame, in order."""
        return self._named(Role.FRAME)

    @property
    def optional_frames(self) -> tuple[str, ...]:
        """The positional parameters with a default: a constant of that name, else an input that is left over."""
        return self._named(Role.OPTIONAL)

    @property
    def takes_any_frames(self) -> bool:
        """Whether it takes all further inputs, as ``*frames``."""
        return bool(self._named(Role.FRAMES))

    @property
    def constants(self) -> ConstantsStyle:
        """How it gets constants: as one dictionary, all of them as keywords, those it names, or not at all."""
        if self._named(Role.CONSTANTS):
            return "dict"
        if self._named(Role.KEYWORDS):
            return "keywords"
        return "named" if self.constant_names else "none"

    @property
    def constant_names(self) -> tuple[str, ...]:
        """The constants that it names: positional parameters with a default, and those after a ``*``."""
        return self._named(Role.OPTIONAL, Role.CONSTANT)

    @property
    def is_portable(self) -> bool:
        """Whether it gets frames of Narwhals, which are the same on every engine."""
        return any(parameter.portable is not None for parameter in self.parameters)

    @property
    def takes_context(self) -> bool:
        """Whether it has a parameter for the `ExecutionContext`."""
        return bool(self._named(Role.CONTEXT))

    def __str__(self) -> str:
        return f"{self.function}({self._parameters_text()}) ({self.location})"

    def _named(self, *roles: Role) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters if parameter.role in roles)

    def _parameters_text(self) -> str:
        shown: list[str] = []
        for position, parameter in enumerate(self.parameters):
            before = self.parameters[position - 1] if position else None
            is_star_needed = before is None or not (before.is_keyword_only or before.role is Role.FRAMES)
            if before is not None and before.is_positional_only and not parameter.is_positional_only:
                shown.append("/")
            if parameter.is_keyword_only and is_star_needed:
                shown.append("*")
            shown.append(str(parameter))
        if self.parameters and self.parameters[-1].is_positional_only:
            shown.append("/")
        return ", ".join(shown)


def read_signature(
    fn: Callable[..., Any], *, context_param: str = "context", portable: bool | None = None
) -> FunctionSignature:
    """Read from a function's parameters which style it is of and what each parameter gets.

    A function whose parameters all have names of v2 (``context``, ``spark``, ``env``, ``inputs``, ``constants``,
    ``outputs``), or are ``**kwargs``, or that has none, is of the v2 style. Any other is managed: its positional
    parameters are frames, those with a default may be constants, and those after a ``*`` are constants.

    Args:
        fn: A function, a class, a partial, or an object that can be called.
        context_param: A further name for ``context``; `with_context` remembers its own.
        portable: True hands it all frames as Narwhals', False none; None asks what `odibi_function` was told, and then
            the annotations: with ``df: nw.LazyFrame`` it is portable.

    Raises:
        FunctionSignatureError: It is ``async``, or does not tell its parameters.

    Example:
        >>> def join(flights, weather, how="left", *, limit): ...
        >>> signature = read_signature(join)
        >>> signature.style.value, signature.frames, signature.optional_frames, signature.constant_names
        ('managed', ('flights', 'weather'), ('how',), ('how', 'limit'))
        >>> def load(spark, inputs, **kwargs): ...
        >>> read_signature(load).style.value
        'v2'
    """
    origin = origin_of(fn)
    called = f"{origin.module}.{origin.name}"
    inner: Any = inspect.unwrap(fn)
    if inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner):
        raise FunctionSignatureError(
            f"{called} ({origin}) is async, and nothing would await it. Write a plain function."
        )
    try:
        declared = inspect.signature(fn).parameters.values()
    except (ValueError, TypeError) as error:
        raise FunctionSignatureError(
            f"{called} ({origin}) does not tell its parameters, so it is unknown what to call it with. "
            "Write a function around it."
        ) from error
    context_names = {"context", context_param, getattr(fn, "_odibi_context_param", "context")}
    said = getattr(fn, "_odibi_portable", None) if portable is None else portable
    wanted = {} if said is False else _portable_frames(fn, declared, context_names, is_said=bool(said))
    parameters = tuple(_parameter(item, context_names, wanted.get(item.name)) for item in declared)
    return FunctionSignature(style=_style(parameters), function=called, location=str(origin), parameters=parameters)


def _portable_frames(
    fn: Callable[..., Any], declared: Iterable[Declared], context_names: set[str], *, is_said: bool
) -> dict[str, PortableFrame]:
    """Return which parameters get frames of Narwhals; one without an annotation gets what the others get."""
    if not is_said and all(item.annotation is item.empty for item in declared):
        return {}
    takers = [
        item for item in declared if _role(item, context_names, is_required=item.default is item.empty) in _TAKES_FRAMES
    ]
    found = {item.name: portable_frame(item.annotation, fn) for item in takers if item.annotation is not item.empty}
    first = next(filter(None, found.values()), DEFAULT_PORTABLE if is_said else None)
    if first is None:
        return {}
    rest = [item.name for item in takers if is_said or item.annotation is item.empty]
    return {**dict.fromkeys(rest, first), **{name: frame for name, frame in found.items() if frame is not None}}


def _parameter(declared: Declared, context_names: set[str], portable: PortableFrame | None) -> Parameter:
    is_required = declared.default is declared.empty
    return Parameter(
        name=declared.name,
        role=_role(declared, context_names, is_required=is_required),
        is_required=is_required,
        is_positional_only=declared.kind is declared.POSITIONAL_ONLY,
        is_keyword_only=declared.kind is declared.KEYWORD_ONLY,
        default=None if is_required else declared.default,
        portable=portable,
    )


def _role(declared: Declared, context_names: set[str], *, is_required: bool) -> Role:
    if declared.kind is declared.VAR_POSITIONAL:
        return Role.FRAMES
    if declared.kind is declared.VAR_KEYWORD:
        return Role.KEYWORDS
    if declared.name in context_names:
        return Role.CONTEXT
    if declared.name in V2_NAMES:
        return Role(declared.name)
    if declared.kind is declared.KEYWORD_ONLY:
        return Role.CONSTANT
    return Role.FRAME if is_required else Role.OPTIONAL


def _style(parameters: Iterable[Parameter]) -> CallStyle:
    managed = {Role.FRAME, Role.OPTIONAL, Role.FRAMES, Role.CONSTANT}
    return CallStyle.MANAGED if any(parameter.role in managed for parameter in parameters) else CallStyle.V2
