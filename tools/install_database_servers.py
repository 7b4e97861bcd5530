"""Install the database servers that tests need and that are not there: in CI, or where somebody asks for it.

    python tools/install_database_servers.py           in CI (CI=true), else nothing
    python tools/install_database_servers.py --now     wherever it is

Only with apt-get, as root or with a sudo that asks for no password; and no service is started. Whatever goes wrong is
said and is no failure: tests that find no server are skipped, and counted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from database_servers import NotInstalledError, find_mariadb, find_postgresql

__all__ = ["install", "missing_packages"]

_POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian asks before it starts the service of a package; 101 means no."""


def missing_packages() -> list[str]:
    """Return the Debian packages of the servers that are not there."""
    missing = []
    for package, find in (("mariadb-server", find_mariadb), ("postgresql", find_postgresql)):
        try:
            find()
        except NotInstalledError:
            missing.append(package)
    return missing


def install(packages: list[str]) -> str:
    """Install packages, and do not start what is in them.

    Returns:
        Why they are not installed, empty if they are.
    """
    if not shutil.which("apt-get"):
        return "there is no apt-get"
    become = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if become and (not shutil.which("sudo") or _run_quietly([*become, "true"]).returncode):
        return "that takes root, or a sudo that asks for no password"
    apt = [*become, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"]
    apt += ["-o", "DPkg::Lock::Timeout=120"]
    wanted = [*apt, "install", "--no-install-recommends", *packages]
    try:
        with _without_services(become):
            done = _run_quietly(wanted)
            if done.returncode:
                _run_quietly([*apt, "update"])  # a fresh machine does not know of any package
                done = _run_quietly(wanted)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return f"apt-get ended with {done.returncode}. {done.stdout.strip()[-500:]}" if done.returncode else ""


def _run_quietly(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


@contextmanager
def _without_services(become: list[str]) -> Iterator[None]:
    if _POLICY.exists():
        yield  # the machine has an opinion of its own
        return
    write = [*become, "sh", "-c", 'printf "#!/bin/sh\\nexit 101\\n" >"$0" && chmod 755 "$0"', str(_POLICY)]
    subprocess.run(write, check=True)
    try:
        yield
    finally:
        subprocess.run([*become, "rm", "-f", str(_POLICY)], check=True)


def main(arguments: list[str]) -> None:
    """Install what is missing, if that is asked for."""
    if "--now" not in arguments and os.environ.get("CI", "").lower() not in ("true", "1"):
        return
    missing = missing_packages()
    if missing:
        print(f"Installing {' and '.join(missing)} for the tests", flush=True)
        why = install(missing)
        if why:
            print(f"Not installed, so their tests are skipped: {why}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
