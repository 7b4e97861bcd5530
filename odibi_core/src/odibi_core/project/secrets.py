"""Secrets in options: ``${env:NAME}`` in the manifest, its value only where it is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from odibi_core.errors import ConfigError

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.plugin import SecretProvider

__all__ = ["holds_secret", "resolve_secrets"]

_REFERENCE = re.compile(r"(\$?)\$\{(?:secret:)?([A-Za-z0-9._+-]+):([^{}]+)\}")
_BARE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def holds_secret(value: object) -> bool:
    """Return whether a value is text that refers to a secret, so that its type is not known yet.

    Args:
        value: A value of an option.

    Example:
        >>> holds_secret("${env:PORT}"), holds_secret("5432")
        (True, False)
    """
    return isinstance(value, str) and any(not match[1] for match in _REFERENCE.finditer(value))


def resolve_secrets(value: Any, *, manager: PluginManager, what: str) -> Any:
    """Return a copy of a value in which every reference to a secret is replaced by the secret.

    ``${env:NAME}`` is an environment variable, ``${secret:<provider>:<key>}`` a secret of any provider, both alone or
    inside longer text; ``$${`` is a plain ``${``.

    Args:
        value: Options: text, or mappings and lists of it.
        manager: Where the providers are.
        what: Whose options they are, for the message.

    Raises:
        ConfigError: There is no such secret; the message has its key, never a value.
        PluginNotFoundError: There is no such provider.
    """
    return _Resolver(manager, what).resolve(value, option="")


class _Resolver:
    def __init__(self, manager: PluginManager, what: str) -> None:
        self._manager = manager
        self._what = what
        self._providers: dict[str, SecretProvider] = {}

    def resolve(self, value: Any, *, option: str) -> Any:
        if isinstance(value, Mapping):
            prefix = f"{option}." if option else ""
            return {key: self.resolve(item, option=f"{prefix}{key}") for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.resolve(item, option=option) for item in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        if bare := _BARE.search(value):
            raise ConfigError(
                f"{self._what}, option {option!r}: ${{{bare[1]}}} does not say where the secret is. "
                f"Write ${{env:{bare[1]}}} for an environment variable, or $${{{bare[1]}}} for the plain text."
            )
        return _REFERENCE.sub(lambda match: self._look_up(match, option), value).replace("$${", "${")

    def _look_up(self, match: re.Match[str], option: str) -> str:
        escaped, name, key = match.groups()
        if escaped:
            return match[0]
        provider = self._providers.get(name)
        if provider is None:
            provider = self._providers[name] = self._manager.load(self._manager.secret_providers.get(name))()
        secret = provider.get(key)
        if secret is None:
            hint = f"Set the environment variable {key}." if name == "env" else f"Store it, or correct the key {key!r}."
            raise ConfigError(f"{self._what}, option {option!r}: the secret provider {name!r} has no {key!r}. {hint}")
        return secret.replace("${", "$${")
