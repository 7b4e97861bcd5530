"""Values that break code which is not careful with what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

__all__ = ["HOSTILE_VALUES", "UnprintableError"]


class UnprintableError(Exception):
    """An error that cannot say what it is about."""

    def __str__(self) -> str:
        raise ValueError("this error has no words")


class _RaisesOnEverything:
    """Raises when it is looked at: a proxy whose target is gone. Its class may be asked for, as isinstance does."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return _RaisesOnEverything
        raise RuntimeError(f"{name} was looked at")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("it was compared")

    def __bool__(self) -> bool:
        raise RuntimeError("its truth was asked for")

    def __len__(self) -> int:
        raise RuntimeError("its length was asked for")

    __hash__ = None  # type: ignore[assignment]  # as a frame has none


class _SaysYesToEverything:
    """Has every attribute."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_args: Any, **_keywords: Any) -> Any:
        return self


HOSTILE_VALUES: Final[Mapping[str, Callable[[], Any]]] = MappingProxyType(
    {
        "None": lambda: None,
        "a number": lambda: 1,
        "a text": lambda: "frame",
        "a list of dicts": lambda: [{"a": 1}],
        "a dict of lists": lambda: {"a": [1]},
        "a class": lambda: int,
        "a function": lambda: len,
        "an object that raises when looked at": _RaisesOnEverything,
        "an object with every attribute": _SaysYesToEverything,
    }
)
"""What functions return that is no frame, by what it is; each is made anew."""
