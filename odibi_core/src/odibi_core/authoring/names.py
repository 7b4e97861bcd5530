"""The names of a new plugin, all made from the one that its author typed, and what is wrong with that one."""

from __future__ import annotations

import importlib.metadata
import keyword
import re
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from typing import Final

from odibi_core.authoring.kinds import PluginKind
from odibi_core.errors import ConfigError
from odibi_core.loading.records import canonical_name

__all__ = ["PluginNames", "check_free", "check_word", "name_plugin"]

_PEP_508: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?", re.ASCII | re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_LONGEST: Final = 100
"""Names of wheels and their folders are made of it, and file systems stop at 255 bytes."""

_LONGEST_SHOWN: Final = 80
_GENERIC: Final = frozenset({"odibi", "plugin", *PluginKind, "engines", "readers", "savers", "sinks", "connections"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginNames:
    """What the parts of a new plugin are called.

    Args:
        folder: The folder's name: as it was typed.
        distribution: What pip installs, and the name of the entry point.
        package: What Python imports.
        subject: What it is about: what users write as the format, the engine, the sink or the connection.
    """

    folder: str
    distribution: str
    package: str
    subject: str


def name_plugin(name: str) -> PluginNames:
    """Return the names of a new plugin.

    The subject is the name without its first word, which says whose it is, and without words that say what it is.

    Args:
        name: The name of its distribution, as its author writes it.

    Raises:
        ConfigError: No distribution, or no package, can be called so.

    Example:
        >>> name_plugin("acme-historian").package
        'acme_historian'
        >>> name_plugin("Acme_Fixed-Width_Reader").subject
        'fixed-width'
    """
    if not _PEP_508.fullmatch(name):
        raise _refused(
            name, "is no name that a distribution may have", "letters, digits and '-', '_' or '.' between them"
        )
    if len(name) > _LONGEST:
        raise _refused(name, f"has {len(name)} characters", f"at most {_LONGEST} of them")
    distribution = canonical_name(name)
    package = distribution.replace("-", "_")
    if not package.isidentifier() or keyword.iskeyword(package):
        why = "is a word of Python's own" if keyword.iskeyword(package) else "is nothing that Python can import"
        raise _refused(name, f"would be imported as {package!r}, which {why}", "a letter first, and more than one word")
    return PluginNames(folder=name, distribution=distribution, package=package, subject=_subject_of(distribution))


def _subject_of(distribution: str) -> str:
    words = distribution.split("-")
    telling = [word for word in words if word not in _GENERIC]
    return "-".join([word for word in telling if word != words[0]] or telling or words)


def check_word(word: str, *, option: str) -> str:
    """Return a name that users will write, such as a format, as it is compared: in lower case.

    Args:
        word: The name.
        option: The option of the command line that gave it, for the message.

    Raises:
        ConfigError: Nothing can be called so.

    Example:
        >>> check_word(" Historian ", option="--format")
        'historian'
    """
    folded = word.strip().lower()
    if not _WORD.fullmatch(folded) or len(folded) > _LONGEST:
        raise ConfigError(
            f"{option} {_shown(word)} is no name that users can write: use one word of letters, digits, '-' and '_', "
            "such as 'historian'."
        )
    return folded


def check_free(names: PluginNames) -> None:
    """Raise if what is installed has one of the names already.

    Args:
        names: The names of a new plugin.

    Raises:
        ConfigError: A distribution is called so, or a module; the error says which.
    """
    try:
        version = importlib.metadata.version(names.distribution)
    except importlib.metadata.PackageNotFoundError:
        pass
    else:
        raise ConfigError(
            f"Plugin name {names.distribution!r} is taken: {names.distribution} {version} is installed. Choose another "
            f"name, or uninstall it first: pip uninstall {names.distribution}"
        )
    spec = PathFinder.find_spec(names.package)
    # A folder without code, which Python would take for a package in pieces, hides nothing.
    is_module = spec is not None and spec.loader is not None and spec.origin is not None
    if is_module or names.package in sys.stdlib_module_names:
        where = "Python itself" if spec is None or names.package in sys.stdlib_module_names else spec.origin
        raise ConfigError(
            f"Plugin name {names.distribution!r} would be imported as {names.package!r}, and there is such a module "
            f"already, of {where}. Choose another name; put your organisation's first: acme-{names.distribution}"
        )


def _refused(name: str, fault: str, rule: str) -> ConfigError:
    return ConfigError(f"Plugin name {_shown(name)} {fault}. Use {rule}, such as 'acme-historian'.")


def _shown(name: str) -> str:
    return repr(name) if len(repr(name)) <= _LONGEST_SHOWN else f"{repr(name)[:_LONGEST_SHOWN]}..."
