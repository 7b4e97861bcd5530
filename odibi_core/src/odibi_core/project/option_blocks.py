"""The predecessor's option blocks: plain options, wrapped in an engine and in batch and streaming."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["OptionBlock", "open_block"]

_UNSUPPORTED = ("bucketBy", "insertInto", "sortBy")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionBlock:
    """What an option block says to an engine-neutral reader or saver.

    Args:
        options: Plain options, without empty values.
        format: The block's format.
        mode: The block's save mode.
        partition_by: Columns to partition by.
        is_streaming: Whether it says something about streaming and nothing about batches.
        unsupported: Settings with no counterpart here.
    """

    options: dict[str, Any] = field(default_factory=dict)
    format: str | None = None
    mode: str | None = None
    partition_by: tuple[str, ...] = ()
    is_streaming: bool = False
    unsupported: tuple[str, ...] = ()


def open_block(options: Mapping[str, Any]) -> OptionBlock:
    """Return what an option block says; options that are no block are returned as they are.

    Args:
        options: ``{"engine": "databricks", "databricks": {"batch": {...}, "streaming": {...}}}``, or plain options.

    Raises:
        TypeError: A part of the block is no mapping.

    Example:
        >>> block = {"engine": "databricks", "databricks": {"batch": {"options": {"sep": ";", "quote": ""}}}}
        >>> open_block(block).options
        {'sep': ';'}
        >>> open_block({"sep": ";"}).options
        {'sep': ';'}
    """
    if "databricks" not in options or not set(options) <= {"engine", "databricks"}:
        return OptionBlock(options=dict(options))
    block = _mapping(options, "databricks")
    batch, streaming = _mapping(block, "batch"), _mapping(block, "streaming")
    plain = _without_empty(_mapping(batch, "options"))
    if schema := batch.get("schema"):
        plain.setdefault("schema", schema)
    columns = batch.get("partitionBy") or ()
    unsupported = [f"batch.{name}" for name in _UNSUPPORTED if batch.get(name)]
    return OptionBlock(
        options=plain,
        format=batch.get("format") or None,
        mode=batch.get("mode") or None,
        partition_by=(columns,) if isinstance(columns, str) else tuple(columns),
        is_streaming=bool(_without_empty(streaming)) and not _without_empty(batch),
        unsupported=tuple(unsupported + (["method"] if block.get("method") else [])),
    )


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key) or {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{key!r} must be a mapping")
    return value


def _without_empty(data: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing, also inside mappings: the predecessor writes every key, most of them empty."""
    kept: dict[str, Any] = {}
    for key, value in data.items():
        inner = _without_empty(value) if isinstance(value, Mapping) else value
        if inner not in ("", None, {}, []):
            kept[key] = inner
    return kept
