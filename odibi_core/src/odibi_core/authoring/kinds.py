"""The kinds of plugin that can be begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["KINDS", "Kind", "PluginKind"]


class PluginKind(StrEnum):
    """What a new plugin provides.

    Example:
        >>> PluginKind("reader") is PluginKind.READER
        True
    """

    ENGINE = "engine"
    READER = "reader"
    SAVER = "saver"
    SINK = "sink"
    CONNECTION = "connection"
    HOOKS = "hooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What the distributions of one kind of plugin differ in, besides the text of their files.

    Args:
        summary: What it is, in one line, with ``{subject}`` for what it is about.
        contracts: The contract tests that it comes with.
        dependency: A PEP 508 requirement beside the kernel; empty if there is none.
        has_data: Whether it reads or saves data, so that there are a format and an engine to choose.
        templates: Folders of templates beside its own.
    """

    summary: str
    contracts: tuple[str, ...]
    dependency: str = ""
    has_data: bool = False
    templates: tuple[str, ...] = ("shared",)


_ARROW: Final = "pyarrow>=18"
_PYDANTIC: Final = "pydantic>=2.10,<3"

KINDS: Final[Mapping[PluginKind, Kind]] = MappingProxyType(
    {
        PluginKind.ENGINE: Kind(
            summary="The engine {subject} for Odibi, with a reader and a saver",
            contracts=("TestEngine", "TestPlugin", "TestReaderAndSaver"),
            dependency=_ARROW,
            has_data=True,
            templates=("shared", "arrow_files"),
        ),
        PluginKind.READER: Kind(
            summary="A reader of {subject} files for Odibi",
            contracts=("TestPlugin", "TestReader"),
            dependency=_ARROW,
            has_data=True,
        ),
        PluginKind.SAVER: Kind(
            summary="A saver of {subject} files for Odibi, and the reader that reads them back",
            contracts=("TestPlugin", "TestReaderAndSaver"),
            dependency=_ARROW,
            has_data=True,
            templates=("shared", "arrow_files"),
        ),
        PluginKind.SINK: Kind(
            summary="The log sink {subject} for Odibi",
            contracts=("TestLogSink", "TestPlugin"),
            dependency=_PYDANTIC,
        ),
        PluginKind.CONNECTION: Kind(
            summary="The connection type {subject} for Odibi",
            contracts=("TestConnection", "TestPlugin"),
            dependency=_PYDANTIC,
        ),
        PluginKind.HOOKS: Kind(
            summary="Hooks that say how long the runs of Odibi took", contracts=("TestHooks", "TestPlugin")
        ),
    }
)
"""Every kind with what is particular to it."""
