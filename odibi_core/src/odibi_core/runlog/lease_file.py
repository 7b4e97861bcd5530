"""The small file that says which run has a lease, and how a token is taken where the filesystem has no locks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from odibi_core.runlog.disk import write_atomically
from odibi_core.runlog.liveness import LockOutcome, abandoned_by, process_runs

__all__ = ["LeaseFile", "LeaseHolder", "TokenTakenError"]

_CLAIM: Final = ".claim"
_SECONDS_TO_TAKE: Final = 60.0
"""From the claim to a token to the file that says so it takes microseconds; after this time its process is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseHolder:
    """The run that has a lease, or had it last.

    Args:
        token: One more than that of the run before.
        run_id: The run.
        since: When it took the lease; ISO 8601 in UTC.
        host: Where its process runs.
        pid: That process.
        process_start: What tells the process from a later one with the same id, None if the system does not say.
        lock: What came of locking the lease.
        released: When it gave the lease back, None if it has not.
    """

    token: int
    run_id: str
    since: str
    host: str
    pid: int
    process_start: str | None
    lock: str
    released: str | None = None

    def encode(self) -> bytes:
        """Return what the file holds; no two holders have the same."""
        return json.dumps(asdict(self)).encode("ascii") + b"\n"

    @classmethod
    def decode(cls, content: bytes) -> Self | None:
        """Return the holder that a file names, None if it names none.

        The file is replaced whole, so only a power failure leaves anything else, and no process survives one.
        """
        try:
            written = json.loads(content)
            known = {one.name: written[one.name] for one in fields(cls) if one.name in written}
            return cls(**{**known, "token": int(known["token"])})
        except (ValueError, TypeError, KeyError):
            return None

    @property
    def process(self) -> Mapping[str, Any]:
        """What `liveness` needs to know of the process."""
        return {"host": self.host, "pid": self.pid, "process_start": self.process_start, "lock": self.lock}

    def is_gone(self, outcome: LockOutcome, /) -> bool:
        """Return whether the lease may be taken over, given what came of asking for its lock."""
        if self.released is not None:
            return outcome is not LockOutcome.BUSY
        return abandoned_by(outcome, self.process)

    def may_be_gone(self) -> bool:
        """Return whether nobody can say from here that the process lives, as far as its id and start go."""
        return process_runs(self.process) is not True


class TokenTakenError(Exception):
    """Another process takes the lease at this moment."""


@dataclass(frozen=True, slots=True)
class LeaseFile:
    """The file, and beside it one claim per token where there are no locks.

    Args:
        path: The file; its folder exists.
    """

    path: Path

    def read(self) -> LeaseHolder | None:
        """Return who has the lease, or had it last; None if the file is not there or names nobody.

        Raises:
            OSError: It is there and cannot be read.
        """
        try:
            return LeaseHolder.decode(self.path.read_bytes())
        except FileNotFoundError:
            return None

    def write(self, holder: LeaseHolder, /) -> None:
        """Say who has the lease, and wait for the disk: after a power failure no token may be given out again.

        Raises:
            OSError: It cannot be written; what it said before still holds.
        """
        write_atomically(self.path, holder.encode(), sync=True)

    def last_claim(self) -> int:
        """Return the highest token that was claimed, 0 if there is none."""
        return max(self._claims(), default=0)

    @contextmanager
    def claimed(self, token: int) -> Iterator[None]:
        """Keep a token from every other process while the file is written.

        Where there are no locks, creating a file is what only one process can do.

        Raises:
            TokenTakenError: Another process has it, or a higher one.
            OSError: The claim cannot be written.
        """
        claim = self._claim(token)
        try:
            claim.touch(exist_ok=False)
        except FileExistsError as error:
            raise TokenTakenError from error
        try:
            self._check_last(token)
            yield
            claim.write_text("taken", encoding="ascii")
        except BaseException:
            claim.unlink(missing_ok=True)
            raise
        self._check_last(token)
        for older in self._claims():
            if older < token:
                self._claim(older).unlink(missing_ok=True)

    def is_being_taken(self) -> bool:
        """Return whether a process has claimed a token and is about to write it."""
        last = self.last_claim()
        try:
            status = self._claim(last).stat()
        except FileNotFoundError:
            return False
        return status.st_size == 0 and time.time() - status.st_mtime < _SECONDS_TO_TAKE

    def _check_last(self, token: int) -> None:
        if self.last_claim() > token:
            raise TokenTakenError  # this process slept in between, and others have gone on

    def _claim(self, token: int) -> Path:
        return self.path.with_name(f"{self.path.stem}.{token}{_CLAIM}")

    def _claims(self) -> Iterator[int]:
        begin = f"{self.path.stem}."
        for entry in self.path.parent.iterdir():
            if entry.name.startswith(begin) and entry.name.endswith(_CLAIM):
                token = entry.name[len(begin) : -len(_CLAIM)]
                if token.isdecimal():
                    yield int(token)
