"""The masking of secrets in everything that is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

__all__ = ["MASK", "as_text", "redact", "redact_value"]

MASK: Final = "***"
"""What stands in place of a secret."""

# A name counts by its words: `accountKey`, `DB_PASSWORD` and `x-auth-token` do, `monkey` and `tokenizer` do not.
_SENSITIVE_WORDS: Final = frozenset(
    {
        *("password", "passwd", "passphrase", "pass", "pwd", "secret", "secrets", "token", "authorization", "sas"),
        *("credential", "credentials", "apikey", "accountkey", "accesskey", "secretkey", "connectionstring", "connstr"),
    }
)
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_PASSWORD: Final = r"(?:passwords?|passwd|passphrase|pwd|(?<![a-z])pass)"  # noqa: S105  # the words for one, not one
_KEY: Final = r"(?:api|account|access|secret|shared|private|storage|client|master|encryption|signing)[ _-]?key"
_OTHER: Final = (
    rf"(?:secrets?|token|credentials?|authorization|conn(?:ection)?[ _-]?str(?:ing)?|sig|\bsas|{_KEY}|\bkey|_key)"
)
_COMPOUND: Final = r"(?:[_-]|access|auth|client|refresh|session)(?:pass|secret|token)"
"""Names that hold a secret also where a colon follows: `token: ')'` is what parsers say."""

_BLANKS: Final = r"[ \t]{0,8}"
_EQUALS: Final = rf"(?:{_BLANKS}(?:=>|:=|==?){_BLANKS}|\\*[\"']\s*:\s*)"  # `x=1`; `{'x': 1}` in Python and JSON
# Braces are how ODBC quotes, doubling one that closes; SQL doubles quotes. The bound is for a text of many that open
# and none that closes. Of what is cut off behind a quote, as in a message that was shortened, the first word is taken.
_QUOTED: Final = (
    r"b?'(?:[^'\\]|\\.|'')*'|b?\"(?:[^\"\\]|\\.|\"\")*\"|\{[^}]{0,1000}+(?:\}\}[^}]{0,200}+){0,5}\}"
    r"|\\+[\"'][^\"'\\]+|['\"][^\s;'\"]+"
)
_SCHEME: Final = r"(?:Bearer|Basic)\s+\S+"
_DATABASES: Final = (
    *("amqp", "databricks", "mariadb", "mongodb", "mssql", "mysql"),
    *("oracle", "postgres", "redis", "redshift", "snowflake", "sqlserver"),
)
_PASSWORD_WORDS: Final = ("pass", "pwd")


class _Rule(NamedTuple):
    """How one form of a secret is masked.

    Args:
        words: A text without any of these, in any case, has no such secret. Looking for them takes a thousandth of what
            the expression takes, and an error message may have megabytes.
        pattern: The secret with what is around it.
        mask: What stands in its place.
    """

    words: tuple[str, ...]
    pattern: re.Pattern[str]
    mask: str | Callable[[re.Match[str]], str]


def _masked_value(match: re.Match[str]) -> str:
    quote = match[2][0] if match[2][0] in "'\"" else ""
    return f"{match[1]}{quote}{MASK}{quote}"


_RULES: Final = (
    _Rule(
        ("private key",),
        re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL),
        MASK,
    ),
    # What is between a colon and an @ in the URL of a database is a password, whatever characters nobody has encoded.
    _Rule(
        _DATABASES,
        re.compile(
            rf"\b((?:{'|'.join(_DATABASES)})\w{{0,8}}(?:\+\w{{1,30}})?://[^\s:/@]{{0,200}}):\S{{1,500}}@", re.IGNORECASE
        ),
        rf"\1:{MASK}@",
    ),
    # The digits that follow a host's colon are a port. The bounds keep hostile text from taking quadratic time.
    _Rule(
        ("://",),
        re.compile(r"(://[^\s:/@]{0,200}):(?!\d+(?:[/?#\s]|$))[^\s'\"]{1,500}@"),
        rf"\1:{MASK}@",
    ),
    # A token may stand where the user does.
    _Rule(("http",), re.compile(r"(https?://)[^\s:/?#@'\"]{8,300}@", re.IGNORECASE), rf"\1{MASK}@"),
    # A password may hold an ampersand; elsewhere that is where the next parameter of a URL begins.
    _Rule(
        _PASSWORD_WORDS,
        re.compile(rf"({_PASSWORD}{_EQUALS})({_QUOTED}|[^\s;\"']+)", re.IGNORECASE),
        _masked_value,
    ),
    _Rule(
        ("secret", "token", "credential", "authorization", "conn", "sig", "sas", "key"),
        re.compile(rf"({_OTHER}{_EQUALS})({_QUOTED}|{_SCHEME}|[^\s;\"'&]+)", re.IGNORECASE),
        _masked_value,
    ),
    _Rule(
        (*_PASSWORD_WORDS, "authorization", "key"),
        re.compile(
            rf"((?:{_PASSWORD}|authorization|{_KEY})\s*:\s+)({_QUOTED}|{_SCHEME}|[^\s;\"'&]+)",
            re.IGNORECASE,
        ),
        _masked_value,
    ),
    _Rule(
        ("pass", "secret", "token"),
        re.compile(rf"({_COMPOUND}\s*:\s+)({_QUOTED}|[^\s;\"'&]+)", re.IGNORECASE),
        _masked_value,
    ),
    # `PWD%3Dx%3B`: a connection string inside a URL.
    _Rule(
        ("%3d",),
        re.compile(rf"((?:{_PASSWORD}|{_OTHER})%3D)(?:(?!%3B|%26)[^\s&;\"'])+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    # `--password x`, also as the list that an error of subprocess shows; and `IDENTIFIED BY 'x'` of SQL.
    _Rule(
        ("--",),
        re.compile(
            rf"((?<![\w-])--[\w-]{{0,40}}?(?:{_PASSWORD}|token|secret|{_KEY})(?:[\"'],)?[ \t]{{1,8}})"
            rf"({_QUOTED}|[^\s;\"']+)",
            re.IGNORECASE,
        ),
        _masked_value,
    ),
    _Rule(
        ("identified", *_PASSWORD_WORDS),
        re.compile(r"((?:identified[ \t]+by|\bpassword)[ \t]+)('(?:[^'\\]|\\.|'')*')", re.IGNORECASE),
        _masked_value,
    ),
    _Rule(("bearer", "basic"), re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    # Tokens that say themselves what they are: of Databricks, GitHub and GitLab.
    _Rule(
        ("dapi", "gh", "github_pat_", "glpat-"),
        re.compile(r"\b(?:dapi[0-9a-f]{32}(?:-\d)?|gh[opsur]_\w{36,255}|github_pat_\w{22,255}|glpat-[\w-]{20,255})"),
        MASK,
    ),
    # Only where a word begins: what is behind a hyphen would be looked at again and again.
    _Rule(("eyj",), re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), MASK),
)


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
    folded = text.casefold()
    for rule in _RULES:
        if any(word in folded for word in rule.words):
            text = rule.pattern.sub(rule.mask, text)
    return text


def redact_value(value: Any) -> Any:
    """Return a copy of a value that can be shown: secrets masked by name and by form.

    Args:
        value: Mappings and sequences are gone through; numbers, dates and None stay what they are; any other object
            becomes its text.

    Example:
        >>> redact_value({"type": "azure", "account_key": "abc", "urls": ["https://u:p@host/x"]})
        {'type': 'azure', 'account_key': '***', 'urls': ['https://u:***@host/x']}
    """
    return _entries(value, _bounded) if isinstance(value, Mapping) else _bounded(value)


def _bounded(value: Any) -> Any:
    try:
        return _redacted(value)
    except RecursionError:  # it holds itself, and whoever logs it is not to fail for that
        return redact(as_text(value))


def _redacted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _entries(value, _redacted)
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(item) for item in value]
    if value is None or isinstance(value, int | float | date):
        return value
    return redact(as_text(value))


def _entries(value: Mapping[Any, Any], shown: Callable[[Any], Any]) -> dict[Any, Any]:
    return {
        key: MASK if isinstance(key, str) and _names_a_secret(key) and item else shown(item)
        for key, item in value.items()
    }


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
