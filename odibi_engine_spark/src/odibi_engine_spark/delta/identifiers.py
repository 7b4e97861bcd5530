"""Names of tables."""

from __future__ import annotations

import re

from odibi_core.plugin import ConfigError

__all__ = ["name_parts"]

_ONE = r"(?:`(?:[^`]|``)+`|[^`.]+)"
_PART = re.compile(_ONE)
_NAME = re.compile(rf"{_ONE}(?:\.{_ONE}){{0,2}}")


def name_parts(text: str) -> tuple[str, ...]:
    """Return the parts of a table's name: catalog, schema and table, or the last ones of these.

    Args:
        text: Such as ``sales``, ``silver.sales``, ``main.silver.sales``; a part with a dot in it stands in backticks.

    Raises:
        ConfigError: It is no name of one to three parts.

    Example:
        >>> name_parts("main.`odd.schema`.sales")
        ('main', 'odd.schema', 'sales')
    """
    name = text.strip()
    parts = [part.strip() for part in _PART.findall(name)] if _NAME.fullmatch(name) else []
    if not all(parts) or not parts:
        raise ConfigError(
            f"{text!r} is no name of a table. It has one to three parts with dots between them, such as "
            f"catalog.schema.table; a part that has a dot or a backtick in it stands in backticks."
        )
    return tuple(part[1:-1].replace("``", "`") if part.startswith("`") else part for part in parts)
