"""The lease of a run: one run of a project and environment at a time, and a token that only ever grows.

Two runs of one project and environment would write the same outputs. So a run takes a lease before it begins: it locks
a file for as long as it lives, and writes into another one who it is, with a token that is one more than the last. When
its process ends, however it ends, the system lets go of the lock, and the next run takes the lease over at once.

Where a filesystem refuses locks, the process that is named in the file is looked for instead. That can go wrong: a run
in another container with the same host name cannot be seen, and somebody may delete the file of a run that only looked
dead. So a run asks before each save whether the file still says what it wrote (`RunLease.check`). A process that slept
through the loss of its lease finds another token there, and writes nothing more.
"""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from dataclasses import replace
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from odibi_core.diagnostics import get_logger
from odibi_core.errors import LeaseLostError, RunInProgressError, RunLogError
from odibi_core.runlog.disk import what_to_do, write_atomically
from odibi_core.runlog.layout import check_run_id, journal_path, lease_path, make_folder, make_state_dir, run_ids
from odibi_core.runlog.lease_file import LeaseFile, LeaseHolder, TokenTakenError
from odibi_core.runlog.liveness import LockOutcome, let_go_when_forked, lock_file, process_mark
from odibi_core.runlog.reading import scan_journal
from odibi_core.runlog.records import fold, now_iso

__all__ = ["RunLease"]

_PAUSES: Final = (0.001, 0.005, 0.02, 0.08, 0.2)
"""Seconds between looks at a lock that is held by nobody in particular: by a run that is just beginning or ending."""

_NEWEST: Final = 200
"""Runs to look at for the last token that was given out, if the file is gone: 0.2 s at worst."""

_OVERLAPPING: Final = 5
"""A run is named moments before it takes its token, so the newest by name need not have the highest token."""

_LONGEST: Final = 4096
"""Bytes of a lease file to read; there are some 250."""

_ONLY_READ: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0)


class RunLease:
    """The right of a run to write. Made by `acquire`; `check` may be called from any thread.

    Args:
        file: The file that says who has the lease.
        holder: What this run has written into it.
        lock: The file that is locked for as long as the run lives.
        what: The project and environment, for messages.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with RunLease.acquire(folder, project="P", env="qat", run_id="r1") as lease:
        ...     lease.check()
        ...     RunLease.acquire(folder, project="P", env="qat", run_id="r2")
        Traceback (most recent call last):
        odibi_core.errors.RunInProgressError: Run r1 of project 'P' in environment 'qat' is in progress: ...
        >>> with RunLease.acquire(folder, project="P", env="qat", run_id="r3") as lease:
        ...     lease.token
        2
    """

    def __init__(self, *, file: LeaseFile, holder: LeaseHolder, lock: FileIO, what: str, is_alone: bool) -> None:
        self.token = holder.token
        self.run_id = holder.run_id
        self._file = file
        self._name = os.fspath(file.path)
        self._holder = holder
        self._content = holder.encode()
        self._lock = lock
        self._what = what
        self._mark = _mark_of(self._name) if is_alone else None
        let_go_when_forked(self, RunLease._let_go)

    @classmethod
    def acquire(cls, state_dir: Path, *, project: str, env: str, run_id: str) -> RunLease:
        """Take the lease of a project and environment for a run.

        Args:
            state_dir: The project's `.odibi` folder; made if it is not there.
            project: The project's name.
            env: The environment.
            run_id: From `new_run_id`.

        Raises:
            RunInProgressError: Another run has it, and its process lives, or nobody can say that it does not.
            RunLogError: The lease cannot be read or written.
        """
        make_state_dir(state_dir)
        path = lease_path(state_dir, project=fold(project), env=fold(env))
        make_folder(path.parent)
        what = f"project {project!r} in environment {env!r}"
        try:
            return cls._acquire(LeaseFile(path), state_dir, project=project, env=env, run_id=run_id, what=what)
        except TokenTakenError as error:
            raise _refusal(None, what=what, path=path) from error
        except OSError as error:
            if isinstance(error, RunLogError):
                raise
            raise RunLogError(
                f"Cannot take the lease {path} of a run: {error.strerror}. {what_to_do(error)}"
            ) from error

    @classmethod
    def _acquire(cls, file: LeaseFile, state_dir: Path, *, project: str, env: str, run_id: str, what: str) -> RunLease:
        lock = FileIO(file.path.with_suffix(".lock"), "ab")
        try:
            outcome = _lock_patiently(lock, file)
            last = file.read()
            if outcome is LockOutcome.BUSY or (last is not None and not last.is_gone(outcome)):
                raise _refusal(last, what=what, path=file.path, is_locked=outcome is LockOutcome.BUSY)
            if file.is_being_taken():
                raise TokenTakenError
            used = _last_token(state_dir, project=project, env=env) if last is None else last.token
            holder = LeaseHolder(
                token=max(used, file.last_claim()) + 1,
                run_id=check_run_id(run_id),
                since=now_iso(),
                lock=str(outcome),
                **process_mark(),
            )
            is_alone = outcome is not LockOutcome.UNSUPPORTED
            with nullcontext() if is_alone else file.claimed(holder.token):
                file.write(holder)
            if last is not None and last.released is None:
                get_logger("runlog").info("lease of a dead run taken over", run=last.run_id, token=holder.token)
            return cls(file=file, holder=holder, lock=lock, what=what, is_alone=is_alone)
        except BaseException:
            lock.close()
            raise

    def check(self) -> None:
        """Make sure that this run still has the lease; costs some microseconds.

        The file is only ever replaced. Where locks are kept, its metadata tells whether it was; on other filesystems,
        which are often remote and may remember metadata for a while, it is read.

        Raises:
            LeaseLostError: Another run has it, or nobody can say who has; this run must write nothing more.
        """
        try:
            if self._mark is not None and _mark_of(self._name) == self._mark:
                return
            descriptor = os.open(self._name, _ONLY_READ)
            try:
                found = os.read(descriptor, _LONGEST)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._lost(f"{self._name} cannot be read: {error.strerror}") from error
        if found != self._content:
            raise self._lost(self._who_has_it(found))

    def release(self) -> None:
        """Give the lease back; doing so again, or after it was lost, does nothing."""
        if self._lock.closed:
            return
        try:
            self.check()
            write_atomically(self._file.path, replace(self._holder, released=now_iso()).encode())
        except LeaseLostError as error:
            get_logger("runlog").info("lease not given back", reason=str(error))
        except OSError as error:
            # A full disk. Without the file the lease is free too, and the token is in the run's journal.
            get_logger("runlog").warning("lease given back by deleting it", path=self._name, error=str(error))
            self._file.path.unlink(missing_ok=True)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._lock.close()

    def _who_has_it(self, content: bytes) -> str:
        now = LeaseHolder.decode(content)
        if now is None:
            return f"{self._name} names nobody"
        if now.token == self.token and now.released is not None:
            return f"it was given back at {_readable(now.released)}"
        return (
            f"run {now.run_id} (token {now.token}), process {now.pid} on {now.host}, took it over at "
            f"{_readable(now.since)}"
        )

    def _lost(self, how: str) -> LeaseLostError:
        return LeaseLostError(
            f"Run {self.run_id} (token {self.token}) of {self._what} has lost its lease: {how}. It stops and writes "
            f"nothing more; what it saved before is there. `odibi runs` shows which runs there are."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def _mark_of(name: str) -> tuple[int, int, int]:
    found = os.stat(name)  # noqa: PTH116 - Path.stat takes twice as long
    return found.st_ino, found.st_mtime_ns, found.st_size


def _lock_patiently(lock: FileIO, file: LeaseFile) -> LockOutcome:
    for pause in _PAUSES:
        outcome = lock_file(lock.fileno())
        if outcome is not LockOutcome.BUSY:
            return outcome
        holder = file.read()
        if holder is not None and holder.released is None and not holder.may_be_gone():
            return outcome
        time.sleep(pause)
    return lock_file(lock.fileno())


def _last_token(state_dir: Path, *, project: str, env: str) -> int:
    # The file is not there: the first run, or somebody deleted it. The journals know which tokens were given out.
    tokens: list[int] = []
    for run_id in run_ids(state_dir)[: -_NEWEST - 1 : -1]:
        try:
            header = next(scan_journal(journal_path(state_dir, run_id)), None)
        except RunLogError:
            continue  # a damaged journal must not keep anybody from running
        if header is None or not isinstance(header.content.get("lease_token"), int):
            continue
        said = header.content
        if fold(str(said.get("project"))) == fold(project) and fold(str(said.get("env"))) == fold(env):
            tokens.append(said["lease_token"])
            if len(tokens) == _OVERLAPPING:
                break
    return max(tokens, default=0)


def _refusal(holder: LeaseHolder | None, *, what: str, path: Path, is_locked: bool = False) -> RunInProgressError:
    reason = "Two runs of one project and environment would write the same outputs, so this one has not begun."
    if holder is None or holder.released is not None:
        return RunInProgressError(f"Another run of {what} is just beginning or ending. {reason} Try again in a moment.")
    text = (
        f"Run {holder.run_id} of {what} is in progress: process {holder.pid} on {holder.host}, since "
        f"{_readable(holder.since)}. {reason} `odibi runs show {holder.run_id}` says how far it is; wait until it has "
        "ended, or end it."
    )
    if not is_locked and holder.may_be_gone():
        text += (
            f" Whether its process still lives cannot be known from here, because the filesystem has no locks; if you "
            f"are certain that it does not, delete {path}."
        )
    return RunInProgressError(text, run_id=holder.run_id)


def _readable(moment: str) -> str:
    return f"{moment[:19].replace('T', ' ')} UTC"
