"""What came of a plugin's contract tests, as ``conformance.json`` keeps it; read without importing any plugin."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

from odibi_core.diagnostics import get_logger
from odibi_core.plugin import API_VERSION

__all__ = ["FILE_NAME", "Conformance", "conformance_folder", "conformance_path", "find_conformance"]

FILE_NAME: Final = "conformance.json"
"""What it is called beside a plugin's registration module, in a source checkout or an installed wheel."""

_log = get_logger("testing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformance:
    """The outcome of one check of one version of a plugin.

    Args:
        plugin: The plugin's name.
        distribution: Its distribution.
        version: The version that was checked.
        api: The `API_VERSION` of the kernel that checked it.
        passed: How many tests passed.
        failed: How many failed.
        gaps: What it is declared not to do, by the test, with the reason.
        python: The version of Python.
        when: When, as ISO 8601 in UTC.

    Example:
        >>> one = Conformance(plugin="p", distribution="d", version="1", passed=3, failed=1, python="3.11", when="")
        >>> one.describe()
        'does not conform to API 1, 3/4'
    """

    plugin: str
    distribution: str
    version: str
    api: int = API_VERSION
    passed: int
    failed: int
    gaps: Mapping[str, str] = field(default_factory=dict)
    python: str
    when: str

    def describe(self) -> str:
        """Return it in words: ``conforms to API 1, 148/148``, with the number of gaps if there are any."""
        conforms = "conforms" if not self.failed and self.passed else "does not conform"
        text = f"{conforms} to API {self.api}, {self.passed}/{self.passed + self.failed}"
        return f"{text}, {len(self.gaps)} gap{'' if len(self.gaps) == 1 else 's'}" if self.gaps else text

    def to_dict(self) -> dict[str, Any]:
        """Return it as the file has it."""
        return asdict(self) | {"gaps": dict(self.gaps)}

    def write(self, path: Path) -> None:
        """Write it to a file, whole or not at all.

        Args:
            path: The file; its folder is made.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        partial.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
        partial.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return what a file says, None if it is not there or says nothing that can be understood.

        Args:
            path: The file.
        """
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{name: read[name] for name in cls.__slots__})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            _log.debug("%s cannot be read: %r", path, error)
            return None


def conformance_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the user's folder for what was checked on this machine.

    Args:
        environ: The variables; by default those of this process.

    Example:
        >>> conformance_folder({"XDG_STATE_HOME": "/home/ada/state"}).as_posix()
        '/home/ada/state/odibi/conformance'
    """
    environ = os.environ if environ is None else environ
    windows = environ.get("LOCALAPPDATA", "") if sys.platform == "win32" else ""
    state = environ.get("XDG_STATE_HOME") or windows
    return (Path(state) if state else Path.home() / ".local" / "state") / "odibi" / "conformance"


def conformance_path(plugin: str, *, distribution: str) -> Path:
    """Return where the outcome for a plugin is kept on this machine.

    Args:
        plugin: The plugin's name.
        distribution: Its distribution.
    """
    name = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in f"{distribution}-{plugin}")
    return conformance_folder() / f"{name}.json"


def find_conformance(plugin: str, *, distribution: str, version: str, entry_point: str) -> Conformance | None:
    """Return the newest outcome for this version of a plugin and this API: of this machine, or from its wheel.

    Args:
        plugin: The plugin's name.
        distribution: Its distribution.
        version: Its version; an outcome for another one says nothing of it.
        entry_point: The registration module, whose package may have the file; it is not imported.
    """
    found = [
        one
        for path in _places(plugin, distribution, entry_point)
        if (one := Conformance.read(path)) is not None
        and (one.plugin, one.distribution, one.version, one.api) == (plugin, distribution, version, API_VERSION)
    ]
    return max(found, key=lambda one: one.when, default=None)


def _places(plugin: str, distribution: str, entry_point: str) -> Iterator[Path]:
    if not distribution:
        return
    yield conformance_path(plugin, distribution=distribution)
    package = entry_point.partition(".")[0].partition(":")[0]
    try:
        # Of a top-level package: of a module below one, the package would be imported.
        spec = find_spec(package) if package.isidentifier() else None
    except (ImportError, ValueError):
        return
    yield from (Path(folder, FILE_NAME) for folder in (spec.submodule_search_locations or () if spec else ()))
