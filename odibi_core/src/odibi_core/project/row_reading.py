"""What transformation and ingestion rows have in common: where they stand, whom they belong to, shared columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from odibi_core.errors import Problem, did_you_mean
from odibi_core.project.cells import Cells
from odibi_core.project.documents import Document
from odibi_core.project.model_problems import kind_of
from odibi_core.project.names import is_same_project, project_slug

if TYPE_CHECKING:
    from odibi_core.project.manifest import ProjectManifest
    from odibi_core.project.rows import TransformationRow

__all__ = [
    "IGNORED_COLUMNS",
    "SHARED_COLUMNS",
    "ReadRow",
    "RowPlace",
    "RowScope",
    "invalid_cells",
    "read_rows",
    "shared_cells",
]

SHARED_COLUMNS = frozenset({
    "transformation_group_id", "project", "environment", "step", "enabled", "entity_1", "entity_2", "entity_3",
    "description", "depends_on", "tags",
})  # fmt: skip
"""Columns that transformation and ingestion rows both have."""

IGNORED_COLUMNS = frozenset({"created_at", "updated_at", "created_by", "updated_by"})
"""Columns that a registry table keeps for people."""


@dataclass(frozen=True, slots=True)
class RowScope:
    """What rows are checked against. None stands for what a broken manifest does not say.

    Args:
        project: The project's name.
        layers: The layers, by their folded names.
        environments: The environments, by their folded names.
        bad_json_fails_the_row: Whether a row, in which nothing is wrong but a cell of JSON, is read and fails when its
            turn comes, rather than being a problem that stops everything.
    """

    project: str | None
    layers: Mapping[str, str] | None
    environments: Mapping[str, str] | None
    bad_json_fails_the_row: bool = False

    @classmethod
    def of(cls, manifest: ProjectManifest, *, broken: Iterable[str] = ()) -> RowScope:
        """Return the scope of a manifest.

        Args:
            manifest: The manifest.
            broken: Its keys that are not as they were written.
        """
        unknown = set(broken)
        return cls(
            project=None if "project_name" in unknown else manifest.project_name,
            layers=None if "layer_order" in unknown else _by_folded(manifest.layer_order),
            environments=None if "environments" in unknown else _by_folded(manifest.environments),
        )

    @property
    def bronze(self) -> str | None:
        """The layer of ingestion rows, as the manifest spells it; None if there is none."""
        return "Bronze" if self.layers is None else self.layers.get("bronze")

    def is_other_project(self, value: object) -> bool:
        """Return whether a row's ``project`` names another project.

        Args:
            value: The cell.
        """
        if self.project is None or not isinstance(value, str) or not value.strip():
            return False
        return not is_same_project(value, other=self.project)


def _by_folded(words: Iterable[str]) -> dict[str, str]:
    return {word.casefold(): word for word in words}


def _raw_rows(document: Document, *, key: str) -> tuple[Sequence[Any], tuple[str | int, ...], list[Problem]]:
    """Return a document's rows, a list at its top or below one key, the path of the list, and what is wrong."""
    data = document.data
    path: tuple[str | int, ...] = ()
    problems: list[Problem] = []
    if isinstance(data, Mapping):
        for name in data:
            if name != key:
                hint = did_you_mean(str(name), [key]) or f"Rows are a list below the key {key!r}."
                problems.append(document.problem(f"Unknown key {str(name)!r}.", path=(str(name),), suggestion=hint))
        if key not in data:
            return [], path, problems or [document.problem(f"The key {key!r} is missing.")]
        data, path = data[key], (key,)
    if not isinstance(data, list | tuple):
        shown = repr(key) if path else "The file"
        message = f"{shown} must be a list of rows, but is {kind_of(data)}."
        return [], path, [*problems, document.problem(message, path=path, suggestion="Write [] for no rows.")]
    return data, path, problems


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where a row stands.

    Args:
        file: The file, for messages.
        line: The line it begins on.
    """

    file: str
    line: int | None


ReadRow: TypeAlias = Callable[[Cells, RowPlace], "TransformationRow | None"]
"""Reads one row's cells; returns None if they have problems."""


def read_rows(
    document: Document, *, key: str, scope: RowScope, read: ReadRow
) -> tuple[list[TransformationRow], list[Problem]]:
    """Return a document's rows of this project, and what is wrong with those that are left out.

    Args:
        document: A list of mappings, or one below a key.
        key: The key.
        scope: What to check against; rows of another project are passed over.
        read: What turns the cells of one row into a row.
    """
    raw, path, problems = _raw_rows(document, key=key)
    rows: list[TransformationRow] = []
    others: list[str] = []
    for index, cells in enumerate(raw):
        place = (*path, index)
        if not isinstance(cells, Mapping):
            message = f"Row {index + 1} must be a mapping of columns, but is {kind_of(cells)}."
            problems.append(document.problem(message, path=place))
        elif scope.is_other_project(cells.get("project")):
            others.append(cells["project"])
        else:
            reader = Cells(cells, document=document, path=place, label=f"row {index + 1}")
            row = read(reader, RowPlace(document.file, document.locate(place)))
            if row is None or row.invalid is None:
                problems += reader.problems
            if row is not None:
                rows.append(row)
    if others and not rows and not problems:
        problems += _misspelt_project(others, scope=scope, document=document)
    return rows, problems


def _misspelt_project(others: Sequence[str], *, scope: RowScope, document: Document) -> list[Problem]:
    """Return a problem if every row is of another project and one of the names is nearly this one's."""
    if scope.project is None or not did_you_mean(project_slug(scope.project), [project_slug(name) for name in others]):
        return []
    names = ", ".join(repr(name) for name in sorted(set(others)))
    message = f"None of the {len(others)} rows is for the project {scope.project!r}: they name {names}."
    return [document.problem(message, suggestion="Leave the column 'project' out, or write the manifest's name.")]


def shared_cells(cells: Cells, *, scope: RowScope) -> dict[str, Any]:
    """Return the columns that transformation and ingestion rows share, as arguments of `TransformationRow`.

    Args:
        cells: The row.
        scope: What to check against.
    """
    return {
        "transformation_group_id": cells.text("transformation_group_id"),
        "project": cells.text("project"),
        "environment": _environment(cells, scope=scope),
        "step": cells.whole_number("step", default=1),
        "enabled": cells.flag("enabled", default=True),
        "entity_1": cells.text("entity_1"),
        "entity_2": cells.text("entity_2"),
        "entity_3": cells.text("entity_3"),
        "description": cells.text("description"),
        "depends_on": cells.words("depends_on"),
        "tags": cells.words("tags"),
    }


def invalid_cells(cells: Cells, *, scope: RowScope, columns: Iterable[str]) -> str | None:
    """Return what is wrong with a row that is to fail when its turn comes; None if it is fine, or a problem now.

    Args:
        cells: The row, read.
        scope: Whether rows may fail like that.
        columns: The columns that hold JSON, which no database checks.
    """
    faults = cells.faults_of(columns) if scope.bad_json_fails_the_row else None
    return None if faults is None else f"The row cannot be used: {faults}"


def _environment(cells: Cells, *, scope: RowScope) -> str | None:
    environment = cells.text("environment")
    if environment is None or scope.environments is None:
        return environment
    found = scope.environments.get(environment.casefold())
    if found is None:
        known = list(scope.environments.values())
        message = f"Unknown environment {environment!r}; the manifest has {', '.join(known) or 'none'}."
        cells.fault(message, column="environment", suggestion=did_you_mean(environment, known))
    return found
