"""The name of an engine, as an open set."""

from __future__ import annotations

from typing import ClassVar, Final

from odibi_core.errors import ConfigError

__all__ = ["ANY_ENGINE", "Engine"]

ANY_ENGINE: Final = "any"
"""What a function is registered for that runs on every engine."""

_known: dict[str, Engine] = {}


class Engine(str):
    """An engine's name: any name, not only those of the kernel's constants; whether it is installed is not asked here.

    Case and surrounding blanks do not matter, and there is one object per name, so ``==`` and ``is`` both work, with
    the plain name too: ``context.engine == "pandas"``.

    Args:
        name: The name, or an engine.

    Raises:
        ConfigError: The name is empty.
        TypeError: It is no string.

    Example:
        >>> Engine(" Pandas ") is Engine.PANDAS, Engine.PANDAS == "pandas", Engine("polars").value
        (True, True, 'polars')
    """

    __slots__ = ()

    SPARK: ClassVar[Engine]
    PANDAS: ClassVar[Engine]

    def __new__(cls, name: str) -> Engine:  # noqa: D102, PYI034  # described in the class; one object per name
        if type(name) is cls:
            return name
        if not isinstance(name, str):
            raise TypeError(f"An engine is named by a string such as 'pandas'; got {name!r}.")
        folded = name.strip().lower()
        if not folded:
            raise ConfigError("An engine's name is empty. Name one, such as 'pandas'.")
        known = _known.get(folded)
        # setdefault is atomic: two threads that are first with a name get the same object.
        return _known.setdefault(folded, super().__new__(cls, folded)) if known is None else known

    @property
    def value(self) -> str:
        """The name as a plain string."""
        return str.__str__(self)

    @property
    def name(self) -> str:
        """The name as v2's enum spelled its members: ``"PANDAS"``."""
        return self.upper()

    def __repr__(self) -> str:
        return f"Engine({str.__repr__(self)})"

    def __reduce__(self) -> tuple[type[Engine], tuple[str]]:
        return Engine, (self.value,)


Engine.SPARK = Engine("spark")
Engine.PANDAS = Engine("pandas")
