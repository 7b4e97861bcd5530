"""The frozen specs that providers yield: small, cheap to build, and complete without importing anything heavy.

A spec never holds a class. It names one as ``"package.module:Class"``, and the kernel imports that module when the
engine, reader, saver or sink is first used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from odibi_core.plugin.datasets import SaveMode

__all__ = [
    "Capability",
    "CheckSpec",
    "CommandSpec",
    "ConfigStoreSpec",
    "ConnectionSpec",
    "EngineSpec",
    "FunctionsSpec",
    "LogSinkSpec",
    "ReaderSpec",
    "SaverSpec",
    "SecretProviderSpec",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One line of the capability sheet of an engine, or of a reader or saver.

    Args:
        supported: Whether it can be done at all.
        since: The version of the plugin that first could, such as ``"0.1"``; empty if it cannot.
        note: A limit or a reason, for `odibi plugins info`.
    """

    supported: bool
    since: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """An execution engine.

    Args:
        name: What users write in ``engine=``; lower case.
        factory: ``"package.module:Class"`` of an `ExecutionEngine`; called with one `EngineConfig`.
        requires: PEP 508 requirements beyond those of the distribution, such as the libraries of an extra.
        summary: One line for `odibi plugins info`.
        options_model: ``"package.module:Model"`` of a pydantic model for the manifest's ``engines.<name>``.
        capabilities: The capability sheet: ``cache``, ``catalog``, ``merge``, ``query``, ``in_memory``, ...
        transient_errors: ``"package.module:Error"`` classes after which trying again may help.

    Example:
        >>> EngineSpec(name="pandas", factory="odibi_engine_pandas.engine:PandasEngine").name
        'pandas'
    """

    name: str
    factory: str
    requires: tuple[str, ...] = ()
    summary: str = ""
    options_model: str | None = None
    capabilities: Mapping[str, Capability] = field(default_factory=dict)
    transient_errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSpec:
    """A reader of one format for one engine.

    Args:
        engine: The engine whose frames it returns, or ``"any"`` for a reader that returns an Arrow stream.
        format: The format's name, lower case.
        factory: ``"package.module:Class"`` of a `Reader`; called with the `ExecutionEngine`.
        requires: PEP 508 requirements beyond those of the distribution.
        summary: One line for `odibi plugins info`.
        options_model: ``"package.module:Model"`` of a pydantic model for the options of an input. Its module is
            imported while a project is planned, so it must import no data library.
        suffixes: File suffixes, with the dot, that mean this format: ``(".csv",)``.
        capabilities: What the format cannot bring back, as far as it matters to users: ``nan``, ``decimals``,
            ``structs``, ... The words are those of the contract test-kit's tables, which holds the reader to them.

    Example:
        >>> ReaderSpec(engine="pandas", format="csv", factory="pkg.csv:PandasCsvReader", suffixes=(".csv",)).name
        'pandas/csv'
    """

    engine: str
    format: str
    factory: str
    requires: tuple[str, ...] = ()
    summary: str = ""
    options_model: str | None = None
    suffixes: tuple[str, ...] = ()
    capabilities: Mapping[str, Capability] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """The clash key in one word: ``"<engine>/<format>"``."""
        return f"{self.engine}/{self.format}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SaverSpec:
    """A saver of one format for one engine.

    Args:
        engine: The engine whose frames it takes, or ``"any"`` for a saver that takes an Arrow stream.
        format: The format's name, lower case.
        factory: ``"package.module:Class"`` of a `Saver`; called with the `ExecutionEngine`.
        modes: The save modes that it supports.
        requires: PEP 508 requirements beyond those of the distribution.
        summary: One line for `odibi plugins info`.
        options_model: ``"package.module:Model"`` of a pydantic model for the options of an output; as for readers.
            Its validators find the mode in ``info.context["mode"]``.
        suffixes: File suffixes, with the dot, that mean this format.
        supports_partitions: Whether ``partition_by`` is honoured; where it is not, it is refused.
        capabilities: What the format cannot hold, in the same words as a reader's.

    Example:
        >>> SaverSpec(engine="pandas", format="csv", factory="pkg.csv:PandasCsvSaver").modes
        ('overwrite', 'append', 'error', 'ignore')
    """

    engine: str
    format: str
    factory: str
    modes: tuple[SaveMode, ...] = ("overwrite", "append", "error", "ignore")
    requires: tuple[str, ...] = ()
    summary: str = ""
    options_model: str | None = None
    suffixes: tuple[str, ...] = ()
    supports_partitions: bool = False
    capabilities: Mapping[str, Capability] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """The clash key in one word: ``"<engine>/<format>"``."""
        return f"{self.engine}/{self.format}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSinkSpec:
    """A log sink.

    Args:
        name: What users write as ``type`` in the manifest's ``log_sinks``.
        factory: ``"package.module:Class"`` of a `LogSink`; called with the options as keywords.
        requires: PEP 508 requirements beyond those of the distribution.
        summary: One line for `odibi plugins info`.
        options_model: ``"package.module:Model"`` of a pydantic model for the options.
    """

    name: str
    factory: str
    requires: tuple[str, ...] = ()
    summary: str = ""
    options_model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSpec:
    """A type of connection: how a path of a row becomes a location that readers and savers can open.

    Args:
        name: What users write as ``type`` in the manifest's ``connections``.
        factory: ``"package.module:Class"`` of a `Connection`; called with one `ConnectionConfig`.
        requires: PEP 508 requirements beyond those of the distribution.
        summary: One line for `odibi plugins info`.
        options_model: ``"package.module:Model"`` of a pydantic model for the options.
    """

    name: str
    factory: str
    requires: tuple[str, ...] = ()
    summary: str = ""
    options_model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretProviderSpec:
    """A source of secrets, such as environment variables or a vault.

    Args:
        name: What users write before the colon in ``${secret:<name>:<key>}``.
        factory: ``"package.module:Class"`` of a `SecretProvider`; called without arguments.
        requires: PEP 508 requirements beyond those of the distribution.
        summary: One line for `odibi plugins info`.
    """

    name: str
    factory: str
    requires: tuple[str, ...] = ()
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigStoreSpec:
    """A place where transformation and ingestion rows come from.

    Args:
        name: What users write as ``type`` in the manifest's ``config_store``.
        factory: ``"package.module:Class"`` of a `ConfigStore`; called with the options as keywords.
        requires: PEP 508 requirements beyond those of the distribution.
        summary: One line for `odibi plugins info`.
        options_model: ``"package.module:Model"`` of a pydantic model for the options.
    """

    name: str
    factory: str
    requires: tuple[str, ...] = ()
    summary: str = ""
    options_model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionsSpec:
    """A module of transformation functions, imported before a project is planned.

    Args:
        name: The module's import path, such as ``"acme_functions.cleaning"``.
        summary: One line for `odibi plugins info`.
    """

    name: str
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """One check of `odibi doctor`.

    Args:
        name: The check's name, such as ``"java"``.
        factory: ``"package.module:function"``; called without arguments, returns a `CheckResult`.
        summary: What is checked, in one line.
    """

    name: str
    factory: str
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """A command of the `odibi` command line.

    Args:
        name: What users type after ``odibi``.
        factory: ``"package.module:command"`` of a click command or group.
        summary: One line for ``odibi --help``; the command itself is imported only when it runs.
    """

    name: str
    factory: str
    summary: str = ""
