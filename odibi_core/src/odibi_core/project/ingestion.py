"""Ingestion rows: a source and a target each, turned into transformations of the Bronze layer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from odibi_core.errors import Problem, did_you_mean
from odibi_core.plugin import SAVE_MODES
from odibi_core.project.cells import Cells
from odibi_core.project.documents import Document
from odibi_core.project.option_blocks import OptionBlock, open_block
from odibi_core.project.row_reading import (
    IGNORED_COLUMNS,
    SHARED_COLUMNS,
    RowPlace,
    RowScope,
    invalid_cells,
    read_rows,
    shared_cells,
)
from odibi_core.project.rows import TransformationRow

__all__ = ["INGESTION_COLUMNS", "INGESTION_FUNCTION", "INGESTION_MODULE", "parse_ingestion"]

INGESTION_MODULE = "odibi_core.functions.ingestion"
INGESTION_FUNCTION = "ingest"

_JSON_COLUMNS = ("source_options", "target_options", "schema_definition", "merge_config", "depends_on", "tags")

_ID_ALIASES = {"source_id": "ingestion_id"}

_ALIASES = {
    "source_path_or_query": "source_path",
    "file_format": "format",
    "options": "source_options",
    "target_path_or_table": "target",
    "write_mode": "mode",
}

_MEANT = {
    "id": "ingestion_id",
    "transformation_id": "ingestion_id",
    "env": "environment",
    "source": "source_path",
    "source_table": "source_path",
    "active": "enabled",
}
"""Columns of the predecessor's documents, and of transformation rows."""

_LEGACY = frozenset({
    "connection_config", "is_autoloader", "layer", "merge_config", "schema_definition", "secret_config_id",
    "source_name", "target_id", "target_name", "target_type",
})  # fmt: skip
"""Columns of the predecessor's source and target tables, and of its documents."""

_OWN = frozenset({
    "ingestion_id", "source_type", "source_path", "format", "source_options", "connection",
    "target", "target_table", "target_path", "target_format", "target_options", "target_connection", "mode", "engine",
})  # fmt: skip

INGESTION_COLUMNS = SHARED_COLUMNS | IGNORED_COLUMNS | _LEGACY | _OWN | _ALIASES.keys() | _ID_ALIASES.keys()
"""Every column that an ingestion row may have."""

_PLACES = frozenset({"adls", "blob", "file", "local", "s3", "gcs"})
"""Source types that say where a file is, and nothing about its format."""

_STREAMS = frozenset({"autoloader", "cloudfiles", "streaming"})
_QUERY = re.compile(r"(?:select|with)\b", re.IGNORECASE)
_FILE = re.compile(
    r"[/\\]|\.(?:csv|tsv|json|jsonl|ndjson|parquet|avro|orc|txt)(?:\.(?:gz|zip|zst|bz2|xz))?$", re.IGNORECASE
)


def parse_ingestion(document: Document, *, scope: RowScope) -> tuple[list[TransformationRow], list[Problem]]:
    """Return a document's ingestion rows as transformations, and what is wrong with the others.

    Args:
        document: A list of mappings, or one below ``ingestion``.
        scope: What to check against; rows of another project are passed over.

    Example:
        >>> cells = {"ingestion_id": "sales", "source_path": "landing/sales.csv", "target_table": "bronze.sales"}
        >>> scope = RowScope("P", {"bronze": "Bronze"}, None)
        >>> rows, problems = parse_ingestion(Document(file="rows", data=[cells]), scope=scope)
        >>> rows[0].layer, rows[0].inputs, rows[0].outputs
        ('Bronze', ({'path': 'landing/sales.csv'},), ({'table': 'bronze.sales', 'mode': 'overwrite'},))
    """

    def read(cells: Cells, place: RowPlace) -> TransformationRow | None:
        return _read_row(cells, place, scope=scope)

    rows, problems = read_rows(document, key="ingestion", scope=scope, read=read)
    if rows and scope.bronze is None:
        message = "Ingestion rows belong to the layer Bronze, which the manifest's layer_order does not have."
        problems.append(document.problem(message, suggestion="Add Bronze to layer_order."))
        rows = []
    return rows, problems


def _read_row(cells: Cells, place: RowPlace, *, scope: RowScope) -> TransformationRow | None:
    cells.rename(_ID_ALIASES)
    ingestion_id = cells.name_after("ingestion_id", noun="ingestion")
    cells.rename(_ALIASES)
    cells.refuse_unknown(INGESTION_COLUMNS, meant=_MEANT)
    shared = shared_cells(cells, scope=scope)
    source, target = _block(cells, "source_options"), _block(cells, "target_options")
    if _is_streaming(cells, source, target):
        return None
    _refuse_legacy(cells)
    engine = cells.text("engine")
    inputs, outputs = _input(cells, source), _output(cells, target)
    invalid = invalid_cells(cells, scope=scope, columns=_JSON_COLUMNS)
    if ingestion_id is None or (cells.problems and invalid is None):
        return None
    return TransformationRow(
        transformation_id=ingestion_id,
        layer=scope.bronze or "",
        module=INGESTION_MODULE,
        function=INGESTION_FUNCTION,
        inputs=(inputs,),
        outputs=(outputs,),
        constants={"engine": engine} if engine else {},
        is_ingestion=True,
        invalid=invalid,
        file=place.file,
        line=place.line,
        **shared,
    )


def _block(cells: Cells, column: str) -> OptionBlock:
    try:
        return open_block(cells.mapping(column))
    except TypeError as error:
        cells.fault(f"{cells.called(column)}: {error}.", column=column)
        return OptionBlock()


def _is_streaming(cells: Cells, source: OptionBlock, target: OptionBlock) -> bool:
    words = {(cells.text(column) or "").lower() for column in ("source_type", "format")}
    words |= {(block.format or "").lower() for block in (source, target)}
    if not (cells.flag("is_autoloader", default=False) or words & _STREAMS or source.is_streaming):
        return False
    cells.fault(
        "this is a streaming ingestion (Autoloader); ingestion rows are read in batches, on every engine alike.",
        column="is_autoloader",
        suggestion="Set is_autoloader to 0 and give batch options, or run the stream as a job of its own.",
    )
    return True


def _refuse_legacy(cells: Cells) -> None:
    for column in ("connection_config", "secret_config_id"):
        if cells.has(column) and (column != "connection_config" or _says_something(cells.mapping(column))):
            cells.fault(
                f"{column!r} cannot be used: places and their secrets are written once, in the manifest.",
                column=column,
                suggestion="Write it below 'connections' in the manifest, and its name in 'connection' here.",
            )
    layer = cells.text("layer")
    if layer is not None and layer.casefold() != "bronze":
        cells.fault(f"an ingestion row belongs to the layer Bronze, not to {layer!r}.", column="layer")


def _says_something(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_says_something(inner) for inner in value.values())
    return value not in (None, "", [])


def _input(cells: Cells, block: OptionBlock) -> dict[str, Any]:
    source_type = (cells.text("source_type") or "").lower()
    text = cells.required("source_path") or ""
    given = cells.text("format") or block.format
    if given is None and source_type not in _PLACES | {"", "sql"}:
        given = source_type
    source: dict[str, Any]
    if source_type == "sql" or (given or "").lower() == "sql":
        source = {"type": "query", "sql": text} if _QUERY.match(text) else {"table": text, "format": "sql"}
    else:
        source = {"path": text} | ({"format": given.lower()} if given else {})
    options = dict(block.options)
    if schema := cells.mapping("schema_definition"):
        options.setdefault("schema", schema)
    _refuse_unsupported(cells, block, column="source_options")
    return source | _said(options=options, connection=cells.text("connection"))


def _output(cells: Cells, block: OptionBlock) -> dict[str, Any]:
    options = dict(block.options)
    columns = options.pop("partitionBy", None) or options.pop("partition_by", None) or list(block.partition_by)
    mode = _mode(cells, block)
    if mode == "merge":
        keys = cells.mapping("merge_config")
        options |= {key: keys[key] for key in ("merge_keys", "change_columns") if keys.get(key)}
    _refuse_unsupported(cells, block, column="target_options")
    connection = cells.text("target_connection")
    if (cells.text("target_type") or "").lower() == "sql" and connection is None:
        cells.fault("'target_type' is sql, but 'target_connection' does not say which database.", column="target_type")
    return (
        _target(cells)
        | {"mode": mode}
        | _said(
            format=cells.text("target_format") or block.format,
            options=options,
            partition_by=columns,
            connection=connection,
        )
    )


def _target(cells: Cells) -> dict[str, Any]:
    given = [column for column in ("target_table", "target_path", "target") if cells.has(column)]
    if len(given) != 1:
        found = f"{' and '.join(cells.called(column) for column in given)} are both given" if given else "there is none"
        message = f"a row has one target, but {found}."
        cells.fault(message, suggestion="Write target_table: bronze.<name>, or target_path: <file>.")
        return {}
    text = cells.text(given[0]) or ""
    is_path = given[0] == "target_path" or (given[0] == "target" and _FILE.search(text) is not None)
    return {"path" if is_path else "table": text}


def _mode(cells: Cells, block: OptionBlock) -> str:
    mode = (cells.text("mode") or block.mode or "overwrite").lower()
    if mode not in SAVE_MODES:
        message = f"{cells.called('mode')} is {mode!r}, which is none of {', '.join(SAVE_MODES)}."
        cells.fault(message, column="mode", suggestion=did_you_mean(mode, SAVE_MODES))
    return mode


def _refuse_unsupported(cells: Cells, block: OptionBlock, *, column: str) -> None:
    for name in block.unsupported:
        cells.fault(f"{cells.called(column)}: 'databricks.{name}' has no counterpart on every engine.", column=column)


def _said(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}
