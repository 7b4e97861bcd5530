"""Servers that tests start do not outlive them, however they end."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
SERVE = """
import sys
sys.path.insert(0, sys.argv[1])
import database_servers

try:
    with getattr(database_servers, sys.argv[2])() as url:
        print(url, flush=True)
        sys.stdin.read()
except database_servers.NotInstalledError as error:
    print(error, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no sh")
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
@pytest.mark.parametrize("end", ["killed", "in order"])
def test_a_server_ends_with_the_process_that_started_it(kind: str, end: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, TOOLS, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        said = process.stdout.readline().strip()
        if not said.startswith(kind):
            pytest.skip(said)
        with socket.create_connection(("127.0.0.1", int(said.rpartition(":")[2])), timeout=60) as connection:
            if end == "killed":
                process.send_signal(signal.SIGKILL)
            else:
                process.stdin.close()

            with contextlib.suppress(ConnectionResetError):
                while connection.recv(1000):
                    pass  # what the server says to those who come; it hangs up, or breaks off, when it ends
