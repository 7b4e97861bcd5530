"""Where rows come from: the files below ``config/``, or a config store that a plugin provides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from odibi_core.diagnostics import describe_error
from odibi_core.errors import OdibiError, Problem, did_you_mean
from odibi_core.project.documents import SUFFIXES, Document, read_document
from odibi_core.project.ingestion import parse_ingestion
from odibi_core.project.plugin_options import resolve_options
from odibi_core.project.row_reading import RowScope
from odibi_core.project.rows import TransformationRow
from odibi_core.project.transformations import parse_transformations

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.plugin import ConfigStore

__all__ = ["CONFIG_FOLDER", "RowsReading", "read_file_rows", "read_store_rows"]

CONFIG_FOLDER = "config"

_Parse: TypeAlias = Callable[..., tuple[list[TransformationRow], list[Problem]]]

_KINDS: Mapping[str, _Parse] = {"ingestion": parse_ingestion, "transformations": parse_transformations}
"""The stem of each file, and what reads its rows."""


@dataclass(slots=True)
class RowsReading:
    """What could be read of a project's rows.

    Args:
        rows: The rows, without those that are wrong.
        problems: What is wrong.
    """

    rows: list[TransformationRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, found: tuple[Iterable[TransformationRow], Iterable[Problem]]) -> None:
        """Take more rows, and problems by line.

        Args:
            found: What a parser returned.
        """
        self.rows += found[0]
        self.problems += sorted(found[1], key=lambda problem: problem.line or 0)


def read_file_rows(root: Path, *, scope: RowScope) -> RowsReading:
    """Read the rows of ``config/ingestion.*`` and ``config/transformations.*``.

    Args:
        root: The project's folder.
        scope: What to check against.
    """
    reading = RowsReading()
    folder = root / CONFIG_FOLDER
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    for kind, parse in _KINDS.items():
        files = [name for name in names if Path(name).stem == kind and Path(name).suffix.lower() in SUFFIXES]
        if len(files) > 1:
            message = f"There are several files of {kind}: {', '.join(files)}."
            reading.problems.append(Problem(message=message, file=CONFIG_FOLDER, suggestion="Keep one of them."))
        elif files:
            document, problems = read_document(folder / files[0], file=f"{CONFIG_FOLDER}/{files[0]}")
            reading.problems += problems
            if document is not None:
                reading.add(parse(document, scope=scope))
        else:
            reading.problems += _misnamed(names, kind=kind)
    return reading


def _misnamed(names: Sequence[str], *, kind: str) -> list[Problem]:
    """Return a problem for each file that was probably meant to be one of rows, but is not read."""
    found = []
    for name in names:
        path = Path(name)
        is_other_format = path.stem == kind and path.suffix
        is_misspelt = path.suffix.lower() in SUFFIXES and _is_nearly(path.stem, kind)
        if is_other_format or is_misspelt:
            read = ", ".join(f"{kind}{suffix}" for suffix in SUFFIXES)
            message = f"The file is not read; rows of this kind are in one of {read}."
            found.append(Problem(message=message, file=f"{CONFIG_FOLDER}/{name}", suggestion="Rename it."))
    return found


def _is_nearly(stem: str, kind: str) -> bool:
    is_short_of = abs(len(stem) - len(kind)) <= 2  # noqa: PLR2004 - transformation, ingestions, transfromations
    return stem != kind and is_short_of and bool(did_you_mean(stem, [kind]))


def read_store_rows(
    options: Mapping[str, Any],
    *,
    project: str,
    environments: Iterable[str],
    root: Path,
    scope: RowScope,
    manager: PluginManager,
) -> RowsReading:
    """Read the rows of a config store, for one environment after the other.

    Args:
        options: The manifest's ``config_store``.
        project: The project's name.
        environments: The manifest's environments.
        root: The project's folder.
        scope: What to check against.
        manager: Where the store and the providers of secrets come from.
    """
    reading = RowsReading()
    # A table has many authors: what one of them wrote into a cell must not stop what the others did right.
    scope = replace(scope, bad_json_fails_the_row=True)
    what = f"config_store {options['type']!r}"
    try:
        store = _open_store(options, what=what, root=root, manager=manager)
    except OdibiError as error:
        reading.problems.append(Problem(message=str(error), file=what))
        return reading
    for env in environments:
        reads = {"ingestion": store.read_ingestion, "transformations": store.read_transformations}
        for kind, parse in _KINDS.items():
            try:
                raw = [_as_row(row, env=env) for row in reads[kind](project, env)]
            except Exception as error:  # noqa: BLE001 - a store is a plugin and raises what it likes; all of it is told
                message = f"The {kind} rows of {env!r} cannot be read: {describe_error(error)}."
                reading.problems.append(Problem(message=message, file=what))
                return reading
            reading.add(parse(Document(file=what, data=[row for row in raw if _is_of(row, env=env)]), scope=scope))
    return reading


def _open_store(options: Mapping[str, Any], *, what: str, root: Path, manager: PluginManager) -> ConfigStore:
    given = {key: value for key, value in options.items() if key != "type"}
    spec = manager.config_stores.get(str(options["type"]))
    resolved = resolve_options(given, spec=spec, manager=manager, what=what, root=root)
    store: ConfigStore = manager.load(spec)(**resolved)
    return store


def _as_row(row: Mapping[str, Any], *, env: str) -> dict[str, Any]:
    """Return a store's row with columns in lower case, as databases do not agree on it, and its environment."""
    cells = {str(column).lower(): value for column, value in row.items()}
    return cells if cells.get("environment") else {**cells, "environment": env}


def _is_of(row: Mapping[str, Any], *, env: str) -> bool:
    return str(row["environment"]).strip().casefold() == env.casefold()
