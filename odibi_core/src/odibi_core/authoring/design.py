"""What a new plugin will provide, under which names: decided, and checked against what is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from odibi_core.authoring.kinds import KINDS, PluginKind
from odibi_core.authoring.names import PluginNames, check_word
from odibi_core.errors import ConfigError, did_you_mean
from odibi_core.loading.provided import ANY_ENGINE
from odibi_core.plugin import ReaderSpec, SaverSpec

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.loading.registry import SpecRegistry

__all__ = ["Design", "design_plugin", "kind_of"]

_ARROW: Final = "arrow"
_OBSERVED: Final = ("odibi_orchestrator_run_end", "odibi_transform_failure", "odibi_transform_success")


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What a new plugin will be.

    Args:
        kind: What it provides.
        names: What its distribution is called.
        subject: What users write to use it: a format, an engine, a sink or a connection.
        engine: The engine of its reader and saver; empty if it has neither.
        data_format: Their format; empty if it has neither.
        engine_requirement: The distribution of that engine with its version, if it is another's.
    """

    kind: PluginKind
    names: PluginNames
    subject: str
    engine: str = ""
    data_format: str = ""
    engine_requirement: str = ""

    @property
    def title(self) -> str:
        """The subject as the beginning of a class's name."""
        for text in (self.subject, self.names.package):
            title = "".join(word.capitalize() for word in re.split("[-_]", text))
            if title.isidentifier():
                return title
        raise AssertionError(self.names)  # a package is an identifier, and so is what it is made of

    @property
    def provides(self) -> list[str]:
        """What `odibi plugins list` will show, sorted."""
        key = f"{self.engine}/{self.data_format}"
        return {
            PluginKind.ENGINE: [f"engine {self.engine}", f"reader {key}", f"saver {key}"],
            PluginKind.READER: [f"reader {key}"],
            PluginKind.SAVER: [f"reader {key}", f"saver {key}"],
            PluginKind.SINK: [f"log sink {self.subject}"],
            PluginKind.CONNECTION: [f"connection {self.subject}"],
            PluginKind.HOOKS: [f"hook {hook}" for hook in _OBSERVED],
        }[self.kind]


def kind_of(value: str) -> PluginKind:
    """Return the kind of plugin of a word.

    Args:
        value: One of the six values; case and surrounding blanks do not matter.

    Raises:
        ConfigError: There is no such kind.

    Example:
        >>> kind_of("Reader")
        <PluginKind.READER: 'reader'>
    """
    try:
        return PluginKind(str(value).strip().lower())
    except ValueError:
        choices = sorted(kind.value for kind in PluginKind)
        text = f"Kind of plugin {str(value)!r} does not exist. There are: {', '.join(choices)}."
        raise ConfigError(f"{text} {did_you_mean(str(value), choices)}".strip()) from None


def design_plugin(
    names: PluginNames,
    *,
    kind: PluginKind,
    engine: str | None,
    data_format: str | None,
    manager: PluginManager,
) -> Design:
    """Return what a new plugin will be.

    Args:
        names: What its distribution is called.
        kind: What it provides.
        engine: What was asked for with ``--engine``, if anything.
        data_format: What was asked for with ``--format``, if anything.
        manager: What is installed.

    Raises:
        ConfigError: An option does not fit the kind, or something installed provides the same.
        EngineNotFoundError: The engine that a reader or saver is for is not installed.
    """
    asked = {"--engine": engine, "--format": data_format}
    useless = [option for option, value in asked.items() if value is not None and not KINDS[kind].has_data]
    if useless:
        fitting = ", ".join(sorted(one for one in PluginKind if KINDS[one].has_data))
        raise ConfigError(f"{useless[0]} says nothing about a plugin of kind {kind.value!r}; it is for: {fitting}.")
    words = {option: check_word(value, option=option) for option, value in asked.items() if value is not None}
    design = _designed(names, kind, words, manager)
    _check_not_provided(design, manager)
    return design


def _designed(names: PluginNames, kind: PluginKind, words: dict[str, str], manager: PluginManager) -> Design:
    if kind is PluginKind.ENGINE:
        engine = words.get("--engine", names.subject)
        if engine == ANY_ENGINE:
            raise ConfigError("No engine can be called 'any': it stands for every engine. Name it with --engine.")
        return Design(kind=kind, names=names, subject=engine, engine=engine, data_format=words.get("--format", _ARROW))
    if KINDS[kind].has_data:
        engine, data_format = words.get("--engine", ANY_ENGINE), words.get("--format", names.subject)
        requirement = "" if engine == ANY_ENGINE else _requirement_of(engine, manager)
        return Design(
            kind=kind,
            names=names,
            subject=data_format,
            engine=engine,
            data_format=data_format,
            engine_requirement=requirement,
        )
    return Design(kind=kind, names=names, subject=names.subject)


def _requirement_of(engine: str, manager: PluginManager) -> str:
    owner = manager.owner_of(manager.engines.get(engine))
    return f"{owner.distribution}>={owner.version}" if owner.distribution else ""


def _check_not_provided(design: Design, manager: PluginManager) -> None:
    for what, taken, owner in _taken(design, manager):
        option = {"engine": "another --engine, or ", "log sink": "", "connection": ""}.get(
            what.rpartition(" ")[0], "another --format, or "
        )
        raise ConfigError(
            f"Plugin {design.names.distribution!r} would provide the {what}, and {owner} provides {taken} already. "
            f"Choose {option}another name: its last words are what users write."
        )


def _taken(design: Design, manager: PluginManager) -> Iterator[tuple[str, str, str]]:
    """Yield what it would provide, what has that name or the same suffix, and whose that is."""
    registries: dict[str, SpecRegistry[Any]] = {
        "engine": manager.engines,
        "reader": manager.readers,
        "saver": manager.savers,
        "log sink": manager.log_sinks,
        "connection": manager.connections,
    }
    for what in design.provides:
        kind, _, key = what.rpartition(" ")
        if kind not in registries:
            continue
        for spec in registries[kind].values():
            if spec.name == key or _is_shadowed(design, spec):
                yield what, spec.name, manager.owner_of(spec).describe()
        for name, records in registries[kind].conflicts().items():
            if name == key:
                yield what, name, " and ".join(record.describe() for record in records)


def _is_shadowed(design: Design, spec: Any) -> bool:
    """Return whether a spec reads or saves what a new one would, so that the new one would not be asked."""
    if not isinstance(spec, ReaderSpec | SaverSpec) or design.engine not in (ANY_ENGINE, spec.engine):
        return False
    return spec.format == design.data_format or f".{design.data_format}" in spec.suffixes
