"""Which distribution to install when a plugin's import fails for want of a module."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from odibi_core.loading.distributions import InstalledDistributions
from odibi_core.loading.records import PluginRecord, canonical_name
from odibi_core.loading.requirements import pip_install

__all__ = ["explain_missing_module"]

# Only what data plugins import and is distributed under another name; all others are called like their module.
_DISTRIBUTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bs4": "beautifulsoup4",
        "confluent_kafka": "confluent-kafka",
        "dateutil": "python-dateutil",
        "delta": "delta-spark",
        "dotenv": "python-dotenv",
        "fitz": "pymupdf",
        "jwt": "pyjwt",
        "kafka": "kafka-python",
        "mysqldb": "mysqlclient",
        "pil": "pillow",
        "psycopg2": "psycopg2-binary",
        "sklearn": "scikit-learn",
        "snowflake": "snowflake-connector-python",
        "win32com": "pywin32",
        "yaml": "pyyaml",
    }
)
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)[^;]*")
_EXTRA: Final = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


def explain_missing_module(
    error: ModuleNotFoundError, *, module: str, record: PluginRecord, requires: Iterable[str] = ()
) -> str:
    """Return which module is missing, and the pip line that brings it.

    Args:
        error: What the import raised.
        module: The plugin's module that was being imported.
        record: The plugin.
        requires: Requirements of the spec, which are searched before those of the distribution.

    Returns:
        One sentence.

    Example:
        >>> plugin = PluginRecord("acme", "acme", "1.0", "acme.plugin")
        >>> error = ModuleNotFoundError("No module named 'yaml'", name="yaml")
        >>> explain_missing_module(error, module="acme.plugin", record=plugin)
        "needs the module 'yaml', which is not installed: pip install pyyaml"
    """
    missing = error.name or ""
    if not missing:
        return f"cannot be imported: {error}"
    top = missing.partition(".")[0]
    if top == module.partition(".")[0]:
        again = f": pip install --force-reinstall {record.distribution}" if record.distribution else ""
        return f"its module {missing!r} does not exist{again}"
    headers = InstalledDistributions().headers(record.distribution) if record.distribution else None
    line = _find_pip_line(top, requires=(*requires, *(headers.requires if headers else ())), record=record)
    return f"needs the module {missing!r}, which is not installed: {line}"


def _find_pip_line(top: str, *, requires: Iterable[str], record: PluginRecord) -> str:
    usual = _DISTRIBUTIONS.get(top.lower(), top.replace("_", "-"))
    wanted = {canonical_name(top), canonical_name(usual)}
    for requirement in requires:
        match = _REQUIREMENT.match(requirement)
        if match and canonical_name(match[1]) in wanted:
            extra = _EXTRA.search(requirement)
            if extra and record.distribution:
                return pip_install(f"{record.distribution}[{extra[1]}]")
            return pip_install("".join(match[0].split()))
    return pip_install(usual)
