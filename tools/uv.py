"""Run uv with the package indexes that pip is configured with.

uv does not read pip's configuration. Somebody whose pip knows where packages come from should not have to say it
again, so what pip knows about indexes is handed on in uv's environment variables. It is never printed: the address of
an index may hold a password. What the environment says to uv already is kept.

    python tools/uv.py pip install ...
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping

# pip's key; the variable that tells uv the same; others that would mean that uv was told already; and what stands
# between two values for uv where pip has blanks.
_SETTINGS = (
    ("index-url", "UV_DEFAULT_INDEX", ("UV_INDEX_URL",), " "),
    ("extra-index-url", "UV_INDEX", ("UV_EXTRA_INDEX_URL",), " "),
    ("find-links", "UV_FIND_LINKS", (), ","),
    ("trusted-host", "UV_INSECURE_HOST", (), " "),
    ("cert", "SSL_CERT_FILE", (), " "),
)


def read_pip_settings(listing: str) -> dict[str, str]:
    r"""Return pip's settings: the environment wins over the section ``install``, and that over ``global``, as in pip.

    Args:
        listing: What ``pip config list`` prints, such as ``global.timeout='5'``.

    Example:
        >>> read_pip_settings("global.timeout='5'\n:env:.timeout='60'")
        {'timeout': '60'}
    """
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listing.splitlines():
        name, equals, value = line.partition("=")
        section, _, key = name.partition(".")
        if equals and section in sections:
            sections[section][key] = str(ast.literal_eval(value))
    return sections["global"] | sections["install"] | sections[":env:"]


def uv_environment(settings: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which uv finds packages where pip does.

    Args:
        settings: pip's settings.
        environ: The environment to start from.

    Example:
        >>> uv_environment({"find-links": "a b"}, {"UV_INDEX": "https://c"})
        {'UV_INDEX': 'https://c', 'UV_FIND_LINKS': 'a,b'}
    """
    result = dict(environ)
    for key, variable, others, separator in _SETTINGS:
        if key in settings and not any(name in environ for name in (variable, *others)):
            result[variable] = separator.join(settings[key].split())
    return result


def main() -> int:
    """Run uv with the arguments of the command line."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    listing = subprocess.run(pip, check=True, stdout=subprocess.PIPE, text=True).stdout
    environ = uv_environment(read_pip_settings(listing), os.environ)
    return subprocess.run([sys.executable, "-m", "uv", *sys.argv[1:]], check=False, env=environ).returncode


if __name__ == "__main__":
    sys.exit(main())
