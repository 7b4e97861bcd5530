"""Secrets in the options of a plugin, and whether something that people see shows one."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from odibi_core.diagnostics import MASK, redact_value
from odibi_core.testing.contract import refuse

__all__ = ["error_texts", "refuse_shown", "secrets_in"]

_SHORTEST: Final = 4
"""Shorter secrets would be found in many texts that do not show them."""


def secrets_in(options: Mapping[str, Any], *, declared: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the secrets among options: what is declared, what stands below a secret's name, passwords of URLs.

    Args:
        options: The options as a manifest has them.
        declared: Further secrets.

    Example:
        >>> secrets_in({"url": "postgresql://etl:odibi-pw@db/dw", "account_key": "odibi-key", "path": "logs"})
        ('odibi-key', 'odibi-pw')
    """
    found = {*declared, *_walk(options)}
    return tuple(sorted(secret for secret in found if len(secret) >= _SHORTEST))


def error_texts(error: BaseException) -> Iterator[str]:
    """Yield what an error shows to people: its words, its repr, its notes and its traceback, with its causes.

    Args:
        error: The error.
    """
    yield str(error)
    yield repr(error)
    # Without the lines of source: those of the test itself hold the secret.
    seen: BaseException | None = error
    while seen is not None:
        yield from traceback.format_exception_only(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def refuse_shown(texts: Iterable[str], *, secrets: Iterable[str], where: str) -> None:
    """Fail the test if a text shows a secret; the failure does not.

    Args:
        texts: What people see.
        secrets: The secrets.
        where: What they see it in, for the message.
    """
    texts = list(texts)
    for secret in secrets:
        for text in texts:
            if secret in text or secret in unquote(text):
                refuse(
                    f"A secret of the options is shown in {where}: {_masked(text, secret)}",
                    advice="Keep it out of the message and the repr (dataclass: field(repr=False); pydantic: SecretStr "
                    "and hide_input_in_errors=True), and raise `from None` what would quote it as its cause.",
                )


def _masked(text: str, secret: str) -> str:
    text = text if secret in text else unquote(text)
    place = text.index(secret)
    return f"{text[max(0, place - 120) : place]}{MASK}{text[place + len(secret) :][:120]}".replace(secret, MASK)


def _walk(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            revealed = _revealed(item)
            if isinstance(revealed, str) and revealed and redact_value({key: revealed})[key] == MASK:
                yield revealed
            else:
                yield from _walk(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _walk(item)
    elif value is not _revealed(value):
        yield _revealed(value)
    elif isinstance(value, str) and "://" in value:
        password = _password(value)
        if password:
            yield password
            yield unquote(password)


def _revealed(value: Any) -> Any:
    """Return what a pydantic secret holds, and any other value as it is."""
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None
