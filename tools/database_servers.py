"""Start the database servers that are installed, for tests and benchmarks: on a free port, in a temporary folder.

Nothing is installed, and nothing outlives the block, or the process if it is killed. Durability is off: nobody pulls
the plug of a test.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

if sys.platform != "win32":
    import pwd

__all__ = ["NotInstalledError", "find_mariadb", "find_postgresql", "mariadb", "postgresql"]


class NotInstalledError(RuntimeError):
    """A server, or a user that it may run as, is not there."""


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server.

    Yields:
        Its URL without a database; the database ``postgres`` is there.

    Raises:
        NotInstalledError: There is none.
    """
    initdb, pg_ctl = find_postgresql()
    with _folder("postgres") as (folder, owner):
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": folder,
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": 40,
            "shared_buffers": "16MB",
        }
        data = folder / "data"

        def run(*command: str | Path) -> None:
            # Into a file: a pipe would be inherited by the server, and reading it would never end.
            with (folder / "log").open("ab") as log:
                subprocess.run(
                    owner.command(*command),
                    check=True,
                    timeout=120,
                    stdout=log,
                    stderr=log,
                    cwd=folder,
                    **owner.arguments,
                )

        run(initdb, "-D", data, "-U", "odibi", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with (data / "postgresql.conf").open("a") as config:
            config.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        run(pg_ctl, "-D", data, "-w", "-t", "60", "start")
        try:
            yield f"postgresql://odibi@127.0.0.1:{port}"
        finally:
            run(pg_ctl, "-D", data, "-m", "immediate", "stop")


@contextmanager
def mariadb() -> Iterator[str]:
    """Run a MariaDB server that lets everybody in.

    Yields:
        Its URL without a database.

    Raises:
        NotInstalledError: There is none.
    """
    (program,) = find_mariadb()
    with _folder("mysql") as (folder, owner):
        port = _free_port()
        settings = {
            "basedir": Path(program).parents[1],
            "datadir": folder / "data",
            "tmpdir": folder,
            "socket": folder / "socket",
            "pid-file": folder / "pid",
            "bind-address": "127.0.0.1",
            "port": port,
            "user": owner.name,
            "innodb-flush-log-at-trx-commit": 0,
            "innodb-buffer-pool-size": "16M",
            "innodb-log-file-size": "8M",
        }
        (folder / "data").mkdir()
        owner.give(folder / "data")
        # Who may do what would be in tables that take longer to make than the tests take.
        given = (f"--{name}={value}" for name, value in settings.items())
        command = owner.command(program, "--no-defaults", *given, "--skip-grant-tables")
        with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, **owner.arguments) as server:
            said: list[str] = []
            output = cast("IO[str]", server.stderr)
            try:
                for line in output:
                    said.append(line)
                    if "ready for connections" in line:
                        break
                else:
                    raise RuntimeError("the MariaDB server did not start: " + "".join(said[-20:]))
                # It stops when nobody takes what it says.
                threading.Thread(target=output.read, daemon=True).start()
                yield f"mariadb://odibi@127.0.0.1:{port}"
            finally:
                server.kill()


def find_postgresql() -> list[str]:
    """Return the paths of initdb and pg_ctl, of the newest version that Debian's packages have left here.

    Raises:
        NotInstalledError: There are none.
    """
    newest = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True
    )
    return _programs("initdb", "pg_ctl", folders=newest, of="PostgreSQL")


def find_mariadb() -> list[str]:
    """Return the path of mariadbd.

    Raises:
        NotInstalledError: There is none.
    """
    return _programs("mariadbd", folders=[Path("/usr/sbin"), Path("/usr/local/sbin")], of="MariaDB")


class _Owner:
    """Who a server runs as: neither PostgreSQL nor MariaDB wants to be root."""

    def __init__(self, *names: str) -> None:
        self.name = getpass.getuser()
        self.arguments: Mapping[str, Any] = {}
        self._ids: tuple[int, int] | None = None
        self._prefix: list[str] = []
        if sys.platform == "win32" or os.geteuid() != 0:
            return
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = next((known[name] for name in (*names, "nobody") if name in known), None)
        if entry is None:
            raise NotInstalledError("there is no user but root that a server could run as")
        self.name = entry.pw_name
        self._ids = (entry.pw_uid, entry.pw_gid)
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            self.arguments = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            return
        # Rather than by subprocess' own arguments: with these it forks, and the child of a process that has used gRPC,
        # as tests with Spark Connect do, may crash before it has become the server.
        self._prefix = [setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--"]

    def command(self, *words: str | Path) -> list[str | Path]:
        """Return the command that runs a command as the owner, given `arguments`."""
        return [*self._prefix, *words]

    def give(self, path: Path) -> None:
        """Make the owner the owner of a path."""
        if self._ids is not None:
            shutil.chown(path, *self._ids)


_GUARD = """
cat >/dev/null
for file in "$0/pid" "$0/data/postmaster.pid"; do
    if test -f "$file"; then kill -QUIT "$(head -n 1 "$file")"; fi
done
rm -rf "$0"
"""
"""Waits until its input ends, which it does however the process ends that has the other end."""


@contextmanager
def _folder(*owners: str) -> Iterator[tuple[Path, _Owner]]:
    owner = _Owner(*owners)
    # Not where pytest keeps its folders, which nobody else may enter.
    with tempfile.TemporaryDirectory(prefix="odibi-server-", ignore_cleanup_errors=True) as name:
        owner.give(Path(name))
        if sys.platform == "win32":
            yield Path(name), owner
            return
        # A session of its own, because Ctrl-C goes to all processes of a terminal's.
        with subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, name], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        ) as guard:
            try:
                yield Path(name), owner
            finally:
                guard.kill()


def _programs(*names: str, folders: Sequence[Path], of: str) -> list[str]:
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath)])
    found = [shutil.which(name, path=path) for name in names]
    if not all(found):
        raise NotInstalledError(f"no {of} server is installed ({', '.join(names)})")
    return [program for program in found if program]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
