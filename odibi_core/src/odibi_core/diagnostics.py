"""The program's own log, and the masking of secrets in everything that is shown.

Not the run log: that is data, and has a room of its own. This is what Odibi says about itself while it works. It goes
through the standard library's logger ``odibi`` and its children, so an application configures it as any other library's
log. If nobody configured logging, warnings reach stderr and the rest is silent. Neither structlog's configuration nor
the root logger is ever touched.
"""

from __future__ import annotations

import functools
import logging
import re
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

__all__ = ["MASK", "describe_error", "error_location", "get_logger", "log_context", "redact", "redact_value"]

MASK: Final = "***"
"""What stands in place of a secret."""

_context: ContextVar[Mapping[str, Any]] = ContextVar("odibi_log_context", default={})  # noqa: B039  # never changed, only replaced


@functools.cache
def get_logger(name: str) -> BoundLogger:
    """Return the program's log for one room, a structlog logger over the standard logger ``odibi.<name>``.

    Args:
        name: The room's name, such as ``"loading"``.

    Returns:
        A logger whose methods take an event and keywords; structlog is imported when it is first used.

    Example:
        >>> get_logger("loading").info("plugin skipped", plugin="acme", reason="blocked")
    """
    return _LazyLogger(f"odibi.{name}")  # type: ignore[return-value]  # it becomes one at the first attribute


@contextmanager
def log_context(**values: Any) -> Iterator[None]:
    """Add values, such as the run's id, to every line that this thread or task logs inside the block.

    Args:
        values: What to add; a value of an outer block with the same name is hidden.

    Example:
        >>> with log_context(run_id="r1", transformation_id="t1"):
        ...     get_logger("running").info("attempt failed")
    """
    token = _context.set({**_context.get(), **values})
    try:
        yield
    finally:
        _context.reset(token)


class _LazyLogger:
    """Stands for a structlog logger until something is logged, because importing structlog takes a while."""

    def __init__(self, name: str) -> None:
        self._name = name

    @functools.cached_property
    def _logger(self) -> BoundLogger:
        import structlog

        # Every argument is given, so that nothing is taken from the application's own structlog.configure().
        logger: BoundLogger = structlog.wrap_logger(
            logging.getLogger(self._name),
            processors=[
                structlog.stdlib.filter_by_level,
                _add_context,
                structlog.stdlib.PositionalArgumentsFormatter(),
                structlog.processors.format_exc_info,
                _redact_values,
                _render,
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            context_class=dict,
            cache_logger_on_first_use=False,
        ).bind()
        return logger

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._logger, attribute)


def _add_context(_logger: Any, _method: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**_context.get(), **event_dict}


def _redact_values(_logger: Any, _method: str, event_dict: MutableMapping[str, Any]) -> Mapping[str, Any]:
    masked: Mapping[str, Any] = redact_value(event_dict)
    return masked


def _render(_logger: Any, _method: str, event_dict: MutableMapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    # One readable line for whoever has configured nothing; the values themselves ride along as `record.odibi`, for
    # whoever formats logs as JSON.
    values = {**event_dict}
    message = str(values.pop("event", ""))
    trace = values.pop("exception", None)
    line = " ".join([message, *(f"{key}={_shown(value)}" for key, value in values.items())])
    extra = {"odibi": {"event": message, **values, **({"exception": trace} if trace else {})}}
    return (f"{line}\n{trace}" if trace else line,), {"extra": extra}


def _shown(value: object) -> str:
    return value if isinstance(value, str) and value and not re.search(r"[\s=\"']", value) else repr(value)


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
    return redact(_text(value))


def _names_a_secret(name: str) -> bool:
    words = [word.casefold() for word in _WORDS.findall(name)]
    is_connection_string = "connection string" in " ".join(words)
    return bool(words) and (words[-1] == "key" or is_connection_string or not _SENSITIVE_WORDS.isdisjoint(words))


def describe_error(error: BaseException) -> str:
    """Return an error's type and message as one text, with secrets masked.

    Args:
        error: Any exception, also one that cannot be printed.

    Example:
        >>> describe_error(ValueError("bad url http://u:p@host"))
        'ValueError: bad url http://u:***@host'
    """
    message = redact(_text(error))
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  # whatever a foreign __str__ raises, the log line must still come out
        return f"<{type(value).__name__} whose text raises {type(error).__name__}>"


def error_location(error: BaseException, *, root: Path | None = None) -> str | None:
    """Return where an error was raised, as ``file:line``, or None if that is not known.

    Args:
        error: An exception that was caught.
        root: Only frames inside this folder count, and the file is named relative to it.

    Example:
        >>> try:
        ...     compile("x = (", "silver/functions.py", "exec")
        ... except SyntaxError as error:
        ...     error_location(error)
        'silver/functions.py:1'
    """
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno or 1))
    if root is not None:
        for file, line in reversed(places):
            if Path(file).is_relative_to(root):
                return f"{Path(file).relative_to(root).as_posix()}:{line}"
        return None
    return f"{places[-1][0]}:{places[-1][1]}" if places else None
