"""From what a row says to what a reader is asked to read: one resolver for all engines.

A string with a known suffix or a scheme is a file, any other string a table in the project's warehouse; a mapping is
explicit. What ``silver.sales`` means is decided here, once, so that a project can change engines without touching its
rows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from odibi_core.errors import ConfigError, OdibiError, did_you_mean
from odibi_core.plugin import SAVE_MODES, Connection, Dataset, SaveMode

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.project import Project

__all__ = ["COMPRESSION_SUFFIXES", "FORMAT_BY_SUFFIX", "DatasetResolver", "Declaration", "Role", "binding_names"]

Declaration: TypeAlias = str | Mapping[str, Any]
"""An input or output as a row has it."""

COMPRESSION_SUFFIXES: Final = (".gz", ".zip", ".zst", ".bz2", ".xz")

FORMAT_BY_SUFFIX: Final[Mapping[str, str]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".avro": "avro",
    ".orc": "orc",
    ".txt": "text",
    ".xlsx": "excel",
    ".feather": "feather",
    ".arrow": "arrow",
}
"""Suffixes that mean a file on every engine, whether or not a reader for them is installed."""

_FOLDER_FORMATS: Final = frozenset({"delta", "iceberg"})
_CATALOG_FORMAT: Final = "catalog"
_PARTS_OF_A_CATALOG_TABLE: Final = 3
_KEYS: Final = frozenset(
    {"table", "path", "type", "sql", "query", "format", "options", "connection", "mode", "partition_by", "name"}
)
_KEY_ALIASES: Final[Mapping[str, str]] = {"partitionBy": "partition_by"}
_SCHEME: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
_NOT_IN_A_TABLE_PART: Final = re.compile(r'[\x00-\x1f/\\:*?"<>|]')

Role: TypeAlias = Literal["input", "output"]


@dataclass(slots=True)
class DatasetResolver:
    """Resolves the inputs and outputs of one project.

    Args:
        project: The project whose root, warehouse and connections are meant.
        manager: Where readers and savers add suffixes of their own, and where connection types come from.
    """

    project: Project
    manager: PluginManager
    _formats: dict[str, str] | None = None
    _connections: dict[str, Connection] | None = None
    _cache: dict[tuple[str, Role], Dataset] | None = None
    # Text, worked out once: with pathlib, paths were half of the time that planning takes.
    _root: str = field(init=False)
    _warehouse: str = field(init=False)

    def __post_init__(self) -> None:
        self._root = os.path.normpath(self.project.root)
        self._warehouse = os.path.normpath(self.project.root / self.project.manifest.warehouse.path)

    def resolve(self, declaration: Declaration, *, role: Role) -> Dataset:
        """Return the dataset that a declaration means.

        Args:
            declaration: A string or a mapping, as the row has it.
            role: Whether it is read or written; an output must stay inside the project.

        Returns:
            The dataset; its options are as written, not yet validated.

        Raises:
            ConfigError: What is wrong with the declaration, as one sentence.
        """
        if isinstance(declaration, str):
            if self._cache is None:
                self._cache = {}
            known = self._cache.get((declaration, role))
            if known is None:
                known = self._cache[declaration, role] = self._from_text(declaration, role=role)
            return known
        return self._from_mapping(declaration, role=role)

    def _from_text(self, text: str, *, role: Role) -> Dataset:
        if not text.strip():
            raise ConfigError(f"an {role} is an empty string. Name a table such as 'silver.sales' or a file.")
        if self._looks_like_a_path(text):
            return self._path(text, role=role)
        return self._table(text)

    def _from_mapping(self, declaration: Mapping[str, Any], *, role: Role) -> Dataset:
        given = {_KEY_ALIASES.get(str(key), str(key)): value for key, value in declaration.items()}
        for key in given:
            if key not in _KEYS:
                hint = did_you_mean(key, _KEYS) or f"Known keys: {', '.join(sorted(_KEYS))}."
                raise ConfigError(f"unknown key {key!r} in {role} {_shown(declaration)}. {hint}")
        is_query = given.get("type") == "query" or "sql" in given or "query" in given
        ways = [
            way
            for way, is_there in (("table", "table" in given), ("path", "path" in given), ("sql", is_query))
            if is_there
        ]
        if len(ways) != 1:
            raise ConfigError(
                f"{role} {_shown(declaration)} names {' and '.join(ways) or 'no dataset'}; "
                "it needs exactly one of 'table', 'path', or 'type: query' with 'sql'."
            )
        if given.get("type") not in (None, "query", "table", "path", "file"):
            raise ConfigError(f"{role} {_shown(declaration)} has type {given['type']!r}; known are query, table, path.")
        options = given.get("options") or {}
        if not isinstance(options, Mapping):
            raise ConfigError(f"'options' of {role} {_shown(declaration)} must be a mapping.")
        shared: dict[str, Any] = {
            "options": dict(options),
            "mode": _mode(given.get("mode"), declaration),
            "partition_by": _names(given.get("partition_by"), declaration),
        }
        connection = _text(given, "connection", declaration)
        format_ = _text(given, "format", declaration)
        if is_query:
            return self._query(given, declaration, role=role, connection=connection, format_=format_, shared=shared)
        if "table" in given:
            return self._table(
                _required_text(given, "table", declaration), format_=format_, connection=connection, **shared
            )
        return self._path(
            _required_text(given, "path", declaration), role=role, format_=format_, connection=connection, **shared
        )

    def _query(
        self,
        given: Mapping[str, Any],
        declaration: Declaration,
        *,
        role: Role,
        connection: str | None,
        format_: str | None,
        shared: dict[str, Any],
    ) -> Dataset:
        if role == "output":
            raise ConfigError(f"output {_shown(declaration)} is a query; an output is a table or a path.")
        sql = given.get("sql", given.get("query"))
        if not isinstance(sql, str) or not sql.strip():
            raise ConfigError(f"input {_shown(declaration)} is a query without 'sql'.")
        name = _text(given, "name", declaration) or "query"
        storage = self._connection(connection).storage_options() if connection else {}
        return Dataset(
            name=name,
            kind="query",
            format=format_ or "sql",
            location=sql,
            connection=connection,
            storage_options=storage,
            **shared,
        )

    def _table(self, name: str, *, format_: str | None = None, connection: str | None = None, **shared: Any) -> Dataset:
        parts = name.split(".")
        for part in parts:
            if not part.strip() or part.strip(".") == "" or _NOT_IN_A_TABLE_PART.search(part):
                raise ConfigError(
                    f"table name {name!r} has the part {part!r}, which cannot be a name on every system. "
                    "If a file is meant, write {path: ..., format: ...}."
                )
        warehouse = self.project.manifest.warehouse
        format_ = format_ or (_CATALOG_FORMAT if warehouse.catalog else warehouse.format)
        if format_ == _CATALOG_FORMAT:
            return self._catalog_table(name, connection=connection, **shared)
        relative = "/".join(parts) if format_ in _FOLDER_FORMATS else "/".join(parts) + f".{format_}"
        storage: Mapping[str, Any] = {}
        if connection:
            opened = self._connection(connection)
            location, storage = opened.locate(relative), opened.storage_options()
        elif _SCHEME.match(warehouse.path):
            location = f"{warehouse.path.rstrip('/')}/{relative}"
        else:
            location = os.path.normpath(os.path.join(self._warehouse, relative))  # noqa: PTH118 - as said above
            if not os.path.isabs(warehouse.path):  # noqa: PTH117 - as said above
                self._must_stay_inside(location, shown=f"warehouse path {warehouse.path!r}")
        return Dataset(
            name=name,
            kind="table",
            format=format_,
            location=location,
            storage_options=storage,
            connection=connection,
            **shared,
        )

    def _catalog_table(self, name: str, *, connection: str | None, **shared: Any) -> Dataset:
        if connection:
            raise ConfigError(f"table {name!r} is in a catalog, which its engine knows; leave out 'connection'.")
        parts = name.count(".") + 1
        if parts > _PARTS_OF_A_CATALOG_TABLE:
            raise ConfigError(f"table name {name!r} has {parts} parts; in a catalog it is catalog.schema.table.")
        catalog = self.project.manifest.warehouse.catalog
        is_whole = catalog is None or parts == _PARTS_OF_A_CATALOG_TABLE
        location = name if is_whole else f"{catalog}.{name}"
        return Dataset(name=name, kind="table", format=_CATALOG_FORMAT, location=location, **shared)

    def _path(
        self, path: str, *, role: Role, format_: str | None = None, connection: str | None = None, **shared: Any
    ) -> Dataset:
        format_ = format_ or self._format_of(path)
        if format_ is None:
            raise ConfigError(
                f"cannot tell the format of {role} {path!r} from its name. "
                f"Write {{path: {path}, format: csv}} or the like."
            )
        storage: Mapping[str, Any] = {}
        if connection:
            opened = self._connection(connection)
            location, storage = opened.locate(path), opened.storage_options()
        elif _SCHEME.match(path):
            location = path
        else:
            location = os.path.normpath(os.path.join(self._root, path))  # noqa: PTH118 - as said above
            if role == "output":
                self._must_stay_inside(location, shown=f"output path {path!r}")
        return Dataset(
            name=path,
            kind="path",
            format=format_,
            location=location,
            storage_options=storage,
            connection=connection,
            **shared,
        )

    def _must_stay_inside(self, location: str, *, shown: str) -> None:
        if not location.startswith(f"{self._root.rstrip(os.sep)}{os.sep}"):
            raise ConfigError(
                f"{shown} would leave the project's folder. Keep it inside, or name a connection "
                "({type: local, path: ...}) in the manifest for data that lives elsewhere."
            )
        if f"{location}{os.sep}".startswith(os.path.join(self._root, f".odibi{os.sep}")):  # noqa: PTH118 - as said above
            raise ConfigError(f"{shown} is inside .odibi, where the run log lives. Choose another folder.")

    def _looks_like_a_path(self, text: str) -> bool:
        return bool(_SCHEME.match(text)) or "/" in text or "\\" in text or self._format_of(text) is not None

    def _format_of(self, path: str) -> str | None:
        if self._formats is None:
            self._formats = dict(FORMAT_BY_SUFFIX)
            for spec in (*_specs(self.manager.readers), *_specs(self.manager.savers)):
                for suffix in spec.suffixes:
                    self._formats.setdefault(suffix.lower(), spec.format)
        name = path.replace("\\", "/").rsplit("/", 1)[-1].lower()
        for compression in COMPRESSION_SUFFIXES:
            name = name.removesuffix(compression)
        dot = name.rfind(".")
        return self._formats.get(name[dot:]) if dot > 0 or (dot == 0 and len(name) > 1) else None

    def _connection(self, name: str) -> Connection:
        from odibi_core.project import open_connection

        if self._connections is None:
            self._connections = {}
        if name not in self._connections:
            try:
                self._connections[name] = open_connection(name, self.project, self.manager)
            except ConfigError:
                raise
            except OdibiError as error:
                raise ConfigError(f"connection {name!r}: {error}") from error
        return self._connections[name]


def binding_names(datasets: Iterable[tuple[Declaration, Dataset]]) -> tuple[str, ...]:
    """Return the names by which a function's frame parameters are matched with inputs.

    An explicit ``name`` wins, then a table's last part or a file's stem, as an identifier. Where two inputs would have
    the same name, both have all their parts: ``bronze_flights`` and ``silver_flights``.

    Args:
        datasets: Each input as declared and as resolved.

    Returns:
        One name per input, in their order, no two of them equal.

    Example:
        >>> flights = Dataset(name="bronze.flights", kind="table", format="parquet", location="/p/flights.parquet")
        >>> binding_names([("bronze.flights", flights)])
        ('flights',)
    """
    pairs = list(datasets)
    short = [_short_name(declaration, dataset) for declaration, dataset in pairs]
    names = [
        name if short.count(name) == 1 else _identifier(dataset.name)
        for name, (_, dataset) in zip(short, pairs, strict=True)
    ]
    taken: set[str] = set()
    for position, name in enumerate(names):
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique)
        names[position] = unique
    return tuple(names)


def _short_name(declaration: Declaration, dataset: Dataset) -> str:
    if isinstance(declaration, Mapping) and isinstance(declaration.get("name"), str):
        return str(declaration["name"])
    if dataset.kind == "table":
        return _identifier(dataset.name.rsplit(".", 1)[-1])
    if dataset.kind == "query":
        return _identifier(dataset.name)
    return _identifier(dataset.name.replace("\\", "/").rsplit("/", 1)[-1].split(".", 1)[0])


def _identifier(text: str) -> str:
    cleaned = re.sub(r"\W+", "_", text).strip("_") or "input"
    return f"_{cleaned}" if cleaned[0].isdigit() else cleaned


def _specs(registry: Any) -> Iterable[Any]:
    return cast("Iterable[Any]", registry.values())


def _shown(declaration: Declaration) -> str:
    # Only what names the dataset: an option may hold a secret.
    if isinstance(declaration, str):
        return repr(declaration)
    for key in ("name", "table", "path"):
        if isinstance(declaration.get(key), str):
            return repr(declaration[key])
    return "with keys " + ", ".join(sorted(map(str, declaration)))


def _mode(value: object, declaration: Declaration) -> SaveMode:
    if value is None:
        return "overwrite"
    folded = value.strip().lower() if isinstance(value, str) else ""
    if folded not in SAVE_MODES:
        hint = did_you_mean(str(value), SAVE_MODES)
        raise ConfigError(
            f"{_shown(declaration)} has mode {value!r}; known are {', '.join(SAVE_MODES)}. {hint}".rstrip()
        )
    return folded


def _names(value: object, declaration: Declaration) -> tuple[str, ...]:
    if value is None:
        return ()
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)) or not all(isinstance(name, str) and name for name in values):
        raise ConfigError(f"'partition_by' of {_shown(declaration)} must be a column name or a list of them.")
    return tuple(values)


def _text(given: Mapping[str, Any], key: str, declaration: Declaration) -> str | None:
    value = given.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{key!r} of {_shown(declaration)} must be a non-empty string.")
    return value


def _required_text(given: Mapping[str, Any], key: str, declaration: Declaration) -> str:
    value = _text(given, key, declaration)
    if value is None:
        raise ConfigError(f"{key!r} of {_shown(declaration)} must be a non-empty string.")
    return value
