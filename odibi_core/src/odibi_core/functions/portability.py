"""Which parameters of a function want frames of Narwhals, read from their annotations without importing Narwhals."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import linecache
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

__all__ = ["DEFAULT_PORTABLE", "FrameKind", "PortableFrame", "portable_frame"]


class FrameKind(StrEnum):
    """What of Narwhals' two kinds of frames a parameter gets."""

    LAZY = "lazy"
    EAGER = "eager"
    EITHER = "either"  # whichever the engine's own frame is


@dataclass(frozen=True, slots=True)
class PortableFrame:
    """What a parameter wants instead of the engine's own frame.

    Args:
        namespace: The API of Narwhals that it is written against, such as ``"narwhals.stable.v2"``.
        kind: Which kind of frame.

    Example:
        >>> str(PortableFrame("narwhals.stable.v2", FrameKind.LAZY))
        'narwhals.stable.v2.LazyFrame'
    """

    namespace: str
    kind: FrameKind

    def __str__(self) -> str:
        name = {FrameKind.LAZY: "LazyFrame", FrameKind.EAGER: "DataFrame"}.get(self.kind, "typing.FrameT")
        return f"{self.namespace}.{name}"


DEFAULT_PORTABLE: Final = PortableFrame("narwhals.stable.v2", FrameKind.LAZY)
"""What a parameter without an annotation gets, if its function is said to be portable."""

_KINDS: Final[Mapping[str, FrameKind]] = {
    "LazyFrame": FrameKind.LAZY,
    "LazyFrameT": FrameKind.LAZY,
    "DataFrame": FrameKind.EAGER,
    "DataFrameT": FrameKind.EAGER,
    "Frame": FrameKind.EITHER,
    "FrameT": FrameKind.EITHER,
}
_STABLE: Final = re.compile(r"narwhals\.stable\.v\d+")


def portable_frame(annotation: object, function: Callable[..., Any]) -> PortableFrame | None:
    """Return what kind of Narwhals' frames an annotation asks for, None if it asks for none.

    An annotation that is text, as under ``from __future__ import annotations``, is looked up among the names of the
    function's module, and then among its imports, of which those under ``if TYPE_CHECKING:`` never were carried out.

    Args:
        annotation: The annotation of a parameter.
        function: The function whose parameter it is.

    Example:
        >>> import narwhals.stable.v2 as nw
        >>> def clean(orders: nw.LazyFrame): ...
        >>> portable_frame(clean.__annotations__["orders"], clean)
        PortableFrame(namespace='narwhals.stable.v2', kind=<FrameKind.LAZY: 'lazy'>)
        >>> portable_frame(int, clean) is None
        True
    """
    if annotation is inspect.Parameter.empty:
        return None
    if isinstance(annotation, str):
        return _of_text(annotation, function)
    return _of_object(annotation, function)


def _of_object(annotation: object, function: Callable[..., Any]) -> PortableFrame | None:
    if isinstance(annotation, typing.ForwardRef):
        return portable_frame(annotation.__forward_arg__, function)
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return portable_frame(typing.get_args(annotation)[0], function)
    if origin in {typing.Union, types.UnionType}:
        return _joined(portable_frame(part, function) for part in typing.get_args(annotation))
    named = annotation if origin is None else origin
    return _of_name(f"{getattr(named, '__module__', '')}.{getattr(named, '__name__', '')}")


def _of_name(dotted: str) -> PortableFrame | None:
    """Return what a class or type variable of Narwhals stands for, by the place that it is written in."""
    if not dotted.startswith("narwhals."):
        return None
    kind = _KINDS.get(dotted.rpartition(".")[2])
    if kind is None:
        return None
    stable = _STABLE.match(dotted)
    return PortableFrame(stable.group() if stable else "narwhals", kind)


def _of_text(text: str, function: Callable[..., Any]) -> PortableFrame | None:
    if text.isidentifier():
        return _of_dotted(text, function)
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None
    return _of_node(node, function)


def _of_node(node: ast.expr, function: Callable[..., Any]) -> PortableFrame | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _of_text(node.value, function)
    if isinstance(node, ast.BinOp):
        return _joined([_of_node(node.left, function), _of_node(node.right, function)])
    if isinstance(node, ast.Subscript):
        return _of_subscript(node, function)
    return _of_dotted(ast.unparse(node), function) if isinstance(node, (ast.Name, ast.Attribute)) else None


def _of_subscript(node: ast.Subscript, function: Callable[..., Any]) -> PortableFrame | None:
    name = ast.unparse(node.value).rpartition(".")[2]
    inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Annotated":
        return _of_node(inside[0], function)
    if name in {"Optional", "Union"}:
        return _joined(_of_node(part, function) for part in inside)
    return _of_node(node.value, function)


def _of_dotted(dotted: str, function: Callable[..., Any]) -> PortableFrame | None:
    head, *rest = dotted.split(".")
    module, names = _namespace_of(function)
    if head in names:
        found = names[head]
        for part in rest:
            found = getattr(found, part, None)
        return None if isinstance(found, str) else _of_object(found, function)
    if hasattr(builtins, head):
        return None
    imported = _imports(_source(module)).get(head)
    return None if imported is None else _of_name(".".join([imported, *rest]))


def _namespace_of(function: Callable[..., Any]) -> tuple[str, Mapping[str, Any]]:
    inner: Any = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    inner = inspect.unwrap(inner)
    if isinstance(inner, type):
        inner = inner.__init__  # type: ignore[misc]  # only its module's names are wanted
    elif not hasattr(inner, "__globals__"):
        inner = getattr(inner, "__func__", None) or type(inner).__call__
    return getattr(inner, "__module__", "") or "", getattr(inner, "__globals__", {})


def _source(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file:
        return ""
    linecache.checkcache(file)
    return "".join(linecache.getlines(file))


@functools.lru_cache(maxsize=64)
def _imports(source: str) -> Mapping[str, str]:
    """Return what each name that a module imports stands for, wherever in it the import is written."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return {}
    return dict(_imported_names(tree))


def _imported_names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _joined(found: Iterable[PortableFrame | None]) -> PortableFrame | None:
    frames = {frame for frame in found if frame is not None}
    if not frames:
        return None
    kinds = {frame.kind for frame in frames}
    return PortableFrame(min(frame.namespace for frame in frames), kinds.pop() if len(kinds) == 1 else FrameKind.EITHER)
