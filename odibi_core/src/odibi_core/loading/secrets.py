"""The kernel's own secret provider: the process's environment variables."""

from __future__ import annotations

import os

__all__ = ["EnvironmentSecrets"]


class EnvironmentSecrets:
    """Looks secrets up in the environment: ``${secret:env:DB_PASSWORD}``.

    Example:
        >>> import os
        >>> os.environ["ODIBI_DOCTEST_SECRET"] = "opensesame"
        >>> EnvironmentSecrets().get("ODIBI_DOCTEST_SECRET")
        'opensesame'
        >>> del os.environ["ODIBI_DOCTEST_SECRET"]
    """

    def get(self, key: str, /) -> str | None:
        """Return a variable's value, or None if it is not set.

        Args:
            key: The variable's name.
        """
        return os.environ.get(key)
