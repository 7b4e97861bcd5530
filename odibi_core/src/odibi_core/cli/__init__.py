"""The command line: ``odibi``.

Thin: each command asks for what a notebook could ask for, and shows the answer. What a command needs is imported when
it runs, so that ``odibi --help`` stays quick however much is installed.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    Args:
        args: The words after ``odibi``; None means those that the process was started with.

    Raises:
        SystemExit: Always. 0 means that all is well, 1 that the run failed, 2 that the request was wrong, 70 a fault of
            Odibi, 130 and 143 that it was interrupted, 141 that nobody was left to read the output.
    """
    from odibi_core.cli.application import application

    application.main(args, prog_name="odibi")
