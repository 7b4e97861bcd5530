"""The check of requirements that comes before any import: of a plugin's distribution, and of a spec."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odibi_core.loading.distributions import InstalledDistributions
from odibi_core.loading.records import canonical_name

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = [
    "KERNEL",
    "InvalidRequirementError",
    "UnmetRequirement",
    "explain_unmet",
    "is_requirement",
    "pip_install",
    "unmet_requirements",
]

KERNEL: Final = "odibi-core"
"""The distribution whose version is the API window: a plugin states it as a requirement like any other."""

# Most requirements are a name and a plain range, and importing packaging takes 40 ms, a fifth of what `odibi --help`
# may take in all. What these patterns do not match is left to packaging; a property test compares the two.
_NAME: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_RELEASE: Final = r"[0-9]+(?:\.[0-9]+)*"
_CLAUSE: Final = rf"(?:[<>]=?|[=!]=)[ \t]*{_RELEASE}"
_CLAUSES: Final = rf"{_CLAUSE}(?:[ \t]*,[ \t]*{_CLAUSE})*"
_PLAIN_REQUIREMENT: Final = re.compile(rf"({_NAME})[ \t]*({_CLAUSES}|\([ \t]*{_CLAUSES}[ \t]*\))?")
_EXTRAS: Final = rf"\[[ \t]*(?:{_NAME}(?:[ \t]*,[ \t]*{_NAME})*)?[ \t]*\]"
_PLAIN_SYNTAX: Final = re.compile(rf"{_NAME}[ \t]*(?:{_EXTRAS})?[ \t]*(?:{_CLAUSES}|\([ \t]*{_CLAUSES}[ \t]*\))?")
_PLAIN_CLAUSE: Final = re.compile(rf"([<>]=?|[=!]=)[ \t]*({_RELEASE})")
_PLAIN_VERSION: Final = re.compile(_RELEASE)
_ONLY_WITH_EXTRA: Final = re.compile(r"""[^;]*;\s*extra\s*==\s*(?:"[^"]*"|'[^']*')\s*""")


class InvalidRequirementError(ValueError):
    """A requirement that is none by PEP 508."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmetRequirement:
    """A requirement that what is installed does not meet.

    Args:
        name: The distribution that is required, as written.
        specification: Name, extras and range, without the marker, such as ``"pandas>=2.2,<4"``.
        found: The installed version, None if it is not installed.
        is_too_new: Whether what is installed is newer than the range allows.
    """

    name: str
    specification: str
    found: str | None
    is_too_new: bool = False

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.specification}, which is not installed"
        return f"{self.specification}, but {self.name} {self.found} is installed"


def unmet_requirements(
    requirements: Iterable[str], *, installed: InstalledDistributions | None = None
) -> tuple[UnmetRequirement, ...]:
    """Return those of some requirements that are missing or of another version; prereleases are versions too.

    Markers are evaluated with no extra. Where a requirement names extras, what those need is checked as well.

    Args:
        requirements: PEP 508 requirements.
        installed: What is installed, to share what was read already.

    Returns:
        The unmet ones, in the given order, each once.

    Raises:
        InvalidRequirementError: One of them is no requirement.

    Example:
        >>> [str(unmet) for unmet in unmet_requirements(["pluggy>=99"])][0].split(",")[0]
        'pluggy>=99'
    """
    installed = InstalledDistributions() if installed is None else installed
    unmet: dict[UnmetRequirement, None] = {}
    for text in requirements:
        if not _ONLY_WITH_EXTRA.fullmatch(text):
            found = _check_plainly(text, installed)
            unmet.update(dict.fromkeys(_check(text, installed) if found is None else found))
    return tuple(unmet)


def is_requirement(text: str) -> bool:
    """Return whether a text is a requirement by PEP 508.

    Example:
        >>> is_requirement("pandas>=2,<4"), is_requirement("pandas more than two")
        (True, False)
    """
    if _PLAIN_SYNTAX.fullmatch(text.strip(" \t")):
        return True
    try:
        _parse(text, extra="")
    except InvalidRequirementError:
        return False
    return True


def explain_unmet(unmet: Iterable[UnmetRequirement], *, distribution: str) -> str:
    """Return what is needed, what was found and the pip line, as one reason.

    Args:
        unmet: What is not met; at least one.
        distribution: The distribution that needs it.

    Example:
        >>> gap = UnmetRequirement(name="odibi-core", specification="odibi-core>=9", found="0.1.0")
        >>> explain_unmet([gap], distribution="acme")
        'needs odibi-core>=9, but odibi-core 0.1.0 is installed: pip install --upgrade "odibi-core>=9"'
    """
    unmet = tuple(unmet)
    needs = "needs " + "; ".join(str(one) for one in unmet)
    if distribution and any(one.is_too_new and canonical_name(one.name) == KERNEL for one in unmet):
        # The kernel serves every plugin, so it is the plugin that has to move.
        return f"{needs}: {pip_install(distribution, upgrade=True)}"
    upgrade = any(one.found is not None for one in unmet)
    return f"{needs}: {pip_install(*(one.specification for one in unmet), upgrade=upgrade)}"


def pip_install(*specifications: str, upgrade: bool = False) -> str:
    """Return the command line that installs something, quoted for any shell.

    Example:
        >>> pip_install("odibi-sinks[sql]", "pandas")
        'pip install "odibi-sinks[sql]" pandas'
    """
    quoted = [text if re.fullmatch(r"[\w.-]+", text) else f'"{text}"' for text in specifications]
    return " ".join(["pip install", *(["--upgrade"] if upgrade else []), *quoted])


def _check_plainly(text: str, installed: InstalledDistributions) -> list[UnmetRequirement] | None:
    match = _PLAIN_REQUIREMENT.fullmatch(text.strip(" \t"))
    if match is None:
        return None
    name, clauses = match[1], _PLAIN_CLAUSE.findall(match[2] or "")
    specification = name + ",".join(f"{operator}{bound}" for operator, bound in clauses)
    found = installed.version(name)
    if found is None:
        return [UnmetRequirement(name=name, specification=specification, found=None)]
    if not clauses:
        return []
    if not _PLAIN_VERSION.fullmatch(found):
        return None
    failed = {operator for operator, bound in clauses if not _compares(found, operator, bound)}
    if not failed:
        return []
    too_new = failed <= {"<", "<="}
    return [UnmetRequirement(name=name, specification=specification, found=found, is_too_new=too_new)]


def _compares(found: str, operator: str, bound: str) -> bool:
    left, right = ([int(part) for part in version.split(".")] for version in (found, bound))
    length = max(len(left), len(right))
    left, right = left + [0] * (length - len(left)), right + [0] * (length - len(right))
    match operator:
        case ">=":
            return left >= right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case "<":
            return left < right
        case "==":
            return left == right
        case _:
            return left != right


def _check(text: str, installed: InstalledDistributions) -> Iterator[UnmetRequirement]:
    requirement, applies = _parse(text, extra="")
    if applies:
        yield from _check_parsed(requirement, text, installed, seen=set())


def _check_parsed(
    requirement: Requirement, text: str, installed: InstalledDistributions, *, seen: set[tuple[str, str]]
) -> Iterator[UnmetRequirement]:
    specification = text.partition(";")[0].strip()
    if requirement.url is None:
        specification = "".join(specification.split())
    headers = installed.headers(requirement.name)
    if headers is None:
        yield UnmetRequirement(name=requirement.name, specification=specification, found=None)
        return
    failed = _failed_operators(requirement, headers.version)
    if failed:
        yield UnmetRequirement(
            name=requirement.name,
            specification=specification,
            found=headers.version,
            is_too_new=failed <= {"<", "<="},
        )
        return
    for extra in sorted(requirement.extras):
        if (canonical_name(requirement.name), extra) not in seen:
            seen.add((canonical_name(requirement.name), extra))
            yield from _check_extra(headers.requires, extra, installed, seen=seen)


def _check_extra(
    requires: Iterable[str], extra: str, installed: InstalledDistributions, *, seen: set[tuple[str, str]]
) -> Iterator[UnmetRequirement]:
    for text in requires:
        # What mentions no extra was installed with the distribution; only pip can tell whether that is still true.
        if "extra" in text.partition(";")[2]:
            requirement, applies = _parse(text, extra=extra)
            if applies:
                yield from _check_parsed(requirement, text, installed, seen=seen)


def _parse(text: str, *, extra: str) -> tuple[Requirement, bool]:
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
        return requirement, requirement.marker is None or requirement.marker.evaluate({"extra": extra})
    except (InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName) as error:
        raise InvalidRequirementError(f"{text!r} is no requirement (PEP 508)") from error


def _failed_operators(requirement: Requirement, version: str) -> set[str]:
    from packaging.version import InvalidVersion

    try:
        return {one.operator for one in requirement.specifier if not one.contains(version, prereleases=True)}
    except InvalidVersion:
        # What packaging 24 raises; 26 says that it is in no range.
        return {"=="}
