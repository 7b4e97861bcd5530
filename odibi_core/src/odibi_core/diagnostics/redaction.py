"""The masking of secrets in everything that is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

__all__ = ["MASK", "as_text", "redact", "redact_value"]

MASK: Final = "***"
"""What stands in place of a secret."""

# A name counts by its words: `accountKey`, `DB_PASSWORD` and `x-auth-token` do, `monkey` and `tokenizer` do not.
_SENSITIVE_WORDS: Final = frozenset(
    {
        *("password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "authorization", "sas"),
        *("credential", "credentials", "apikey", "accountkey", "accesskey", "secretkey", "connectionstring", "connstr"),
    }
)
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_PASSWORD: Final = r"(?:passwords?|passwd|passphrase|pwd)"  # noqa: S105  # the words for one, not one
_KEY: Final = r"(?:api|account|access|secret|shared|private|storage|client|master|encryption|signing)[ _-]?key"
_OTHER: Final = rf"(?:secrets?|token|credentials?|authorization|conn(?:ection)?[ _-]?str(?:ing)?|sig|{_KEY}|\bkey|_key)"
_EQUALS: Final = r"(?:=|[\"']\s*:\s*|\s=\s)"  # `x=1`; `{'x': 1}` in Python and JSON; `x = 1`
_QUOTED: Final = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\{[^}]*\}"  # braces are how ODBC quotes
_SCHEME: Final = r"(?:Bearer|Basic)\s+\S+"
_ASSIGNED: Final = (
    # A password may hold an ampersand; elsewhere that is where the next parameter of a URL begins.
    re.compile(rf"({_PASSWORD}{_EQUALS})({_QUOTED}|[^\s;\"']+)", re.IGNORECASE),
    re.compile(rf"({_OTHER}{_EQUALS})({_QUOTED}|{_SCHEME}|[^\s;\"'&]+)", re.IGNORECASE),
    re.compile(rf"((?:{_PASSWORD}|authorization|{_KEY})\s*:\s+)({_QUOTED}|{_SCHEME}|[^\s;\"'&]+)", re.IGNORECASE),
)
# The digits that follow a host's colon are a port. The bounds keep hostile text from taking quadratic time.
_URL_CREDENTIALS: Final = re.compile(r"(://[^\s:/@]{0,200}):(?!\d+(?:[/?#\s]|$))[^\s'\"]{1,500}@")
_BEARER: Final = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_JWT: Final = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)


def redact(text: str) -> str:
    """Return a text with the secrets in it masked, as far as they can be told by their form.

    Masked are the values of names such as ``password``, ``token``, ``AccountKey`` or ``connection_string``, the
    credentials inside URLs, bearer tokens, JSON web tokens and private keys.

    Args:
        text: A message that may quote a connection string, a URL or a header.

    Example:
        >>> redact("cannot open postgresql://etl:s3cret@db:5432/dw")
        'cannot open postgresql://etl:***@db:5432/dw'
        >>> redact("Server=db;Uid=etl;Pwd=s3cret;Encrypt=yes")
        'Server=db;Uid=etl;Pwd=***;Encrypt=yes'
    """
    text = _PRIVATE_KEY.sub(MASK, text)
    text = _URL_CREDENTIALS.sub(rf"\1:{MASK}@", text)
    for pattern in _ASSIGNED:
        text = pattern.sub(lambda match: f"{match[1]}{_masked_like(match[2])}", text)
    return _JWT.sub(MASK, _BEARER.sub(rf"\1 {MASK}", text))


def _masked_like(value: str) -> str:
    quote = value[0] if value[0] in "'\"" else ""
    return f"{quote}{MASK}{quote}"


def redact_value(value: Any) -> Any:
    """Return a copy of a value that can be shown: secrets masked by name and by form.

    Args:
        value: Mappings and sequences are gone through; numbers, dates and None stay what they are; any other object
            becomes its text.

    Example:
        >>> redact_value({"type": "azure", "account_key": "abc", "urls": ["https://u:p@host/x"]})
        {'type': 'azure', 'account_key': '***', 'urls': ['https://u:***@host/x']}
    """
    if isinstance(value, Mapping):
        return {
            key: MASK if isinstance(key, str) and _names_a_secret(key) and item else redact_value(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item) for item in value]
    if value is None or isinstance(value, int | float | date):
        return value
    return redact(as_text(value))


def _names_a_secret(name: str) -> bool:
    words = [word.casefold() for word in _WORDS.findall(name)]
    is_connection_string = "connection string" in " ".join(words)
    return bool(words) and (words[-1] == "key" or is_connection_string or not _SENSITIVE_WORDS.isdisjoint(words))


def as_text(value: object) -> str:
    """Return a value's text, also if its own ``__str__`` raises.

    Args:
        value: Any object.

    Example:
        >>> as_text(ValueError("no rows"))
        'no rows'
    """
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  # whatever a foreign __str__ raises, the log line must still come out
        return f"<{type(value).__name__} whose text raises {type(error).__name__}>"
