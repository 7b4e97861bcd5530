"""From a manifest's file to a checked manifest, with everything that is wrong at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError  # noqa: TID253 - whoever reads a manifest has its models loaded already

from odibi_core.errors import Problem, ValidationFailed
from odibi_core.project.documents import Document, read_document
from odibi_core.project.manifest import ProjectManifest, manifest_data, manifest_problems
from odibi_core.project.manifest_checks import check_manifest

__all__ = ["ManifestReading", "read_manifest"]


@dataclass(slots=True, kw_only=True)
class ManifestReading:
    """What could be read of a manifest.

    Args:
        document: The file's data and lines; without data if it could not be read.
        manifest: The manifest, without what is wrong with it; None if nothing is left.
        problems: What is wrong.
        broken: Keys of the top level that are not as they were written, so that nothing can be checked against them.
    """

    document: Document
    manifest: ProjectManifest | None = None
    problems: list[Problem] = field(default_factory=list)
    broken: frozenset[str] = frozenset()


def read_manifest(path: Path) -> ManifestReading:
    """Read and check a manifest; what is wrong is returned, not raised.

    Keys that are wrong are left out, so that the rest of the project can be checked in the same go.

    Args:
        path: The file.
    """
    document, problems = read_document(path, file=path.name)
    if document is None:
        return ManifestReading(document=Document(file=path.name, data=None), problems=problems)
    try:
        data = manifest_data(document)
    except ValidationFailed as error:
        return ManifestReading(problems=[*problems, *error.problems], document=document)
    manifest, errors = _salvage(data, folder=path.absolute().parent.name)
    if errors is not None:
        problems += manifest_problems(errors, document=document)
    if manifest is None:
        return ManifestReading(problems=problems, document=document)
    broken = frozenset(str(detail["loc"][0]) for detail in errors.errors(include_url=False)) if errors else frozenset()
    findings = [found for found in check_manifest(manifest) if found.path[0] not in broken]
    problems += [document.problem(found.message, path=found.path, suggestion=found.suggestion) for found in findings]
    problems.sort(key=lambda problem: problem.line or 0)
    return ManifestReading(manifest=manifest, problems=problems, document=document, broken=broken)


def _salvage(data: dict[str, Any], *, folder: str) -> tuple[ProjectManifest | None, ValidationError | None]:
    """Return the manifest that is left without what is wrong, and what is wrong."""
    try:
        return ProjectManifest.model_validate(data), None
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _remove(data, path=detail["loc"])
        data.setdefault("project_name", folder)
        try:
            return ProjectManifest.model_validate(data), error
        except ValidationError:
            return None, error


def _remove(data: dict[Any, Any], *, path: Sequence[str | int]) -> None:
    """Remove what is at a path; of a list, all of it, so that the indexes of other errors stay right."""
    for part in path[:-1]:
        inner = data.get(part)
        if not isinstance(inner, dict):
            data.pop(part, None)
            return
        data = inner
    data.pop(path[-1], None)
