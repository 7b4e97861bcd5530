"""Where a database is: a URL, or the ODBC connection string of v2. No message here ever shows a password."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from odibi_core.plugin import ConfigError, PluginError, did_you_mean

__all__ = ["SqlPlace", "check_driver", "read_place"]

_URL: Final = re.compile(
    r"""
    (?P<dialect>[A-Za-z]\w*) (?:\+(?P<driver>\w+))? ://
    (?: (?P<user>[^:/]*) (?: :(?P<password>[^@]*) )? @ )?
    (?: (?: \[(?P<ipv6>[^/?]+)\] | (?P<host>[^/:?]+) )? (?: :(?P<port>[^/?]*) )? )?
    (?: /(?P<database>[^?]*) )?
    (?: \?(?P<query>.*) )?
    """,
    re.VERBOSE | re.DOTALL,
)
"""Divides a URL at the places where SQLAlchemy's own expression does."""

_DEFAULT_DRIVERS: Final = {"mariadb": "pymysql", "mysql": "pymysql", "postgresql": "psycopg", "mssql": "pyodbc"}
_ALIASES: Final = {"postgres": "postgresql", "sqlserver": "mssql"}
_MODULES: Final[Mapping[str, tuple[str, str]]] = {
    "databricks": ("databricks.sqlalchemy", "databricks"),
    "psycopg": ("psycopg", "postgresql"),
    "pymysql": ("pymysql", "mariadb"),
    "pyodbc": ("pyodbc", "mssql"),
}
"""By driver, or by dialect where there is one driver: the module, and the extra of this distribution with it."""

_KNOWN: Final = ("databricks", "mariadb", "mssql", "mysql", "oracle", "postgresql", "sqlite")
_ASYNC: Final = frozenset({"aiomysql", "aioodbc", "aiosqlite", "asyncmy", "asyncpg", "oracledb_async", "psycopg_async"})
_FORMS: Final = (
    "Give a URL, such as sqlite:///logs/runs.db, postgresql://user:password@host/database or "
    "mariadb://user:password@host/database; or an ODBC connection string for SQL Server, "
    "DRIVER={ODBC Driver 18 for SQL Server};SERVER=...;DATABASE=...;UID=...;PWD=..."
)
_ENCODE: Final = "Write @ as %40, / as %2F, : as %3A and ? as %3F in user names and passwords."
_ODBC_PAIR: Final = re.compile(r"\s*([^=;{}]+?)\s*=\s*(?:\{((?:[^}]|\}\})*)\}|([^;]*))\s*(?:;|$)")
_SERVERS: Final = ("server", "address", "addr", "network address", "dsn", "filedsn")
_SQL_SERVER_DRIVERS: Final = ("sql server", "freetds", "msodbc", "tdsodbc", "sql native client")
_WHERE: Final = ("catalog", "dbname", "host", "hostaddr", "port", "schema", "service", "unix_socket")
"""Options that say where the records are: sockets of PostgreSQL and MariaDB, and what Databricks has for databases."""

_SECRET: Final = re.compile(r"pass|pwd|token|secret|credential|key", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlPlace:
    """A database.

    Args:
        url: The URL for SQLAlchemy, with everything that is secret in it.
        dialect: The kind of database: ``"sqlite"``, ``"postgresql"``, ``"mysql"`` (MariaDB too), ``"mssql"`` ...
        driver: What SQLAlchemy calls the library, ``""`` for the dialect's default.
        shown: The URL for people: without password, and without options that do not say where it is.
        where: The same without what may change although it is the same database: the user and the driver.
        secrets: What may not be in a message.
        file: The file of an SQLite database, None if there is none.
    """

    url: str = field(repr=False)
    dialect: str
    driver: str
    shown: str
    where: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    file: Path | None = None

    def mask(self, text: str) -> str:
        """Return a text in which stars stand for what is secret."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def read_place(text: str, *, root: Path | None = None) -> SqlPlace:
    """Read a URL or an ODBC connection string. Nothing is imported or connected.

    Args:
        text: What the user wrote.
        root: The folder that a relative path of an SQLite file is taken from; None for the working directory.

    Raises:
        ConfigError: It is neither, or something in it cannot be right.

    Example:
        >>> place = read_place("postgresql://etl:s3cret@db:5432/dw")
        >>> place.dialect, place.driver, place.shown
        ('postgresql', 'psycopg', 'postgresql+psycopg://etl@db:5432/dw')
        >>> read_place("DRIVER={ODBC Driver 18 for SQL Server};SERVER=db,1433;DATABASE=dw;UID=etl;PWD={a;b}").shown
        'mssql+pyodbc://db,1433/dw'
    """
    text = text.strip()
    if "://" not in text or re.match(r"[^:=]*=", text):
        return _read_odbc(text)
    match = _URL.fullmatch(text)
    if match is None:
        raise ConfigError(f"The SQL log sink cannot read its URL: it has no scheme, or a strange one. {_FORMS}.")
    part = {name: value or "" for name, value in match.groupdict().items()}
    name, driver = _dialect_and_driver(part)
    dialect = "mysql" if name == "mariadb" else name
    if dialect == "sqlite":
        return _sqlite_place(part, driver=driver, root=root)
    _check_parts(part, dialect)
    host = f"[{part['ipv6']}]" if part["ipv6"] else part["host"]
    port = f":{part['port']}" if part["port"] else ""
    user = f"{part['user']}@" if part["user"] else ""
    scheme = f"{name}+{driver}" if driver else name
    options = dict(parse_qsl(part["query"], keep_blank_values=True))
    place = f"{host}{port}/{part['database']}{_place_in(part['query'])}"
    shown, where = f"{scheme}://{user}{place}", f"{name}://{place}"
    secrets = [part["password"], unquote(part["password"])]
    if options.get("odbc_connect"):
        odbc = _odbc_values(options["odbc_connect"])
        shown, where = _shown_odbc(scheme, odbc), _shown_odbc(dialect, odbc)
        secrets += [value for key, value in odbc.items() if _SECRET.search(key)]
    secrets += [value for key, value in options.items() if _SECRET.search(key)]
    return SqlPlace(
        url=scheme + text[text.index("://") :],
        dialect=dialect,
        driver=driver,
        shown=shown,
        where=where,
        secrets=_longest_first(secrets),
    )


def check_driver(place: SqlPlace) -> None:
    """Raise if what is needed to reach a database is not installed. Nothing is imported.

    Args:
        place: The database.

    Raises:
        PluginError: It is not; says what to install.
    """
    needed = {"sqlalchemy": "sql"}
    if place.dialect == "databricks" or place.driver in _MODULES:
        module, extra = _MODULES[place.driver or place.dialect]
        needed[module] = extra
    missing = {module: extra for module, extra in needed.items() if not _is_installed(module)}
    if missing:
        extras = ",".join(sorted(set(missing.values()) - ({"sql"} if len(missing) > 1 else set())))
        raise PluginError(
            f"The SQL log sink needs {' and '.join(sorted(missing))} for {place.shown}, which is not installed. "
            f"It needs: pip install 'odibi-sinks[{extras}]'"
        )


def _dialect_and_driver(part: Mapping[str, str]) -> tuple[str, str]:
    name, driver = part["dialect"].lower(), part["driver"]
    dialect = _ALIASES.get(name, name)
    if dialect not in _KNOWN and not entry_points(group="sqlalchemy.dialects", name=dialect):
        advice = f"{did_you_mean(name, (*_KNOWN, *_ALIASES))} {_FORMS}.".lstrip()
        raise ConfigError(f"The SQL log sink's URL begins with {name!r}, which is no known database. {advice}")
    if driver in _ASYNC:
        default = _DEFAULT_DRIVERS.get(dialect)
        instead = f"{dialect}+{default}" if default else dialect
        raise ConfigError(f"The SQL log sink cannot use {driver!r}, which is asynchronous. Write {instead}://...")
    return dialect, driver or _DEFAULT_DRIVERS.get(dialect, "")


def _check_parts(part: Mapping[str, str], dialect: str) -> None:
    if "@" in part["host"] + part["ipv6"] + part["database"]:
        raise ConfigError(f"The SQL log sink cannot tell where the password of its URL ends. {_ENCODE}")
    if part["port"] and not (part["port"].isdecimal() and int(part["port"]) < 1 << 16):
        raise ConfigError(
            "The SQL log sink's URL has a port that is no number from 0 to 65535. It is what stands behind the colon "
            f"after the host; a password stands before an @. {_ENCODE}"
        )
    if dialect == "databricks" and "http_path=" not in part["query"]:
        raise ConfigError(
            "The SQL log sink's URL for Databricks has no http_path. It looks like "
            "databricks://token:dapi...@host?http_path=/sql/1.0/warehouses/...&catalog=...&schema=..."
        )


def _sqlite_place(part: Mapping[str, str], *, driver: str, root: Path | None) -> SqlPlace:
    if any(part[name] for name in ("user", "password", "host", "ipv6", "port")):
        raise ConfigError(
            "The SQL log sink's URL for SQLite names a host, and SQLite has none. Write three slashes before a "
            "relative path, sqlite:///logs/runs.db, and four before an absolute one."
        )
    scheme = f"sqlite+{driver}" if driver else "sqlite"
    query = f"?{part['query']}" if part["query"] else ""
    name = part["database"]
    if name in ("", ":memory:") or name.startswith("file:"):
        shown = f"sqlite:///{name}" if name else "sqlite://"
        return SqlPlace(url=f"{scheme}:///{name}{query}", dialect="sqlite", driver=driver, shown=shown, where=shown)
    # What an absolute path is must not change if the program changes its folder before the first record comes.
    file = Path(root or Path.cwd()) / name
    shown = f"sqlite:///{file}"
    return SqlPlace(
        url=f"{scheme}:///{file}{query}", dialect="sqlite", driver=driver, shown=shown, where=shown, file=file
    )


def _read_odbc(text: str) -> SqlPlace:
    values = _odbc_values(text)
    if not any(key in values for key in _SERVERS):
        found = f"it names {', '.join(sorted(values))}, and no SERVER or DSN" if values else "it is neither"
        raise ConfigError(f"The SQL log sink cannot read its URL or connection string: {found}. {_FORMS}.")
    driver = values.get("driver", "")
    if driver and not any(name in driver.lower() for name in _SQL_SERVER_DRIVERS):
        raise ConfigError(
            f"The SQL log sink takes ODBC connection strings for SQL Server, and this one is for {driver!r}. {_FORMS}."
        )
    return SqlPlace(
        url=f"mssql+pyodbc:///?odbc_connect={quote(text, safe='')}",
        dialect="mssql",
        driver="pyodbc",
        shown=_shown_odbc("mssql+pyodbc", values),
        where=_shown_odbc("mssql", values),
        secrets=_longest_first([value for key, value in values.items() if _SECRET.search(key)]),
    )


def _odbc_values(text: str) -> dict[str, str]:
    return dict(_odbc_pairs(text))


def _odbc_pairs(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while match := _ODBC_PAIR.match(text, place):
        key, braced, plain = match.groups()
        yield key.lower(), plain.strip() if braced is None else braced.replace("}}", "}")
        if (place := match.end()) >= len(text):
            break


def _shown_odbc(scheme: str, values: Mapping[str, str]) -> str:
    server = next((values[key] for key in _SERVERS if key in values), "")
    return f"{scheme}://{server}/{values.get('database', '')}"


def _place_in(query: str) -> str:
    """Return the options of a URL that say which database it is, as a query."""
    pairs = [(key, value) for key, value in parse_qsl(query) if key in _WHERE]
    return f"?{'&'.join(f'{key}={value}' for key, value in pairs)}" if pairs else ""


def _longest_first(secrets: list[str]) -> tuple[str, ...]:
    return tuple(sorted({secret for secret in secrets if secret}, key=len, reverse=True))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it
        return False
