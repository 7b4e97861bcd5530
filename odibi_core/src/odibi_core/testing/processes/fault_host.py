"""The test's side of the process that saves until something happens to it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from odibi_core.testing.contract import refuse
from odibi_core.testing.processes.child import child_environment

__all__ = ["FaultHost", "fault_host"]

_SECONDS: Final = 180.0
"""How long a save of some thousand rows may take; Spark starts a Java machine first."""

_HOSTS: Final = pytest.StashKey[dict[tuple[str, ...], "FaultHost"]]()


class FaultHost:
    """A process with some plugins imported, which forks for each save.

    Args:
        plugins: The plugins.
    """

    def __init__(self, plugins: tuple[str, ...]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="odibi-faults-")
        self._log = Path(self._folder.name, "log").open("w+b")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "odibi_core.testing.processes.fault_process"],
            cwd=self._folder.name,
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        self._left = b""
        self.ask({"plugins": plugins})

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Send an order and return the answer.

        Args:
            order: What `fault_process` understands.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise TypeError("the process has no pipes")
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(order).encode() + b"\n")
            stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while b"\n" not in self._left:
                if not selector.select(_SECONDS):
                    self.close()
                    refuse(
                        f"A save in a process of its own did not end in {_SECONDS:.0f} s.", advice="Look for a lock."
                    )
                read = os.read(stdout.fileno(), 65_536)
                if not read:
                    self._log.seek(0)
                    said = self._log.read().decode(errors="replace")[-2_000:]
                    self.close()
                    refuse(f"The process that was to save died:\n{said}", advice="The plugin must be importable in it.")
                self._left += read
        line, _, self._left = self._left.partition(b"\n")
        return dict(json.loads(line))

    def close(self) -> None:
        """End the process, and what it has forked."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._folder.cleanup()


def fault_host(config: pytest.Config, plugins: tuple[str, ...]) -> FaultHost:
    """Return the process for some plugins, started at the first call of a test run, ended with it.

    Args:
        config: The test run.
        plugins: The plugins.
    """
    hosts = config.stash.setdefault(_HOSTS, {})
    if plugins not in hosts or not hosts[plugins].is_alive:
        hosts[plugins] = host = FaultHost(plugins)
        config.add_cleanup(host.close)
    return hosts[plugins]
