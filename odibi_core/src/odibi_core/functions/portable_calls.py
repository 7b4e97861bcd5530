"""Calling a portable function: the engine's own frames become Narwhals', and what it returns becomes the engine's."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import DataFormatError, FunctionError
from odibi_core.functions.portability import FrameKind, PortableFrame
from odibi_core.functions.signature import FunctionSignature, Parameter, Role

if TYPE_CHECKING:
    from odibi_core.plugin import Frame

__all__ = ["PortableCall", "check_narwhals", "narwhals_hint"]

_INSTALL: Final = "pip install 'odibi-core[portable]'"


def check_narwhals(signature: FunctionSignature) -> None:
    """Refuse a portable function where Narwhals is not installed.

    Args:
        signature: The function's.

    Raises:
        FunctionError: It is not; the message says how to install it.
    """
    if find_spec("narwhals") is None:
        raise FunctionError(f"{signature} is portable, and Narwhals is not installed. It needs: {_INSTALL}")


def narwhals_hint(error: BaseException) -> str:
    """Return what to install if an import failed for lack of Narwhals, else nothing.

    Args:
        error: What a module raised while it was imported.
    """
    missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "narwhals"
    return f". Portable functions need: {_INSTALL}" if missing else ""


@dataclass(slots=True)
class PortableCall:
    """One call of a portable function.

    Args:
        signature: The function's.
        engine: The engine whose frames it gets, for messages.

    Example:
        >>> import pandas as pd
        >>> import narwhals.stable.v2 as nw
        >>> from odibi_core.functions.signature import read_signature
        >>> def double(df: nw.LazyFrame):
        ...     return df.with_columns(nw.col("delay") * 2)
        >>> call, frame = PortableCall(read_signature(double), "pandas"), pd.DataFrame({"delay": [21]})
        >>> args, kwargs = call.arguments((frame,), {}, frames=[frame])
        >>> call.native(double(*args, **kwargs))
           delay
        0     42
    """

    signature: FunctionSignature
    engine: str
    _has_made_lazy: bool = False
    _has_lazy: bool = False

    def arguments(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, frames: Iterable[Frame]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with frames of Narwhals in place of the engine's own.

        Nothing is copied or computed. A frame in memory becomes a lazy one where the function wants that; a lazy one is
        never computed to become one in memory.

        Args:
            args: The positional arguments.
            kwargs: The keyword arguments.
            frames: The inputs among them; whatever else a parameter gets is a constant.

        Raises:
            FunctionError: Narwhals does not know the engine's frames, or one is lazy where the function wants it in
                memory.
            DataFormatError: Columns differ by nothing but case.
        """
        inputs = {id(frame) for frame in frames}

        def wrapped(parameter: Parameter | None, value: Any) -> Any:
            if parameter is None or parameter.portable is None or id(value) not in inputs:
                return value
            return self._wrapped(value, parameter.name, parameter.portable)

        named = {parameter.name: parameter for parameter in self.signature.parameters}
        return (
            tuple(map(wrapped, _taking(self.signature, len(args)), args)),
            {name: wrapped(named.get(name), value) for name, value in kwargs.items()},
        )

    def native(self, returned: Any) -> Any:
        """Return what the function returned with the engine's own frames in place of Narwhals'.

        Where all inputs were in memory, what is returned is too.

        Args:
            returned: A frame, or a mapping with frames; the engine's own may be among them, and anything else stays.

        Raises:
            DataFormatError: Columns differ by nothing but case.
        """
        if isinstance(returned, Mapping):
            return {name: self._native(value, f"a frame {name!r}") for name, value in returned.items()}
        return self._native(returned, "a frame")

    def _wrapped(self, frame: Frame, name: str, wanted: PortableFrame) -> Any:
        try:
            found = importlib.import_module(wanted.namespace).from_native(frame)
        except TypeError as error:
            raise FunctionError(
                f"{self.signature} is portable, but Narwhals knows no frames of engine {self.engine!r} "
                f"({type(frame).__module__}.{type(frame).__qualname__}). Write a variant for {self.engine!r}, or one "
                f"for another engine with convert_from={self.engine!r}."
            ) from error
        is_lazy = _is_lazy(found)
        if is_lazy and wanted.kind is FrameKind.EAGER:
            raise FunctionError(
                f"{self.signature} takes {name!r} as a frame in memory ({wanted}), and frames of engine "
                f"{self.engine!r} are lazy: it would have to be computed and fetched as a whole. Take it as a "
                "LazyFrame; or write the function for an engine whose frames are in memory, with "
                f"convert_from={self.engine!r}."
            )
        _check_names(found, f"{self.signature} got {name!r}")
        if is_lazy or wanted.kind is not FrameKind.LAZY:
            self._has_lazy = self._has_lazy or is_lazy
            return found
        self._has_made_lazy = True
        return found.lazy()

    def _native(self, value: Any, what: str) -> Any:
        narwhals = importlib.import_module("narwhals")
        if not isinstance(value, (narwhals.DataFrame, narwhals.LazyFrame)):
            return value
        _check_names(value, f"{self.signature} returned {what}")
        is_ours = self._has_made_lazy and not self._has_lazy
        return narwhals.to_native(value.collect() if is_ours and _is_lazy(value) else value)


def _taking(signature: FunctionSignature, count: int) -> Sequence[Parameter]:
    """Return the parameters that so many positional arguments go to; what follows `*frames` goes there too."""
    parameters = signature.parameters
    rest = next((parameter for parameter in parameters if parameter.role is Role.FRAMES), None)
    before = [p for p in parameters[:count] if p.role is not Role.FRAMES and not p.is_keyword_only]
    if rest is not None:
        before = before[: parameters.index(rest)]
        return [*before, *([rest] * (count - len(before)))]
    return before


def _is_lazy(frame: Any) -> bool:
    return isinstance(frame, importlib.import_module("narwhals").LazyFrame)


def _check_names(frame: Any, what: str) -> None:
    # On engines that fold case, DuckDB for one, one of the two columns is silently read in place of the other.
    seen: dict[str, str] = {}
    for name in frame.collect_schema().names() if _is_lazy(frame) else frame.columns:
        folded = name.lower() if isinstance(name, str) else name
        if folded in seen:
            raise DataFormatError(
                f"{what} with columns that differ by nothing but case: {seen[folded]!r} and {name!r}. Engines disagree "
                "on which of them is meant. Rename one before a portable function sees them."
            )
        seen[folded] = name
